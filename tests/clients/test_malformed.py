"""Every built operation with bodies that are wrong in one place each, in every protocol of its service: the answer is a success or an
error that the operation declares (or that every operation may answer); never a 500, never a closed connection."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import models
from bare import Bare
from harness import Server

CONNECTIONS = 4
# A text longer than this would try the server's limits and not the member's.
TOO_LONG_MAX = 20_000
# Members of members are spoilt down to here.
DEPTH_MAX = 3

PROTOCOLS = [
    ("kms", "json"), ("cloudtrail", "json"), ("logs", "json"), ("events", "json"), ("sqs", "json"),
    ("cloudwatch", "json"), ("cloudwatch", "query"), ("cloudwatch", "cbor"), ("sns", "query"), ("iam", "query"), ("sts", "query"),
]

HOSTILE = {
    "json": [b"", b"[]", b"null", b'"text"', b"{", b"{}{}", b"\xff\xfe", b'{"a":' * 5_000, b'{"\xff":1}', b'{"a":NaN}'],
    "query": [b"&&&", b"%", b"x=%zz", b"x=\xff", b"a=1&" * 25_000, b"x" + b".a" * 500 + b"=1"],
    "cbor": [b"", b"\x80", b"\xf6", b"\xa1", b"\xff", b"\xbb" + b"\xff" * 8, b"\xa1\x61a" + b"\x81" * 5_000, b"\xa1\x7b" + b"\xff" * 8],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("malformed") / "data")
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def wrong(shape):
    """Values that a shape does not allow, and null."""
    bounds = shape.metadata
    high = bounds.get("max", TOO_LONG_MAX)
    too_long = high + 1 if high < TOO_LONG_MAX else None
    values = [None]
    match shape.type_name:
        case "structure":
            values += ["text", 5, [], [["k", "v"]]]
        case "list":
            values += ["text", {"a": "b"}, [None], [[["k", "v"]]], [5]]
            if too_long and too_long <= 2_000:
                values.append([models.sample(shape.member)] * too_long)
        case "map":
            values += ["text", [["k", "v"]], {"a": None}, {"a": ["b"]}, {"": ""}]
        case "string":
            values += [5, ["a"], {"a": "b"}, "", "no such thing", "\u0000", "\u20ac/:*$ "]
            values += ["x" * too_long] if too_long else []
        case "integer" | "long":
            values += ["text", 1.5, [1], 1 << 63, -(1 << 31), bounds.get("min", 0) - 1, bounds.get("max", 1 << 31) + 1]
        case "float" | "double":
            values += ["text", [1], 1e308, "NaN", "-Infinity"]
        case "boolean":
            values += ["text", 5, []]
        case "blob":
            values += ["%%%", 5, [1], b""]
            values += [b"x" * too_long] if too_long else []
        case "timestamp":
            values += ["tomorrow", [1], 1e300, -1e12, "NaN"]
    return values


def spoilt(shape, base, depth=0):
    """The base with one member of it changed, for each member and each wrong value of it."""
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        for value in wrong(member):
            yield base | {wire: value}
        inner, wrap = member, lambda value: value
        if member.type_name == "list":
            inner, wrap = member.member, lambda value: [value]
        elif member.type_name == "map":
            inner, wrap = member.value, lambda value: {"key": value}
        if inner.type_name == "structure" and depth < DEPTH_MAX:
            for value in spoilt(inner, models.sample(inner), depth + 1):
                yield base | {wire: wrap(value)}
        elif inner is not member:
            for value in wrong(inner):
                yield base | {wire: wrap(value)}


def bodies(client, operation):
    shape = client.model.operation_model(operation).input_shape
    base = models.sample(shape) if shape else {}
    values = [{}, base, base | {"NoSuchMember": {"a": [1]}}, *(spoilt(shape, base) if shape else [])]
    for value in values:
        yield client.body(operation, copy.deepcopy(value))
    action = client.body(operation, {}) + b"&" if client.protocol == "query" else b""
    yield from (action + body for body in HOSTILE[client.protocol])


@pytest.mark.parametrize(("service", "protocol"), PROTOCOLS)
def test_only_declared_errors(server, service, protocol):
    model = models.of(service)
    of_thread = threading.local()

    def try_one(case):
        operation, body = case
        if not hasattr(of_thread, "client"):
            of_thread.client = Bare(server, model, protocol)
        try:
            status, code = of_thread.client.send(operation, body)
        except OSError as error:
            del of_thread.client
            return f"{operation}: {error!r}: {body[:200]}"
        if status >= 500 or code is not None and code not in allowed[operation]:
            return f"{operation}: {status} {code}: {body[:200]}"
        return None

    names = models.built(service)
    assert names
    allowed = {name: models.answers(service, model.operation_model(name)) for name in names}
    shaper = Bare(server, model, protocol)
    cases = [(name, body) for name in names for body in bodies(shaper, name)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        failures = [failure for failure in pool.map(try_one, cases) if failure]
    assert not failures, f"{len(failures)} of {len(cases)}:\n" + "\n".join(failures[:40])
