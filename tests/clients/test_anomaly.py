"""Anomaly detectors, bands of what is expected, and alarms on them with boto3 and the three protocols bare; a test clock moves them."""

import datetime
import json
import math
import random
import re
import urllib.request

import boto3
import botocore.exceptions
import botocore.parsers
import pytest

import models
from bare import Bare
from harness import ACCOUNT, REGION, MailBox, Server

# A Thursday, four days after clocks went back in Berlin: half past eight there, 8.5 hours after midnight.
NOW = datetime.datetime(2026, 10, 29, 7, 30, tzinfo=datetime.timezone.utc)
BERLIN_WENT_BACK = datetime.datetime(2026, 10, 25, 1, 0, tzinfo=datetime.timezone.utc)
PERIOD = 300
DAY = 86_400


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    mail = MailBox()
    server = Server(
        tmp_path_factory.mktemp("anomaly") / "data", "--test-clock", NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), "--smtp", mail.url
    )
    server.data_dir.mkdir()
    server.start()
    server.mail = mail
    yield server
    server.stop()
    mail.close()


@pytest.fixture(scope="module")
def client(world):
    return clients(world, "cloudwatch")


def clients(world, service):
    exports = world.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def answer(world, protocol, operation, request):
    """The answer in one of the protocols, read by botocore."""
    model = models.of("cloudwatch")
    bare = Bare(world, model, protocol)
    status, body = bare.exchange(operation, bare.body(operation, request))
    assert status == 200, body
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor" if protocol == "cbor" else protocol)
    headers = {"smithy-protocol": "rpc-v2-cbor"} if protocol == "cbor" else {}
    parsed = parser.parse({"status_code": 200, "headers": headers, "body": body}, model.operation_model(operation).output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def put(client, name, value, days=14, until=NOW):
    """A value for each five minutes of the days up to a time; at most two weeks, for older points are refused."""
    end = int(until.timestamp()) // PERIOD * PERIOD
    start = end - int(days * DAY) + (3600 if days == 14 else 0)
    times = range(start, end, PERIOD)
    for first in range(0, len(times), 1000):
        data = [{"MetricName": name, "Timestamp": at, "Value": value(at)} for at in times[first : first + 1000]]
        client.put_metric_data(Namespace="App", MetricData=data)


def wave(at):
    """Busy at noon, from 60 to 140, with some unrest."""
    return 100 - 40 * math.cos(at / DAY * math.tau) + (at // PERIOD * 7919 % 13 - 6) / 2


def queries(name, expression="ANOMALY_DETECTION_BAND(m1, 2)", shown=False):
    stat = {"Metric": {"Namespace": "App", "MetricName": name}, "Period": PERIOD, "Stat": "Sum"}
    band = {"Id": "ad1", "Expression": expression, "Label": f"{name} (expected)"}
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": shown}, band]


def band(client, name, start=-3600, end=0, now=NOW, **options):
    """Lower and upper values, oldest first."""
    at = lambda seconds: now + datetime.timedelta(seconds=seconds)
    found = client.get_metric_data(
        MetricDataQueries=queries(name, **options), StartTime=at(start), EndTime=at(end), ScanBy="TimestampAscending"
    )["MetricDataResults"]
    assert [one["Id"] for one in found] == ["ad1", "ad1"]
    assert found[0]["Timestamps"] == found[1]["Timestamps"]
    return found[0]["Values"], found[1]["Values"]


def refused(call, code, **request):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == code, error.value.response
    return error.value.response


def test_a_band_around_a_wave(world, client):
    put(client, "wave", wave)
    lower, upper = band(client, "wave")
    times = [int(NOW.timestamp()) - 3600 + PERIOD * step for step in range(12)]
    assert len(lower) == 12 and all(low < wave(at) < high < low + 40 for at, low, high in zip(times, lower, upper))
    wide_lower, wide_upper = band(client, "wave", expression="ANOMALY_DETECTION_BAND(m1, 4)")
    assert wide_lower[0] < lower[0] and wide_upper[0] > upper[0]
    doubled = band(client, "wave", expression="ANOMALY_DETECTION_BAND(m1 * 2, 2)")
    assert abs(doubled[1][0] / 2 - upper[0]) < 2
    request = {"MetricDataQueries": queries("wave"), "StartTime": NOW.timestamp() - 3600, "EndTime": NOW.timestamp()}
    answers = [answer(world, protocol, "GetMetricData", request)["MetricDataResults"] for protocol in ("json", "query", "cbor")]
    assert answers[0] == answers[1] == answers[2]
    assert [one["Label"] for one in answers[0]] == ["wave (expected) Low", "wave (expected) High"]
    assert answers[0][0]["Values"] == lower[::-1] and answers[0][1]["Values"] == upper[::-1]
    for expression in ("ANOMALY_DETECTION_BAND(m1, -1)", "ANOMALY_DETECTION_BAND(SUM(METRICS()))"):
        refused(
            client.get_metric_data, "ValidationError", StartTime=NOW - datetime.timedelta(hours=1), EndTime=NOW,
            MetricDataQueries=queries("wave", expression),
        )


def test_detectors_in_all_protocols(world, client):
    single = {"Namespace": "App", "MetricName": "kept", "Stat": "p90", "Dimensions": [{"Name": "a", "Value": "1"}]}
    client.put_anomaly_detector(**single)
    excluded = [{"StartTime": NOW - datetime.timedelta(days=2), "EndTime": NOW - datetime.timedelta(days=1)}]
    configuration = {"MetricTimezone": "Europe/Berlin", "ExcludedTimeRanges": excluded}
    client.put_anomaly_detector(
        SingleMetricAnomalyDetector=single, Configuration=configuration, MetricCharacteristics={"PeriodicSpikes": True}
    )
    math_detector = {"MetricDataQueries": queries("kept", "m1 / 2")}
    client.put_anomaly_detector(MetricMathAnomalyDetector=math_detector)
    want = single | {
        "Configuration": configuration, "StateValue": "PENDING_TRAINING", "MetricCharacteristics": {"PeriodicSpikes": True},
        "SingleMetricAnomalyDetector": single | {"AccountId": ACCOUNT},
    }
    for protocol in ("json", "query", "cbor"):
        of_dimension = {"MetricName": "kept", "Dimensions": [{"Name": "a", "Value": "1"}]}
        [found] = answer(world, protocol, "DescribeAnomalyDetectors", of_dimension)["AnomalyDetectors"]
        assert found == want, protocol
        of_math = {"AnomalyDetectorTypes": ["METRIC_MATH"]}
        [found] = answer(world, protocol, "DescribeAnomalyDetectors", of_math)["AnomalyDetectors"]
        assert found["MetricMathAnomalyDetector"] == math_detector and "Namespace" not in found
    both = client.get_paginator("describe_anomaly_detectors").paginate(
        AnomalyDetectorTypes=["SINGLE_METRIC", "METRIC_MATH"], PaginationConfig={"PageSize": 1}
    )
    assert sum(len(page["AnomalyDetectors"]) for page in both) == 2
    refused(client.put_anomaly_detector, "InvalidParameterCombination", **single, SingleMetricAnomalyDetector=single)
    refused(client.put_anomaly_detector, "InvalidParameterValue", **single, Configuration={"MetricTimezone": "Mars/Olympus"})
    refused(client.put_anomaly_detector, "MissingParameter", Namespace="App", MetricName="kept")
    # Named by the other way, and by other ids, they are the same.
    client.delete_anomaly_detector(SingleMetricAnomalyDetector=single)
    client.delete_anomaly_detector(MetricMathAnomalyDetector=math_detector)
    gone = refused(client.delete_anomaly_detector, "ResourceNotFoundException", **single)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 404 and gone["ResourceType"] == "AnomalyDetector"
    lookup = clients(world, "cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "PutAnomalyDetector"}]
    )["Events"]
    assert json.loads(lookup[-1]["CloudTrailEvent"])["requestParameters"]["namespace"] == "App"


def test_clocks_of_a_time_zone(client):
    """Busy from nine to five by the clocks of Berlin; at half past seven UTC that was so until the clocks went back."""
    back = BERLIN_WENT_BACK.timestamp()
    hour = lambda at: (at + (7200 if at < back else 3600)) % DAY // 3600
    put(client, "office", lambda at: (80.5 if 9 <= hour(at) < 17 else 5.5) + at // PERIOD % 5 / 10)
    utc = band(client, "office", start=-1500)
    client.put_anomaly_detector(
        Namespace="App", MetricName="office", Stat="Sum", Configuration={"MetricTimezone": "Europe/Berlin"}
    )
    berlin = band(client, "office", start=-1500)
    assert max(berlin[1]) < 30, "nobody is there yet"
    assert max(utc[1]) > 70, "without the zone most days say that they are"
    [detector] = client.describe_anomaly_detectors(MetricName="office")["AnomalyDetectors"]
    assert detector["StateValue"] == "TRAINED"


def test_an_excluded_range(client):
    wrong = NOW - datetime.timedelta(days=5)
    put(client, "release", lambda at: 900 + wave(at) if at >= wrong.timestamp() else wave(at), days=10)
    assert band(client, "release")[1][0] > 800
    ranges = [{"StartTime": wrong, "EndTime": NOW}]
    client.put_anomaly_detector(Namespace="App", MetricName="release", Stat="Sum", Configuration={"ExcludedTimeRanges": ranges})
    assert band(client, "release")[1][0] < 200


def test_a_level_shift(client):
    shift = NOW.timestamp() - 6 * 3600
    put(client, "shifted", lambda at: wave(at) + (500 if at >= shift else 0), days=12)
    before, now = band(client, "shifted", start=-8 * 3600, end=-7 * 3600), band(client, "shifted", start=-1200)
    assert before[1][0] < 200 and now[1][0] > 500 and now[0][0] > 400


def test_counts_with_many_zeros(client):
    chance = random.Random(5)
    put(client, "errors", lambda at: int(chance.random() < 0.1), days=7)
    lower, upper = band(client, "errors", expression="ANOMALY_DETECTION_BAND(m1, 3)")
    assert set(lower) == {0} and all(1 <= high <= 5 and high == int(high) for high in upper), upper


def test_too_little_data(client):
    client.put_anomaly_detector(Namespace="App", MetricName="young", Stat="Sum")
    state = lambda: client.describe_anomaly_detectors(MetricName="young")["AnomalyDetectors"][0]["StateValue"]
    assert state() == "PENDING_TRAINING"
    put(client, "young", wave, days=2 / 24)
    assert (state(), band(client, "young")) == ("TRAINED_INSUFFICIENT_DATA", ([], []))


def test_an_alarm(world, client):
    sns, sqs = clients(world, "sns"), clients(world, "sqs")
    topic = sns.create_topic(Name="bands")["TopicArn"]
    url, arn = sqs.create_queue(QueueName="bands")["QueueUrl"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:bands"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="oncall@example.com")
    question = world.mail.wait_for("AWS Notification - Subscription Confirmation")
    urllib.request.urlopen(re.search(r"https?://\S+confirmation\.html\S+", question.text)[0], timeout=10).read()

    put(client, "watched", wave)
    alarm = {
        "AlarmName": "unusual", "Metrics": queries("watched", "ANOMALY_DETECTION_BAND(m1, 3)", shown=True), "ThresholdMetricId": "ad1",
        "ComparisonOperator": "GreaterThanUpperThreshold", "EvaluationPeriods": 2, "DatapointsToAlarm": 1, "AlarmActions": [topic],
    }
    client.put_metric_alarm(**alarm)
    refused(client.put_metric_alarm, "ValidationError", **(alarm | {"Threshold": 5.0}))
    refused(client.put_metric_alarm, "ValidationError", **(alarm | {"ComparisonOperator": "GreaterThanThreshold"}))
    scaling = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:x:autoScalingGroupName/g:policyName/p"
    refused(client.put_metric_alarm, "ValidationError", **(alarm | {"AlarmActions": [scaling]}))
    world.advance("1m")
    [found] = client.describe_alarms(AlarmNames=["unusual"])["MetricAlarms"]
    assert (found["StateValue"], found["ThresholdMetricId"], "Threshold" in found) == ("OK", "ad1", False)
    assert found["Metrics"] == alarm["Metrics"]
    client.put_metric_data(Namespace="App", MetricData=[{"MetricName": "watched", "Timestamp": NOW, "Value": 999}])
    world.advance("5m")
    [found] = client.describe_alarms(AlarmNames=["unusual"])["MetricAlarms"]
    assert found["StateValue"] == "ALARM"
    data = json.loads(found["StateReasonData"])
    upper = data["recentUpperThresholds"][-1]
    assert found["StateReason"] == (
        f"Thresholds Crossed: 1 out of the last 2 datapoints [999.0 ({data_time(data)})] was greater than the upper thresholds "
        f"[{upper}] (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert 60 < upper < 200 and "threshold" not in data
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    told = json.loads(message["Body"])
    assert list(told) == [
        "AlarmName", "AlarmDescription", "AWSAccountId", "AlarmConfigurationUpdatedTimestamp", "NewStateValue", "NewStateReason",
        "StateChangeTime", "Region", "AlarmArn", "OldStateValue", "ActionExecutedAfterMuteWindow", "OKActions", "AlarmActions",
        "InsufficientDataActions", "Trigger",
    ]
    assert told["NewStateReason"] == found["StateReason"]
    metric = {"Dimensions": [], "MetricName": "watched", "Namespace": "App"}
    assert told["Trigger"] == {
        "Period": 300, "EvaluationPeriods": 2, "DatapointsToAlarm": 1, "ComparisonOperator": "GreaterThanUpperThreshold",
        "ThresholdMetricId": "ad1", "TreatMissingData": "", "EvaluateLowSampleCountPercentile": "",
        "Metrics": [
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, "ReturnData": True},
            {"Expression": "ANOMALY_DETECTION_BAND(m1, 3)", "Id": "ad1", "Label": "watched (expected)", "ReturnData": True},
        ],
    }
    mail = world.mail.wait_for('ALARM: "unusual" in US East (N. Virginia)')
    assert "when the metric is GreaterThanUpperThreshold (ad1) for at least 1 of the last 2 period(s) of 300 seconds." in mail.text
    assert client.describe_alarms_for_metric(Namespace="App", MetricName="watched")["MetricAlarms"] == []
    picture = {"annotations": {"alarms": [found["AlarmArn"]]}}
    png = client.get_metric_widget_image(MetricWidget=json.dumps(picture))["MetricWidgetImage"]
    assert png.startswith(b"\x89PNG")


def data_time(data):
    """The time of the point that crossed, as reasons write it."""
    [crossed] = [one for one in data["evaluatedDatapoints"] if one.get("value") == 999]
    return datetime.datetime.fromisoformat(crossed["timestamp"]).strftime("%d/%m/%y %H:%M:%S")
