"""Signed requests with any body at all: what no SDK would send. One kept connection per client."""

import base64
import functools
import hashlib
import hmac
import http.client
import json
import re
import struct
import time
import urllib.parse

from harness import REGION

ANSWER_SECONDS_MAX = 60


class Bare:
    """One service by one of its protocols: `json`, `query` or `cbor`."""

    def __init__(self, server, model, protocol, region=REGION):
        exports = server.environment()
        self.url = exports["AWS_ENDPOINT_URL"]
        self.access_key, self.secret = exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]
        self.model, self.protocol, self.region = model, protocol, region
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=ANSWER_SECONDS_MAX)

    def body(self, operation, value):
        """A value as the protocol writes it."""
        if self.protocol == "json":
            return json.dumps(value, default=lambda blob: base64.b64encode(blob).decode()).encode()
        if self.protocol == "cbor":
            return cbor(value)
        shape = self.model.operation_model(operation).input_shape
        form = {"Action": operation, "Version": self.model.api_version} | dict(flat("", value, shape))
        return urllib.parse.urlencode(form).encode()

    def send(self, operation, body):
        """Status and code of the answer; no code for a success."""
        status, text = self.exchange(operation, body)
        return status, None if status < 300 else self.code(text)

    def exchange(self, operation, body):
        """Status and body of the answer."""
        path, headers = "/", {}
        if self.protocol == "json":
            version = self.model.metadata.get("jsonVersion", "1.0")
            headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{self.model.metadata['targetPrefix']}.{operation}"}
        elif self.protocol == "query":
            headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        else:
            path = f"/service/{self.model.metadata['targetPrefix']}/operation/{operation}"
            headers = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor", "Accept": "application/cbor"}
        self.connection.request("POST", path, body, self.signed(path, headers, body))
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def signed(self, path, headers, body):
        """Headers with a Signature Version 4 over all of them and the body. botocore's own takes longer than many calls."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{stamp[:8]}/{self.region}/{self.model.signing_name}/aws4_request"
        signed = {name.lower(): value for name, value in headers.items()} | {"host": urllib.parse.urlsplit(self.url).netloc, "x-amz-date": stamp}
        names = sorted(signed)
        canonical = ["POST", path, "", *(f"{name}:{signed[name]}" for name in names), "", ";".join(names), hashlib.sha256(body).hexdigest()]
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256("\n".join(canonical).encode()).hexdigest()])
        signature = hmac.digest(signing_key(self.secret, scope), text.encode(), "sha256").hex()
        authorization = f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
        return headers | {"X-Amz-Date": stamp, "Authorization": authorization}

    def code(self, body):
        if self.protocol == "query":
            return re.search(rb"<Code>([^<]*)</Code>", body)[1].decode()
        if self.protocol == "json":
            return json.loads(body)["__type"].rsplit("#")[-1]
        after = body.split(b"\x66__type", 1)[1]
        start, length = (2, after[1]) if after[0] == 0x78 else (1, after[0] & 0x1F)
        return after[start:start + length].decode().rsplit("#")[-1]


@functools.cache
def signing_key(secret, scope):
    return functools.reduce(lambda key, part: hmac.digest(key, part.encode(), "sha256"), scope.split("/"), b"AWS4" + secret.encode())


def flat(name, value, shape):
    """A form's parameters. Lists and maps as their shape has them; a value that has not its shape's type, by its own."""
    kind = shape.type_name if shape else None
    under = name + "." if name else ""
    if isinstance(value, dict) and kind == "map":
        for number, (key, inner) in enumerate(value.items(), 1):
            yield from flat(f"{under}entry.{number}.key", key, None)
            yield from flat(f"{under}entry.{number}.value", inner, shape.value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(under + key, inner, shape.members.get(key) if kind == "structure" else None)
    elif isinstance(value, list):
        step = "" if kind == "list" and shape.serialization.get("flattened") else "member."
        for number, inner in enumerate(value, 1):
            yield from flat(f"{under}{step}{number}", inner, shape.member if kind == "list" else None)
    elif isinstance(value, bytes):
        yield name, base64.b64encode(value).decode()
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else value


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    return bytes([major << 5 | 27]) + struct.pack(">Q", number)


def cbor(value):
    """RFC 8949, as far as requests need it."""
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int() if value < 0:
            return head(1, -1 - value)
        case int() if value < 1 << 64:
            return head(0, value)
        case int() | float():
            return b"\xfb" + struct.pack(">d", float(value))
        case str():
            return head(3, len(value.encode())) + value.encode()
        case bytes():
            return head(2, len(value)) + value
        case list():
            return head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return head(5, len(value)) + b"".join(cbor(key) + cbor(inner) for key, inner in value.items())
    raise AssertionError(value)
