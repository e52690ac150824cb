"""Every key spec and algorithm of KMS, with Python's `cryptography` (OpenSSL) or the OpenSSL command on the other side: what the
server signs they verify and the other way round, what one encrypts the other decrypts, what one agrees on so does the other."""

import base64
import datetime
import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from harness import REGION, Server

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
except ImportError:  # Before version 47 of `cryptography`.
    mldsa = mlkem = None

HASH = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(), "ECC_NIST_P384": ec.SECP384R1(), "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
RSA_SPECS = ["RSA_2048", "RSA_3072", "RSA_4096"]
MESSAGE = b"a message that both sides know"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("specs") / "data")
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def kms(server):
    exports = server.environment()
    return boto3.client(
        "kms", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def create(kms, spec, usage, **more):
    return kms.create_key(KeySpec=spec, KeyUsage=usage, **more)["KeyMetadata"]["KeyId"]


def public_key(kms, key):
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])


def digest_of(algorithm, message):
    digest = hashes.Hash(HASH[algorithm[-3:]])
    digest.update(message)
    return digest.finalize()


def code_of(error):
    return error.value.response["Error"]["Code"]


def rsa_padding(algorithm):
    if "PKCS1" in algorithm:
        return padding.PKCS1v15()
    return padding.PSS(mgf=padding.MGF1(HASH[algorithm[-3:]]), salt_length=HASH[algorithm[-3:]].digest_size)


@pytest.mark.parametrize("spec", RSA_SPECS)
def test_rsa_signatures(kms, spec):
    key = create(kms, spec, "SIGN_VERIFY")
    public = public_key(kms, key)
    assert public.key_size == int(spec[4:]) and public.public_numbers().e == 65537
    algorithms = kms.describe_key(KeyId=key)["KeyMetadata"]["SigningAlgorithms"]
    assert len(algorithms) == 6
    for algorithm in algorithms:
        pad, digest = rsa_padding(algorithm), digest_of(algorithm, MESSAGE)
        for message_type, message in [("RAW", MESSAGE), ("DIGEST", digest)]:
            call = {"KeyId": key, "Message": message, "MessageType": message_type, "SigningAlgorithm": algorithm}
            signature = kms.sign(**call)["Signature"]
            public.verify(signature, digest, pad, utils.Prehashed(HASH[algorithm[-3:]]))
            assert kms.verify(**call, Signature=signature)["SignatureValid"]
    # The longest salt that OpenSSL can use is not the hash's length, and KMS knows no other.
    private = rsa.generate_private_key(65537, int(spec[4:]))
    imported = import_material(kms, spec, "SIGN_VERIFY", pkcs8(private), "RSA_AES_KEY_WRAP_SHA_256")
    longest = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
    for pad, valid in [(rsa_padding("RSASSA_PSS_SHA_256"), True), (longest, False)]:
        call = {"KeyId": imported, "Message": MESSAGE, "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
        signature = private.sign(MESSAGE, pad, hashes.SHA256())
        if valid:
            assert kms.verify(**call, Signature=signature)["SignatureValid"]
        else:
            with pytest.raises(kms.exceptions.KMSInvalidSignatureException):
                kms.verify(**call, Signature=signature)


@pytest.mark.parametrize("spec", CURVES)
def test_ecdsa_signatures(kms, spec):
    key = create(kms, spec, "SIGN_VERIFY")
    public = public_key(kms, key)
    assert public.curve.name == CURVES[spec].name
    [algorithm] = kms.describe_key(KeyId=key)["KeyMetadata"]["SigningAlgorithms"]
    hash_, digest = HASH[algorithm[-3:]], digest_of(algorithm, MESSAGE)
    for message_type, message in [("RAW", MESSAGE), ("DIGEST", digest)]:
        call = {"KeyId": key, "Message": message, "MessageType": message_type, "SigningAlgorithm": algorithm}
        signature = kms.sign(**call)["Signature"]
        public.verify(signature, MESSAGE, ec.ECDSA(hash_))
        assert kms.verify(**call, Signature=signature)["SignatureValid"]
        with pytest.raises(kms.exceptions.KMSInvalidSignatureException):
            kms.verify(**(call | {"Message": bytes([message[0] ^ 1]) + message[1:]}), Signature=signature)


def openssl(tmp_path, *arguments, **files):
    """The OpenSSL command; files by the names that the arguments give them."""
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    "spec, algorithm, options",
    [
        ("RSA_2048", "RSASSA_PSS_SHA_256", ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", []),
        ("ECC_NIST_P256", "ECDSA_SHA_256", []),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256", []),
    ],
)
def test_the_openssl_command_verifies(kms, tmp_path, spec, algorithm, options):
    key = create(kms, spec, "SIGN_VERIFY")
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    arguments = [
        "dgst", f"-sha{algorithm[-3:]}", "-keyform", "DER", "-verify", "public", *options, "-signature", "signature",
        "message",
    ]
    files = {"public": kms.get_public_key(KeyId=key)["PublicKey"], "signature": signature, "message": MESSAGE}
    done = openssl(tmp_path, *arguments, **files)
    assert (done.returncode, done.stdout) == (0, b"Verified OK\n"), done.stderr
    assert openssl(tmp_path, *arguments, **(files | {"message": b"other"})).returncode != 0


def test_ed25519(kms, tmp_path):
    key = create(kms, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    call = {"KeyId": key, "Message": MESSAGE, "SigningAlgorithm": "ED25519_SHA_512"}
    signature = kms.sign(**call)["Signature"]
    public_key(kms, key).verify(signature, MESSAGE)
    assert kms.verify(**call, Signature=signature)["SignatureValid"]
    with pytest.raises(InvalidSignature):
        public_key(kms, key).verify(signature, b"other")

    private = ed25519.Ed25519PrivateKey.generate()
    imported = import_material(kms, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", pkcs8(private), "RSAES_OAEP_SHA_256")
    assert kms.verify(**(call | {"KeyId": imported}), Signature=private.sign(MESSAGE))["SignatureValid"]
    # RFC 8032, 7.3: the message "abc" for Ed25519ph. KMS is given the digest and hashes it once more, so only the
    # round trip can be shown here; the published signature is checked beside the code.
    digest = hashlib.sha512(MESSAGE).digest()
    prehashed = {
        "KeyId": key, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ED25519_PH_SHA_512",
    }
    signature = kms.sign(**prehashed)["Signature"]
    assert len(signature) == 64 and kms.verify(**prehashed, Signature=signature)["SignatureValid"]
    with pytest.raises(InvalidSignature):
        public_key(kms, key).verify(signature, digest)


@pytest.mark.skipif(mldsa is None, reason="this version of cryptography has no ML-DSA")
@pytest.mark.parametrize("spec, length", [("ML_DSA_44", 2420), ("ML_DSA_65", 3309), ("ML_DSA_87", 4627)])
def test_ml_dsa(kms, spec, length):
    key = create(kms, spec, "SIGN_VERIFY")
    public = public_key(kms, key)
    call = {"KeyId": key, "Message": MESSAGE, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    signature = kms.sign(**call)["Signature"]
    assert len(signature) == length
    public.verify(signature, MESSAGE)
    assert kms.verify(**call, Signature=signature)["SignatureValid"]
    # FIPS 204, algorithm 7, line 6, with the empty context.
    hashed_key = hashlib.shake_256(public.public_bytes_raw()).digest(64)
    mu = hashlib.shake_256(hashed_key + b"\x00\x00" + MESSAGE).digest(64)
    external = call | {"Message": mu, "MessageType": "EXTERNAL_MU"}
    signature = kms.sign(**external)["Signature"]
    public.verify(signature, MESSAGE)
    public.verify_mu(signature, mu)
    for form in [call, external]:
        assert kms.verify(**form, Signature=signature)["SignatureValid"]


@pytest.mark.parametrize("spec", RSA_SPECS)
def test_oaep(kms, tmp_path, spec):
    key = create(kms, spec, "ENCRYPT_DECRYPT")
    public = public_key(kms, key)
    private = rsa.generate_private_key(65537, int(spec[4:]))
    imported = import_material(kms, spec, "ENCRYPT_DECRYPT", pkcs8(private), "RSA_AES_KEY_WRAP_SHA_1")
    for algorithm, hash_ in [("RSAES_OAEP_SHA_1", hashes.SHA1()), ("RSAES_OAEP_SHA_256", hashes.SHA256())]:
        pad = padding.OAEP(mgf=padding.MGF1(hash_), algorithm=hash_, label=None)
        longest = os.urandom(int(spec[4:]) // 8 - 2 * hash_.digest_size - 2)
        for plaintext in [b"p", longest]:
            sealed = public.encrypt(plaintext, pad)
            call = {"KeyId": key, "EncryptionAlgorithm": algorithm}
            assert kms.decrypt(**call, CiphertextBlob=sealed)["Plaintext"] == plaintext
            call["KeyId"] = imported
            assert private.decrypt(kms.encrypt(**call, Plaintext=plaintext)["CiphertextBlob"], pad) == plaintext
        with pytest.raises(ClientError) as error:
            kms.encrypt(**call, Plaintext=longest + b"x")
        assert error.value.response["Error"]["Message"] == (
            f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {len(longest)} bytes."
        )
    arguments = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "public", "-in", "plain", "-out", "sealed"]
    options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"]
    der = kms.get_public_key(KeyId=key)["PublicKey"]
    done = openssl(tmp_path, *arguments, *options, public=der, plain=b"from the command")
    assert done.returncode == 0, done.stderr
    opened = kms.decrypt(
        KeyId=key, EncryptionAlgorithm="RSAES_OAEP_SHA_256", CiphertextBlob=(tmp_path / "sealed").read_bytes()
    )
    assert opened["Plaintext"] == b"from the command"


@pytest.mark.parametrize("bits", ["224", "256", "384", "512"])
def test_hmac(kms, bits):
    spec, algorithm, hash_ = f"HMAC_{bits}", f"HMAC_SHA_{bits}", ({"224": hashes.SHA224()} | HASH)[bits]
    for length in [int(bits) // 8, 128]:
        material = os.urandom(length)
        key = import_material(kms, spec, "GENERATE_VERIFY_MAC", material, "RSAES_OAEP_SHA_256")
        ours = hmac.HMAC(material, hash_)
        ours.update(MESSAGE)
        mac = kms.generate_mac(KeyId=key, MacAlgorithm=algorithm, Message=MESSAGE)["Mac"]
        assert mac == ours.finalize()
        assert kms.verify_mac(KeyId=key, MacAlgorithm=algorithm, Message=MESSAGE, Mac=mac)["MacValid"]
    with pytest.raises(kms.exceptions.KMSInvalidMacException):
        kms.verify_mac(KeyId=key, MacAlgorithm=algorithm, Message=b"other", Mac=mac)
    with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
        import_material(kms, spec, "GENERATE_VERIFY_MAC", os.urandom(int(bits) // 8 - 1), "RSAES_OAEP_SHA_256")


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_ecdh(kms, spec):
    key = create(kms, spec, "KEY_AGREEMENT")
    ours = ec.generate_private_key(CURVES[spec])
    der = ours.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    answer = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=der)
    assert answer["SharedSecret"] == ours.exchange(ec.ECDH(), public_key(kms, key))


def raw_call(server, operation, **body):
    """One call of an operation that the installed botocore may not know, signed by it nevertheless; bytes go as base64."""
    exports = server.environment()
    shown = {name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in body.items()}
    headers = {"X-Amz-Target": f"TrentService.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", exports["AWS_ENDPOINT_URL"] + "/", headers=headers, data=json.dumps(shown).encode())
    credentials = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "kms", REGION).add_auth(request)
    sent = urllib.request.Request(request.url, data=request.data, headers=dict(request.headers), method="POST")
    with urllib.request.urlopen(sent, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize("spec, length", [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)])
def test_ml_kem(kms, server, spec, length):
    key = raw_call(server, "CreateKey", KeySpec=spec, KeyUsage="ENCAPSULATE_DECAPSULATE")["KeyMetadata"]["KeyId"]
    sent = raw_call(server, "Encapsulate", KeyId=key, EncapsulationAlgorithm="ML_KEM")
    assert len(base64.b64decode(sent["SharedSecretCiphertextBlob"])) == length
    received = raw_call(
        server, "Decapsulate", KeyId=key, EncapsulationAlgorithm="ML_KEM",
        SharedSecretCiphertextBlob=sent["SharedSecretCiphertextBlob"],
    )
    assert received["SharedSecret"] == sent["SharedSecret"]
    with pytest.raises(urllib.error.HTTPError):
        raw_call(server, "Decapsulate", KeyId=key, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=b"short")
    if mlkem is None or spec == "ML_KEM_512":  # `cryptography` has the two larger sets only.
        return
    public = public_key(kms, key)
    secret, ciphertext = public.encapsulate()
    received = raw_call(
        server, "Decapsulate", KeyId=key, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=ciphertext
    )
    assert base64.b64decode(received["SharedSecret"]) == secret


@pytest.mark.parametrize("spec", RSA_SPECS + [*CURVES, "ECC_NIST_EDWARDS25519", "ML_KEM_768", "ML_KEM_1024"])
def test_data_key_pairs(kms, server, spec):
    if spec.startswith("ML_KEM") and mlkem is None:
        pytest.skip("this version of cryptography has no ML-KEM")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    pair = raw_call(server, "GenerateDataKeyPair", KeyId=key, KeyPairSpec=spec)
    plaintext = base64.b64decode(pair["PrivateKeyPlaintext"])
    private = serialization.load_der_private_key(plaintext, None)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == base64.b64decode(pair["PublicKey"])
    opened = kms.decrypt(CiphertextBlob=base64.b64decode(pair["PrivateKeyCiphertextBlob"]))
    assert opened["Plaintext"] == plaintext and opened["KeyMaterialId"] == pair["KeyMaterialId"]


def pkcs8(private):
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def wrapped(parameters, algorithm, material):
    public = serialization.load_der_public_key(parameters["PublicKey"])
    hash_ = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    pad = padding.OAEP(mgf=padding.MGF1(hash_), algorithm=hash_, label=None)
    if algorithm.startswith("RSAES_OAEP"):
        return public.encrypt(material, pad)
    key = os.urandom(32)
    return public.encrypt(key, pad) + keywrap.aes_key_wrap_with_padding(key, material)


def import_into(kms, key, material, algorithm, wrapping_spec="RSA_3072", **more):
    parameters = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping_spec
    )
    if "ValidTo" not in more:
        more["ExpirationModel"] = "KEY_MATERIAL_DOES_NOT_EXPIRE"
    return kms.import_key_material(
        KeyId=key, ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrapped(parameters, algorithm, material), **more,
    )


def import_material(kms, spec, usage, material, algorithm, wrapping_spec="RSA_3072", **more):
    key = create(kms, spec, usage, Origin="EXTERNAL")
    import_into(kms, key, material, algorithm, wrapping_spec, **more)
    return key


def outside_material(spec):
    """Usage of a key, and material for it in the form in which it is imported."""
    if spec == "SYMMETRIC_DEFAULT":
        return "ENCRYPT_DECRYPT", os.urandom(32)
    if spec.startswith("HMAC"):
        return "GENERATE_VERIFY_MAC", os.urandom(int(spec[5:]) // 8)
    if spec in RSA_SPECS:
        return "SIGN_VERIFY", pkcs8(rsa.generate_private_key(65537, int(spec[4:])))
    private = ec.generate_private_key(CURVES[spec]) if spec in CURVES else ed25519.Ed25519PrivateKey.generate()
    return "SIGN_VERIFY", pkcs8(private)


#: Every parameters for an import come with a wrapping key of their own, and a long one takes a second to make: the long ones meet one key
#: of each kind, and every key when this is set.
ALL_WRAPPINGS = "KEYWATCH_ALL_WRAPPINGS" in os.environ
MEET_LONG_WRAPPINGS = ("SYMMETRIC_DEFAULT", "HMAC_256", "ECC_NIST_P256", "RSA_2048")


def wrappings(spec):
    """Wrapping algorithm and wrapping key spec, as the guide lists them for the kind of material; its sizes forbid the rest."""
    wrapping_specs = RSA_SPECS if ALL_WRAPPINGS or spec in MEET_LONG_WRAPPINGS else RSA_SPECS[:1]
    pair = spec in RSA_SPECS or spec.startswith("ECC")
    for algorithm in ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"):
        for wrapping_spec in wrapping_specs:
            too_large = spec in RSA_SPECS or (spec, wrapping_spec) == ("ECC_NIST_P521", "RSA_2048")
            if pair if "AES_KEY" in algorithm else not too_large:
                yield algorithm, wrapping_spec


HMAC_SPECS = ["HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"]


@pytest.mark.parametrize("spec", ["SYMMETRIC_DEFAULT", *HMAC_SPECS, *CURVES, "ECC_NIST_EDWARDS25519", *RSA_SPECS])
def test_material_of_every_spec_is_imported_under_every_wrapping(kms, spec):
    usage, material = outside_material(spec)
    key = create(kms, spec, usage, Origin="EXTERNAL")
    known = None
    for algorithm, wrapping_spec in wrappings(spec):
        import_into(kms, key, material, algorithm, wrapping_spec)
        metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
        assert (metadata["KeyState"], metadata["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
        # The first import's work is known by the later ones: what came is what was sent, each time.
        made = checked(kms, key, spec, material, known)
        known = known or made
        kms.delete_imported_key_material(KeyId=key)
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"


def checked(kms, key, spec, material, known):
    """Something made with a key of imported material, after the material outside has confirmed it."""
    if spec == "SYMMETRIC_DEFAULT":
        assert known is None or kms.decrypt(CiphertextBlob=known)["Plaintext"] == MESSAGE
        return kms.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
    if spec in HMAC_SPECS:
        tag = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=f"HMAC_SHA_{spec[5:]}")["Mac"]
        hash_ = hashes.SHA224() if spec == "HMAC_224" else HASH[spec[5:]]
        outside = hmac.HMAC(material, hash_)
        outside.update(MESSAGE)
        outside.verify(tag)
        return tag
    private = serialization.load_der_private_key(material, None)
    assert public_key(kms, key) == private.public_key()
    algorithm = next(name for name in kms.describe_key(KeyId=key)["KeyMetadata"]["SigningAlgorithms"] if "PH" not in name)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    if spec in RSA_SPECS:
        private.public_key().verify(signature, MESSAGE, rsa_padding(algorithm), HASH[algorithm[-3:]])
    elif spec in CURVES:
        private.public_key().verify(signature, MESSAGE, ec.ECDSA(HASH[algorithm[-3:]]))
    else:
        private.public_key().verify(signature, MESSAGE)
    return signature


@pytest.mark.parametrize("spec", [*CURVES, "ECC_NIST_EDWARDS25519", *RSA_SPECS])
def test_only_the_same_private_key_comes_back(kms, spec):
    def generate():
        if spec in CURVES:
            return ec.generate_private_key(CURVES[spec])
        if spec in RSA_SPECS:
            return rsa.generate_private_key(65537, int(spec[4:]))
        return ed25519.Ed25519PrivateKey.generate()

    private, algorithm = generate(), "RSA_AES_KEY_WRAP_SHA_256"
    key = import_material(kms, spec, "SIGN_VERIFY", pkcs8(private), algorithm)
    before = kms.get_public_key(KeyId=key)["PublicKey"]
    kms.delete_imported_key_material(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    assert kms.get_public_key(KeyId=key)["PublicKey"] == before
    [*_, signing] = kms.describe_key(KeyId=key)["KeyMetadata"]["SigningAlgorithms"]
    call = {"KeyId": key, "Message": os.urandom(64), "MessageType": "DIGEST", "SigningAlgorithm": signing}
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.sign(**call)
    with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
        import_into(kms, key, pkcs8(generate()), algorithm)
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    import_into(kms, key, pkcs8(private), algorithm, ValidTo=tomorrow, ExpirationModel="KEY_MATERIAL_EXPIRES")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    for wrong in [{"ImportType": "NEW_KEY_MATERIAL"}, {"KeyMaterialDescription": "x"}]:
        with pytest.raises(ClientError) as error:
            import_into(kms, key, pkcs8(private), algorithm, **wrong)
        assert code_of(error) == "ValidationException"


def test_material_of_another_kind_is_refused(kms):
    other_curve = pkcs8(ec.generate_private_key(ec.SECP384R1()))
    smaller = pkcs8(rsa.generate_private_key(65537, 2048))
    cases = [("ECC_NIST_P256", other_curve), ("ECC_NIST_P256", os.urandom(32)), ("RSA_3072", smaller)]
    for spec, material in cases:
        with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
            import_material(kms, spec, "SIGN_VERIFY", material, "RSA_AES_KEY_WRAP_SHA_256")
    for spec, algorithm, wrapping in [
        ("RSA_2048", "RSAES_OAEP_SHA_256", "RSA_4096"), ("ECC_NIST_P521", "RSAES_OAEP_SHA_1", "RSA_2048"),
        ("ECC_NIST_P256", "SM2PKE", "SM2"), ("ECC_NIST_P256", "RSAES_PKCS1_V1_5", "RSA_2048"),
    ]:
        key = create(kms, spec, "SIGN_VERIFY", Origin="EXTERNAL")
        with pytest.raises(kms.exceptions.UnsupportedOperationException):
            kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping)
    for spec, usage in [("ML_DSA_44", "SIGN_VERIFY"), ("SM2", "SIGN_VERIFY")]:
        with pytest.raises(kms.exceptions.UnsupportedOperationException):
            create(kms, spec, usage, Origin="EXTERNAL")
