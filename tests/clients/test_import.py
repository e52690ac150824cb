"""Log files of other accounts, taken in by `keywatch import`: look-ups, metrics, alarms, log groups and rules see their keys."""

import gzip
import json
import os
import subprocess
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
import pytest

from harness import ACCOUNT, BINARY, REGION, Aws, Server

NOW = datetime(2026, 11, 2, 8, 0, 30, tzinfo=timezone.utc)
SOURCE = "111122223333"
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("KEYWATCH_SHARED") or ROOT.parent / "shared")


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", wire_time(NOW))
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def aws(server):
    return Aws(server)


def wire_time(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def key_arn(name, region=REGION):
    return f"arn:aws:kms:{region}:{SOURCE}:key/{name}"


def record(name, key, time, region=REGION, user="alice", **members):
    """A record as CloudTrail writes it."""
    return {
        "eventVersion": "1.11", "eventID": str(uuid.uuid4()), "requestID": str(uuid.uuid4()), "eventTime": wire_time(time),
        "eventSource": "kms.amazonaws.com", "eventName": name, "awsRegion": region, "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "accountId": SOURCE, "userName": user, "arn": f"arn:aws:iam::{SOURCE}:user/{user}"},
        "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2", "readOnly": True,
        "requestParameters": {"keyId": key, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, "responseElements": None,
        "resources": [{"accountId": SOURCE, "type": "AWS::KMS::Key", "ARN": key}],
        "managementEvent": True, "eventCategory": "Management", "recipientAccountId": SOURCE, **members,
    }


def write(path, records):
    """A log file, gzip when its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"Records": records}).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def send(server, *paths):
    """`keywatch import`: its exit code, its first line and its complaints."""
    command = [BINARY, "import", "--data-dir", str(server.data_dir), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout.partition("\n")[0], done.stderr


def total(aws, key, operation, start, end, period=60):
    """The sum of a key's SuccessfulRequest over a time range."""
    points = aws(
        "cloudwatch", "get-metric-statistics", namespace="AWS/KMS", metric_name="SuccessfulRequest",
        dimensions=[{"Name": "KeyArn", "Value": key}, {"Name": "Operation", "Value": operation}],
        start_time=wire_time(start), end_time=wire_time(end), period=str(period), statistics="Sum",
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def listed(aws, **options):
    metrics = aws("cloudwatch", "list-metrics", namespace="AWS/KMS", **options)["Metrics"]
    return sorted(tuple(d["Value"] for d in metric["Dimensions"]) for metric in metrics)


def found(aws, attribute=None, **range_):
    """The event IDs a look-up gives, in its order."""
    options = dict(range_)
    if attribute:
        options["lookup_attributes"] = "AttributeKey={},AttributeValue={}".format(*attribute)
    return [event["EventId"] for event in aws("cloudtrail", "lookup-events", **options)["Events"]]


def top(aws, start, end, period):
    """Keys and their requests as the Metrics Insights query of the KMS guide ranks them."""
    query = (
        'SELECT SUM(SuccessfulRequest) FROM SCHEMA("AWS/KMS", KeyArn, Operation) GROUP BY KeyArn ORDER BY SUM() DESC LIMIT 20'
    )
    answer = aws(
        "cloudwatch", "get-metric-data", start_time=wire_time(start), end_time=wire_time(end),
        metric_data_queries=[{"Id": "top", "Expression": query, "Period": period}],
    )
    return [(series["Label"], sum(series["Values"])) for series in answer["MetricDataResults"]]


def test_imported_keys_are_seen_like_our_own_and_importing_twice_changes_nothing(server, aws, tmp_path):
    busy, quiet, far = key_arn("busy"), key_arn("quiet"), key_arn("far", "eu-west-1")
    minute = NOW.replace(second=0)
    hour_ago, last_year = minute - timedelta(hours=1), minute - timedelta(days=400)
    today = [record("Decrypt", busy, hour_ago + timedelta(seconds=second)) for second in range(7)]
    today.append(record("Encrypt", quiet, minute, user="bob"))
    today.append(record("Decrypt", busy, minute, errorCode="AccessDenied"))
    elsewhere = [record("Decrypt", far, minute, region="eu-west-1")]
    old = [record("Decrypt", quiet, last_year) for _ in range(3)]
    logs = tmp_path / "AWSLogs" / SOURCE / "CloudTrail"
    write(logs / REGION / "2026/11/02" / "today.json.gz", today)
    write(logs / "eu-west-1" / "2026/11/02" / "elsewhere.json", elsewhere)
    write(logs / REGION / "old.json.gz", old)

    assert send(server, logs) == (0, "3 files: 13 records imported, 0 were there already, 0 skipped", "")

    def check_answers(aws):
        ids = [r["eventID"] for r in today]
        assert listed(aws) == [(busy, "Decrypt"), (quiet, "Decrypt"), (quiet, "Encrypt")]
        assert listed(aws, recently_active="PT3H") == [(busy, "Decrypt"), (quiet, "Encrypt")]
        assert total(aws, busy, "Decrypt", hour_ago, minute) == 7
        assert total(aws, quiet, "Decrypt", last_year - timedelta(days=1), last_year + timedelta(days=1), 3600) == 3
        assert top(aws, hour_ago, minute + timedelta(minutes=1), 60) == [(busy, 7), (quiet, 1)]
        assert sorted(found(aws, ("ResourceName", "busy"))) == sorted(ids[:7] + ids[8:])
        assert found(aws, ("ResourceName", quiet)) == [ids[7]]
        assert found(aws, ("Username", "bob")) == [ids[7]]
        assert found(aws, ("EventName", "Encrypt")) == [ids[7]]
        assert len(found(aws, ("EventSource", "kms.amazonaws.com"))) == len(today)
        # Without a time range the last 90 days answer, as on AWS; asked for, imported history has no end.
        old_ids = sorted(r["eventID"] for r in old)
        assert sorted(found(aws, ("ResourceName", "quiet"), end_time=wire_time(hour_ago))) == []
        year = {"start_time": wire_time(last_year), "end_time": wire_time(last_year + timedelta(days=30))}
        assert sorted(found(aws, ("ResourceName", "quiet"), **year)) == old_ids
        assert sorted(found(aws, end_time=year["end_time"])) == old_ids
        there = Aws(server, AWS_DEFAULT_REGION="eu-west-1", AWS_REGION="eu-west-1")
        assert listed(there) == [(far, "Decrypt")]
        assert found(there, ("EventName", "Decrypt")) == [elsewhere[0]["eventID"]]
        usage = aws("cloudwatch", "list-metrics", namespace="AWS/Usage", metric_name="CallCount")["Metrics"]
        assert not usage, "the calls of others do not count against our quotas"

    check_answers(aws)
    again = (0, "3 files: 0 records imported, 13 were there already, 0 skipped", "")
    assert send(server, logs) == again
    server.stop()
    server.start()
    assert send(server, logs) == again
    check_answers(Aws(server))


def queue_behind_topic(aws, name):
    """A queue that gets what a topic of the same name is told."""
    topic = aws("sns", "create-topic", name=name)["TopicArn"]
    url = aws("sqs", "create-queue", queue_name=name)["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    aws("sns", "subscribe", topic_arn=topic, protocol="sqs", notification_endpoint=queue)
    return topic, url, queue


def bodies(aws, url, count):
    """Waits for so many messages."""
    got = []
    while len(got) < count:
        messages = aws("sqs", "receive-message", queue_url=url, wait_time_seconds="20", max_number_of_messages="10")
        assert "Messages" in messages, f"{len(got)} of {count} messages arrived"
        for message in messages["Messages"]:
            got.append(json.loads(message["Body"]))
            aws("sqs", "delete-message", queue_url=url, receipt_handle=message["ReceiptHandle"])
    return got


def test_an_alarm_on_an_imported_key(server, aws, tmp_path):
    key = key_arn("runaway")
    topic, url, _ = queue_behind_topic(aws, "alarms")
    aws(
        "cloudwatch", "put-metric-alarm", alarm_name="Runaway", namespace="AWS/KMS", metric_name="SuccessfulRequest",
        dimensions=[{"Name": "KeyArn", "Value": key}, {"Name": "Operation", "Value": "Decrypt"}], statistic="Sum",
        period="60", evaluation_periods="1", threshold="5", comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching", alarm_actions=topic,
    )
    old = [record("Decrypt", key, NOW - timedelta(days=3)) for _ in range(50)]
    assert send(server, write(tmp_path / "old.json", old))[0] == 0
    server.advance("60s")
    state = aws("cloudwatch", "describe-alarms", alarm_names="Runaway")["MetricAlarms"][0]["StateValue"]
    assert state == "OK", "an alarm looks at its own window only"
    fresh = [record("Decrypt", key, NOW + timedelta(seconds=60)) for _ in range(6)]
    assert send(server, write(tmp_path / "fresh.json.gz", fresh))[0] == 0
    [notice] = bodies(aws, url, 1)
    message = json.loads(notice["Message"])
    assert (message["AlarmName"], message["NewStateValue"]) == ("Runaway", "ALARM")


def test_metric_filters_and_rules_see_imported_records(server, aws, tmp_path):
    key = key_arn("doomed")
    aws("s3api", "create-bucket", bucket="trail")
    aws("logs", "create-log-group", log_group_name="trail")
    aws(
        "cloudtrail", "create-trail", name="trail", s3_bucket_name="trail",
        cloud_watch_logs_log_group_arn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*",
        cloud_watch_logs_role_arn=f"arn:aws:iam::{ACCOUNT}:role/CloudTrail_CloudWatchLogs_Role",
    )
    aws("cloudtrail", "start-logging", name="trail")
    aws(
        "logs", "put-metric-filter", log_group_name="trail", filter_name="pending",
        filter_pattern='{ $.eventSource = kms* && $.errorMessage = "* is pending deletion."}',
        metric_transformations=[{"metricName": "Pending", "metricNamespace": "Watch", "metricValue": "1"}],
    )
    _, url, queue = queue_behind_topic(aws, "rules")
    pattern = {"source": ["aws.kms"], "account": [SOURCE], "detail": {"errorCode": ["KMSInvalidStateException"]}}
    aws("events", "put-rule", name="doomed", event_pattern=pattern)
    aws("events", "put-targets", rule="doomed", targets=[{"Id": "queue", "Arn": queue}])

    refusal = {"errorCode": "KMSInvalidStateException", "errorMessage": f"{key} is pending deletion."}
    hour_ago, two_days, month = (NOW.replace(second=0) - timedelta(**ago) for ago in ({"hours": 1}, {"days": 2}, {"days": 30}))
    fresh, late, old = (record("Decrypt", key, time, **refusal) for time in (hour_ago, two_days, month))
    assert send(server, write(tmp_path / "refused.json", [fresh, late, old]))[0] == 0

    # Rules are told what is news, log groups take what may be put; older records are history.
    [event] = bodies(aws, url, 1)
    assert event["detail"] == fresh
    assert (event["account"], event["detail-type"]) == (SOURCE, "AWS API Call via CloudTrail")
    server.advance("60s")
    events = aws("logs", "filter-log-events", log_group_name="trail", filter_pattern="{ $.errorCode = * }")["events"]
    assert [json.loads(event["message"]) for event in events] == [late, fresh]
    points = aws(
        "cloudwatch", "get-metric-statistics", namespace="Watch", metric_name="Pending", statistics="Sum", period="3600",
        start_time=wire_time(month), end_time=wire_time(NOW),
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 2
    assert "Messages" not in aws("sqs", "receive-message", queue_url=url)


def test_what_cannot_be_imported_is_named(server, tmp_path):
    good = write(tmp_path / "logs" / "a-good.json", [record("Decrypt", key_arn("k"), NOW)])
    (tmp_path / "logs" / "b-cut.json").write_bytes(good.read_bytes()[:-40])
    (tmp_path / "logs" / "c-other.json").write_text('{"a": 1}')
    (tmp_path / "logs" / "d-digest.json").write_text('{"digestStartTime": "2026-11-02T07:00:00Z", "logFiles": []}')
    nowhere = record("Decrypt", key_arn("k"), NOW)
    del nowhere["awsRegion"]
    write(tmp_path / "logs" / "e-nowhere.json", [nowhere])
    code, line, complaints = send(server, tmp_path / "logs")
    assert (code, line) == (1, "2 files: 1 records imported, 0 were there already, 1 skipped")
    assert sorted(text.partition(":")[2].rpartition("/")[2] for text in complaints.splitlines()) == [
        "b-cut.json: truncated: the JSON ends in the middle",
        'c-other.json: not a CloudTrail log file: no "Records" in it',
        "e-nowhere.json: 1 records skipped that name no Region",
    ]
    code, line, complaint = send(server, tmp_path / "missing")
    assert (code, line) == (2, "") and "no such file or directory" in complaint
    command = [BINARY, "import", "--data-dir", str(tmp_path / "no server"), str(good)]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2
    standard_input = [BINARY, "import", "--data-dir", str(server.data_dir), "-"]
    done = subprocess.run(standard_input, input=good.read_bytes(), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, b"1 files: 0 records imported, 1 were there already, 0 skipped")


def test_an_import_that_was_killed_is_finished_by_running_it_again(server, tmp_path):
    files, per_file = 120, 30
    key = key_arn("k")
    start = NOW.replace(second=0) - timedelta(hours=2)
    for number in range(files):
        # Files overlap in time, as those of one Region do.
        records = [record("Decrypt", key, start + timedelta(seconds=10 * number + second)) for second in range(per_file)]
        write(tmp_path / "logs" / f"{number:03}.json.gz", records)
    exports = server.environment()

    def trail():
        return boto3.client(
            "cloudtrail", endpoint_url=server.url, region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )

    of_key = [{"AttributeKey": "ResourceName", "AttributeValue": key}]
    command = [BINARY, "import", "--data-dir", str(server.data_dir), str(tmp_path / "logs")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    client = trail()
    while not client.lookup_events(LookupAttributes=of_key, MaxResults=1)["Events"]:
        assert running.poll() is None
    server.kill()
    output, complaint = running.communicate(timeout=60)
    assert running.returncode == 2 and "cannot reach the server" in complaint, (output, complaint)
    server.start()
    code, line, _ = send(server, tmp_path / "logs")
    imported, before = (int(line.split()[at]) for at in (2, 5))
    assert code == 0 and imported > 0 and before > 0 and imported + before == files * per_file, line

    client = trail()
    pages = client.get_paginator("lookup_events").paginate(LookupAttributes=of_key)
    ids = [event["EventId"] for page in pages for event in page["Events"]]
    assert len(ids) == len(set(ids)) == files * per_file
    assert total(Aws(server), key, "Decrypt", start, NOW) == files * per_file


def test_a_real_account(server, aws):
    logs = SHARED / "data" / "cloudtrail-invictus"
    if not logs.is_dir():
        pytest.skip("the log files of a real account are not here")
    report = subprocess.run([BINARY, "report", str(logs), "--format", "json"], capture_output=True, text=True, timeout=60)
    report = json.loads(report.stdout)
    records = report["totals"]["records"]
    assert send(server, logs)[:2] == (0, f"6 files: {records} records imported, 0 were there already, 0 skipped")
    start, end = datetime(2023, 7, 10, tzinfo=timezone.utc), datetime(2023, 7, 11, tzinfo=timezone.utc)
    assert top(aws, start, end, 3600) == [(key["arn"], key["requests"]) for key in report["keys"]]
    assert listed(aws) == sorted((key["arn"], name) for key in report["keys"] for name in key["operations"])
    for key in report["keys"]:
        for name, requests in key["operations"].items():
            assert total(aws, key["arn"], name, start, end, 3600) == requests
        day = {"start_time": wire_time(start), "end_time": wire_time(end)}
        assert len(found(aws, ("ResourceName", key["arn"]), **day)) == key["requests"]
    assert send(server, logs)[:2] == (0, f"6 files: 0 records imported, {records} were there already, 0 skipped")
    assert top(aws, start, end, 3600) == [(key["arn"], key["requests"]) for key in report["keys"]]
