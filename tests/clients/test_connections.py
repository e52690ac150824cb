"""What SDKs do on the wire besides plain calls: presigned URLs, compressed bodies, TLS with our certificate, PostgreSQL behind it all."""

import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from harness import REGION, Aws, Server


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def client(server, service, **config):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION, aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"], config=Config(retries={"total_max_attempts": 1}, **config),
    )


def test_a_presigned_url_says_who_made_it(server):
    url = client(server, "sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    assert "<Account>000000000000</Account>" in urllib.request.urlopen(url, timeout=10).read().decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.replace("Action=GetCallerIdentity", "Action=GetSessionToken"), timeout=10)
    assert refused.value.code == 403
    assert "SignatureDoesNotMatch" in refused.value.read().decode()


def test_a_large_body_arrives_compressed(server):
    cloudwatch = client(server, "cloudwatch", request_min_compression_size_bytes=1)
    seen = []
    cloudwatch.meta.events.register("before-send.cloudwatch.*", lambda request, **_: seen.append(request.headers.get("Content-Encoding")))
    points = [{"MetricName": f"m{number}", "Value": number} for number in range(200)]
    cloudwatch.put_metric_data(Namespace="Sizes", MetricData=points)
    assert seen[0] in (b"gzip", "gzip")
    names = {metric["MetricName"] for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="Sizes") for metric in page["Metrics"]}
    assert len(names) == 200


def postgres_programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) if shutil.which("initdb") is None else [Path(shutil.which("initdb"))]
    return found[-1].parent if found else None


@pytest.fixture
def database_url():
    """A private PostgreSQL cluster that ends with its test."""
    programs = postgres_programs()
    if programs is None:
        assert os.environ.get("KEYWATCH_REQUIRE_POSTGRES") != "1", "PostgreSQL is required and not installed"
        pytest.skip("PostgreSQL is not installed")
    # PostgreSQL does not run as root; its own user comes with the package.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as directory:
        if as_user:
            shutil.chown(directory, "postgres")
        data = f"{directory}/data"
        run = lambda *command: subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=directory)
        run(f"{programs}/initdb", "-D", data, "-U", "keywatch", "--auth=trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={directory}"
        run(f"{programs}/pg_ctl", "-D", data, "-o", options, "-l", f"{directory}/log", "-w", "start")
        try:
            yield f"postgres://keywatch@%2F{directory.lstrip('/').replace('/', '%2F')}/postgres"
        finally:
            run(f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def test_the_same_server_on_postgresql(tmp_path, database_url):
    server = Server(tmp_path / "data", "--database-url", database_url)
    server.data_dir.mkdir()
    server.start()
    aws = Aws(server)
    key = aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    blob = client(server, "kms").encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    server.kill()
    server.start()
    kms = client(server, "kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"
    lookup = client(server, "cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventSource", "AttributeValue": "kms.amazonaws.com"}])
    assert [event["EventName"] for event in lookup["Events"]] == ["Decrypt", "Encrypt", "CreateKey"]
    server.stop()
