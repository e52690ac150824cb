"""CloudWatch's metrics by all three protocols: what is put by one is read by all, and they answer alike."""

import datetime

import boto3
import pytest
from botocore.exceptions import ClientError

from harness import Server
from protocols import PROTOCOLS, cloudwatch

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.timezone.utc)
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("metrics") / "data", "--test-clock", NOW.isoformat())
    server.data_dir.mkdir()
    server.start()
    clients = {protocol: cloudwatch(server, protocol) for protocol in PROTOCOLS}
    # So small that every body is compressed.
    clients["gzip"] = cloudwatch(server, "json", request_min_compression_size_bytes=1)
    for protocol, client in clients.items():
        put(client, protocol)
    clients["server"] = server
    yield clients
    server.stop()


def put(client, kind):
    """The same points, in a name space for each way they come."""
    dimensions = [{"Name": "Kind", "Value": "a b&=+%"}]
    at = lambda minutes: NOW - minutes * MINUTE
    client.put_metric_data(Namespace=f"Put/{kind}", MetricData=[
        {"MetricName": "value", "Dimensions": dimensions, "Timestamp": at(5), "Value": 3.5, "Unit": "Seconds"},
        {"MetricName": "value", "Dimensions": dimensions, "Timestamp": at(5), "Value": 1e-5, "Unit": "Seconds"},
        {"MetricName": "value", "Dimensions": dimensions, "Timestamp": at(3), "Value": 0, "Unit": "Seconds"},
        {"MetricName": "counts", "Timestamp": at(5), "Values": [1, 2, 10], "Counts": [5, 3, 2]},
        {"MetricName": "set", "Timestamp": at(5), "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}, "Unit": "Bytes"},
    ])
    client.put_metric_data(Namespace=f"Put/{kind}", MetricData=[
        {"MetricName": "fine", "Timestamp": at(5) + datetime.timedelta(seconds=s), "Value": s, "StorageResolution": 1} for s in range(60)
    ])


def alike(clients, ask):
    """What every protocol answers, of every way of putting: all the same."""
    answers = {(reader, writer): ask(clients[reader], f"Put/{writer}") for reader in PROTOCOLS for writer in [*PROTOCOLS, "gzip"]}
    first = next(iter(answers.values()))
    for which, answer in answers.items():
        assert answer == first, which
    return first


def plain(answer, namespace):
    """Without what differs from call to call."""
    if isinstance(answer, dict):
        return {name: plain(value, namespace) for name, value in answer.items() if name != "ResponseMetadata"}
    if isinstance(answer, list):
        return [plain(value, namespace) for value in answer]
    return answer.replace(namespace, "Put") if isinstance(answer, str) else answer


def test_statistics(clients):
    def ask(metric, dimensions=(), period=60, **statistics):
        def one(client, namespace):
            answer = client.get_metric_statistics(
                Namespace=namespace, MetricName=metric, Dimensions=list(dimensions), StartTime=NOW - 10 * MINUTE, EndTime=NOW, Period=period, **statistics,
            )
            answer["Datapoints"].sort(key=lambda point: point["Timestamp"])
            return plain(answer, namespace)
        return alike(clients, one)

    every = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    value = ask("value", [{"Name": "Kind", "Value": "a b&=+%"}], Statistics=every)
    assert value["Label"] == "value"
    assert [{k: v for k, v in point.items() if k != "Timestamp"} for point in value["Datapoints"]] == [
        {"SampleCount": 2.0, "Average": 1.750005, "Sum": 3.50001, "Minimum": 1e-5, "Maximum": 3.5, "Unit": "Seconds"},
        {"SampleCount": 1.0, "Average": 0.0, "Sum": 0.0, "Minimum": 0.0, "Maximum": 0.0, "Unit": "Seconds"},
    ]
    assert [point["Timestamp"] for point in value["Datapoints"]] == [NOW - 5 * MINUTE, NOW - 3 * MINUTE]
    counts, = ask("counts", Statistics=["Sum", "SampleCount"])["Datapoints"]
    assert (counts["Sum"], counts["SampleCount"], counts["Unit"]) == (31.0, 10.0, "None")
    ranks, = ask("counts", ExtendedStatistics=["p50", "p90", "TM(10%:90%)", "IQM"])["Datapoints"]
    assert ranks["ExtendedStatistics"]["p50"] <= 2 and ranks["ExtendedStatistics"]["p90"] == 10
    summary, = ask("set", Statistics=every)["Datapoints"]
    assert (summary["Average"], summary["Minimum"], summary["Maximum"]) == (2.5, 1.0, 4.0)
    fine = ask("fine", period=10, Statistics=["Sum"])["Datapoints"]
    assert [point["Sum"] for point in fine] == [sum(range(s, s + 10)) for s in range(0, 60, 10)]
    assert ask("absent", Statistics=["Sum"])["Datapoints"] == []


def test_data(clients):
    def stat(id, metric, namespace, stat="Sum", period=60, **more):
        dimensions = [{"Name": "Kind", "Value": "a b&=+%"}] if metric == "value" else []
        metric = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
        return {"Id": id, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}

    def ask(client, namespace):
        answer = client.get_metric_data(
            StartTime=NOW - 10 * MINUTE, EndTime=NOW, ScanBy="TimestampAscending", LabelOptions={"Timezone": "+0100"},
            MetricDataQueries=[
                stat("value", "value", namespace, Label="${PROP('Dim.Kind')} ${SUM} ${LAST_TIME}"),
                stat("hidden", "counts", namespace, ReturnData=False),
                {"Id": "twice", "Expression": "hidden * 2", "Label": "double"},
                {"Id": "found", "Expression": f"SEARCH('{{\"{namespace}\"}} MetricName=\"set\"', 'Average', 60)"},
                stat("percentile", "fine", namespace, stat="p90"),
                stat("absent", "absent", namespace),
            ],
        )
        return plain(answer, namespace)

    results = {result["Id"]: result for result in alike(clients, ask)["MetricDataResults"]}
    assert list(results) == ["value", "twice", "found", "percentile", "absent"]
    assert results["value"]["Timestamps"] == [NOW - 5 * MINUTE, NOW - 3 * MINUTE]
    assert results["value"]["Values"] == [3.50001, 0.0]
    assert results["value"]["Label"].startswith("a b&=+% 3.5")
    assert "12:57" in results["value"]["Label"]
    assert (results["twice"]["Label"], results["twice"]["Values"]) == ("double", [62.0])
    assert results["found"]["Values"] == [2.5]
    assert 52 <= results["percentile"]["Values"][0] <= 54
    assert (results["absent"]["Timestamps"], results["absent"]["Values"], results["absent"]["StatusCode"]) == ([], [], "Complete")


def test_pages_of_data(clients):
    def ask(client, namespace):
        metric = {"Namespace": namespace, "MetricName": "fine"}
        query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "Sum"}}
        ask = {"MetricDataQueries": [query], "StartTime": NOW - 6 * MINUTE, "EndTime": NOW, "MaxDatapoints": 25}
        values, sizes = [], []
        while True:
            answer = client.get_metric_data(**ask)
            page = [value for result in answer["MetricDataResults"] for value in result["Values"]]
            values += page
            sizes.append(len(page))
            if not answer.get("NextToken"):
                return values, sizes
            assert answer["MetricDataResults"][0]["StatusCode"] == "PartialData"
            ask["NextToken"] = answer["NextToken"]

    values, sizes = alike(clients, ask)
    # The newest point comes first unless asked otherwise.
    assert values == [float(s) for s in range(59, -1, -1)]
    assert sizes == [25, 25, 10]


def test_names(clients):
    def ask(client, namespace):
        names = client.list_metrics(Namespace=namespace)["Metrics"]
        by_dimension = client.list_metrics(Namespace=namespace, Dimensions=[{"Name": "Kind"}], RecentlyActive="PT3H")["Metrics"]
        shown = lambda metrics: sorted((m["MetricName"], [(d["Name"], d["Value"]) for d in m["Dimensions"]]) for m in metrics)
        return shown(names), shown(by_dimension), client.list_metrics(Namespace="Put/absent")["Metrics"]

    names, by_dimension, absent = alike(clients, ask)
    assert names == [("counts", []), ("fine", []), ("set", []), ("value", [("Kind", "a b&=+%")])]
    assert by_dimension == [("value", [("Kind", "a b&=+%")])]
    assert absent == []


def test_refusals(clients):
    def code(call):
        with pytest.raises(ClientError) as refused:
            call()
        return refused.value.response["Error"]["Message"]

    def ask(client, _):
        query = {"Id": "e", "Expression": "missing + 1"}
        return [
            code(lambda: client.get_metric_data(MetricDataQueries=[query], StartTime=NOW - MINUTE, EndTime=NOW)),
            code(lambda: client.get_metric_statistics(Namespace="N", MetricName="m", StartTime=NOW, EndTime=NOW - MINUTE, Period=60, Statistics=["Sum"])),
            code(lambda: client.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1, "Values": [1]}])),
        ]

    assert all(alike(clients, ask))


def test_quotas(clients):
    """SERVICE_QUOTA of a usage metric is what the account may call in a period."""
    server = clients["server"]
    exports = server.environment()
    kms = boto3.client(
        "kms", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name="eu-north-1",
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    client = boto3.client(
        "cloudwatch", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name="eu-north-1",
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for _ in range(6):
        kms.encrypt(KeyId=key, Plaintext=b"x")

    def usage(resource, service="KMS"):
        dimensions = {"Service": service, "Type": "API", "Class": "None", "Resource": resource}
        return {"Namespace": "AWS/Usage", "MetricName": "CallCount", "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()]}

    def ask(metric, expression):
        queries = [
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
            {"Id": "e1", "Expression": expression},
        ]
        return client.get_metric_data(MetricDataQueries=queries, StartTime=NOW, EndTime=NOW + MINUTE)["MetricDataResults"][0]["Values"]

    assert ask(usage("CryptographicOperationsSymmetric"), "SERVICE_QUOTA(m1)") == [10_000 * 60]
    share, = ask(usage("CryptographicOperationsSymmetric"), "m1 / SERVICE_QUOTA(m1) * 100")
    assert abs(share - 6 / 600_000 * 100) < 1e-12
    assert ask(usage("CreateKey"), "SERVICE_QUOTA(m1)") == [300]
    for metric in [usage("Nothing"), usage("CreateKey", "S3"), {"Namespace": "AWS/KMS", "MetricName": "SuccessfulRequest"}]:
        with pytest.raises(ClientError) as refused:
            ask(metric, "SERVICE_QUOTA(m1)")
        assert "SERVICE_QUOTA takes a usage metric" in refused.value.response["Error"]["Message"]


def test_tags(clients):
    """Metrics Insights groups and filters by the tags that keys have."""
    exports = clients["server"].environment()
    credentials = {"aws_access_key_id": exports["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": exports["AWS_SECRET_ACCESS_KEY"]}
    kms, client = (boto3.client(name, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name="eu-west-3", **credentials) for name in ["kms", "cloudwatch"])
    for team, times in [("blue", 1), ("blue", 2), ("red", 4), (None, 8)]:
        tags = [{"TagKey": "Team", "TagValue": team}] if team else []
        key = kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
        for _ in range(times):
            kms.encrypt(KeyId=key, Plaintext=b"x")

    def ask(rest):
        expression = f'SELECT SUM(SuccessfulRequest) FROM SCHEMA("AWS/KMS", KeyArn, Operation) {rest}'
        query = {"Id": "q1", "Expression": expression, "Period": 60}
        answer = client.get_metric_data(MetricDataQueries=[query], StartTime=NOW, EndTime=NOW + MINUTE)
        return {result["Label"]: result["Values"] for result in answer["MetricDataResults"]}

    assert ask('GROUP BY tag."Team"') == {"blue": [3.0], "red": [4.0], "Other": [8.0]}
    assert list(ask('WHERE tag."Team" = \'blue\'').values()) == [[3.0]]
    alarm = {"AlarmName": "tagged", "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    query = {"Id": "q1", "Expression": 'SELECT SUM(SuccessfulRequest) FROM "AWS/KMS" GROUP BY tag.Team', "Period": 60, "ReturnData": True}
    with pytest.raises(ClientError):
        client.put_metric_alarm(**alarm, Metrics=[query])
