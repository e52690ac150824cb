"""Multi-Region keys with boto3 against the built binary: one server is every Region."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCOUNT, Aws, Server

START = "2026-11-02T08:00:00Z"
HOME, AWAY = "us-east-1", "eu-west-1"


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def client(server, service, region):
    environment = server.environment()
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(call, **arguments):
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    error = refusal.value.response["Error"]
    return error["Code"], error.get("Message", "")


def names(server, region):
    """Names of the region's KMS events, oldest first."""
    pages = client(server, "cloudtrail", region).get_paginator("lookup_events").paginate()
    return [event["EventName"] for page in pages for event in page["Events"]][::-1]


def test_a_family_of_two_regions_from_birth_to_death(server):
    home, away = client(server, "kms", HOME), client(server, "kms", AWAY)
    key = home.create_key(MultiRegion=True, Description="first")["KeyMetadata"]["KeyId"]
    assert key.startswith("mrk-")
    made = home.replicate_key(KeyId=key, ReplicaRegion=AWAY, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert made["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    assert refused(away.encrypt, KeyId=key, Plaintext=b"x") == (
        "KMSInvalidStateException",
        f"arn:aws:kms:{AWAY}:{ACCOUNT}:key/{key} is creating.",
    )
    server.advance("10s")
    blob = home.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    opened = away.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", f"arn:aws:kms:{AWAY}:{ACCOUNT}:key/{key}")
    assert names(server, AWAY)[:3] == ["CreateKey", "Encrypt", "SynchronizeMultiRegionKey"]
    home.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    server.advance("91d")
    before, after = (kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] for kms in (home, away))
    assert before == after != opened["KeyMaterialId"]
    newer = away.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert home.decrypt(CiphertextBlob=newer)["Plaintext"] == b"y"
    assert away.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"
    assert "SynchronizeMultiRegionKey" in names(server, AWAY)

    home.update_primary_region(KeyId=key, PrimaryRegion=AWAY)
    assert away.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Updating"
    server.advance("10s")
    configuration = home.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert configuration["MultiRegionKeyType"] == "REPLICA"
    assert configuration["PrimaryKey"]["Region"] == AWAY
    assert names(server, HOME).count("UpdatePrimaryRegion") == names(server, AWAY).count("UpdatePrimaryRegion") == 1

    waiting = away.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert waiting["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in waiting
    home.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    server.advance("8d")
    assert refused(home.describe_key, KeyId=key)[0] == "NotFoundException"
    assert away.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    server.advance("8d")
    assert refused(away.describe_key, KeyId=key)[0] == "NotFoundException"
    for region in (HOME, AWAY):
        assert names(server, region).count("DeleteKey") == 1


def test_only_a_primary_is_replicated_and_only_once(server):
    home = client(server, "kms", HOME)
    single = home.create_key()["KeyMetadata"]
    assert refused(home.replicate_key, KeyId=single["KeyId"], ReplicaRegion=AWAY) == (
        "UnsupportedOperationException",
        f"{single['Arn']} is not a multi-region primary key.",
    )
    key = home.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    cli = Aws(server)
    cli("kms", "replicate-key", key_id=key, replica_region=AWAY)
    assert refused(home.replicate_key, KeyId=key, ReplicaRegion=AWAY)[0] == "AlreadyExistsException"
    assert refused(home.replicate_key, KeyId=key, ReplicaRegion="nowhere")[0] == "ValidationException"
