"""Answers for attested enclaves: documents signed with Python's cryptography, answers opened with the openssl command."""

import datetime
import subprocess

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness import REGION, Aws, Server

NOW = datetime.datetime(2026, 11, 2, 8, tzinfo=datetime.timezone.utc)


def cbor(value):
    """As much of RFC 8949 as a document needs."""

    def head(major, number):
        if number < 24:
            return bytes([major << 5 | number])
        for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if number < 1 << 8 * size:
                return bytes([major << 5 | code]) + number.to_bytes(size, "big")

    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def certificate(name, key, issuer, issuer_key, authority):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(hours=1))
        .not_valid_after(NOW + datetime.timedelta(hours=3))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA384())
    )


class Enclave:
    def __init__(self, directory):
        root_key, self.key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
        root = certificate("aws.nitro-enclaves", root_key, None, root_key, True)
        leaf = certificate("i-1-enc1.example", self.key, root, root_key, False)
        self.private = rsa.generate_private_key(65537, 2048)
        self.root, self.leaf = (c.public_bytes(serialization.Encoding.DER) for c in (root, leaf))
        self.root_file, self.key_file = directory / "root.pem", directory / "enclave.pem"
        self.root_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.key_file.write_bytes(
            self.private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def recipient(self):
        public = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        payload = cbor(
            {
                "module_id": "i-1-enc1", "timestamp": int(NOW.timestamp() * 1000), "digest": "SHA384",
                "pcrs": {0: b"\xab" * 48}, "certificate": self.leaf, "cabundle": [self.root],
                "public_key": public, "user_data": None, "nonce": None,
            }
        )
        protected = cbor({1: -35})
        signature = self.key.sign(cbor(["Signature1", protected, b"", payload]), ec.ECDSA(hashes.SHA384()))
        raw = b"".join(number.to_bytes(48, "big") for number in decode_dss_signature(signature))
        document = cbor([protected, {}, payload, raw])
        return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}

    def open(self, answer):
        command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", str(self.key_file)]
        return subprocess.run(command, input=answer, check=True, capture_output=True).stdout


@pytest.fixture
def enclave(tmp_path):
    return Enclave(tmp_path)


def started(tmp_path, *options):
    server = Server(tmp_path / "data", "--test-clock", NOW.isoformat().replace("+00:00", "Z"), *options)
    server.data_dir.mkdir()
    server.start()
    environment = server.environment()
    return server, boto3.client(
        "kms",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_answers_are_for_the_enclave_alone(tmp_path, enclave):
    server, kms = started(tmp_path, "--attestation-root", str(enclave.root_file))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=enclave.recipient())
    assert "Plaintext" not in made
    data_key = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]
    assert enclave.open(made["CiphertextForRecipient"]) == data_key
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], Recipient=enclave.recipient())
    assert enclave.open(opened["CiphertextForRecipient"]) == data_key
    assert len(enclave.open(kms.generate_random(NumberOfBytes=1024, Recipient=enclave.recipient())["CiphertextForRecipient"])) == 1024
    pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256", Recipient=enclave.recipient())
    private = serialization.load_der_private_key(enclave.open(pair["CiphertextForRecipient"]), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == pair["PublicKey"] and "PrivateKeyPlaintext" not in pair
    events = Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=GenerateDataKeyPair")
    assert '"attestationDocumentEnclaveImageDigest":"' + "ab" * 48 in events["Events"][0]["CloudTrailEvent"]
    server.advance("4h")
    with pytest.raises(ClientError) as refusal:
        kms.generate_random(NumberOfBytes=1, Recipient=enclave.recipient())
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    server.stop()


def test_a_shared_secret_is_for_the_enclave_alone(tmp_path, enclave):
    server, kms = started(tmp_path, "--attestation-root", str(enclave.root_file))
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["KeyId"]
    peer = ec.generate_private_key(ec.SECP256R1())
    public = peer.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    wish = dict(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    made = kms.derive_shared_secret(**wish, Recipient=enclave.recipient())
    assert "SharedSecret" not in made
    theirs = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert enclave.open(made["CiphertextForRecipient"]) == peer.exchange(ec.ECDH(), theirs)
    assert kms.derive_shared_secret(**wish)["SharedSecret"] == peer.exchange(ec.ECDH(), theirs)
    [attested, *_] = [
        event["CloudTrailEvent"]
        for event in Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=DeriveSharedSecret")["Events"]
        if "attestationDocument" in event["CloudTrailEvent"]
    ]
    assert '"attestationDocumentEnclaveImageDigest":"' + "ab" * 48 in attested
    forged = enclave.recipient()
    forged["AttestationDocument"] = forged["AttestationDocument"][:-1] + bytes([forged["AttestationDocument"][-1] ^ 1])
    with pytest.raises(ClientError) as refusal:
        kms.derive_shared_secret(**wish, Recipient=forged)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    server.stop()


def test_without_a_root_no_document_counts(tmp_path, enclave):
    server, kms = started(tmp_path)
    with pytest.raises(ClientError) as refusal:
        kms.generate_random(NumberOfBytes=1, Recipient=enclave.recipient())
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    server.stop()
