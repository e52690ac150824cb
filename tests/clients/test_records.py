"""What CloudTrail tells of each KMS operation, held against AWS's own documented records, family by family.

Source: KMS developer guide, "Logging AWS KMS API calls with AWS CloudTrail" and its examples; CloudTrail user guide, "CloudTrail record
contents". What is expected is written here member by member; only ids, times and key material ids are patterns."""

import json
import re

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from harness import ACCOUNT, REGION, Server

START = "2026-11-02T08:00:00Z"
CONTEXT = {"Department": "Engineering", "Project": "Alpha"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MATERIAL = re.compile(r"[0-9a-f]{64}")
GRANT = re.compile(r"[0-9a-f]{64}")
JAVA_TIME = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d{2}:\d{2} [AP]M")
#: The members every record of a call has, in AWS's order; `additionalEventData` and `resources` come where there are any.
MEMBERS = (
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent requestParameters responseElements"
    " requestID eventID readOnly eventType managementEvent recipientAccountId eventCategory"
).split()


class House:
    def __init__(self, server):
        environment = server.environment()
        self.server = server
        self.root = environment["AWS_ACCESS_KEY_ID"]
        self.secret = environment["AWS_SECRET_ACCESS_KEY"]
        self.kms, self.trail = self.client("kms"), self.client("cloudtrail")

    def client(self, service, region=REGION, key=None, secret=None):
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            region_name=region,
            aws_access_key_id=key or self.root,
            aws_secret_access_key=secret or self.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def key(self, **more):
        return self.kms.create_key(**more)["KeyMetadata"]

    def records(self, name, region=REGION):
        """Newest first."""
        asked = [{"AttributeKey": "EventName", "AttributeValue": name}]
        trail = self.trail if region == REGION else self.client("cloudtrail", region)
        events = trail.lookup_events(LookupAttributes=asked)["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in events]

    def call(self, operation, **arguments):
        """Calls as the model names it; the answer and the call's record."""
        answer = getattr(self.kms, method(operation))(**arguments)
        record = self.records(operation)[0]
        assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
        return answer, record


def method(operation):
    from botocore import xform_name

    return xform_name(operation)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("records") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield House(server.start())
    server.stop()


def matches(want, got):
    if isinstance(want, re.Pattern):
        return isinstance(got, str) and want.fullmatch(got) is not None
    if isinstance(want, dict):
        return isinstance(got, dict) and want.keys() == got.keys() and all(matches(want[k], got[k]) for k in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(map(matches, want, got))
    return want == got


def check(record, *, parameters, response=None, data=None, read_only, keys=(), arns=None):
    """Holds a record of the root user's call against what AWS shows."""
    assert matches(parameters, record["requestParameters"]), ("requestParameters", record["requestParameters"], parameters)
    assert matches(response, record["responseElements"]), ("responseElements", record["responseElements"], response)
    assert matches(data, record.get("additionalEventData")), ("additionalEventData", record.get("additionalEventData"), data)
    assert record["readOnly"] is read_only
    arns = arns if arns is not None else [key["Arn"] for key in keys]
    resources = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn} for arn in arns]
    assert record.get("resources", []) == resources
    present = [name for name in record if name not in ("additionalEventData", "resources", "errorCode", "errorMessage")]
    assert present == MEMBERS
    assert (record["eventVersion"], record["eventSource"]) == ("1.11", "kms.amazonaws.com")
    assert (record["awsRegion"], record["sourceIPAddress"]) == (REGION, "127.0.0.1")
    assert (record["eventType"], record["managementEvent"]) == ("AwsApiCall", True)
    assert (record["recipientAccountId"], record["eventCategory"]) == (ACCOUNT, "Management")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
    assert UUID.fullmatch(record["eventID"]) and UUID.fullmatch(record["requestID"])
    assert record["userAgent"].startswith("Boto3/")
    identity = record["userIdentity"]
    assert list(identity) == ["type", "principalId", "arn", "accountId", "accessKeyId"]
    assert (identity["type"], identity["arn"]) == ("Root", f"arn:aws:iam::{ACCOUNT}:root")


def test_encryption(house):
    key, other = house.key(), house.key()
    used = dict(keys=[key], read_only=True)
    material = {"keyMaterialId": MATERIAL}
    algorithm = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    sealed, record = house.call("Encrypt", KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=CONTEXT)
    check(record, parameters={"keyId": key["KeyId"], "encryptionContext": CONTEXT, **algorithm}, data=material, **used)
    blob = sealed["CiphertextBlob"]
    _, record = house.call("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)
    check(record, parameters={"encryptionContext": CONTEXT, **algorithm}, data=material, **used)
    _, record = house.call("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=key["Arn"])
    check(record, parameters={"encryptionContext": CONTEXT, "keyId": key["Arn"], **algorithm}, data=material, **used)
    _, record = house.call(
        "ReEncrypt",
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other["KeyId"],
        DestinationEncryptionContext={"Level": "3A"},
    )
    check(
        record,
        parameters={
            "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "sourceEncryptionContext": CONTEXT,
            "destinationKeyId": other["KeyId"],
            "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "destinationEncryptionContext": {"Level": "3A"},
        },
        data={"sourceKeyMaterialId": MATERIAL, "destinationKeyMaterialId": MATERIAL},
        keys=[key, other],
        read_only=True,
    )


def test_a_refused_decryption(house):
    key, other = house.key(), house.key()
    blob = house.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    with pytest.raises(ClientError):
        house.kms.decrypt(CiphertextBlob=blob, KeyId=other["KeyId"])
    record = house.records("Decrypt")[0]
    assert record["errorCode"] == "IncorrectKeyException"
    check(
        record,
        parameters={"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": other["KeyId"]},
        keys=[other],
        read_only=True,
    )


@pytest.mark.parametrize("operation", ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"])
@pytest.mark.parametrize("size", [{"KeySpec": "AES_256"}, {"NumberOfBytes": 32}])
def test_data_keys(house, operation, size):
    key = house.key()
    _, record = house.call(operation, KeyId=key["KeyId"], EncryptionContext=CONTEXT, **size)
    asked = {name[0].lower() + name[1:]: value for name, value in size.items()}
    check(
        record,
        parameters={"keyId": key["KeyId"], "encryptionContext": CONTEXT, **asked},
        data={"keyMaterialId": MATERIAL},
        keys=[key],
        read_only=True,
    )


@pytest.mark.parametrize("operation", ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"])
def test_data_key_pairs(house, operation):
    key = house.key()
    asked = dict(KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT)
    _, record = house.call(operation, **asked)
    check(
        record,
        parameters={"keyId": key["KeyId"], "keyPairSpec": "ECC_NIST_P256", "encryptionContext": CONTEXT},
        data={"keyMaterialId": MATERIAL},
        keys=[key],
        read_only=True,
    )


def test_random_bytes(house):
    _, record = house.call("GenerateRandom", NumberOfBytes=32)
    check(record, parameters=None, read_only=True)


def test_signatures_and_macs(house):
    key = house.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    used = dict(keys=[key], read_only=True)
    asked = dict(KeyId=key["KeyId"], SigningAlgorithm="ECDSA_SHA_256", Message=b"m", MessageType="RAW")
    shown = {"keyId": key["KeyId"], "signingAlgorithm": "ECDSA_SHA_256", "messageType": "RAW"}
    signed, record = house.call("Sign", **asked)
    check(record, parameters=shown, **used)
    _, record = house.call("Verify", Signature=signed["Signature"], **asked)
    check(record, parameters=shown, **used)
    key = house.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    used = dict(keys=[key], read_only=True)
    asked = dict(KeyId=key["KeyId"], MacAlgorithm="HMAC_SHA_256", Message=b"m")
    shown = {"keyId": key["KeyId"], "macAlgorithm": "HMAC_SHA_256"}
    made, record = house.call("GenerateMac", **asked)
    check(record, parameters=shown, **used)
    _, record = house.call("VerifyMac", Mac=made["Mac"], **asked)
    check(record, parameters=shown, **used)


def test_agreement_and_public_keys(house):
    key = house.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    used = dict(keys=[key], read_only=True)
    public, record = house.call("GetPublicKey", KeyId=key["KeyId"])
    check(record, parameters={"keyId": key["KeyId"]}, **used)
    asked = dict(KeyId=key["KeyId"], KeyAgreementAlgorithm="ECDH", PublicKey=public["PublicKey"])
    _, record = house.call("DeriveSharedSecret", **asked)
    check(record, parameters={"keyId": key["KeyId"], "keyAgreementAlgorithm": "ECDH"}, **used)


def test_reading_about_keys(house):
    key = house.key()
    used = dict(keys=[key], read_only=True)
    for operation in ("DescribeKey", "GetKeyRotationStatus", "GetKeyLastUsage", "ListResourceTags", "ListKeyPolicies"):
        _, record = house.call(operation, KeyId=key["KeyId"])
        check(record, parameters={"keyId": key["KeyId"]}, **used)
    _, record = house.call("GetKeyPolicy", KeyId=key["KeyId"], PolicyName="default")
    check(record, parameters={"keyId": key["KeyId"], "policyName": "default"}, **used)
    _, record = house.call("ListGrants", KeyId=key["KeyId"], Limit=10)
    check(record, parameters={"keyId": key["KeyId"], "limit": 10}, **used)
    _, record = house.call("ListKeyRotations", KeyId=key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")
    check(record, parameters={"keyId": key["KeyId"], "includeKeyMaterial": "ALL_KEY_MATERIAL"}, **used)
    _, record = house.call("ListKeys", Limit=5)
    check(record, parameters={"limit": 5}, read_only=True)
    _, record = house.call("ListAliases")
    check(record, parameters=None, read_only=True)


def test_making_a_key(house):
    made, record = house.call("CreateKey", Description="", Origin="EXTERNAL")
    key = made["KeyMetadata"]
    check(
        record,
        parameters={
            "description": "",
            "origin": "EXTERNAL",
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "keySpec": "SYMMETRIC_DEFAULT",
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        response={
            "keyMetadata": {
                "aWSAccountId": ACCOUNT,
                "keyId": key["KeyId"],
                "arn": key["Arn"],
                "creationDate": JAVA_TIME,
                "enabled": False,
                "description": "",
                "keyUsage": "ENCRYPT_DECRYPT",
                "keyState": "PendingImport",
                "origin": "EXTERNAL",
                "keyManager": "CUSTOMER",
                "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "keySpec": "SYMMETRIC_DEFAULT",
                "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
                "multiRegion": False,
            }
        },
        keys=[key],
        read_only=False,
    )


def test_changing_a_key(house):
    key = house.key()
    changed = dict(keys=[key], read_only=False)
    about = {"keyId": key["KeyId"]}
    answered = {"keyId": key["Arn"]}
    for operation in ("DisableKey", "EnableKey", "EnableKeyRotation"):
        _, record = house.call(operation, KeyId=key["KeyId"])
        check(record, parameters=about, response=answered, **changed)
    _, record = house.call("EnableKeyRotation", KeyId=key["KeyId"], RotationPeriodInDays=180)
    check(record, parameters=about | {"rotationPeriodInDays": 180}, response=answered, **changed)
    _, record = house.call("DisableKeyRotation", KeyId=key["KeyId"])
    check(record, parameters=about, **changed)
    _, record = house.call("RotateKeyOnDemand", KeyId=key["KeyId"])
    check(record, parameters=about, response=answered, **changed)
    _, record = house.call("UpdateKeyDescription", KeyId=key["KeyId"], Description="new")
    check(record, parameters=about | {"description": "new"}, **changed)
    _, record = house.call("TagResource", KeyId=key["KeyId"], Tags=[{"TagKey": "a", "TagValue": "b"}])
    check(record, parameters=about | {"tags": [{"tagKey": "a", "tagValue": "b"}]}, response=answered, **changed)
    _, record = house.call("UntagResource", KeyId=key["KeyId"], TagKeys=["a"])
    check(record, parameters=about | {"tagKeys": ["a"]}, response=answered, **changed)
    policy = house.kms.get_key_policy(KeyId=key["KeyId"])["Policy"]
    _, record = house.call("PutKeyPolicy", KeyId=key["KeyId"], PolicyName="default", Policy=policy)
    shown = {"policyName": "default", "policy": policy, "bypassPolicyLockoutSafetyCheck": False}
    check(record, parameters=about | shown, **changed)
    _, record = house.call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=7)
    check(
        record,
        parameters=about | {"pendingWindowInDays": 7},
        response=answered | {"keyState": "PendingDeletion", "deletionDate": JAVA_TIME},
        **changed,
    )
    _, record = house.call("CancelKeyDeletion", KeyId=key["KeyId"])
    check(record, parameters=about, response=answered, **changed)


def test_aliases(house):
    key, other = house.key(), house.key()
    name = "alias/ExampleAlias"
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:{name}"
    asked = {"aliasName": name, "targetKeyId": key["KeyId"]}
    _, record = house.call("CreateAlias", AliasName=name, TargetKeyId=key["KeyId"])
    check(record, parameters=asked, response={"keyId": key["Arn"]}, arns=[key["Arn"], alias], read_only=False)
    _, record = house.call("UpdateAlias", AliasName=name, TargetKeyId=other["KeyId"])
    moved = record["resources"]
    assert {entry["ARN"] for entry in moved} == {key["Arn"], other["Arn"], alias}
    check(
        record,
        parameters=asked | {"targetKeyId": other["KeyId"]},
        response={"keyId": other["Arn"]},
        arns=[entry["ARN"] for entry in moved],
        read_only=False,
    )
    _, record = house.call("DeleteAlias", AliasName=name)
    check(
        record,
        parameters={"aliasName": name},
        response={"keyId": other["Arn"]},
        arns=[other["Arn"], alias],
        read_only=False,
    )


def test_grants(house):
    key = house.key()
    changed = dict(keys=[key], read_only=False)
    grantee = f"arn:aws:iam::{ACCOUNT}:root"
    asked = dict(
        KeyId=key["Arn"],
        GranteePrincipal=grantee,
        Operations=["Encrypt", "RetireGrant"],
        Constraints={"EncryptionContextSubset": {"ContextKey1": "Value1"}},
    )
    made, record = house.call("CreateGrant", **asked)
    check(
        record,
        parameters={
            "keyId": key["Arn"],
            "constraints": {"encryptionContextSubset": {"ContextKey1": "Value1"}},
            "operations": ["Encrypt", "RetireGrant"],
            "granteePrincipal": grantee,
        },
        response={"grantId": made["GrantId"], "keyId": key["Arn"]},
        **changed,
    )
    assert made["GrantToken"] not in json.dumps(record)
    _, record = house.call("ListRetirableGrants", RetiringPrincipal=grantee)
    check(record, parameters={"retiringPrincipal": grantee}, read_only=True)
    _, record = house.call("RetireGrant", GrantToken=made["GrantToken"])
    check(record, parameters=None, data={"grantId": made["GrantId"]}, **changed)
    again = house.kms.create_grant(**asked)["GrantId"]
    _, record = house.call("RevokeGrant", KeyId=key["Arn"], GrantId=again)
    check(record, parameters={"keyId": key["Arn"], "grantId": again}, **changed)


def test_imported_material(house):
    key = house.key(Origin="EXTERNAL")
    changed = dict(keys=[key], read_only=False)
    wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    given, record = house.call("GetParametersForImport", KeyId=key["KeyId"], **wrapping)
    shown = {"keyId": key["KeyId"], "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_2048"}
    check(record, parameters=shown, keys=[key], read_only=True)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    material = serialization.load_der_public_key(given["PublicKey"]).encrypt(bytes(range(32)), oaep)
    imported, record = house.call(
        "ImportKeyMaterial",
        KeyId=key["KeyId"],
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=material,
        ExpirationModel="KEY_MATERIAL_EXPIRES",
        ValidTo="2026-11-21T05:47:45Z",
        ImportType="NEW_KEY_MATERIAL",
        KeyMaterialDescription="first",
    )
    both = {"keyId": key["Arn"], "keyMaterialId": imported["KeyMaterialId"]}
    check(
        record,
        parameters={
            "keyId": key["KeyId"],
            "validTo": "Nov 21, 2026, 5:47:45 AM",
            "expirationModel": "KEY_MATERIAL_EXPIRES",
            "importType": "NEW_KEY_MATERIAL",
            "keyMaterialDescription": "first",
        },
        response=both,
        **changed,
    )
    asked = dict(KeyId=key["KeyId"], KeyMaterialId=imported["KeyMaterialId"])
    _, record = house.call("DeleteImportedKeyMaterial", **asked)
    check(
        record,
        parameters={"keyId": key["KeyId"], "keyMaterialId": imported["KeyMaterialId"]},
        response=both,
        **changed,
    )


def test_families_of_regions(house):
    key = house.key(MultiRegion=True)
    changed = dict(keys=[key], read_only=False)
    tags = [{"TagKey": "a", "TagValue": "b"}]
    made, record = house.call("ReplicateKey", KeyId=key["KeyId"], ReplicaRegion="eu-west-1", Tags=tags)
    replica = made["ReplicaKeyMetadata"]
    shown = record["requestParameters"]
    assert (shown["keyId"], shown["replicaRegion"]) == (key["KeyId"], "eu-west-1")
    assert shown["bypassPolicyLockoutSafetyCheck"] is False
    answered = record["responseElements"]
    assert set(answered) == {"replicaKeyMetadata", "replicaPolicy", "replicaTags"}
    assert shown["tags"] == answered["replicaTags"] == [{"tagKey": "a", "tagValue": "b"}]
    assert answered["replicaKeyMetadata"]["arn"] == replica["Arn"]
    check(record, parameters=shown, response=answered, **changed)
    born = house.records("CreateKey", "eu-west-1")
    assert [entry["ARN"] for entry in born[0]["resources"]] == [replica["Arn"]]
    house.server.advance("1m")
    _, record = house.call("UpdatePrimaryRegion", KeyId=key["KeyId"], PrimaryRegion="eu-west-1")
    asked = {"keyId": key["KeyId"], "primaryRegion": "eu-west-1"}
    check(record, parameters=asked, response={"keyId": key["Arn"]}, **changed)
    there = house.records("UpdatePrimaryRegion", "eu-west-1")[0]
    assert (there["requestID"], there["awsRegion"]) == (record["requestID"], "eu-west-1")
    assert there["eventID"] != record["eventID"]


def test_what_the_service_does_by_itself(house):
    key = house.key()
    house.kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    doomed = house.key()
    house.kms.schedule_key_deletion(KeyId=doomed["KeyId"], PendingWindowInDays=7)
    house.server.advance("91d")
    rotated = next(r for r in house.records("RotateKey") if r["resources"][0]["ARN"] == key["Arn"])
    details = {
        "keyId": key["KeyId"],
        "rotationType": "AUTOMATIC",
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": MATERIAL,
        "currentKeyMaterialId": MATERIAL,
    }
    assert matches(details, rotated["serviceEventDetails"])
    deleted = next(r for r in house.records("DeleteKey") if r["resources"][0]["ARN"] == doomed["Arn"])
    for record in (rotated, deleted):
        assert record["userIdentity"] == {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}
        assert (record["sourceIPAddress"], record["userAgent"]) == ("AWS Internal", "AWS Internal")
        assert (record["eventType"], record["readOnly"]) == ("AwsServiceEvent", False)
        assert (record["requestParameters"], record["responseElements"]) == (None, None)
        assert "requestID" not in record and UUID.fullmatch(record["eventID"])


def test_who_called(house):
    iam, sts = house.client("iam"), house.client("sts")
    iam.create_user(UserName="Alice")
    allow = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    iam.put_user_policy(UserName="Alice", PolicyName="p", PolicyDocument=allow)
    access = iam.create_access_key(UserName="Alice")["AccessKey"]
    alice = house.client("kms", key=access["AccessKeyId"], secret=access["SecretAccessKey"])
    alice.list_keys()
    identity = house.records("ListKeys")[0]["userIdentity"]
    assert matches(
        {
            "type": "IAMUser",
            "principalId": re.compile("AIDA[A-Z0-9]{16,17}"),
            "arn": f"arn:aws:iam::{ACCOUNT}:user/Alice",
            "accountId": ACCOUNT,
            "accessKeyId": access["AccessKeyId"],
            "userName": "Alice",
        },
        identity,
    ), identity
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": trust})
    iam.create_role(RoleName="MyRole", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="MyRole", PolicyName="p", PolicyDocument=allow)
    sts = house.client("sts", key=access["AccessKeyId"], secret=access["SecretAccessKey"])
    session = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/MyRole", RoleSessionName="MySession")["Credentials"]
    kms = boto3.client(
        "kms",
        endpoint_url=house.server.url,
        region_name=REGION,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    kms.list_keys()
    role = re.compile("AROA[A-Z0-9]{16,17}")
    assert matches(
        {
            "type": "AssumedRole",
            "principalId": re.compile("AROA[A-Z0-9]{16,17}:MySession"),
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/MyRole/MySession",
            "accountId": ACCOUNT,
            "accessKeyId": session["AccessKeyId"],
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role,
                    "arn": f"arn:aws:iam::{ACCOUNT}:role/MyRole",
                    "accountId": ACCOUNT,
                    "userName": "MyRole",
                },
                "attributes": {
                    "creationDate": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
                    "mfaAuthenticated": "false",
                },
            },
        },
        house.records("ListKeys")[0]["userIdentity"],
    )


OTHER = "444455556666"


@pytest.fixture
def neighbours(tmp_path):
    """A server with a user of another account, made offline."""
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start().stop()
    made = server.keywatch("admin", "add-user", "bob", "--policy", "arn:aws:iam::aws:policy/AdministratorAccess", "--account", OTHER)
    bob = dict(re.findall(r"(AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY)=(\S+)", made))
    house = House(server.start())
    yield house, bob["AWS_ACCESS_KEY_ID"], bob["AWS_SECRET_ACCESS_KEY"]
    server.stop()


def test_use_across_accounts_is_told_to_both(neighbours):
    house, access_key, secret = neighbours
    key = house.key()
    policy = json.loads(house.kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    there = {"AWS": f"arn:aws:iam::{OTHER}:root"}
    policy["Statement"].append({"Effect": "Allow", "Principal": there, "Action": "kms:Encrypt", "Resource": "*"})
    house.kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(policy))
    bob = house.client("kms", key=access_key, secret=secret)
    bob.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    with pytest.raises(ClientError):
        bob.generate_data_key(KeyId=key["Arn"], KeySpec="AES_256")

    def of(trail):
        events = [json.loads(event["CloudTrailEvent"]) for event in trail.lookup_events()["Events"]]
        return {event["eventName"]: event for event in events}

    his, ours = of(house.client("cloudtrail", key=access_key, secret=secret)), of(house.trail)
    mine = ours["Encrypt"]
    for name in ("requestID", "sharedEventID", "eventTime", "resources", "requestParameters", "additionalEventData"):
        assert mine[name] == his["Encrypt"][name], name
    assert UUID.fullmatch(mine["sharedEventID"]) and mine["sharedEventID"] != mine["eventID"] != his["Encrypt"]["eventID"]
    assert (mine["recipientAccountId"], his["Encrypt"]["recipientAccountId"]) == (ACCOUNT, OTHER)
    assert his["Encrypt"]["userIdentity"]["userName"] == "bob"
    principal = his["Encrypt"]["userIdentity"]["principalId"]
    assert mine["userIdentity"] == {"type": "AWSAccount", "principalId": principal, "accountId": OTHER}
    assert his["GenerateDataKey"]["errorCode"] == "AccessDenied" and "sharedEventID" not in his["GenerateDataKey"]
    assert "GenerateDataKey" not in ours, "a refused call across accounts is told to its caller only"
    # Used once, and the owner's account is told by its own event.
    usage = house.kms.get_key_last_usage(KeyId=key["KeyId"])["KeyLastUsage"]
    assert usage["CloudTrailEventId"] == mine["eventID"]
    asked = dict(Namespace="AWS/KMS", MetricName="SuccessfulRequest", Period=3600, Statistics=["Sum"])
    dimensions = [{"Name": "KeyArn", "Value": key["Arn"]}, {"Name": "Operation", "Value": "Encrypt"}]
    hours = dict(StartTime="2026-11-02T07:00:00Z", EndTime="2026-11-02T09:00:00Z")
    points = house.client("cloudwatch").get_metric_statistics(Dimensions=dimensions, **asked, **hours)["Datapoints"]
    assert [point["Sum"] for point in points] == [1.0]
