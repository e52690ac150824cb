"""Import sources: a second server stands for the account that is watched; the first imports what its trail delivers."""

import gzip
import json
import os
import subprocess
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from harness import ACCOUNT, BINARY, REGION, Aws, Receiver, Server

START = "2026-11-02T08:00:00Z"
WATCHED = "111122223333"
BUCKET = "trail-bucket"
DEADLINE_SECONDS = 60
SHARED = Path(os.environ.get("KEYWATCH_SHARED") or Path(__file__).resolve().parents[3] / "shared")


class House:
    """A server with clients."""

    def __init__(self, data_dir, *options):
        self.server = Server(data_dir, "--test-clock", START, *options)
        self.server.data_dir.mkdir()
        self.start()

    def start(self):
        self.server.start()
        self.aws = Aws(self.server)
        self.environment = self.aws.environment

    def client(self, service, region=REGION):
        return boto3.client(
            service, endpoint_url=self.server.url, region_name=region,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


class Watched(House):
    """The account that is watched: a trail with digests, a key, and work on it."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path / "watched", "--account", WATCHED, "--delivery-interval", "1m")
        self.s3 = self.client("s3")
        self.aws("s3api", "create-bucket", bucket=BUCKET)
        trail = self.client("cloudtrail")
        trail.create_trail(Name="audit", S3BucketName=BUCKET, EnableLogFileValidation=True, IsMultiRegionTrail=True)
        trail.start_logging(Name="audit")
        self.kms = self.client("kms")
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]

    def use(self, times, kms=None, key=None):
        kms, key = kms or self.kms, key or self.key
        for _ in range(times):
            kms.encrypt(KeyId=key, Plaintext=b"x")

    def keys(self, kind="CloudTrail"):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [one["Key"] for page in pages for one in page.get("Contents", []) if f"/{kind}/" in one["Key"]]

    def get(self, key):
        answer = self.s3.get_object(Bucket=BUCKET, Key=key)
        return answer["Body"].read(), answer["Metadata"]

    def put(self, key, body, metadata=None):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata or {})

    def event_ids(self, keys=None):
        return [r["eventID"] for key in keys or self.keys() for r in json.loads(gzip.decompress(self.get(key)[0]))["Records"]]


class Watching(House):
    """The account that imports."""

    def __init__(self, tmp_path, *options):
        super().__init__(tmp_path / "watching", "--allow-private-targets", *options)

    def add(self, name, location, *flags, of=None):
        environment = dict(of.environment if of else self.environment)
        command = [BINARY, "import-source", "add", name, location, "--data-dir", str(self.server.data_dir), *flags]
        if of:
            command += ["--endpoint", of.server.url, "--region", REGION]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    def source(self, name):
        return json.loads(self.server.keywatch("import-source", "list", name, "--json"))

    def wait(self, name, accept):
        """The source once a condition holds, which it does without the clock."""
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            source = self.source(name)
            if accept(source):
                return source
            assert time.monotonic() < end, source

    def imported(self):
        """Ids of the records that were imported, of all Regions."""
        lines = self.server.keywatch("search", "--all-regions", "--limit", "100000", "--json").splitlines()
        records = [json.loads(line) for line in lines]
        return [record["eventID"] for record in records if record.get("recipientAccountId") == WATCHED]

    def requests(self, key, operation="Encrypt"):
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/KMS", MetricName="SuccessfulRequest", Statistics=["Sum"], Period=60,
            StartTime="2026-11-02T00:00:00Z", EndTime="2026-11-03T00:00:00Z",
            Dimensions=[{"Name": "KeyArn", "Value": key}, {"Name": "Operation", "Value": operation}],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)


@pytest.fixture
def houses(tmp_path):
    watched, watching = Watched(tmp_path), Watching(tmp_path)
    yield watched, watching
    watching.server.stop()
    watched.server.stop()


def test_a_bucket_is_listed_and_its_records_answer_every_question(houses):
    watched, watching = houses
    far_kms = watched.client("kms", "eu-west-1")
    far = far_kms.create_key()["KeyMetadata"]["Arn"]
    watched.use(5)
    watched.use(2, far_kms, far)
    watched.server.advance("1h")
    assert watched.keys("CloudTrail-Digest")

    # What watches: a metric filter behind a trail, a rule, an alarm.
    receiver = Receiver()
    topic = watching.aws("sns", "create-topic", name="told")["TopicArn"]
    watching.aws("sns", "subscribe", topic_arn=topic, protocol="http", notification_endpoint=receiver.url)
    confirm = receiver.wait_for("SubscriptionConfirmation")["body"]["Token"]
    watching.aws("sns", "confirm-subscription", topic_arn=topic, token=confirm)
    watching.aws("s3api", "create-bucket", bucket="own")
    watching.aws("logs", "create-log-group", log_group_name="trail")
    watching.aws(
        "cloudtrail", "create-trail", name="own", s3_bucket_name="own",
        cloud_watch_logs_log_group_arn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*",
        cloud_watch_logs_role_arn=f"arn:aws:iam::{ACCOUNT}:role/logs",
    )
    watching.aws("cloudtrail", "start-logging", name="own")
    watching.aws(
        "logs", "put-metric-filter", log_group_name="trail", filter_name="encrypts",
        filter_pattern='{ $.eventName = "Encrypt" && $.recipientAccountId = "%s" }' % WATCHED,
        metric_transformations=[{"metricName": "Encrypts", "metricNamespace": "Watch", "metricValue": "1"}],
    )
    pattern = {"source": ["aws.kms"], "account": [WATCHED], "detail": {"eventName": ["CreateKey"]}}
    watching.aws("events", "put-rule", name="made", event_pattern=pattern)
    watching.aws("events", "put-targets", rule="made", targets=[{"Id": "topic", "Arn": topic}])
    watching.aws(
        "cloudwatch", "put-metric-alarm", alarm_name="Busy", namespace="AWS/KMS", metric_name="SuccessfulRequest",
        dimensions=[{"Name": "KeyArn", "Value": watched.key}, {"Name": "Operation", "Value": "Encrypt"}], statistic="Sum",
        period="60", evaluation_periods="1", threshold="5", comparison_operator="GreaterThanOrEqualToThreshold",
        alarm_actions=topic,
    )

    done = watching.add("prod", f"s3://{BUCKET}", "--fetch-public-keys", "--wait", of=watched)
    assert done.returncode == 0, done
    source = watching.source("prod")
    expected = watched.event_ids()
    assert sorted(watching.imported()) == sorted(expected) and len(expected) == len(set(expected))
    assert (source["Files"], source["Imported"]) == (len(watched.keys()), len(expected))
    assert source["Digests"] == {
        "Valid": len(watched.keys("CloudTrail-Digest")), "Invalid": 0, "Unproven": 0, "Missing": 0,
        "FilesMatching": len(watched.keys()), "FilesChanged": 0, "FilesMissing": 0,
    }
    assert {(p["AccountId"], p["Region"]) for p in source["Places"]} == {(WATCHED, REGION), (WATCHED, "eu-west-1")}
    assert sum(place["Imported"] for place in source["Places"]) == len(expected)
    assert f"AWSLogs/{WATCHED}/CloudTrail/{REGION}" in [cursor["Folder"] for cursor in source["Cursors"]]
    secret = watched.environment["AWS_SECRET_ACCESS_KEY"]
    assert source["AccessKeyId"] == watched.environment["AWS_ACCESS_KEY_ID"] and secret not in json.dumps(source)
    assert secret.encode() not in b"".join(path.read_bytes() for path in watching.server.data_dir.rglob("*") if path.is_file())

    looked_up = watching.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": watched.key}]
    )["Events"]
    assert [event["EventName"] for event in looked_up].count("Encrypt") == 5
    assert "Encrypt" in watching.server.keywatch("usage", watched.key)
    assert watching.requests(watched.key) == 5
    made = receiver.wait_for("Notification", lambda post: '"CreateKey"' in post["body"]["Message"])
    assert json.loads(made["body"]["Message"])["account"] == WATCHED
    watched.server.advance("1m")
    watching.server.advance("60s")
    points = watching.client("cloudwatch").get_metric_statistics(
        Namespace="Watch", MetricName="Encrypts", Statistics=["Sum"], Period=3600,
        StartTime="2026-11-02T00:00:00Z", EndTime="2026-11-03T00:00:00Z",
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 5, "the other calls were in another Region than the trail"

    # The alarm looks at its own window: what is used now is delivered, polled and seen as the clocks go on.
    watching.server.advance("1h")
    watched.use(6)
    watched.server.advance("1m")
    watching.server.advance("2m")
    assert watching.requests(watched.key) == 11
    alarm = receiver.wait_for("Notification", lambda post: '"AlarmName"' in post["body"]["Message"])
    assert json.loads(alarm["body"]["Message"])["NewStateValue"] == "ALARM"
    receiver.close()

    watching.server.advance("10m")
    again = watching.source("prod")
    expected = watched.event_ids()
    assert (again["Imported"], again["Duplicates"], again["Files"]) == (len(expected), 0, len(watched.keys()))
    watching.server.keywatch("import-source", "remove", "prod")
    assert watching.server.keywatch("import-source", "list", "--json") == ""
    assert sorted(watching.imported()) == sorted(expected), "what was imported stays"


def test_a_late_file_and_a_kill_lose_and_double_nothing(houses):
    watched, watching = houses
    for _ in range(20):
        watched.use(3)
        watched.server.advance("1m")
    keys = sorted(watched.keys())
    late = keys[len(keys) // 2]
    body, metadata = watched.get(late)
    expected = watched.event_ids(keys)
    watched.s3.delete_object(Bucket=BUCKET, Key=late)
    assert watching.add("prod", f"s3://{BUCKET}", "--every", "1s", of=watched).returncode == 0
    for _ in range(4):
        # Killed in the midst of it, as soon as something more was imported.
        before = len(watching.imported())
        watching.wait("prod", lambda source: source["Imported"] > before or source.get("LastPoll"))
        watching.server.kill()
        watching.start()
    watching.wait("prod", lambda source: source["Files"] == len(keys) - 1)
    watching.server.advance("1s")
    watched.put(late, body, metadata)
    watching.server.advance("2s")
    source = watching.wait("prod", lambda source: source["Files"] == len(keys))
    assert (source["Imported"], source["Duplicates"]) == (len(expected), 0)
    assert sorted(watching.imported()) == sorted(expected)
    assert watching.requests(watched.key) == 60


def test_what_digests_contradict_is_refused(houses, tmp_path):
    watched, watching = houses
    for _ in range(3):
        watched.use(2)
        watched.server.advance("20m")
    watched.server.advance("1h")
    files = {key: watched.get(key) for key in watched.keys() if f"/{REGION}/" in key}
    first = next(key for key, (body, _) in files.items() if b'"Encrypt"' in gzip.decompress(body))
    second = next(key for key in files if key != first)
    body, metadata = files[first]
    tampered = gzip.compress(gzip.decompress(body).replace(b'"Encrypt"', b'"Decrypt"'))
    watched.put(first, tampered, metadata)
    watched.s3.delete_object(Bucket=BUCKET, Key=second)
    keys = tmp_path / "keys.json"
    answer = watched.aws("cloudtrail", "list-public-keys", start_time="2026-11-01", end_time="2026-11-03")
    keys.write_text(json.dumps(answer))
    done = watching.add("prod", f"s3://{BUCKET}", "--public-keys", str(keys), "--wait", of=watched)
    assert done.returncode == 1 and "its digest names another hash" in done.stderr, done
    source = watching.source("prod")
    assert (source["FilesRefused"], source["Digests"]["FilesMissing"], source["Digests"]["Invalid"]) == (1, 1, 0)
    assert {first, second} == {finding["Place"] for finding in source["Findings"]}
    imported = set(watching.imported())
    assert not imported & set(watched.event_ids([first]))
    assert imported == set(watched.event_ids([key for key in watched.keys() if key != first]))

    # `keywatch import` of a copy refuses the same file.
    copy = tmp_path / "copy"
    for key in watched.keys() + watched.keys("CloudTrail-Digest"):
        path = copy / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(watched.get(key)[0])
    command = [BINARY, "import", str(copy), "--public-keys", str(keys), "--data-dir", str(watching.server.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and f"{first}: refused: its digest names another hash" in done.stderr, done
    assert done.stdout.startswith(f"{len(watched.keys()) - 1} files: 0 records imported"), done
    assert ", 0 of them unproven:" in done.stdout and done.stdout.endswith(" 1 refused, 1 missing\n"), done
    assert set(watching.imported()) == imported
    done = subprocess.run([*command, "--no-digests"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "refused" not in done.stdout, done

    # A digest that was changed says nothing.
    digest = sorted(key for key in watched.keys("CloudTrail-Digest") if f"/{REGION}/" in key)[0]
    text, metadata = watched.get(digest)
    watched.put(digest, gzip.compress(gzip.decompress(text).replace(b"2026-11-02T08", b"2026-11-02T07")), metadata)
    assert watching.add("again", f"s3://{BUCKET}", "--public-keys", str(keys), "--wait", of=watched).returncode == 1
    assert watching.source("again")["Digests"]["Invalid"] == 1


def test_notices_of_a_queue(houses):
    watched, watching = houses
    watched.use(4)
    watched.server.advance("1h")
    queue = watched.aws("sqs", "create-queue", queue_name="notices")["QueueUrl"]
    sqs = watched.client("sqs")
    tell = lambda body: sqs.send_message(QueueUrl=queue, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def s3_event(key):
        entity = {"bucket": {"name": BUCKET}, "object": {"key": key.replace("=", "%3D"), "size": 1}}
        return {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": entity}]}

    keys, digests = watched.keys(), watched.keys("CloudTrail-Digest")
    tell(s3_event(keys[0]))
    tell({"Type": "Notification", "MessageId": "m", "Message": json.dumps(s3_event(digests[0]))})
    tell({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET})
    tell(s3_event(keys[0]))
    tell("not a notice")
    for key in keys[1:]:
        tell({"s3Bucket": BUCKET, "s3ObjectKey": [key]})
    tell(s3_event(keys[0].replace("2026/11/02", "2026/11/01")))
    done = watching.add("prod", f"s3://{BUCKET}", "--queue-url", queue, "--fetch-public-keys", "--wait", of=watched)
    assert done.returncode == 1 and "stays in the queue" in done.stderr, done
    source = watching.source("prod")
    expected = watched.event_ids(keys)
    assert (source["Imported"], source["MalformedNotices"], source["Digests"]["Valid"]) == (len(expected), 1, 1), source
    assert source["Notices"] == 4 + len(keys[1:]) + 1 and source["Digests"]["FilesMissing"] == 1
    assert sorted(watching.imported()) == sorted(expected)
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    left = int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])
    assert left == 1, "only what is not understood stays"

    # A message leaves its queue only when its records are durable.
    for _ in range(6):
        watched.use(2)
        watched.server.advance("1m")
    told = watched.keys()
    for key in sorted(set(told) - set(keys)):
        tell(s3_event(key))
    kicked = subprocess.Popen([BINARY, "clock", "advance", "61s", "--data-dir", str(watching.server.data_dir)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watching.wait("prod", lambda source: source["Imported"] > len(expected))
    watching.server.kill()
    kicked.communicate()
    watched.server.advance("1m")
    watching.start()
    # The clock may stand where it stood before the advance that was broken off.
    watching.server.advance("61s")
    expected = watched.event_ids(told)
    watching.wait("prod", lambda source: source["Imported"] == len(expected))
    assert sorted(watching.imported()) == sorted(expected)


def test_a_source_that_fails_delays_nobody_and_comes_back(houses):
    watched, watching = houses
    watched.use(3)
    watched.server.advance("5m")
    assert watching.add("gone", "s3://no-such-bucket", "--wait", of=watched).returncode == 1
    failed = watching.source("gone")
    assert failed["Failures"] == 1 and failed["LastError"], failed
    assert watching.add("prod", f"s3://{BUCKET}", "--wait", of=watched).returncode == 0
    assert len(watching.imported()) == len(watched.event_ids())
    watching.server.advance("10m")
    assert watching.source("gone")["Failures"] >= 2
    watched.aws("s3api", "create-bucket", bucket="no-such-bucket")
    watching.server.advance("1h")
    assert watching.source("gone")["Failures"] == 0


def test_private_addresses_need_permission(tmp_path):
    watched = Watched(tmp_path)
    watching = House(tmp_path / "strict")
    Watching.add(watching, "prod", f"s3://{BUCKET}", "--wait", of=watched)
    listed = json.loads(watching.server.keywatch("import-source", "list", "prod", "--json"))
    assert "is not a public address" in listed["LastError"], listed
    watching.server.stop()
    watched.server.stop()


def test_who_may_name_what(tmp_path):
    watching = Watching(tmp_path)
    refused = watching.add("a", "s3://Bad_Name")
    assert refused.returncode == 1 and "expected s3://bucket/prefix" in refused.stderr, refused
    assert watching.add("b", "s3://bucket", "--endpoint", "http://user:secret@127.0.0.1").returncode == 1
    assert watching.add("c", str(tmp_path)).returncode == 0
    twice = watching.add("c", str(tmp_path))
    assert twice.returncode == 1 and "AlreadyExistsException" in twice.stderr
    watching.server.stop()


def test_a_directory_of_a_real_account(tmp_path):
    logs = SHARED / "data" / "cloudtrail-invictus"
    if not logs.is_dir():
        pytest.skip("the log files of a real account are not here")
    watching = Watching(tmp_path)
    done = watching.add("archive", str(logs), "--wait")
    assert done.returncode == 0, done
    source = watching.source("archive")
    records = [r for path in logs.glob("*.json") for r in json.loads(path.read_text())["Records"]]
    assert (source["Files"], source["Records"], source["Imported"]) == (6, len(records), len({r["eventID"] for r in records}))
    by_place = {}
    for r in records:
        place = (r.get("recipientAccountId") or r["userIdentity"].get("accountId") or "unknown", r["awsRegion"])
        by_place[place] = by_place.get(place, 0) + 1
    shown = {(p["AccountId"], p["Region"]): p["Imported"] + p["Duplicates"] for p in source["Places"]}
    assert shown == by_place
    watching.server.kill()
    watching.start()
    watching.wait("archive", lambda again: again["LastPoll"] != source["LastPoll"] or again["Files"] == 6)
    assert watching.source("archive")["Imported"] == source["Imported"]
    watching.server.stop()
