"""Nothing secret is in anything that is kept: after a run in which every secret is known, all stored bytes are searched for them."""

import base64
import gzip
import json
import re
import sqlite3

import boto3
import pytest
import zstandard
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from harness import ACCOUNT, REGION, Server

START = "2026-11-02T08:00:00Z"
PLAINTEXT = b"the formula of the secret sauce"
MESSAGE = b"a message that only its parties know"
MATERIAL = bytes(range(100, 132))
PASSWORD = "correct-Horse-battery-staple-17"


class Run:
    """Calls that meet secrets, and what they were."""

    def __init__(self, server):
        environment = server.environment()
        self.url = server.url
        self.id, self.root_secret = environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
        self.secrets = {}

    def client(self, service, **credentials):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=credentials.get("AccessKeyId", self.id),
            aws_secret_access_key=credentials.get("SecretAccessKey", self.root_secret),
            aws_session_token=credentials.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    def ciphers(self):
        kms = self.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        context = {"purpose": "shown in records"}
        blob = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=context)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == PLAINTEXT
        again = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=key)
        data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
        pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256")
        self.secrets |= {
            "plaintext": PLAINTEXT,
            "ciphertext": blob,
            "ciphertext after ReEncrypt": again["CiphertextBlob"],
            "data key": data_key["Plaintext"],
            "encrypted data key": data_key["CiphertextBlob"],
            "private key of a pair": pair["PrivateKeyPlaintext"],
            "random bytes": kms.generate_random(NumberOfBytes=64)["Plaintext"],
        }
        with pytest.raises(ClientError):
            kms.encrypt(KeyId=key, Plaintext=PLAINTEXT * 200)

    def signatures(self):
        kms = self.client("kms")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        asked = dict(KeyId=key, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
        signature = kms.sign(**asked)["Signature"]
        kms.verify(Signature=signature, **asked)
        key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
        asked = dict(KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")
        mac = kms.generate_mac(**asked)["Mac"]
        kms.verify_mac(Mac=mac, **asked)
        self.secrets |= {"message": MESSAGE, "signature": signature, "mac": mac}

    def imports_and_grants(self):
        kms = self.client("kms")
        key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
        given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        wrapped = serialization.load_der_public_key(given["PublicKey"]).encrypt(MATERIAL, oaep)
        token = given["ImportToken"]
        kms.import_key_material(KeyId=key, ImportToken=token, EncryptedKeyMaterial=wrapped, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
        grant = kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root", Operations=["Encrypt"])
        kms.encrypt(KeyId=key, Plaintext=PLAINTEXT, GrantTokens=[grant["GrantToken"]])
        self.secrets |= {
            "imported material": MATERIAL,
            "wrapped material": wrapped,
            "import token": token,
            "grant token": grant["GrantToken"].encode(),
        }

    def identities(self):
        iam = self.client("iam")
        iam.create_user(UserName="Alice")
        iam.create_login_profile(UserName="Alice", Password=PASSWORD)
        allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        iam.put_user_policy(UserName="Alice", PolicyName="p", PolicyDocument=json.dumps(allow))
        access = iam.create_access_key(UserName="Alice")["AccessKey"]
        sts = self.client("sts", **access)
        session = sts.get_session_token()["Credentials"]
        named = sts.get_federation_token(Name="fred", Policy=json.dumps(allow))["Credentials"]
        self.client("kms", **session).list_keys()
        with pytest.raises(ClientError):
            self.client("kms", **(session | {"SecretAccessKey": "x" * 40})).list_keys()
        self.secrets |= {
            "password": PASSWORD.encode(),
            "secret access key of a user": access["SecretAccessKey"].encode(),
            "secret access key of a session": session["SecretAccessKey"].encode(),
            "session token": session["SessionToken"].encode(),
            "secret access key of a federated user": named["SecretAccessKey"].encode(),
            "federated token": named["SessionToken"].encode(),
        }


def kept(server):
    """Name and bytes of everything that is kept, with the log's blocks and gzip undone as well."""
    for file in sorted(path for path in server.data_dir.rglob("*") if path.is_file()):
        content = file.read_bytes()
        yield file.name, content
        if content.startswith(b"\x1f\x8b"):
            yield f"{file.name} unzipped", gzip.decompress(content)
    yield "the server's log", server.data_dir.with_suffix(".log").read_bytes()
    database = sqlite3.connect(server.data_dir / "keywatch.db")
    for table in [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]:
        for row in database.execute(f'SELECT * FROM "{table}"'):
            for value in row:
                value = value.encode() if isinstance(value, str) else value
                if not isinstance(value, bytes):
                    continue
                yield f"table {table}", value
                # A block of the log: its length, then a zstd frame.
                if value[4:8] == b"\x28\xb5\x2f\xfd":
                    length = int.from_bytes(value[:4], "little")
                    yield f"table {table}, unpacked", zstandard.ZstdDecompressor().decompress(value[4:], max_output_size=length)
    database.close()


def forms(secret):
    """A secret as it may be written down; of the base64 forms what does not depend on where it starts."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret)
        yield whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
    yield json.dumps(list(secret)).replace(" ", "").encode()[1:-1]


def test_nothing_secret_is_kept(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    run = Run(server)
    s3, trail = run.client("s3"), run.client("cloudtrail")
    s3.create_bucket(Bucket="trail-files")
    trail.create_trail(Name="all", S3BucketName="trail-files")
    trail.start_logging(Name="all")
    run.ciphers()
    run.signatures()
    run.imports_and_grants()
    run.identities()
    server.advance("20m")
    server.stop()
    # The root access key is kept in the owner's own file, and the first start shows it once.
    secrets = run.secrets | {"root secret": run.root_secret.encode()}
    searched, unpacked, unzipped = 0, 0, 0
    for name, content in kept(server):
        searched += len(content)
        unpacked += name.endswith("unpacked")
        unzipped += name.endswith("unzipped")
        for secret, value in secrets.items():
            if secret == "root secret" and name in ("credentials", "the server's log"):
                assert content.count(value) == 1
                continue
            for form in forms(value):
                assert form not in content, f"{secret} is in {name}"
    assert unpacked and unzipped and searched > 100_000
    print(f"searched {searched:,} bytes for {len(secrets)} secrets: blocks {unpacked}, log files {unzipped}")
    records = b"".join(content for name, content in kept(server) if name.endswith("unzipped"))
    assert b"shown in records" in records, "what belongs into records was found by the same search"
    assert re.search(rb'"eventName":"GetFederationToken"', records)
