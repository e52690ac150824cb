"""Answers recorded from AWS, and how an answer of ours is held against one.

A recording masks what differs from call to call: `<name:n>` stands for one value throughout a case (another number, another value), `<name>` for
any, a text that is its member's name in kebab case for any bytes, `datetime` for a time. Everything else, members and their types, codes, texts
and the HTTP status, is to be the same."""

import base64
import datetime
import json
import os
import re
from pathlib import Path

from harness import ACCOUNT

RECORDED_ACCOUNT = "111111111111"


def folder():
    """The recordings' folder, which is not part of the repository."""
    shared = os.environ.get("KEYWATCH_SHARED")
    root = Path(shared) if shared else Path(__file__).resolve().parents[2].parent / "shared"
    return root / "data" / "aws-recorded"


def cases(service):
    """Case name to its answers, of one service; empty where the recordings are absent."""
    path = folder() / f"{service}.jsonl"
    if not path.is_file():
        return {}
    return {case["case"]: case["answers"] for case in map(json.loads, path.read_text().splitlines())}


def plain(answer):
    """An answer as a recording shows it: no headers, request ids or retries."""
    if not (isinstance(answer, dict) and "ResponseMetadata" in answer):
        return answer
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer | {"ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": status}}


def kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


class Matcher:
    """Compares the answers of one case; what a numbered mask stands for is kept from answer to answer."""

    def __init__(self):
        self.values = {}

    def differences(self, recorded, ours, path):
        """`path: what differs` for every difference, in the recording's order."""
        if isinstance(recorded, dict) and isinstance(ours, str):
            ours = json.loads(ours)  # a document, recorded parsed
        if isinstance(recorded, dict) and isinstance(ours, dict):
            yield from self.members(recorded, ours, path)
        elif isinstance(recorded, list) and isinstance(ours, list):
            if len(recorded) != len(ours):
                yield f"{path}: {len(ours)} items, not {len(recorded)}"
            for index, (one, other) in enumerate(zip(recorded, ours)):
                yield from self.differences(one, other, f"{path}[{index}]")
        elif recorded == "datetime":
            if not isinstance(ours, datetime.datetime):
                yield f"{path}: {ours!r} is no time"
        elif isinstance(recorded, str) and recorded == kebab(path.rpartition(".")[2]):
            if not isinstance(ours, (str, bytes)) or not ours:
                yield f"{path}: {ours!r} is empty or neither text nor bytes"
        elif isinstance(recorded, str) and "<" in recorded:
            yield from self.masked(recorded, ours, path)
        elif type(recorded) is not type(ours) or recorded != self.as_recorded(ours):
            yield f"{path}: {ours!r}, not {recorded!r}"

    def members(self, recorded, ours, path):
        for name in sorted(recorded.keys() | ours.keys()):
            where = f"{path}.{name}"
            if name not in ours:
                yield f"{where}: missing, recorded {recorded[name]!r}"
            elif name not in recorded:
                yield f"{where}: {ours[name]!r} is not in the recording"
            else:
                yield from self.differences(recorded[name], ours[name], where)

    def masked(self, recorded, ours, path):
        if isinstance(ours, bytes):
            ours = base64.b64encode(ours).decode()
        pieces = re.split(r"<([^<>]+)>", recorded)
        pattern = "".join(re.escape(piece) if index % 2 == 0 else "(.+?)" for index, piece in enumerate(pieces))
        match = isinstance(ours, str) and re.fullmatch(pattern, self.as_recorded(ours), re.DOTALL)
        if not match:
            yield f"{path}: {ours!r}, not {recorded!r}"
            return
        for mask, value in zip(pieces[1::2], match.groups()):
            if ":" not in mask and mask not in ("region", "secondary-region", "partition"):
                continue
            kept = self.values.setdefault(mask, value)
            if kept != value:
                yield f"{path}: <{mask}> is {value!r} here and {kept!r} before"
            name = mask.partition(":")[0]
            double = [other for other, known in self.values.items() if other != mask and known == value and other.startswith(name + ":")]
            if double:
                yield f"{path}: <{mask}> and <{double[0]}> are both {value!r}"

    def as_recorded(self, ours):
        return ours.replace(ACCOUNT, RECORDED_ACCOUNT) if isinstance(ours, str) else ours


def compare(recorded, ours, matcher=None):
    """All differences of a case's answers."""
    matcher = matcher or Matcher()
    found = []
    for name, answer in recorded.items():
        found += matcher.differences(answer, plain(ours[name]), name) if name in ours else [f"{name}: not answered"]
    return found
