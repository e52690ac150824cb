"""The AWS Encryption SDK for Python with keys of the built binary: envelopes sealed under one key, under several, and under a multi-Region key."""

import aws_encryption_sdk
import boto3
import botocore.session
import pytest
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import Algorithm
from aws_encryption_sdk.key_providers.kms import (
    DiscoveryAwsKmsMasterKeyProvider, MRKAwareStrictAwsKmsMasterKeyProvider, StrictAwsKmsMasterKeyProvider,
)
from botocore.exceptions import ClientError

from harness import REGION, Server

ELSEWHERE = "eu-west-1"
CONTEXT = {"purpose": "test", "päär": "ключ"}
TEXT = b"a letter of some length, " * 1_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("encryption") / "data", "--test-clock", "2026-11-02T08:00:00Z")
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


@pytest.fixture
def session(server, monkeypatch):
    """A botocore session that finds server and credentials in the environment, as the Encryption SDK's own clients do."""
    for name, value in server.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return botocore.session.get_session()


@pytest.fixture
def kms(session):
    return boto3.client("kms", region_name=REGION)


def strict(session, *keys):
    return StrictAwsKmsMasterKeyProvider(key_ids=list(keys), botocore_session=session)


CLIENT = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


@pytest.mark.parametrize("algorithm", [
    Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY, Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
])
def test_an_envelope_comes_back_with_its_context(session, kms, algorithm):
    key = kms.create_key()["KeyMetadata"]["Arn"]
    provider = strict(session, key)
    sealed, _ = CLIENT.encrypt(source=TEXT, key_provider=provider, encryption_context=CONTEXT, algorithm=algorithm)
    opened, header = CLIENT.decrypt(source=sealed, key_provider=provider)
    assert opened == TEXT
    assert CONTEXT.items() <= header.encryption_context.items()
    assert [data_key.key_provider.key_info.decode() for data_key in header.encrypted_data_keys] == [key]
    found, _ = CLIENT.decrypt(source=sealed, key_provider=DiscoveryAwsKmsMasterKeyProvider(botocore_session=session))
    assert found == TEXT


def test_either_of_two_keys_opens_and_a_third_does_not(session, kms):
    first, second, third = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3))
    sealed, _ = CLIENT.encrypt(source=TEXT, key_provider=strict(session, first, second))
    kms.disable_key(KeyId=first)
    opened, _ = CLIENT.decrypt(source=sealed, key_provider=strict(session, second))
    assert opened == TEXT
    for closed in (first, third):
        with pytest.raises((AWSEncryptionSDKClientError, ClientError)):
            CLIENT.decrypt(source=sealed, key_provider=strict(session, closed))


def test_a_changed_envelope_is_refused(session, kms):
    provider = strict(session, kms.create_key()["KeyMetadata"]["Arn"])
    sealed, header = CLIENT.encrypt(source=TEXT, key_provider=provider, encryption_context=CONTEXT)
    blob = next(iter(header.encrypted_data_keys)).encrypted_data_key
    place = sealed.index(blob) + len(blob) - 1
    spoilt = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1:]
    with pytest.raises((AWSEncryptionSDKClientError, ClientError)):
        CLIENT.decrypt(source=spoilt, key_provider=provider)


def test_a_rotated_key_opens_old_envelopes(session, kms):
    key = kms.create_key()["KeyMetadata"]["Arn"]
    sealed, _ = CLIENT.encrypt(source=TEXT, key_provider=strict(session, key))
    kms.rotate_key_on_demand(KeyId=key)
    opened, _ = CLIENT.decrypt(source=sealed, key_provider=strict(session, key))
    assert opened == TEXT


def test_a_replica_opens_what_its_primary_sealed(server, session, kms):
    primary = kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    replica = kms.replicate_key(KeyId=primary, ReplicaRegion=ELSEWHERE)["ReplicaKeyMetadata"]["Arn"]
    server.advance("10s")
    mrk = lambda key: MRKAwareStrictAwsKmsMasterKeyProvider(key_ids=[key], botocore_session=session)
    sealed, _ = CLIENT.encrypt(source=TEXT, key_provider=mrk(primary))
    opened, _ = CLIENT.decrypt(source=sealed, key_provider=mrk(replica))
    assert opened == TEXT
