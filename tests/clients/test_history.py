"""History that left the database: closed while the server runs, asked for like the rest, and still there after a kill."""

import datetime
import gzip
import json
import time

import duckdb
import pytest

from harness import Aws, Server

RECORDS = 50_000
PER_FILE = 5_000
KEYS = 50
START = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)


def key_arn(number):
    return f"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-{number % KEYS:012d}"


def record(number):
    moment = START + datetime.timedelta(seconds=number * 30)
    role = f"arn:aws:iam::123456789012:role/app{number % 9}"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::123456789012:assumed-role/app{number % 9}/s{number}",
            "sessionContext": {"sessionIssuer": {"arn": role}},
        },
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "kms.amazonaws.com",
        "eventName": ["Decrypt", "GenerateDataKey"][number % 2],
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "app",
        "requestParameters": {"encryptionContext": {"tenant": str(number % 5)}},
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "readOnly": True,
        "resources": [{"accountId": "123456789012", "type": "AWS::KMS::Key", "ARN": key_arn(number)}],
        "eventType": "AwsApiCall",
        "recipientAccountId": "123456789012",
    }


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", "2026-11-01T00:00:00Z").start()
    yield server
    server.process.kill()


def check(server):
    """The same answers, wherever the records lie."""
    mine = [number for number in range(RECORDS) if number % KEYS == 7]
    found = server.keywatch("search", "--key", key_arn(7), "--limit", "5000", "--json").splitlines()
    ids = [json.loads(line)["eventID"] for line in found]
    assert ids == [record(number)["eventID"] for number in reversed(mine)]
    rows = [json.loads(line) for line in server.keywatch("usage", key_arn(7), "--json", "--limit", "100000").splitlines()]
    assert sum(row["Calls"] for row in rows) == len(mine)
    wanted = [{"AttributeKey": "EventId", "AttributeValue": record(3)["eventID"]}]
    events = Aws(server)("cloudtrail", "lookup-events", lookup_attributes=wanted)["Events"]
    assert [json.loads(event["CloudTrailEvent"]) for event in events] == [record(3)]


def test_closed_history_answers_like_the_rest(server, tmp_path):
    for first in range(0, RECORDS, PER_FILE):
        with gzip.open(tmp_path / f"{first:06d}.json.gz", "wt") as file:
            json.dump({"Records": [record(number) for number in range(first, first + PER_FILE)]}, file)
    server.keywatch("import", *(str(path) for path in sorted(tmp_path.glob("*.json.gz"))))
    check(server)
    # Followers that derive nothing store their position every so many records, and delivery of log files every five minutes.
    server.advance("6m")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "data/history").glob("*.parquet")):
        assert time.monotonic() < deadline, "nothing was closed"
        server.keywatch("clock", "now")
    check(server)
    server.kill()
    server.start()
    check(server)
    assert "0 records imported, 5000 were there already" in server.keywatch("import", str(tmp_path / "000000.json.gz"))
    files = str(tmp_path / "data/history/*.parquet")
    question = "SELECT count(DISTINCT seq) = count(*), min(record->>'eventID') FROM read_parquet(?)"
    assert duckdb.execute(question, [files]).fetchone() == (True, record(0)["eventID"])
