"""Both pattern languages at the front door, with boto3: TestMetricFilter, metric filters with dimensions and defaults, FilterLogEvents, and the
verdicts of TestEventPattern that AWS's own answers were recorded with."""

import datetime
import json
import os
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from harness import REGION, Server

START = "2026-11-02T08:00:00Z"
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("KEYWATCH_SHARED", ROOT.parent / "shared"))
MESSAGES_MAX = 50
PATTERNS = 60


class World:
    def __init__(self, directory):
        self.server = Server(directory, "--test-clock", START)
        self.server.data_dir.mkdir()
        self.server.start()
        exports = self.server.environment()
        options = dict(
            endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )
        self.logs, self.events, self.watch = (boto3.client(name, **options) for name in ("logs", "events", "cloudwatch"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("patterns") / "data")
    yield world
    world.server.stop()


def cases(name):
    path = ROOT / "crates" / "patterns" / "tests" / "data" / name
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_metric_filters_match_as_the_cases_say(world):
    seen = 0
    for case in cases("filter.jsonl"):
        messages = [message for message in case.get("yes", []) + case.get("no", []) if message][:MESSAGES_MAX]
        if not messages or seen == PATTERNS:
            continue
        seen += 1
        found = world.logs.test_metric_filter(filterPattern=case["pattern"], logEventMessages=messages)["matches"]
        want = [message for message in messages if message in case["yes"]]
        assert [match["eventMessage"] for match in found] == want, case["pattern"]
    assert seen == PATTERNS


def test_fields_and_refusals_of_metric_filters(world):
    for case in cases("filter.jsonl"):
        if "fields" in case:
            [match] = world.logs.test_metric_filter(filterPattern=case["pattern"], logEventMessages=[case["message"]])["matches"]
            assert match["eventNumber"] == 1 and match["extractedValues"] == case["fields"], case["pattern"]
    for pattern in ["{ $.a = 1", "ERROR:", "[a, a]"]:
        with pytest.raises(ClientError) as refused:
            world.logs.test_metric_filter(filterPattern=pattern, logEventMessages=["x"])
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_filters_make_metrics_and_find_events(world):
    world.logs.create_log_group(logGroupName="trail")
    world.logs.create_log_stream(logGroupName="trail", logStreamName="s")
    pattern = '{ $.eventSource = kms* && $.errorMessage = "* is pending deletion."}'
    by_name = {"metricName": "ByName", "metricNamespace": "Demo", "metricValue": "$.size", "unit": "Bytes", "dimensions": {"Name": "$.eventName"}}
    count = {"metricName": "Pending", "metricNamespace": "Demo", "metricValue": "1", "defaultValue": 0}
    world.logs.put_metric_filter(logGroupName="trail", filterName="pending", filterPattern=pattern, metricTransformations=[count])
    world.logs.put_metric_filter(logGroupName="trail", filterName="size", filterPattern="{ $.size >= 0 }", metricTransformations=[by_name])
    now = datetime.datetime.fromisoformat(START)
    records = [
        {"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "errorMessage": "key/1 is pending deletion.", "size": 7},
        {"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "size": 3.5},
        {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "errorMessage": "x is pending deletion.", "size": "none"},
    ]
    written = [json.dumps(record) for record in records] + [json.dumps(records[0]).replace(" is ", "\\u0020is\\u0020"), "no JSON"]
    stamp = int(now.timestamp() * 1000)
    world.logs.put_log_events(logGroupName="trail", logStreamName="s", logEvents=[{"timestamp": stamp, "message": text} for text in written])
    world.server.advance("2m")
    found = world.logs.filter_log_events(logGroupName="trail", filterPattern=pattern)["events"]
    assert [event["message"] for event in found] == [written[0], written[3]]
    window = dict(Namespace="Demo", StartTime=now, EndTime=now + datetime.timedelta(minutes=1), Period=60, Statistics=["Sum", "SampleCount"])
    [pending] = world.watch.get_metric_statistics(MetricName="Pending", **window)["Datapoints"]
    assert (pending["Sum"], pending["SampleCount"]) == (2, 5)
    [size] = world.watch.get_metric_statistics(MetricName="ByName", Dimensions=[{"Name": "Name", "Value": "Decrypt"}], **window)["Datapoints"]
    assert (size["Sum"], size["SampleCount"], size["Unit"]) == (17.5, 3, "Bytes")


def test_event_patterns_match_as_aws_answered(world):
    path = SHARED / "data" / "event-patterns" / "cases.jsonl"
    if not path.exists():
        pytest.skip(f"no {path}; set KEYWATCH_SHARED to the shared data")
    recorded = [case for line in path.read_text().splitlines() if (case := json.loads(line))["labelled_by"] == "aws-recorded"]
    assert recorded
    for case in recorded:
        try:
            answer = world.events.test_event_pattern(EventPattern=json.dumps(case["pattern"]), Event=json.dumps(case["event"]))
            got = "match" if answer["Result"] else "nomatch"
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "InvalidEventPatternException", case["id"]
            got = "error"
        assert got == case["expected"], case["id"]
