"""Users, access keys, roles and sessions, with the AWS CLI against the built binary."""

import pytest

from harness import ACCOUNT, Aws, Refused, Server

START = "2026-11-02T08:00:00Z"
ANYONE_HERE = {"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}}


@pytest.fixture
def server(tmp_path):
    """A fresh server on a test clock."""
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def allow(*actions):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def environment(credentials):
    """Credentials of an answer as the CLI takes them."""
    names = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY", "SessionToken": "AWS_SESSION_TOKEN"}
    return {variable: credentials[name] for name, variable in names.items() if name in credentials}


def new_user(root, server, name, *actions):
    """The CLI as a new user that may do these actions."""
    root("iam", "create-user", user_name=name)
    if actions:
        root("iam", "put-user-policy", user_name=name, policy_name="p", policy_document=allow(*actions))
    key = root("iam", "create-access-key", user_name=name)["AccessKey"]
    return Aws(server, **environment(key)), key


def refused(call, *arguments, **options):
    with pytest.raises(Refused) as refusal:
        call(*arguments, **options)
    return refusal.value


def test_a_user_may_what_its_policy_says(server):
    root = Aws(server)
    alice, key = new_user(root, server, "alice")
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert alice("sts", "get-caller-identity")["Arn"] == arn
    refusal = refused(alice, "iam", "list-users")
    assert refusal.code == "AccessDenied"
    assert (
        f"User: {arn} is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::{ACCOUNT}:user/ "
        "because no identity-based policy allows the iam:ListUsers action"
    ) in str(refusal)
    root("iam", "put-user-policy", user_name="alice", policy_name="reads", policy_document=allow("iam:List*", "iam:Get*"))
    assert [user["UserName"] for user in alice("iam", "list-users")["Users"]] == ["alice"]
    assert alice("iam", "get-user-policy", user_name="alice", policy_name="reads")["PolicyDocument"] == allow("iam:List*", "iam:Get*")
    assert refused(alice, "iam", "create-user", user_name="bob").code == "AccessDenied"
    assert refused(root, "iam", "delete-user", user_name="alice").code == "DeleteConflict"
    assert refused(root, "iam", "get-user", user_name="nobody").code == "NoSuchEntity"

    root("iam", "update-access-key", user_name="alice", access_key_id=key["AccessKeyId"], status="Inactive")
    assert refused(alice, "sts", "get-caller-identity").code == "InvalidClientTokenId"
    root("iam", "delete-access-key", user_name="alice", access_key_id=key["AccessKeyId"])
    root("iam", "delete-user-policy", user_name="alice", policy_name="reads")
    root("iam", "delete-user", user_name="alice")
    assert root("iam", "list-users")["Users"] == []


def test_a_role_is_assumed_with_its_external_id(server):
    root = Aws(server)
    bob, _ = new_user(root, server, "bob", "sts:AssumeRole")
    trust = {"Statement": ANYONE_HERE["Statement"] | {"Condition": {"StringEquals": {"sts:ExternalId": "unique"}}}}
    role = root("iam", "create-role", role_name="reader", assume_role_policy_document=trust)["Role"]
    assert role["AssumeRolePolicyDocument"] == trust
    root("iam", "put-role-policy", role_name="reader", policy_name="p", policy_document=allow("iam:*"))
    assume = {"role_arn": role["Arn"], "role_session_name": "session"}
    assert refused(bob, "sts", "assume-role", **assume).code == "AccessDenied"
    answer = bob("sts", "assume-role", external_id="unique", policy=allow("iam:List*"), **assume)
    credentials = environment(answer["Credentials"])
    session = Aws(server, **credentials)
    who = session("sts", "get-caller-identity")
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/session"
    assert session("iam", "list-roles")["Roles"][0]["RoleName"] == "reader"
    refusal = refused(session, "iam", "get-role", role_name="reader")
    assert "because no session policy allows the iam:GetRole action" in str(refusal)
    bare = Aws(server, **{name: value for name, value in credentials.items() if name != "AWS_SESSION_TOKEN"})
    assert refused(bare, "sts", "get-caller-identity").code == "InvalidClientTokenId"
    assert "Roles may not be assumed by root accounts." in str(refused(root, "sts", "assume-role", **assume))


def test_sessions_outlive_the_server_and_end_in_time(server):
    root = Aws(server)
    carol, key = new_user(root, server, "carol")
    credentials = environment(carol("sts", "get-session-token", duration_seconds="3600")["Credentials"])
    server.stop()
    server.start()
    carol, session = Aws(server, **environment(key)), Aws(server, **credentials)
    assert carol("sts", "get-caller-identity")["Arn"] == session("sts", "get-caller-identity")["Arn"]
    server.advance("61m")
    assert refused(session, "sts", "get-caller-identity").code == "ExpiredToken"
    assert carol("sts", "get-caller-identity")["Arn"].endswith(":user/carol")


def test_no_secret_is_written_in_the_clear(server):
    root = Aws(server)
    dave, key = new_user(root, server, "dave", "sts:*")
    session = dave("sts", "get-session-token")["Credentials"]
    Aws(server, **environment(session))("sts", "get-caller-identity")
    secrets = [key["SecretAccessKey"], session["SecretAccessKey"], session["SessionToken"]]
    for path in server.data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in secrets:
            assert secret.encode() not in content, f"{path.name} holds a secret"
