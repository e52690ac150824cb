"""The calls that Grafana's CloudWatch data source makes, as its SDK (AWS SDK for Go v2: CBOR, before that Query) makes them."""

import datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import REGION, Server
from protocols import cloudwatch

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("grafana") / "data", "--test-clock", NOW.isoformat())
    server.data_dir.mkdir()
    server.start()
    kms = other(server, "kms")
    server.keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    for times, key in enumerate(server.keys, 1):
        for _ in range(times):
            kms.encrypt(KeyId=key, Plaintext=b"x")
    yield server
    server.stop()


def other(server, service):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=5),
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(params=["smithy-rpc-v2-cbor", "query"])
def client(world, request):
    return cloudwatch(world, request.param)


def data(client, *queries):
    """As the data source asks: oldest first, with the viewer's time zone, page after page."""
    ask = {
        "StartTime": NOW - HOUR, "EndTime": NOW + HOUR, "ScanBy": "TimestampAscending", "MetricDataQueries": list(queries),
        "LabelOptions": {"Timezone": "+0000"},
    }
    results = []
    while True:
        answer = client.get_metric_data(**ask)
        results += answer["MetricDataResults"]
        if not answer.get("NextToken"):
            return results
        ask["NextToken"] = answer["NextToken"]


def test_metric_panels(world, client):
    key = world.keys[1]
    dimensions = [{"Name": "KeyArn", "Value": key}, {"Name": "Operation", "Value": "Encrypt"}]
    metric = {"Namespace": "AWS/KMS", "MetricName": "SuccessfulRequest", "Dimensions": dimensions}
    # The data source packs what it wants to know of a series into its label.
    label = "${LABEL}|&|${PROP('Dim.KeyArn')}|&|${PROP('Dim.Operation')}"
    search = """REMOVE_EMPTY(SEARCH('{"AWS/KMS","KeyArn","Operation"} MetricName="SuccessfulRequest"', 'Sum', 300))"""
    results = data(
        client,
        {"Id": "queryA", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, "ReturnData": True, "Label": label},
        {"Id": "queryB", "Expression": search, "ReturnData": True, "Label": label},
        {"Id": "queryC", "Expression": "queryA * 2", "ReturnData": True},
        {"Id": "queryD", "Expression": 'SELECT SUM(SuccessfulRequest) FROM SCHEMA("AWS/KMS", KeyArn, Operation) GROUP BY KeyArn ORDER BY SUM() DESC LIMIT 1', "Period": 300, "ReturnData": True},
    )
    of = lambda id: [result for result in results if result["Id"] == id]
    (one,), both, (doubled,), (top,) = of("queryA"), of("queryB"), of("queryC"), of("queryD")
    assert one["Values"] == [2.0] and one["Label"].split("|&|")[1:] == [key, "Encrypt"] and one["StatusCode"] == "Complete"
    assert sorted((result["Label"].split("|&|")[1], *result["Values"]) for result in both) == sorted(zip(world.keys, [1.0, 2.0]))
    assert doubled["Values"] == [4.0]
    assert (top["Label"], top["Values"]) == (key, [2.0])


def test_choosing_a_metric(world, client):
    pages = client.get_paginator("list_metrics").paginate(Namespace="AWS/KMS", MetricName="SuccessfulRequest", IncludeLinkedAccounts=True)
    metrics = [metric for page in pages for metric in page["Metrics"]]
    values = {d["Value"] for metric in metrics for d in metric["Dimensions"] if d["Name"] == "KeyArn"}
    assert values == set(world.keys)
    filtered = client.list_metrics(
        Namespace="AWS/KMS", MetricName="SuccessfulRequest", RecentlyActive="PT3H",
        Dimensions=[{"Name": "KeyArn", "Value": world.keys[0]}, {"Name": "Operation"}],
    )
    assert len(filtered["Metrics"]) == 1
    assert client.list_metrics(Namespace="AWS/KMS", OwningAccount="000000000000", IncludeLinkedAccounts=True)["Metrics"]


def test_annotations_of_alarms(world, client):
    alarm = {
        "AlarmName": "busy", "Namespace": "AWS/KMS", "MetricName": "SuccessfulRequest", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
    }
    client.put_metric_alarm(**alarm)
    client.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="shown")
    found = client.describe_alarms(AlarmNamePrefix="bu", MaxRecords=100)
    assert [alarm["AlarmName"] for alarm in found["MetricAlarms"]] == ["busy"]
    for_metric = client.describe_alarms_for_metric(Namespace="AWS/KMS", MetricName="SuccessfulRequest", Dimensions=[], Statistic="Sum", Period=60)
    assert [alarm["AlarmName"] for alarm in for_metric["MetricAlarms"]] == ["busy"]
    history = client.describe_alarm_history(AlarmName="busy", StartDate=NOW - HOUR, EndDate=NOW + HOUR, MaxRecords=100)
    assert "StateUpdate" in {item["HistoryItemType"] for item in history["AlarmHistoryItems"]}
    client.delete_alarms(AlarmNames=["busy"])


def test_statistics(world, client):
    dimensions = [{"Name": "KeyArn", "Value": world.keys[0]}, {"Name": "Operation", "Value": "Encrypt"}]
    answer = client.get_metric_statistics(
        Namespace="AWS/KMS", MetricName="SuccessfulRequest", Dimensions=dimensions, StartTime=NOW - HOUR, EndTime=NOW + HOUR, Period=300, Statistics=["Sum"],
    )
    assert [point["Sum"] for point in answer["Datapoints"]] == [1.0]


def test_log_groups(world):
    logs = other(world, "logs")
    logs.create_log_group(logGroupName="/kms/trail")
    assert [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix="/kms")["logGroups"]] == ["/kms/trail"]


@pytest.mark.parametrize("service, operation, members", [
    ("ec2", "describe_regions", {}),
    ("resourcegroupstaggingapi", "get_resources", {"ResourceTypeFilters": ["kms:key"]}),
    ("oam", "list_sinks", {}),
    ("oam", "list_attached_links", {"SinkIdentifier": "arn:aws:oam:us-east-1:000000000000:sink/s"}),
    ("organizations", "list_accounts", {}),
])
def test_what_is_not_served_is_refused_at_once(world, service, operation, members):
    with pytest.raises(ClientError) as refused:
        getattr(other(world, service), operation)(**members)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403, 404)


def test_insights_of_logs_are_refused_or_answered(world):
    logs = other(world, "logs")
    try:
        started = logs.start_query(logGroupNames=["/kms/trail"], startTime=0, endTime=int(NOW.timestamp()), queryString="fields @message")
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "UnknownOperationException"
    else:
        assert started["queryId"]
