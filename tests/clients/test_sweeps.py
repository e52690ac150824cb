"""Sweeps over every operation of the services' own models: whoever calls, whatever with, the answer is a success or an error the
operation declares (or one that every operation of AWS may answer), and the call leaves a record."""

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import REGION, Aws, Server

SERVICES = ["kms", "cloudtrail", "cloudwatch", "logs", "events", "sns", "sqs", "iam", "sts"]

# "Common errors" of the services' API references, in the spelling of both families of protocols.
COMMON = {
    "AccessDenied", "AccessDeniedException", "AuthorizationError", "ExpiredToken", "InvalidAction", "InvalidClientTokenId",
    "InvalidParameterCombination", "InvalidParameterValue", "InvalidToken", "MalformedInput", "MissingParameter",
    "SerializationException", "UnknownOperationException", "UnrecognizedClientException", "UnsupportedOperation",
    "UnsupportedOperationException", "ValidationError", "ValidationException", "InvalidParameterValueException",
    "InvalidParameterException", "InvalidParameter",
    # SQS's word for what it does not do, in the query spelling that its JSON protocol carries beside the shape's name.
    "AWS.SimpleQueueService.UnsupportedOperation",
}
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


def sample(shape, depth=0):
    """The least value of a shape: required members only, first of each choice."""
    match shape.type_name:
        case "structure":
            if getattr(shape, "is_tagged_union", False):
                first = next(iter(shape.members))
                return {first: sample(shape.members[first], depth + 1)} if depth < 6 else {}
            return {name: sample(shape.members[name], depth + 1) for name in shape.required_members}
        case "list":
            return [sample(shape.member, depth + 1)] if shape.metadata.get("min", 0) and depth < 6 else []
        case "map":
            return {}
        case "string":
            return shape.enum[0] if getattr(shape, "enum", None) else "a" * max(1, shape.metadata.get("min", 1))
        case "integer" | "long":
            return shape.metadata.get("min", 1)
        case "float" | "double":
            return 1.0
        case "boolean":
            return False
        case "blob":
            return b"a" * max(1, shape.metadata.get("min", 1))
        case "timestamp":
            return "2026-01-01T00:00:00Z"
    raise AssertionError(shape.type_name)


def declared(operation):
    """Codes of an operation's errors, as JSON protocols and as the query protocol spell them."""
    codes = set()
    for shape in operation.error_shapes:
        codes |= {shape.name, shape.metadata.get("error", {}).get("code", shape.name)}
    return codes


def new_user(server, name):
    key = Aws(server)("iam", "create-user", user_name=name) and Aws(server)("iam", "create-access-key", user_name=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def outcome(caller, model, operation):
    """The code of a call's error, or None."""
    method = botocore.xform_name(operation)
    shape = model.operation_model(operation).input_shape
    try:
        getattr(caller, method)(**(sample(shape) if shape else {}))
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, f"{operation}: {error}"
        return error.response["Error"]["Code"]
    return None


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("who", ["root", "nobody"])
def test_only_declared_errors(server, service, who):
    credentials = new_user(server, f"nobody-{service}") if who == "nobody" else {}
    caller = client(server, service, **credentials)
    model = botocore.session.get_session().get_service_model(service)
    wrong = []
    for operation in model.operation_names:
        if (service, operation) in UNCALLABLE | UNSIGNED:
            continue
        code = outcome(caller, model, operation)
        if code is not None and code not in declared(model.operation_model(operation)) | COMMON:
            wrong.append(f"{operation}: {code}")
    assert not wrong


@pytest.mark.parametrize("service", SERVICES)
def test_every_call_leaves_a_record(server, service):
    credentials = new_user(server, f"counted-{service}")
    caller = client(server, service, **credentials)
    model = botocore.session.get_session().get_service_model(service)
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
