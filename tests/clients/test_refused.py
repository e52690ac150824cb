"""At least a thousand bodies a service that its model forbids: a required member missing, a wrong type, a text or list too long or too short,
a value outside its set, its range or its pattern, bytes that are no base64. Each is refused with a 4xx and a code the operation may answer, and
what the service lists afterwards is what it listed before. The bodies name resources that exist, so that only the refusal keeps them as they are."""

import base64
import json
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

import models
from bare import Bare
from harness import ACCOUNT, REGION, Server

# The clock stands still: no alarm is evaluated meanwhile.
START = "2026-11-02T08:00:00Z"
SEED = 20261122
BODIES_MIN = 1_000
CONNECTIONS = 4
TEXT_MAX = 20_000
LIST_MAX = 2_000
DEPTH_MAX = 3
PROTOCOL = {"kms": "json", "cloudtrail": "json", "logs": "json", "events": "json", "sqs": "json", "cloudwatch": "query", "sns": "query", "iam": "query", "sts": "query"}
TRUST = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}}
# These change with every call: records and the metrics of use.
MOVING = {"ListMetrics", "LookupEvents", "ListAnomalies"}

# Words of `xtask/api-exceptions.txt` for what our shapes leave to a handler or do not read, and what they are called here.
ASPECTS = {
    "unknown": {"type", "base64", "missing", "long", "short", "enum", "case", "pattern", "range"},
    "enum": {"enum", "case"}, "required": {"missing"}, "range": {"range"}, "length": {"long", "short"}, "pattern": {"pattern"},
}


def exceptions():
    """(service, operation, path) to what is not refused there; each line of that file has its reason, and `cargo xtask api` keeps it short."""
    found = {}
    for line in (Path(__file__).parents[2] / "xtask/api-exceptions.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            service, operation, path, aspect = line.split("#")[0].split()
            key = "cloudwatch" if service == "monitoring" else service, operation, re.sub(r"\[\]|\{\w*\}", "", path)
            found[key] = found.get(key, set()) | ASPECTS.get(aspect, set())
    return found


EXCEPTIONS = exceptions()


class World:
    """The server's services with one resource of each kind; `names` are members that name them."""

    def __init__(self, server):
        exports = server.environment()
        options = dict(
            endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        self.clients = {service: boto3.client(service, **options) for service in models.SERVICES}
        kms, sns, sqs, iam = (self.clients[service] for service in ("kms", "sns", "sqs", "iam"))
        key = kms.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/kept", TargetKeyId=key)
        topic, queue = sns.create_topic(Name="kept")["TopicArn"], sqs.create_queue(QueueName="kept")["QueueUrl"]
        self.clients["logs"].create_log_group(logGroupName="kept")
        self.clients["logs"].create_log_stream(logGroupName="kept", logStreamName="kept")
        self.clients["events"].put_rule(Name="kept", EventPattern='{"source":["a"]}')
        self.clients["cloudwatch"].put_metric_alarm(
            AlarmName="kept", Namespace="N", MetricName="M", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        iam.create_user(UserName="kept")
        iam.create_role(RoleName="kept", AssumeRolePolicyDocument=json.dumps(TRUST))
        blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        self.names = {
            "KeyId": key, "TargetKeyId": key, "DestinationKeyId": key, "AliasName": "alias/kept", "CiphertextBlob": blob,
            "TopicArn": topic, "QueueUrl": queue, "logGroupName": "kept", "logStreamName": "kept", "Rule": "kept", "UserName": "kept",
            "RoleName": "kept", "AlarmName": "kept", "AlarmNames": ["kept"], "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/kept",
        }

    def base(self, shape):
        """The least request, about what exists."""
        return models.sample(shape) | {name: self.names[name] for name in shape.required_members if name in self.names}

    def listed(self, service):
        """What every list of a service shows that can be asked for without naming anything."""
        model, shown = models.of(service), {}
        for name in models.built(service):
            shape = model.operation_model(name).input_shape
            if re.match("List|Describe", name) and name not in MOVING and not (shape and shape.required_members):
                try:
                    answer = getattr(self.clients[service], xform_name(name))()
                except ClientError as error:  # either of two members is needed, which no model says
                    answer = error.response["Error"]
                shown[name] = {member: value for member, value in answer.items() if member != "ResponseMetadata"}
        assert shown or service == "sts"
        return shown


def unmatched(pattern):
    """A text that a pattern refuses; None for a pattern that Python cannot read or that refuses none of ours."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return None
    return next((text for text in ("\u20ac", " ", "%", "a b?", "-") if not compiled.fullmatch(text) and not compiled.match(text)), None)


def forbidden_texts(shape):
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", TEXT_MAX)
    if low > 0:
        yield "short", "a" * (low - 1)
    if high < TEXT_MAX:
        yield "long", "a" * (high + 1)
    if getattr(shape, "enum", None):
        yield "enum", "no such value"
        yield "case", shape.enum[0].swapcase()
    elif "pattern" in shape.metadata and unmatched(shape.metadata["pattern"]) is not None:
        yield "pattern", unmatched(shape.metadata["pattern"]) * max(1, low)


def forbidden(shape, protocol):
    """(what is wrong, a value that a shape forbids)."""
    typed, bounds = protocol == "json", shape.metadata
    match shape.type_name:
        case "structure" | "map":
            yield from [("type", "text"), ("type", 5), ("type", [1])] if typed else []
        case "list":
            yield from [("type", "text"), ("type", 5), ("type", {"a": "b"})] if typed else []
            item = models.sample(shape.member)
            if bounds.get("max", LIST_MAX) < LIST_MAX:
                yield "long", [item] * (bounds["max"] + 1)
            if bounds.get("min", 0) > 0 and typed:
                yield "short", [item] * (bounds["min"] - 1)
        case "string":
            yield from [("type", 5), ("type", ["a"]), ("type", {"a": "b"}), ("type", True)] if typed else []
            yield from forbidden_texts(shape)
        case "integer" | "long":
            yield from [("type", "text"), ("type", 1 << 70)]
            yield from [("type", [1]), ("type", {"a": 1})] if typed else []
            yield from [("range", bounds["min"] - 1)] if "min" in bounds else []
            yield from [("range", bounds["max"] + 1)] if "max" in bounds else []
        case "float" | "double":
            yield from [("type", "text")] + ([("type", [1])] if typed else [])
        case "boolean":
            yield from [("type", "text")] + ([("type", 5), ("type", [])] if typed else [])
        case "blob":
            yield from [("base64", "%%%")] + ([("type", 5), ("type", [1])] if typed else [])
            if bounds.get("max", TEXT_MAX) < TEXT_MAX:
                yield "long", b"x" * (bounds["max"] + 1)
            if bounds.get("min", 0) > 0:
                yield "short", b""
        case "timestamp":
            yield from [("type", "tomorrow")] + ([("type", [1]), ("type", {"a": 1})] if typed else [])


def changes(shape, base, protocol, path="", depth=0):
    """(path and what is wrong, the base with that one wrong value in it)."""
    for name in shape.required_members:
        rest = {other: value for other, value in base.items() if other != name}
        if rest or not depth or protocol == "json":  # a form cannot say an empty structure
            yield f"{path}{name} missing", rest
    for name, member in shape.members.items():
        where = path + name
        for what, value in forbidden(member, protocol):
            yield f"{where} {what}", base | {name: value}
        inner, wrap = member, lambda value: value
        if member.type_name == "list":
            inner, wrap = member.member, lambda value: [value]
        elif member.type_name == "map":
            inner, wrap = member.value, lambda value: {"key": value}
        if inner.type_name == "structure" and depth < DEPTH_MAX:
            for label, value in changes(inner, models.sample(inner), protocol, f"{where}.", depth + 1):
                yield label, base | {name: wrap(value)}
        elif inner is not member:
            for what, value in forbidden(inner, protocol):
                yield f"{where}[] {what}", base | {name: wrap(value)}


def bodies(world, service, protocol):
    """(operation, what is wrong, the members): all single changes, then pairs of them drawn by `SEED` until there are enough."""
    model, singles = models.of(service), {}
    for name in models.built(service):
        shape = model.operation_model(name).input_shape
        if shape:
            singles[name] = list(changes(shape, world.base(shape), protocol))
    cases = [(name, label, members) for name, found in singles.items() for label, members in found if not allowed(service, name, label)]
    yield from cases
    draw, wrong = random.Random(SEED), [case for case in cases if not case[1].endswith("missing")]
    for _ in range(max(0, BODIES_MIN - len(cases))):
        name, one, left = draw.choice(wrong)
        other, right = draw.choice([(label, members) for operation, label, members in wrong if operation == name])
        base = world.base(model.operation_model(name).input_shape)
        yield name, f"{one} and {other}", left | {member: value for member, value in right.items() if left.get(member) == base.get(member)}


def allowed(service, operation, label):
    """Whether the file of exceptions has this member, or one that it is part of."""
    path, what = label.replace("[]", "").split()
    parts = path.split(".")
    return any(what in EXCEPTIONS.get((service, operation, ".".join(parts[:end])), ()) for end in range(1, len(parts) + 1))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("refused") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


@pytest.fixture(scope="module")
def world(server):
    return World(server)


def judge(server, service, protocol):
    """A function from a case to what is wrong with its answer, or None. Each thread keeps a connection."""
    model, of_thread = models.of(service), threading.local()
    right = {name: models.answers(service, model.operation_model(name)) for name in models.built(service)}

    def one(case):
        operation, label, members = case
        if not hasattr(of_thread, "client"):
            of_thread.client = Bare(server, model, protocol)
        status, code = of_thread.client.send(operation, of_thread.client.body(operation, members))
        if 400 <= status < 500 and code in right[operation]:
            return None
        shown = json.dumps(members, default=lambda blob: base64.b64encode(blob).decode())
        return f"{operation}: {label}: {status} {code}: {shown[:160]}"

    return one


@pytest.mark.parametrize("service", models.SERVICES)
def test_what_the_model_forbids_is_refused_and_changes_nothing(server, world, service):
    protocol = PROTOCOL[service]
    before = world.listed(service)
    cases = list(bodies(world, service, protocol))
    assert len(cases) >= BODIES_MIN
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        failures = [failure for failure in pool.map(judge(server, service, protocol), cases) if failure]
    assert not failures, f"{len(failures)} of {len(cases)}:\n" + "\n".join(failures[:400])
    assert world.listed(service) == before
