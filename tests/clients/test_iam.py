"""IAM and STS with boto3 and the AWS CLI: what AWS answered when it was recorded, and `keywatch admin`."""

import json
import os
import re
import subprocess
from pathlib import Path

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.httpsession
import pytest

from harness import ACCOUNT, BINARY, REGION, Server

START = "2026-11-02T08:00:00Z"
SHARED = Path(os.environ.get("KEYWATCH_SHARED") or Path(__file__).resolve().parents[3] / "shared")
RECORDED = SHARED / "data" / "aws-recorded"


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def client(server, service, key=None):
    variables = server.environment()
    key = key or {"AccessKeyId": variables["AWS_ACCESS_KEY_ID"], "SecretAccessKey": variables["AWS_SECRET_ACCESS_KEY"]}
    return boto3.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
    )


def code(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        call(**arguments)
    return refusal.value.response["Error"]["Code"]


def document(*actions, effect="Allow", resource="*"):
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal, *actions):
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions[0] if len(actions) == 1 else list(actions)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# ---- what AWS answered


def recorded(service, case):
    path = RECORDED / f"{service}.jsonl"
    if not path.exists():
        pytest.skip(f"the recorded answers are not here: {path}")
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["case"] == case:
            # The account of the recordings is masked as twelve ones.
            return json.loads(json.dumps(entry["answers"]).replace("1" * 12, ACCOUNT))
    raise AssertionError(f"no case {case}")


def answered(call, **arguments):
    """An answer or error as it was recorded: without what the transport adds."""
    try:
        answer = call(**arguments)
    except botocore.exceptions.ClientError as refusal:
        answer = refusal.response
        answer = {name: answer[name] for name in ("Error", "ResponseMetadata")}
    metadata = answer.pop("ResponseMetadata")
    return answer | {"ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": metadata["HTTPStatusCode"]}}


MASK = re.compile(r"<[a-z-]+(:\d+)?>")


def differences(want, got, at=""):
    """Where an answer differs from the recorded one; a mask in the recording stands for any text, one text each."""
    if isinstance(want, dict) and isinstance(got, dict):
        for name in sorted(want.keys() | got.keys()):
            if name not in want or name not in got:
                yield f"{at}.{name}: {'more' if name in got else 'missing'}"
            else:
                yield from differences(want[name], got[name], f"{at}.{name}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, pair in enumerate(zip(want, got)):
            yield from differences(*pair, f"{at}[{index}]")
    elif isinstance(want, str) and MASK.search(want):
        pattern = "".join(part if part == ".+" else re.escape(part) for part in re.split(r"(\.\+)", MASK.sub(".+", want)))
        if not re.fullmatch(pattern, str(got)):
            yield f"{at}: {got!r} for {want!r}"
    elif want != got and want != str(got):
        yield f"{at}: {got!r} for {want!r}"


# Differences that stay, each with its reason; the set may only shrink.
ALLOWED = {
    ".EvaluationResults[0].MatchedStatements[0].EndPosition.Column": "the recorded policy is not known to the letter",
    ".EvaluationResults[0].ResourceSpecificResults[0].MatchedStatements[0].EndPosition.Column": "the same place again",
}
# Cases that are not replayed.
LEFT_ASIDE = {
    "TestIAMServiceRoles.": "service-linked roles are not built",
    "TestIAMServiceSpecificCredentials.": "credentials for services that are not served are not built",
}


def same(recording, got):
    assert [found for found in differences(recording, got) if found.split(":")[0] not in ALLOWED] == []


def test_every_recorded_case_is_replayed_or_left_aside():
    replayed = Path(__file__).read_text()
    for service in ("iam", "sts"):
        path = RECORDED / f"{service}.jsonl"
        if not path.exists():
            pytest.skip(f"the recorded answers are not here: {path}")
        for case in (json.loads(line)["case"] for line in path.read_text().splitlines()):
            assert case.split("[")[0] in replayed or case.startswith(tuple(LEFT_ASIDE)), case


def test_recorded_roles_with_tags(server):
    answers = recorded("iam", "TestRoles.test_role_with_tags")
    iam = client(server, "iam")
    made = answered(
        iam.create_role,
        RoleName="tagged",
        Path="/role-with-tags/",
        AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}, "sts:AssumeRole"),
        Tags=[{"Key": "test", "Value": "value"}],
    )
    same(answers["create-role-response"], made)
    same(answers["get-role-response"], answered(iam.get_role, RoleName="tagged"))
    same(answers["list-role-response"], answered(iam.list_roles, PathPrefix="/role-with-tags/"))


def test_recorded_policy_texts_keep_their_encoding(server):
    answers = recorded("iam", "TestIAMPolicyEncoding.test_put_user_policy_encoding")
    iam = client(server, "iam")
    iam.create_user(UserName="u")
    resource = f"arn:aws:apigateway:{REGION}::/tags/arn%3Aaws%3Aapigateway%3A{REGION}%3A%3A%2Frestapis%2Faaeeieije"
    text = document("apigatway:PUT", resource=[resource])
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=text)
    same(answers["get-policy-response"], answered(iam.get_user_policy, UserName="u", PolicyName="p"))


def test_recorded_refusal_of_a_missing_policy(server):
    answers = recorded("iam", "TestIAMIntegrations.test_delete_non_existent_policy_returns_no_such_entity")
    got = answered(client(server, "iam").delete_policy, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/non-existent-policy")
    same(answers["delete-non-existent-policy-exc"], got)


@pytest.mark.parametrize("kind", ["group", "user"])
def test_recorded_simulations(server, kind):
    answers = recorded("iam", f"TestIAMIntegrations.test_simulate_principle_policy[{kind}]")
    iam = client(server, "iam")
    text = document("s3:PutObject")
    if kind == "group":
        arn = iam.create_group(GroupName="g")["Group"]["Arn"]
        iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=text)
    else:
        arn = iam.create_user(UserName="u")["User"]["Arn"]
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=text)
    got = answered(
        iam.simulate_principal_policy,
        PolicySourceArn=arn,
        ActionNames=["s3:PutObject", "s3:GetObjectVersion"],
        ResourceArns=["arn:aws:s3:::bucket"],
    )
    same(answers["response"], got)


def test_recorded_assumed_role(server):
    answers = recorded("sts", "TestSTSIntegrations.test_assume_role")
    iam = client(server, "iam")
    made = answered(iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}, "sts:AssumeRole"))
    same(answers["create-role"], made)
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document("sts:*"))
    sts = client(server, "sts", iam.create_access_key(UserName="u")["AccessKey"])
    got = answered(sts.assume_role, RoleArn=made["Role"]["Arn"], RoleSessionName="session")
    same(answers["assume-role"], got)


def test_recorded_tags_of_sessions(server):
    answers = recorded("sts", "TestSTSAssumeRoleTagging.test_assume_role_tag_validation")
    iam = client(server, "iam")
    policy = trust({"AWS": ACCOUNT}, "sts:AssumeRole", "sts:TagSession")
    made = answered(iam.create_role, RoleName="r", AssumeRolePolicyDocument=policy)
    same(answers["role-1"], made)
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document("sts:*"))
    sts = client(server, "sts", iam.create_access_key(UserName="u")["AccessKey"])
    role = {"RoleArn": made["Role"]["Arn"], "RoleSessionName": "session"}
    tag = lambda key: {"Key": key, "Value": "v"}
    got = answered(sts.assume_role, **role, Tags=[tag("SessionTag1")], TransitiveTagKeys=["InvalidKey"])
    same(answers["invalid-transitive-tag-keys"], got)
    got = answered(sts.assume_role, **role, Tags=[tag("SessionTag1"), tag("sessiontag1")])
    same(answers["duplicate-tag-keys-different-casing"], got)


# ---- groups, managed policies, keys


def test_a_managed_policy_reaches_a_user_through_its_group(server):
    iam = client(server, "iam")
    arn = iam.create_policy(PolicyName="keys", PolicyDocument=document("kms:List*"))["Policy"]["Arn"]
    iam.create_group(GroupName="ops")
    iam.attach_group_policy(GroupName="ops", PolicyArn=arn)
    iam.create_user(UserName="alice")
    kms = client(server, "kms", iam.create_access_key(UserName="alice")["AccessKey"])
    assert code(kms.list_keys) == "AccessDeniedException"
    iam.add_user_to_group(GroupName="ops", UserName="alice")
    kms.list_keys()
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("sns:*"), SetAsDefault=True)
    assert code(kms.list_keys) == "AccessDeniedException"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    kms.list_keys()
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonSNSFullAccess")
    with pytest.raises(botocore.exceptions.ClientError, match="because no permissions boundary allows the kms:ListKeys action"):
        kms.list_keys()
    names = [p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 7}) for p in page["Policies"]]
    assert "AdministratorAccess" in names and len(names) == len(set(names))
    assert [r["PolicyName"] for r in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == ["keys"]
    assert iam.list_entities_for_policy(PolicyArn=arn)["PolicyGroups"][0]["GroupName"] == "ops"
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Groups"], summary["Policies"]) == (1, 1, 1)


def test_a_key_tells_when_it_last_signed(server):
    iam = client(server, "iam")
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    client(server, "sts", key).get_caller_identity()
    server.advance("2m")
    last = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert (last["UserName"], last["AccessKeyLastUsed"]["ServiceName"], last["AccessKeyLastUsed"]["Region"]) == ("u", "sts", REGION)
    assert last["AccessKeyLastUsed"]["LastUsedDate"].isoformat() == "2026-11-02T08:00:00+00:00"


def test_federated_users(server):
    sts = client(server, "sts")
    made = sts.get_federation_token(Name="bob", Policy=document("kms:ListKeys"), DurationSeconds=900)
    assert made["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:bob", "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}
    client(server, "kms", made["Credentials"]).list_keys()
    assert code(client(server, "kms", made["Credentials"]).list_aliases) == "AccessDeniedException"
    who = client(server, "sts", made["Credentials"]).get_caller_identity()
    assert who["Arn"] == made["FederatedUser"]["Arn"]


def test_a_refusal_of_our_own_service_is_decoded(server):
    iam, sts = client(server, "iam"), client(server, "sts")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    url = server.environment()["AWS_ENDPOINT_URL"]
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Keywatch_20261101.DescribeClock"}
    asked = botocore.awsrequest.AWSRequest("POST", url, data="{}", headers=headers)
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"]), "keywatch", REGION).add_auth(asked)
    refused = botocore.httpsession.URLLib3Session().send(asked.prepare())
    message = re.search(r"Encoded authorization failure message: (\S+)", json.loads(refused.content)["message"]).group(1)
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert (decoded["explicitDeny"], decoded["context"]["action"]) == (False, "keywatch:DescribeClock")
    assert decoded["context"]["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert code(client(server, "sts", key).decode_authorization_message, EncodedMessage=message) == "AccessDenied"
    assert code(sts.decode_authorization_message, EncodedMessage="A" + message) == "InvalidAuthorizationMessageException"


# ---- keywatch admin


def admin(server, *arguments, status=0):
    command = [BINARY, "admin", *arguments, "--data-dir", str(server.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def printed_key(text):
    pairs = dict(line.split("=", 1) for line in text.splitlines())
    return {"AccessKeyId": pairs["AWS_ACCESS_KEY_ID"], "SecretAccessKey": pairs["AWS_SECRET_ACCESS_KEY"]}


def test_admin_works_while_no_server_runs(server, tmp_path):
    assert "in use" in admin(server, "sessions", status=2)
    old = {name: server.environment()[f"AWS_{variable}"] for name, variable in (("AccessKeyId", "ACCESS_KEY_ID"), ("SecretAccessKey", "SECRET_ACCESS_KEY"))}
    session = client(server, "sts").get_session_token()["Credentials"]
    other = client(server, "sts").get_session_token()["Credentials"]
    server.stop()

    policy = tmp_path / "policy.json"
    policy.write_text(document("kms:List*"))
    alice = printed_key(admin(server, "add-user", "alice", "--policy-file", str(policy)))
    reader = printed_key(admin(server, "add-user", "reader", "--policy", "arn:aws:iam::aws:policy/ReadOnlyAccess"))
    assert "EntityAlreadyExists" in admin(server, "add-user", "alice", status=1)
    assert "NoSuchEntity" in admin(server, "add-user", "bob", "--policy", f"arn:aws:iam::{ACCOUNT}:policy/none-of-these", status=1)
    listed = [json.loads(line) for line in admin(server, "sessions", "--json").splitlines()]
    assert [s["access_key_id"] for s in listed] == [other["AccessKeyId"], session["AccessKeyId"]]
    assert listed[0]["arn"] == f"arn:aws:iam::{ACCOUNT}:root" and not listed[0]["revoked"]
    admin(server, "revoke", session["AccessKeyId"])
    assert re.search(rf"{session['AccessKeyId']}.*revoked", admin(server, "sessions"))
    admin(server, "revoke", reader["AccessKeyId"])
    new = printed_key(admin(server, "rotate-access-key"))

    server.start()
    assert code(client(server, "sts", old).get_caller_identity) == "InvalidClientTokenId"
    assert code(client(server, "sts", session).get_caller_identity) == "InvalidClientTokenId"
    assert code(client(server, "sts", reader).get_caller_identity) == "InvalidClientTokenId"
    assert client(server, "sts", other).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert client(server, "sts", new).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    client(server, "kms", alice).list_keys()
    assert code(client(server, "iam").get_user, UserName="bob") == "NoSuchEntity"
    events = client(server, "cloudtrail").lookup_events(MaxResults=50)["Events"]
    names = [event["EventName"] for event in events]
    assert {"CreateUser", "AttachUserPolicy", "RotateRootAccessKey", "RevokeSession"} <= set(names)
    told = "".join(event["CloudTrailEvent"] for event in events)
    assert not any(key["SecretAccessKey"] in told for key in (alice, reader, new)), "no secret is in a record"
