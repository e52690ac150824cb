"""The pack of guards: applied twice, edited by a person, set off by real calls and by an imported trail."""

import json
import os
import subprocess
from pathlib import Path

import boto3
import pytest

from harness import ACCOUNT, BINARY, REGION, Server

START = "2026-03-02T09:00:00Z"
SHARED = Path(os.environ.get("KEYWATCH_SHARED", Path(__file__).parents[2].parent / "shared"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("guard") / "data", "--test-clock", START).start()
    yield server
    server.stop()


class World:
    def __init__(self, server):
        self.server = server
        environment = server.environment()
        self.session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        for name in ["kms", "sns", "sqs", "events", "cloudwatch", "logs", "iam", "sts", "cloudtrail"]:
            setattr(self, name, self.session.client(name, endpoint_url=server.url))
        self.topic = self.sns.create_topic(Name="alerts")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="alerts")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:alerts"
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                  "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}}}]}
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": json.dumps(policy)})
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def told(self):
        """What the topic was told since the last time, once everything has settled."""
        self.server.advance("1s")
        messages = []
        while True:
            page = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
            if not page:
                return messages
            for message in page:
                messages.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def guards(self):
        return sorted(message.get("keywatchGuard") or message["AlarmName"] for message in self.told())

    def user(self, name):
        """A client of KMS for a new user who may use keys."""
        self.iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"}]}
        self.iam.put_user_policy(UserName=name, PolicyName="kms", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return boto3.client("kms", endpoint_url=self.server.url, region_name=REGION,
                            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


@pytest.fixture(scope="module")
def world(server):
    world = World(server)
    output = server.keywatch("guard", "apply", "--topic", world.topic)
    assert "16 guards" in output and "created" in output.splitlines()[-1], output
    return world


def test_applying_again_changes_nothing_and_edits_are_kept(server, world):
    before = world.cloudwatch.describe_alarms(AlarmNamePrefix="keywatch-guard-")["MetricAlarms"]
    rules = world.events.list_rules(NamePrefix="keywatch-guard-")["Rules"]
    assert len(before) > 5 and len(rules) > 10
    again = server.keywatch("guard", "apply")
    assert again.splitlines()[-1].startswith("16 guards") and " unchanged." in again and "created" not in again, again
    after = world.cloudwatch.describe_alarms(AlarmNamePrefix="keywatch-guard-")["MetricAlarms"]
    assert [alarm["AlarmConfigurationUpdatedTimestamp"] for alarm in after] == [
        alarm["AlarmConfigurationUpdatedTimestamp"] for alarm in before
    ]

    world.events.put_rule(Name="keywatch-guard-key-disabled", EventPattern='{"source":["aws.kms"]}', State="DISABLED")
    edited = server.keywatch("guard", "apply")
    assert "kept rule keywatch-guard-key-disabled, which was edited" in edited and "DISABLED" in edited, edited
    assert world.events.describe_rule(Name="keywatch-guard-key-disabled")["State"] == "DISABLED"
    listed = server.keywatch("guard", "list", "--json")
    standing = {part["Name"]: part["Standing"] for part in map(json.loads, listed.splitlines()) if part["Kind"] == "rule"}
    assert standing.pop("keywatch-guard-key-disabled") == "edited" and set(standing.values()) == {"applied"}
    assert "reset rule keywatch-guard-key-disabled" in server.keywatch("guard", "apply", "--reset")
    assert world.events.describe_rule(Name="keywatch-guard-key-disabled")["State"] == "ENABLED"
    tags = world.events.list_tags_for_resource(
        ResourceARN=world.events.describe_rule(Name="keywatch-guard-key-disabled")["Arn"]
    )["Tags"]
    assert {"Key": "keywatch:guard", "Value": "key-disabled"} in tags
    world.told()


def test_a_key_that_is_disabled_and_asked_for(world):
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    blob = world.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert world.guards() == []
    world.kms.disable_key(KeyId=key)
    with pytest.raises(world.kms.exceptions.DisabledException):
        world.kms.decrypt(CiphertextBlob=blob)
    told = {message["keywatchGuard"]: message for message in world.told()}
    assert sorted(told) == ["key-disabled", "unusable-key-used"]
    assert told["key-disabled"]["key"] == key and told["key-disabled"]["who"].endswith(":root")
    assert "is disabled" in told["unusable-key-used"]["error"] and told["unusable-key-used"]["runbook"]
    world.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(world.kms.exceptions.KMSInvalidStateException):
        world.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert world.guards() == ["deletion-scheduled", "unusable-key-used"]


def test_who_gained_and_lost_rights(world):
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.iam.create_user(UserName="reader")
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    reader = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"}, "Action": "kms:Decrypt", "Resource": "*"}
    for statements in [[root, reader], [root]]:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        world.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    gained, lost = sorted(world.told(), key=lambda message: message["summary"])
    assert gained["summary"] == f"arn:aws:iam::{ACCOUNT}:user/reader gained kms:Decrypt"
    assert lost["summary"] == f"arn:aws:iam::{ACCOUNT}:user/reader lost kms:Decrypt"
    assert gained["gained"] == [{"principal": f"arn:aws:iam::{ACCOUNT}:user/reader", "actions": ["kms:Decrypt"], "denied": False}]


def test_grants(world):
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    reader = f"arn:aws:iam::{ACCOUNT}:user/reader"
    world.kms.create_grant(KeyId=key, GranteePrincipal=reader, Operations=["Decrypt"],
                           Constraints={"EncryptionContextSubset": {"app": "orders"}})
    assert world.guards() == []
    world.kms.create_grant(KeyId=key, GranteePrincipal=reader, Operations=["Decrypt"])
    [message] = world.told()
    assert (message["keywatchGuard"], message["grantee"], message["operations"]) == ("open-grant", reader, ["Decrypt"])


def test_refusals_in_a_burst_name_who_was_refused(world):
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    mallory, careful = world.user("mallory"), world.user("careful")
    for user, times in [(mallory, 12), (careful, 3)]:
        for _ in range(times):
            with pytest.raises(user.exceptions.ClientError):
                user.disable_key(KeyId=key)
    world.server.advance("6m")
    alarms = [message for message in world.told() if "AlarmName" in message]
    assert [alarm["AlarmName"] for alarm in alarms] == ["keywatch-guard-access-denied-burst"]
    assert "user/mallory" in json.dumps(alarms) and "user/careful" not in json.dumps(alarms)


def test_new_faces_and_long_silence(world):
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    blob = world.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    newcomer = world.user("newcomer")
    world.server.advance("2d")
    world.told()
    world.kms.decrypt(CiphertextBlob=blob)
    assert world.guards() == []
    newcomer.decrypt(CiphertextBlob=blob)
    [message] = world.told()
    assert message["keywatchGuard"] == "first-seen-principal"
    assert (message["who"], message["key"], message["keyKnownDays"]) == (f"arn:aws:iam::{ACCOUNT}:user/newcomer", key, 2)
    newcomer.decrypt(CiphertextBlob=blob)
    assert world.guards() == []
    world.server.advance("40d")
    world.told()
    newcomer.decrypt(CiphertextBlob=blob)
    [message] = world.told()
    assert (message["keywatchGuard"], message["silentDays"]) == ("silent-key-used", 40)


def test_re_encryption_to_a_new_key(world):
    source, destination = [world.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    blob = world.kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    for _ in range(9):
        world.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination)
    assert world.guards() == []
    world.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination)
    [message] = world.told()
    assert (message["keywatchGuard"], message["key"], message["source"]) == ("re-encrypt-burst", destination, source)


def test_a_trail_that_is_stopped(world):
    s3 = world.session.client("s3", endpoint_url=world.server.url)
    s3.create_bucket(Bucket="trail-logs")
    trail = world.cloudtrail.create_trail(Name="audit", S3BucketName="trail-logs")["TrailARN"]
    world.cloudtrail.start_logging(Name=trail)
    assert world.guards() == []
    world.cloudtrail.stop_logging(Name=trail)
    [message] = world.told()
    assert (message["keywatchGuard"], message["event"]) == ("trail-stopped", "StopLogging")


def test_samples_come_out_right():
    done = subprocess.run([BINARY, "guard", "test"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "WRONG" not in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("positive") > 16 and done.stdout.count("negative") >= 16


def test_the_pack_watches_an_imported_trail(tmp_path):
    logs = SHARED / "data" / "cloudtrail-invictus"
    if not logs.is_dir():
        pytest.skip(f"no {logs}")
    records = [record for file in logs.glob("*.json") for record in json.loads(file.read_text())["Records"]]
    decrypts = {}
    for record in records:
        if record["eventName"] == "Decrypt" and record["eventSource"] == "kms.amazonaws.com":
            key = record["resources"][0]["ARN"]
            decrypts[key] = decrypts.get(key, 0) + 1
    server = Server(tmp_path / "data", "--test-clock", "2023-07-10T12:20:00Z").start()
    world = World(server)
    server.keywatch("guard", "apply", "--topic", world.topic)
    # A threshold a person chose: what the pack has is beyond this small trail.
    alarm = world.cloudwatch.describe_alarms(AlarmNames=["keywatch-guard-runaway-use"])["MetricAlarms"][0]
    members = ["AlarmName", "AlarmDescription", "AlarmActions", "EvaluationPeriods", "TreatMissingData", "ComparisonOperator"]
    query = dict(alarm["Metrics"][0], Period=3600)
    world.cloudwatch.put_metric_alarm(**{name: alarm[name] for name in members}, Metrics=[query], Threshold=10)
    world.told()
    # The newest record is the last known deed of a principal; the same again by somebody else, a day and more after, is news.
    of_kms = [r for r in records if r["eventName"] == "Decrypt" and "arn" in r["userIdentity"] and r.get("resources")]
    stranger = json.loads(json.dumps(of_kms[0]))
    stranger["eventTime"] = "2023-07-12T12:00:00Z"
    stranger["eventID"] = "5c1a0b3e-0000-4000-8000-000000000001"
    stranger["userIdentity"]["arn"] = "arn:aws:iam::218007301253:user/stranger"
    later = tmp_path / "later.json"
    later.write_text(json.dumps({"Records": [stranger]}))
    server.keywatch("import", str(logs))
    server.advance("1h")
    told = json.dumps(world.told())
    busiest = max(decrypts, key=decrypts.get)
    assert "keywatch-guard-runaway-use" in told and busiest in told, told
    server.advance("47h")
    world.told()
    server.keywatch("import", str(later))
    told = [message for message in world.told() if message.get("keywatchGuard") == "first-seen-principal"]
    assert [message["who"] for message in told] == ["arn:aws:iam::218007301253:user/stranger"]
    assert told[0]["key"] == stranger["resources"][0]["ARN"]
    server.stop()


def test_everything_is_removed(server, world):
    world.cloudwatch.put_metric_alarm(AlarmName="keywatch-guard-mine", Namespace="n", MetricName="m", Statistic="Sum", Period=60,
                                      EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
    output = server.keywatch("guard", "remove")
    assert "kept alarm keywatch-guard-mine" in output, output
    assert world.events.list_rules(NamePrefix="keywatch-guard-")["Rules"] == []
    left = world.cloudwatch.describe_alarms(AlarmNamePrefix="keywatch-guard-")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in left] == ["keywatch-guard-mine"]
    assert "absent" in server.keywatch("guard", "list")
