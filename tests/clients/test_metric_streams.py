"""Metric streams: to a bucket of the server and to an HTTP endpoint as Firehose delivers, at least once over a kill."""

import base64
import datetime
import http.server
import json
import threading

import boto3
import pytest
from botocore.exceptions import ClientError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from harness import ACCOUNT, REGION, Server

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.timezone.utc)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/stream"


class Endpoint:
    """An HTTP endpoint of Firehose that keeps records and refuses while it is told to."""

    def __init__(self):
        self.records, self.headers, self.broken = [], [], False
        self.arrived = threading.Condition()
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with keeper.arrived:
                    if not keeper.broken:
                        keeper.headers.append(dict(self.headers))
                        keeper.records += [base64.b64decode(record["data"]) for record in body["records"]]
                    answer = {"requestId": body["requestId"], "timestamp": body["timestamp"]}
                    status, text = (503, {**answer, "errorMessage": "away"}) if keeper.broken else (200, answer)
                    keeper.arrived.notify_all()
                text = json.dumps(text).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://key%201@127.0.0.1:{self.server.server_port}/firehose"

    def lines(self):
        return [json.loads(line) for record in self.records for line in record.splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    endpoint, raw = Endpoint(), Endpoint()
    server = Server(
        tmp_path_factory.mktemp("streams") / "data", "--test-clock", NOW.isoformat(),
        "--firehose", "bucket=s3://metrics/streamed/", "--firehose", f"http={endpoint.url}", "--firehose", f"otel={raw.url}",
    )
    server.data_dir.mkdir()
    server.start()
    server.endpoint, server.raw = endpoint, raw
    yield server
    server.stop()


def client(server, service):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def firehose(name):
    return f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}"


def test_streams_are_kept_as_put(world):
    cloudwatch = client(world, "cloudwatch")
    ask = {"Name": "kept", "FirehoseArn": firehose("http"), "RoleArn": ROLE, "OutputFormat": "json"}
    filters = [{"Namespace": "App", "MetricNames": ["a", "b"]}]
    statistics = [{"IncludeMetrics": [{"Namespace": "App", "MetricName": "a"}], "AdditionalStatistics": ["p90", "TM(10%:90%)"]}]
    arn = cloudwatch.put_metric_stream(**ask, IncludeFilters=filters, StatisticsConfigurations=statistics, Tags=[{"Key": "k", "Value": "v"}])["Arn"]
    assert arn == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:metric-stream/kept"
    stream = cloudwatch.get_metric_stream(Name="kept")
    assert (stream["State"], stream["IncludeFilters"], stream["StatisticsConfigurations"]) == ("running", filters, statistics)
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "l", "Value": "w"}])
    assert len(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]) == 2
    cloudwatch.stop_metric_streams(Names=["kept", "absent"])
    cloudwatch.put_metric_stream(**ask, ExcludeFilters=filters)
    stream = cloudwatch.get_metric_stream(Name="kept")
    assert (stream["State"], stream["ExcludeFilters"], stream.get("IncludeFilters")) == ("stopped", filters, None)
    assert [entry["Name"] for entry in cloudwatch.list_metric_streams()["Entries"]] == ["kept"]
    cloudwatch.start_metric_streams(Names=["kept"])
    assert cloudwatch.get_metric_stream(Name="kept")["State"] == "running"
    cloudwatch.delete_metric_stream(Name="kept")
    cloudwatch.delete_metric_stream(Name="kept")
    with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException):
        cloudwatch.get_metric_stream(Name="kept")


@pytest.mark.parametrize("change, code, text", [
    ({"FirehoseArn": firehose("unknown")}, "InvalidParameterValue", "--firehose unknown="),
    ({"FirehoseArn": "arn:aws:sns:us-east-1:000000000000:t"}, "InvalidParameterValue", "FirehoseArn"),
    ({"OutputFormat": "opentelemetry0.7"}, "InvalidParameterValue", "opentelemetry1.0"),
    ({"RoleArn": "arn:aws:iam::000000000000:user/u"}, "InvalidParameterValue", "RoleArn"),
    ({"IncludeFilters": [{"Namespace": "A"}], "ExcludeFilters": [{"Namespace": "B"}]}, "InvalidParameterCombination", "both"),
    ({"StatisticsConfigurations": [{"IncludeMetrics": [{"Namespace": "A", "MetricName": "m"}], "AdditionalStatistics": ["Sum"]}]}, "InvalidParameterValue", "Sum"),
])
def test_refusals(world, change, code, text):
    cloudwatch = client(world, "cloudwatch")
    ask = {"Name": "refused", "FirehoseArn": firehose("http"), "RoleArn": ROLE, "OutputFormat": "json"} | change
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_stream(**ask)
    assert refused.value.response["Error"]["Code"].startswith(code) and text in str(refused.value)


def test_to_an_endpoint_and_over_a_kill(world):
    cloudwatch, kms = client(world, "cloudwatch"), client(world, "kms")
    put = {"RoleArn": ROLE}
    cloudwatch.put_metric_stream(
        Name="http", FirehoseArn=firehose("http"), OutputFormat="json", **put,
        IncludeFilters=[{"Namespace": "AWS/KMS"}, {"Namespace": "App", "MetricNames": ["a"]}],
        StatisticsConfigurations=[{"IncludeMetrics": [{"Namespace": "App", "MetricName": "a"}], "AdditionalStatistics": ["p50"]}],
    )
    cloudwatch.put_metric_stream(Name="otel", FirehoseArn=firehose("otel"), OutputFormat="opentelemetry1.0", IncludeFilters=[{"Namespace": "App"}], **put)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.encrypt(KeyId=key, Plaintext=b"x")
    dimensions = [{"Name": "D", "Value": "v"}]
    cloudwatch.put_metric_data(Namespace="App", MetricData=[
        {"MetricName": "a", "Dimensions": dimensions, "Values": [1, 2, 9], "Counts": [1, 3, 1], "Unit": "Milliseconds"},
        {"MetricName": "b", "Value": 1},
    ])
    world.advance("1m")
    lines = world.endpoint.lines()
    assert {(line["namespace"], line["metric_name"]) for line in lines} == {("AWS/KMS", "SuccessfulRequest"), ("App", "a")}
    used, = [line for line in lines if line["namespace"] == "AWS/KMS"]
    assert used["dimensions"] == {"KeyArn": key, "Operation": "Encrypt"} and used["value"] == {"max": 1.0, "min": 1.0, "sum": 1.0, "count": 1.0}
    a, = [line for line in lines if line["metric_name"] == "a"]
    assert a == {
        "metric_stream_name": "http", "account_id": ACCOUNT, "region": REGION, "namespace": "App", "metric_name": "a", "dimensions": {"D": "v"},
        "timestamp": int(NOW.timestamp() * 1000), "value": {"max": 9.0, "min": 1.0, "sum": 16.0, "count": 5.0, "p50": 2.0}, "unit": "Milliseconds",
    }
    headers = {name.lower(): value for name, value in world.endpoint.headers[0].items()}
    assert headers["x-amz-firehose-access-key"] == "key 1" and headers["x-amz-firehose-source-arn"] == firehose("http")
    message = delimited(world.raw.records[0])
    resource = {a.key: a.value.string_value for a in message.resource_metrics[0].resource.attributes}
    assert resource["aws.exporter.arn"].endswith("metric-stream/otel") and resource["cloud.account.id"] == ACCOUNT
    metrics = {m.name: m for r in message.resource_metrics for s in r.scope_metrics for m in s.metrics}
    point, = metrics["amazonaws.com/App/a"].summary.data_points
    assert metrics["amazonaws.com/App/a"].unit == "ms" and (point.count, point.sum) == (5, 16.0)
    assert [(q.quantile, q.value) for q in point.quantile_values] == [(0.0, 1.0), (1.0, 9.0)]

    # While the endpoint is away batches are kept, also over a kill, and so is what was not in a batch yet.
    world.endpoint.broken, before = True, len(lines)
    cloudwatch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "a", "Dimensions": dimensions, "Value": 7}])
    world.advance("1m")
    cloudwatch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "a", "Dimensions": dimensions, "Value": 8}])
    assert len(world.endpoint.lines()) == before
    world.kill()
    world.endpoint.broken = False
    world.start()
    world.advance("1m")
    with world.endpoint.arrived:
        sums = lambda: {line["value"]["sum"] for line in world.endpoint.lines()[before:] if line["metric_name"] == "a"}
        assert world.endpoint.arrived.wait_for(lambda: sums() == {7.0, 8.0}, 20), sums()


def delimited(record):
    """The first message of a record, after its length."""
    length, at, shift = 0, 0, 0
    while True:
        byte = record[at]
        length, at, shift = length | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return ExportMetricsServiceRequest.FromString(record[at:at + length])


def test_to_a_bucket(world):
    cloudwatch, s3 = client(world, "cloudwatch"), client(world, "s3")
    s3.create_bucket(Bucket="metrics")
    cloudwatch.put_metric_stream(Name="bucket", FirehoseArn=firehose("bucket"), RoleArn=ROLE, OutputFormat="json", IncludeFilters=[{"Namespace": "Kept"}])
    cloudwatch.put_metric_data(Namespace="Kept", MetricData=[{"MetricName": f"m{n}", "Value": n} for n in range(3)])
    world.advance("1m")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="metrics")["Contents"]]
    assert len(keys) == 1 and keys[0].startswith("streamed/2026/11/22/12/bucket-1-2026-11-22-12-"), keys
    lines = [json.loads(line) for line in s3.get_object(Bucket="metrics", Key=keys[0])["Body"].read().splitlines()]
    assert sorted((line["metric_name"], line["value"]["sum"]) for line in lines) == [("m0", 0.0), ("m1", 1.0), ("m2", 2.0)]
    cloudwatch.stop_metric_streams(Names=["bucket"])
    cloudwatch.put_metric_data(Namespace="Kept", MetricData=[{"MetricName": "m9", "Value": 1}])
    world.advance("2m")
    assert len(s3.list_objects_v2(Bucket="metrics")["Contents"]) == 1
