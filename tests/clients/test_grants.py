"""Grants, last usage, request quotas and seeds, with boto3 and the AWS CLI against the built binary."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCOUNT, REGION, Aws, Server

START = "2026-11-02T08:00:00Z"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
SEEDS = """
[[key]]
id = "1234abcd-12ab-34cd-56ef-1234567890ab"
description = "from a file"
material = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
aliases = ["alias/seeded"]
tags = { Team = "blue" }
"""


@pytest.fixture
def start(tmp_path):
    """Starts a server on a test clock, with more options if need be."""
    servers = []

    def started(*options):
        server = Server(tmp_path / "data", "--test-clock", START, *options)
        server.data_dir.mkdir(exist_ok=True)
        servers.append(server)
        return server.start()

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.stop()


def kms(server, key=None, region=REGION):
    environment = server.environment()
    return boto3.client(
        "kms",
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=key["AccessKeyId"] if key else environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=key["SecretAccessKey"] if key else environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def user(server, name):
    """A user without any policy; its access key."""
    root = Aws(server)
    root("iam", "create-user", user_name=name)
    return root("iam", "create-access-key", user_name=name)["AccessKey"]


def refused(call, **arguments):
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    return refusal.value.response["Error"]["Code"]


def test_a_grant_is_all_that_a_user_needs(start):
    server = start()
    root, alice = kms(server), kms(server, user(server, "alice"))
    key = root.create_key()["KeyMetadata"]
    context = {"Department": "IT"}
    assert refused(alice.encrypt, KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=context) == "AccessDeniedException"
    grant = root.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=ALICE,
        RetiringPrincipal=ALICE,
        Operations=["Encrypt", "Decrypt"],
        Constraints={"EncryptionContextSubset": context},
        Name="for-alice",
    )
    blob = alice.encrypt(
        KeyId=key["Arn"], Plaintext=b"x", EncryptionContext=context, GrantTokens=[grant["GrantToken"]]
    )["CiphertextBlob"]
    assert alice.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    assert refused(alice.encrypt, KeyId=key["KeyId"], Plaintext=b"x") == "AccessDeniedException"
    assert refused(alice.describe_key, KeyId=key["KeyId"]) == "AccessDeniedException"
    assert refused(alice.encrypt, KeyId=key["KeyId"], Plaintext=b"x", GrantTokens=["AAAA"]) in (
        "InvalidGrantTokenException",
        "AccessDeniedException",
    )
    assert refused(root.create_grant, KeyId=key["KeyId"], GranteePrincipal=ALICE, Operations=["Sign"]) == "ValidationException"

    listed = root.list_grants(KeyId=key["KeyId"])["Grants"]
    assert [(g["GrantId"], g["Name"], g["Operations"], g["Constraints"]) for g in listed] == [
        (grant["GrantId"], "for-alice", ["Decrypt", "Encrypt"], {"EncryptionContextSubset": context})
    ]
    assert root.list_retirable_grants(RetiringPrincipal=ALICE)["Grants"] == listed
    events = Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=CreateGrant")
    assert grant["GrantToken"] not in str(events) and grant["GrantId"] in str(events)

    assert refused(alice.revoke_grant, KeyId=key["KeyId"], GrantId=grant["GrantId"]) == "AccessDeniedException"
    assert refused(alice.retire_grant, GrantToken=grant["GrantToken"], DryRun=True) == "DryRunOperationException"
    alice.retire_grant(GrantToken=grant["GrantToken"])
    assert root.list_grants(KeyId=key["KeyId"])["Grants"] == []
    assert refused(alice.decrypt, CiphertextBlob=blob, EncryptionContext=context) == "AccessDeniedException"


def test_fifty_grants_come_in_pages(start):
    server = start()
    root = Aws(server)
    user(server, "alice")
    client = kms(server)
    key = client.create_key()["KeyMetadata"]["KeyId"]
    made = {
        client.create_grant(KeyId=key, GranteePrincipal=ALICE, Operations=["Encrypt"])["GrantId"] for _ in range(51)
    }
    pages = list(client.get_paginator("list_grants").paginate(KeyId=key, PaginationConfig={"PageSize": 20}))
    assert [len(page["Grants"]) for page in pages] == [20, 20, 11]
    assert {grant["GrantId"] for page in pages for grant in page["Grants"]} == made
    assert len(root("kms", "list-grants", key_id=key)["Grants"]) == 51


def test_more_than_a_thousand_grants_are_listed_revoked_and_go_with_their_key(start):
    server = start()
    client, alice = kms(server), kms(server, user(server, "alice"))
    key = client.create_key()["KeyMetadata"]["KeyId"]
    grant = dict(KeyId=key, GranteePrincipal=ALICE, RetiringPrincipal=ALICE, Operations=["Encrypt"])
    made = [client.create_grant(**grant)["GrantId"] for _ in range(1_050)]

    def listed(operation, size, **arguments):
        pages = list(client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **arguments))
        return [len(page["Grants"]) for page in pages], [g["GrantId"] for page in pages for g in page["Grants"]]

    sizes, ids = listed("list_grants", 100, KeyId=key)
    assert sizes == [100] * 10 + [50]
    assert len(set(ids)) == len(ids) and set(ids) == set(made)
    client.revoke_grant(KeyId=key, GrantId=made[500])
    assert set(listed("list_grants", 50, KeyId=key)[1]) == set(made) - {made[500]}
    assert set(listed("list_retirable_grants", 100, RetiringPrincipal=ALICE)[1]) == set(made) - {made[500]}
    assert listed("list_grants", 100, KeyId=key, GrantId=made[500])[1] == []
    assert refused(client.revoke_grant, KeyId=key, GrantId=made[500]) == "NotFoundException"
    blob = alice.encrypt(KeyId=client.describe_key(KeyId=key)["KeyMetadata"]["Arn"], Plaintext=b"x")["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"

    client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert len(listed("list_grants", 100, KeyId=key)[1]) == 1_049
    server.advance("8d")
    assert refused(client.describe_key, KeyId=key) == "NotFoundException"
    assert refused(client.list_grants, KeyId=key) == "NotFoundException"
    assert listed("list_retirable_grants", 100, RetiringPrincipal=ALICE) == ([0], [])
    events = Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=DeleteKey")
    assert len(events["Events"]) == 1


def test_last_usage_survives_a_crash(start):
    server = start()
    client = kms(server)
    key = client.create_key()["KeyMetadata"]["KeyId"]
    assert client.get_key_last_usage(KeyId=key)["KeyLastUsage"] == {}
    done = client.encrypt(KeyId=key, Plaintext=b"x")
    usage = client.get_key_last_usage(KeyId=key)["KeyLastUsage"]
    assert usage["Operation"] == "Encrypt"
    assert usage["KmsRequestId"] == done["ResponseMetadata"]["RequestId"]
    server.kill()
    server = start()
    assert kms(server).get_key_last_usage(KeyId=key)["KeyLastUsage"] == usage
    event = Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=Encrypt")
    assert [e["EventId"] for e in event["Events"]] == [usage["CloudTrailEventId"]]


def test_quotas_are_off_until_they_are_wanted(start):
    server = start()
    client = kms(server)
    for _ in range(12):
        client.create_key()
    server.stop()
    server = start("--request-quotas")
    client = kms(server)
    for _ in range(5):
        client.create_key()
    assert refused(client.create_key) == "ThrottlingException"
    client.encrypt(KeyId=client.list_keys()["Keys"][0]["KeyId"], Plaintext=b"x")
    server.advance("1s")
    client.create_key()
    events = Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=CreateKey")
    assert sum('"errorCode":"ThrottlingException"' in e["CloudTrailEvent"] for e in events["Events"]) == 1


def test_seeds_are_planted_once(start, tmp_path):
    (tmp_path / "seeds.toml").write_text(SEEDS)
    server = start("--seed", str(tmp_path / "seeds.toml"))
    client = kms(server)
    blob = client.encrypt(KeyId="alias/seeded", Plaintext=b"x")["CiphertextBlob"]
    client.update_key_description(KeyId="1234abcd-12ab-34cd-56ef-1234567890ab", Description="changed")
    server.stop()
    server = start("--seed", str(tmp_path / "seeds.toml"))
    client = kms(server)
    assert client.describe_key(KeyId="alias/seeded")["KeyMetadata"]["Description"] == "changed"
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert len(client.list_keys()["Keys"]) == 1


def test_custom_key_stores_are_not_built(start):
    client = kms(start())
    for call, arguments in [
        (client.create_custom_key_store, {"CustomKeyStoreName": "s"}),
        (client.describe_custom_key_stores, {}),
        (client.connect_custom_key_store, {"CustomKeyStoreId": "cks-1234567890abcdef0"}),
        (client.disconnect_custom_key_store, {"CustomKeyStoreId": "cks-1234567890abcdef0"}),
        (client.update_custom_key_store, {"CustomKeyStoreId": "cks-1234567890abcdef0"}),
        (client.delete_custom_key_store, {"CustomKeyStoreId": "cks-1234567890abcdef0"}),
    ]:
        assert refused(call, **arguments) == "UnsupportedOperationException"
    assert refused(client.create_key, Origin="AWS_CLOUDHSM") == "ValidationException"
    missing = refused(client.create_key, Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId="cks-1234567890abcdef0", XksKeyId="k")
    assert missing == "CustomKeyStoreNotFoundException"
