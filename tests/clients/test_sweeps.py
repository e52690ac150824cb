"""Sweeps over every operation of the services' own models: whoever calls, whatever with, the answer is a success or an error the
operation declares (or one that every operation of AWS may answer), and the call leaves a record."""

import boto3
import pytest
from botocore.config import Config
from botocore import xform_name
from botocore.exceptions import ClientError

import models
from harness import REGION, Aws, Server

# These calls answer with a stream or need a host of their own, which the client refuses to make from a plain address.
UNCALLABLE = {("logs", "StartLiveTail"), ("logs", "GetLogObject")}
# Unsigned by design and not built: refused as every unsigned call, and recorded as nobody's.
UNSIGNED = {("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity")}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("sweeps") / "data")
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def client(server, service, **credentials):
    exports = server.environment() | credentials
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, inject_host_prefix=False),
    )


def new_user(server, name):
    key = Aws(server)("iam", "create-user", user_name=name) and Aws(server)("iam", "create-access-key", user_name=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def outcome(caller, model, operation):
    """The code of a call's error, or None."""
    method = xform_name(operation)
    shape = model.operation_model(operation).input_shape
    try:
        getattr(caller, method)(**(models.sample(shape) if shape else {}))
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, f"{operation}: {error}"
        return error.response["Error"]["Code"]
    return None


@pytest.mark.parametrize("service", models.SERVICES)
@pytest.mark.parametrize("who", ["root", "nobody"])
def test_only_declared_errors(server, service, who):
    credentials = new_user(server, f"nobody-{service}") if who == "nobody" else {}
    caller = client(server, service, **credentials)
    model = models.of(service)
    wrong = []
    for operation in model.operation_names:
        if (service, operation) in UNCALLABLE | UNSIGNED:
            continue
        code = outcome(caller, model, operation)
        if code is not None and code not in models.answers(service, model.operation_model(operation)):
            wrong.append(f"{operation}: {code}")
    assert not wrong


@pytest.mark.parametrize("service", models.SERVICES)
def test_every_call_leaves_a_record(server, service):
    credentials = new_user(server, f"counted-{service}")
    caller = client(server, service, **credentials)
    model = models.of(service)
    called = set()
    for operation in model.operation_names:
        if (service, operation) in UNCALLABLE | UNSIGNED:
            continue
        if outcome(caller, model, operation) not in ("UnknownOperationException", "InvalidAction"):
            called.add(operation)
    trail = client(server, "cloudtrail")
    attribute = [{"AttributeKey": "AccessKeyId", "AttributeValue": credentials["AWS_ACCESS_KEY_ID"]}]
    pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=attribute)
    recorded = {event["EventName"] for page in pages for event in page["Events"]}
    assert called <= recorded
