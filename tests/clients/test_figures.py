"""What the server tells of itself: the page for Prometheus, read by Prometheus' own parsers, and OTLP pushes, read with OpenTelemetry's own messages."""

import gzip
import http.server
import os
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from harness import REGION, Server

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"


class Collector:
    """An HTTP receiver that decodes OTLP messages and refuses the first ones as a busy collector does."""

    def __init__(self, refused):
        self.messages, self.refused, self.paths, self.headers = [], refused, [], []
        self.arrived = threading.Condition()
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with keeper.arrived:
                    busy = keeper.refused > 0
                    keeper.refused -= busy
                    keeper.paths.append(self.path)
                    keeper.headers.append(dict(self.headers))
                    if not busy:
                        if self.headers.get("content-encoding") == "gzip":
                            body = gzip.decompress(body)
                        keeper.messages.append(ExportMetricsServiceRequest.FromString(body))
                        keeper.arrived.notify_all()
                self.send_response(503 if busy else 200)
                if busy:
                    self.send_header("retry-after", "0")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def wait_for(self, accept, seconds=15):
        with self.arrived:
            found = lambda: next((m for m in reversed(self.messages) if accept(m)), None)
            assert self.arrived.wait_for(found, seconds), f"none of {len(self.messages)} messages"
            return found()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    collector, port = Collector(refused=2), free_port()
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t",
        "OTEL_METRIC_EXPORT_INTERVAL": "300",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
    }
    os.environ |= variables
    server = Server(
        tmp_path_factory.mktemp("figures") / "data", "--otlp-endpoint", collector.url, "--metrics-listen", f"127.0.0.1:{port}",
    )
    server.data_dir.mkdir()
    server.start()
    for name in variables:
        del os.environ[name]
    server.collector, server.metrics = collector, f"http://127.0.0.1:{port}/metrics"
    kms = client(server, "kms")
    server.key = kms.create_key()["KeyMetadata"]["Arn"]
    for _ in range(3):
        kms.encrypt(KeyId=server.key, Plaintext=b"x")
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId="alias/none")
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(KeyId=server.key, CiphertextBlob=b"x" * 64)
    yield server
    server.stop()


def client(server, service):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def page(url, **headers):
    answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10)
    return answer.headers["content-type"], answer.read().decode()


def samples(families):
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def value(found, name, **labels):
    return found.get((name, *sorted(labels.items())))


def check(found, world):
    kms = {"service": "kms"}
    assert value(found, "keywatch_requests_total", **kms, operation="Encrypt", outcome="success") == 3
    assert value(found, "keywatch_requests_total", **kms, operation="DescribeKey", outcome="refused") == 1
    assert value(found, "keywatch_request_duration_seconds_count", **kms, operation="Encrypt") == 3
    assert value(found, "keywatch_request_duration_seconds_bucket", **kms, operation="Encrypt", le="+Inf") == 3
    assert value(found, "keywatch_request_duration_seconds_sum", **kms, operation="Encrypt") > 0
    used = {"key": world.key}
    assert value(found, "keywatch_kms_key_requests_total", **used, operation="Encrypt", outcome="success") == 3
    assert value(found, "keywatch_kms_key_requests_total", **used, operation="CreateKey", outcome="success") == 1
    commits = value(found, "keywatch_store_commits_total")
    assert commits >= 6
    assert 0 < value(found, "keywatch_store_group_size_count") <= commits
    assert value(found, "keywatch_follower_lag_entries", follower="metrics") is not None
    assert value(found, "keywatch_metric_series") >= 0
    assert value(found, "keywatch_notification_attempts_total", outcome="retried") == 0
    assert value(found, "keywatch_notification_queue") == 0
    assert value(found, "keywatch_notification_dead_letters") == 0
    assert value(found, "process_resident_memory_bytes") > 1e6
    assert value(found, "process_cpu_seconds_total") > 0
    assert [key for key in found if key[0] == "keywatch_build_info"]


def test_the_page_as_text(world):
    kind, body = page(f"{world.url}/metrics")
    assert kind.startswith("text/plain; version=0.0.4")
    check(samples(text(body)), world)
    if promtool := shutil.which("promtool"):
        done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_as_openmetrics(world):
    kind, body = page(world.metrics, Accept=OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    families = list(openmetrics(body))
    check(samples(families), world)
    assert {family.name: family.type for family in families}["keywatch_build"] == "info"


def test_the_shared_port_tells_this_machine_only(world):
    with pytest.raises(urllib.error.HTTPError) as refused:
        page(f"{world.url}/metrics", **{"X-Forwarded-For": "192.0.2.1"})
    assert refused.value.code == 403
    assert page(world.metrics, **{"X-Forwarded-For": "192.0.2.1"})[1]
    with pytest.raises(urllib.error.HTTPError) as missing:
        page(world.metrics.replace("/metrics", "/health"))
    assert missing.value.code == 404


def test_figures_are_pushed(world):
    def points(message, name):
        metrics = [m for r in message.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name == name]
        return [(m, p) for m in metrics for p in getattr(m, m.WhichOneof("data")).data_points]

    def told(message):
        labels = lambda p: {a.key: a.value.string_value for a in p.attributes}
        wanted = {"key": world.key, "operation": "Encrypt", "outcome": "success"}
        return [p for _, p in points(message, "keywatch_kms_key_requests") if labels(p) == wanted and p.as_double == 3]

    message = world.collector.wait_for(told)
    resource = {a.key: a.value.string_value for a in message.resource_metrics[0].resource.attributes}
    assert resource["service.name"] == "keywatch" and resource["deployment.environment"] == "test"
    (metric, durations), *_ = points(message, "keywatch_request_duration_seconds")
    assert metric.unit == "s" and metric.histogram.aggregation_temporality == 2
    assert sum(durations.bucket_counts) == durations.count and len(durations.bucket_counts) == len(durations.explicit_bounds) + 1
    assert 0 < durations.start_time_unix_nano < durations.time_unix_nano
    # The first two attempts were refused and made again.
    (_, retried), = [x for x in points(message, "keywatch_otlp_pushes") if x[1].attributes[0].value.string_value == "retried"]
    assert retried.as_double == 2
    assert set(world.collector.paths) == {"/v1/metrics"}
    assert all(h["authorization"] == "Bearer t" and h["content-type"] == "application/x-protobuf" for h in world.collector.headers)
