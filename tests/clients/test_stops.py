"""SIGKILL at any write: while records are imported, delivered and digested, closed, merged and expired, and keys that sign are replaced.

The server runs with a library of ours before the C library's (stop.c), which counts the calls that make something durable or visible (fsync,
fdatasync, rename, link, unlink, writes of files) and kills the server before the n-th. Each n from the start of the server to the end of a round
of work may be drawn; SEED=… draws others. What is to be closed, merged and expired was imported before and is enough for all
rounds. KEYWATCH_STOPS=all tries every n, in some minutes.

After the kills no record is lost or double in history and in the log files, and the chain of digests is whole."""

import datetime
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from harness import BINARY, REGION, Server
from test_import import record

START = datetime.datetime(2026, 11, 2, 8, tzinfo=datetime.timezone.utc)
ANCIENT = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
STOPS = os.environ.get("KEYWATCH_STOPS", "16")
SEED = int(os.environ.get("SEED", "2026"))
CALLS = 3
IMPORTED = 40
# Writes of a start and a round that has history to close.
WRITES = 72
# What is imported before: followers to which an entry gives nothing store where they stand after ten thousand, and what lies behind may be closed.
STOCK_FILES, STOCK = 4, 2_600
SEGMENT_ENTRIES = 128
# So often a round goes over the end of the keys that sign.
ROUNDS_TO_ROTATION = 4
OPTIONS = ["--test-clock", "2026-11-02T08:00:00Z", "--history-days", "7300"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    made = tmp_path_factory.mktemp("stop") / "stop.so"
    source = Path(__file__).with_name("stop.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", made, source, "-ldl"], check=True)
    return made


class Gone(Exception):
    """The server was killed."""


class House:
    def __init__(self, place, library):
        self.server = Server(place / "data", *OPTIONS)
        self.server.data_dir.mkdir()
        self.place, self.library = place, library
        self.answered, self.acknowledged, self.offered = [], [], []
        self.files = 0
        self.stops = []

    def start(self, stop=None):
        """Starts the server to be killed before its `stop`th write; 0 only counts. False if it was killed while it started."""
        self.log = self.place / "stop.log"
        self.log.unlink(missing_ok=True)
        ours = {} if stop is None else {"LD_PRELOAD": str(self.library), "KEYWATCH_STOP_AT": str(stop), "KEYWATCH_STOP_LOG": str(self.log)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ours.items():
                patch.setenv(name, value)
            try:
                self.server.start()
            except AssertionError:
                # Only a kill may keep it from starting.
                assert self.server.process.wait(20) == -9, self.server.log.name
                return False
        self.clients()
        return True

    def clients(self):
        exports = self.server.environment()
        client = lambda service: boto3.client(
            service, endpoint_url=self.server.url, region_name=REGION, aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30, s3={"addressing_style": "path"}),
        )
        self.kms, self.cloudtrail, self.s3 = client("kms"), client("cloudtrail"), client("s3")

    def begin(self):
        self.start()
        for number in range(STOCK_FILES):
            self.offer((START, ANCIENT)[number % 2], STOCK)
        self.s3.create_bucket(Bucket="audit-files")
        self.cloudtrail.create_trail(Name="audit", S3BucketName="audit-files", EnableLogFileValidation=True)
        self.cloudtrail.start_logging(Name="audit")
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        # Delivery of log files stores its position when it delivers.
        self.run("clock", "advance", "6m")
        self.server.stop()
        self.server.options = (*self.server.options, "--history-recent", str(SEGMENT_ENTRIES))

    def run(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--data-dir", str(self.server.data_dir)], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            assert "cannot reach" in done.stderr and self.server.process.wait(20) == -9, done.stderr
            raise Gone
        return done.stdout

    def offer(self, time, count=IMPORTED):
        """Imports a file of records of this time; what was acknowledged must stay."""
        records = [record("Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", time) for _ in range(count)]
        self.files += 1
        path = self.place / f"import-{self.files}.json.gz"
        path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
        ids = [one["eventID"] for one in records]
        recent = time > ANCIENT
        if recent:
            self.offered.append(ids)
        self.run("import", str(path))
        if recent:
            self.acknowledged += ids

    def work(self, number):
        """One round: always the same writes, unless it goes over the end of a key that signs."""
        rotates = number % ROUNDS_TO_ROTATION == ROUNDS_TO_ROTATION - 1
        try:
            if not self.cloudtrail.get_trail_status(Name="audit")["IsLogging"]:
                # The round before was killed between the stop and the start.
                self.answer(self.cloudtrail.start_logging, Name="audit")
            if rotates:
                # A trail that does not log has no digests, of which a month has many.
                self.answer(self.cloudtrail.stop_logging, Name="audit")
                self.run("clock", "advance", "31d")
                self.answer(self.cloudtrail.start_logging, Name="audit")
            for _ in range(CALLS):
                self.answer(self.kms.encrypt, KeyId=self.key, Plaintext=b"hello")
            # Files and a digest; what was imported in the round before may leave the log then, as soon as more comes.
            self.run("clock", "advance", "65m")
            self.offer(START)
            self.offer(ANCIENT)
            self.settle()
        except (Gone, BotoCoreError):
            assert self.server.process.wait(20) == -9

    def answer(self, operation, **request):
        response = operation(**request)
        self.answered.append(response["ResponseMetadata"]["RequestId"])

    def settle(self):
        """Waits until history has closed what it can: the directory stays as it is for a while."""
        before, since = None, time.monotonic()
        while time.monotonic() - since < 0.15:
            now = sorted(os.listdir(self.server.data_dir / "history"))
            if now != before:
                before, since = now, time.monotonic()
            if self.server.process.poll() is not None:
                raise Gone
            time.sleep(0.02)

    def stopped_before(self):
        """What the server was about to do when it was killed."""
        [line] = self.log.read_text().splitlines()
        _, call, path = line.split(" ", 2)
        return call, kind_of(path)

    def everything(self):
        """All records of the history, while one small segment after the other is closed."""
        lines = self.run("search", "--json", "--all-regions", "--limit", "1000000").splitlines()
        return [json.loads(line) for line in lines]

    def check(self):
        """The server recovers by itself, and everything is there once."""
        assert self.start(), "it starts"
        self.run("clock", "advance", "65m")
        self.settle()
        records = self.everything()
        events = Counter(one["eventID"] for one in records)
        requests = Counter(one.get("requestID") for one in records)
        assert not [event for event, count in events.items() if count > 1], "double in history"
        assert not [request for request in self.answered if requests[request] != 1], "answered without one record"
        assert not [event for event in self.acknowledged if events[event] != 1], "an imported record is lost"
        delivered = Counter()
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="audit-files"):
            for entry in page.get("Contents", []):
                if "/CloudTrail/" in entry["Key"]:
                    text = gzip.decompress(self.s3.get_object(Bucket="audit-files", Key=entry["Key"])["Body"].read())
                    delivered.update(one["requestID"] for one in json.loads(text)["Records"] if one.get("requestID"))
        assert not [request for request, count in delivered.items() if count > 1], "double in the log files"
        # While a trail does not log, its stop and start are the only calls.
        calls = {one["requestID"] for one in records if one["eventName"] == "Encrypt"}
        missing = [request for request in self.answered if request in calls and delivered[request] != 1]
        assert not missing, "answered and not in a log file"
        self.server.stop()
        done = subprocess.run([BINARY, "verify", str(self.server.data_dir), "--format", "json"], capture_output=True, text=True, timeout=120)
        answer = json.loads(done.stdout)
        assert (done.returncode, answer["findings"], answer["unproven"]) == (0, [], 0), done.stdout + done.stderr
        return answer, records


def kind_of(path):
    """Which file it is, without what differs from run to run."""
    path = re.sub(r".*/data/", "", path)
    for directory in ("history", "objects"):
        if path.startswith(directory):
            return directory + (" directory" if not re.search(r"\.parquet|/[0-9a-f]{32}", path) else "")
    return path


def test_a_kill_at_any_write_loses_and_doubles_nothing(tmp_path, library):
    house = House(tmp_path, library)
    house.begin()
    stops = list(range(1, WRITES + 1))
    random.Random(SEED).shuffle(stops)
    stops = stops if STOPS == "all" else stops[: int(STOPS)]
    print(f"SEED={SEED}")
    stopped = Counter()
    for number, stop in enumerate(stops):
        if house.start(stop):
            house.work(number)
        if house.server.process.poll() is None:
            house.server.kill()
            stopped["(after the last)"] += 1
            continue
        call, kind = house.stopped_before()
        stopped[f"{call} {kind}"] += 1
        house.stops.append((stop, call, kind))
        if number % 50 == 49:
            check(house)
    answer, records = check(house)
    assert stopped["(after the last)"] <= len(stops) // 2, stopped
    print(
        f"{sum(stopped.values())} faults: SIGKILL before {dict(stopped)}; {len(house.answered)} answered calls, {len(house.acknowledged)} imported records, "
        f"{len(records)} in history, {answer['digests']} digests, {answer['logFiles']} log files"
    )


def check(house):
    try:
        return house.check()
    except (AssertionError, ClientError) as wrong:
        raise AssertionError(f"after the stops {house.stops[-50:]}") from wrong
