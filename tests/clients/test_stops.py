"""SIGKILL at any write: while records are imported, delivered and digested, closed, merged and expired, files wait for their bucket and come late, a
bucket is imported, and keys that sign are replaced.

The server runs with a library of ours before the C library's (stop.c), which counts the calls that make something durable or visible (fsync,
fdatasync, rename, link, unlink, writes of files) and kills the server before the n-th of a phase of the work. Two rounds of work are counted first,
one of them over the end of the keys that sign; then one n is drawn from each phase of both, and the rest from anywhere; SEED=… draws others.
KEYWATCH_STOPS=all tries every n, in a quarter of an hour. After some kills all is checked, and the next ones begin with the same data as the first. What a
commit to the database was about is read from a copy of the database after the kill.

After the kills no record is lost or double in history and in the log files, and the chain of digests is whole."""

import contextlib
import datetime
import gzip
import json
import mmap
import os
import random
import re
import shutil
import sqlite3
import struct
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
# A segment of the oldest records alone, which retention removes.
ANCIENT_IMPORTED = 260
# What is imported before: followers to which an entry gives nothing store where they stand after ten thousand, and what lies behind may be closed.
STOCK_FILES, STOCK = 4, 2_600
SEGMENT_ENTRIES = 128
OPTIONS = ["--test-clock", "2026-11-02T08:00:00Z", "--history-days", "7300", "--allow-private-targets"]
LATE = "late-files"
# Kills between two checks.
BATCH = 16
# A write that is not reached.
NEVER = 1 << 60
# Rows of that bucket's objects.
OBJECTS = f"{LATE}/"
# What a commit is about, by the most telling kind of row in it.
COMMITS = {
    "trail.signing-key": "a signing key",
    "import.source.cursor": "a cursor of an import source",
    "import.source.gone": "an import source that is removed",
    "import.source": "an import source",
    "import.source.schedule": "an import source's schedule",
    "trail.waiting": "a file that waits",
    "trail.chain": "a digest",
    "trail.delivery": "log files",
    "trail.imported": "imported records",
}
FEED = "feed"
# What a server does beside the calls.
BESIDE = {
    "commit of a signing key", "commit of a cursor of an import source", "commit of a file that waits", "commit of files delivered late",
    "commit of a segment that expires", "commit of a closed segment", "unlink history",
}


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
        # Requests by the files of the trail that has no bucket for most of the time.
        self.late = {}
        # Where a bucket's import was broken off.
        self.pending = None
        # Of the round under way: its phase, how many writes each phase had, and which write of which phase is stopped.
        self.phase, self.counts, self.target = "start", {}, (None, 0)
        self.control = self.place / "control"
        self.other = Server(place / "other")
        self.other.data_dir.mkdir()
        self.other.start()
        self.feed = client_of(self.other, "s3")
        self.feed.create_bucket(Bucket=FEED)

    def start(self, phase=None, stop=None):
        """Starts the server to be killed before the `stop`th write of a phase; 0 only counts. False if it was killed while it started."""
        self.log = self.place / "stop.log"
        self.log.unlink(missing_ok=True)
        ours = {}
        if stop is not None:
            self.phase, self.counts, self.target, self.begun = "start", {}, (phase, stop), 0
            self.control.write_bytes(struct.pack("qq", 0, stop if phase == "start" or stop == 0 else NEVER))
            with self.control.open("r+b") as file:
                self.shared = mmap.mmap(file.fileno(), 16)
            ours = {"LD_PRELOAD": str(self.library), "KEYWATCH_STOP_AT": str(self.control), "KEYWATCH_STOP_LOG": str(self.log)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ours.items():
                patch.setenv(name, value)
            try:
                self.server.start()
            except AssertionError:
                # Only a kill may keep it from starting.
                assert self.server.process.wait(20) == -9, self.server.log.name
                return False
        self.kms, self.cloudtrail, self.s3 = (client_of(self.server, service) for service in ("kms", "cloudtrail", "s3"))
        return True

    def begin(self):
        self.start()
        for number in range(STOCK_FILES):
            self.offer((START, ANCIENT)[number % 2], STOCK)
        self.s3.create_bucket(Bucket="audit-files")
        self.cloudtrail.create_trail(Name="audit", S3BucketName="audit-files", EnableLogFileValidation=True)
        self.cloudtrail.start_logging(Name="audit")
        self.s3.create_bucket(Bucket=LATE)
        self.cloudtrail.create_trail(Name="late", S3BucketName=LATE)
        self.s3.delete_bucket(Bucket=LATE)
        self.cloudtrail.start_logging(Name="late")
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        # Delivery of log files stores its position when it delivers.
        self.run("clock", "advance", "6m")
        self.server.stop()
        self.server.options = (*self.server.options, "--history-recent", str(SEGMENT_ENTRIES))

    def run(self, *arguments, **options):
        done = subprocess.run([BINARY, *arguments, "--data-dir", str(self.server.data_dir)], capture_output=True, text=True, timeout=120, **options)
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

    def enter(self, phase):
        """What comes next is this; counts the writes before it, and arms the kill."""
        calls, stop = struct.unpack("qq", self.shared[:])
        self.counts[self.phase] = calls - self.begun
        self.phase, self.begun = phase, calls
        if stop != 0 and self.target[0] == phase:
            self.shared[8:] = struct.pack("q", calls + self.target[1])

    def keep(self):
        """Remembers how everything is now."""
        shutil.copytree(self.server.data_dir, self.place / "kept")
        self.kept = (list(self.answered), list(self.acknowledged))

    def restore(self):
        """Everything is as it was."""
        shutil.rmtree(self.server.data_dir)
        shutil.copytree(self.place / "kept", self.server.data_dir)
        self.answered, self.acknowledged = map(list, self.kept)
        self.late, self.pending = {}, None

    def work(self, rotates):
        """One round: always the same writes, unless it goes over the end of a key that signs."""
        try:
            self.round(rotates)
        except (Gone, BotoCoreError):
            assert self.server.process.wait(20) == -9

    def round(self, rotates):
        self.enter("calls")
        if not self.cloudtrail.get_trail_status(Name="audit")["IsLogging"]:
            # The round before was killed between the stop and the start.
            self.answer(self.cloudtrail.start_logging, Name="audit")
        if rotates:
            self.enter("a month")
            # What waits is not kept for longer.
            self.deliver_late()
            # A trail that does not log has no digests, of which a month has many.
            self.answer(self.cloudtrail.stop_logging, Name="audit")
            self.run("clock", "advance", "31d")
            self.answer(self.cloudtrail.start_logging, Name="audit")
        for _ in range(CALLS):
            self.answer(self.kms.encrypt, KeyId=self.key, Plaintext=b"hello")
        # Files and a digest; what was imported in the round before may leave the log then, as soon as more comes.
        self.enter("files and a digest")
        self.run("clock", "advance", "65m")
        self.enter("late files")
        self.deliver_late()
        self.enter("a bucket")
        self.import_bucket()
        self.enter("imports")
        self.offer(START)
        self.offer(ANCIENT, ANCIENT_IMPORTED)
        self.enter("history")
        self.settle()
        self.enter("end")

    def deliver_late(self):
        """Makes the bucket for which files wait, takes them out, and removes it again."""
        if LATE not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            self.answer(self.s3.create_bucket, Bucket=LATE)
        self.run("clock", "advance", "6m")
        for key, requests in delivered(self.s3, LATE):
            self.late[key] = requests
            # An event of data, which is not recorded.
            self.s3.delete_object(Bucket=LATE, Key=key)
        self.answer(self.s3.delete_bucket, Bucket=LATE)

    def import_bucket(self):
        """Imports a bucket once; one whose import was broken off before."""
        again = self.pending is not None
        if not again:
            self.files += 1
            self.pending = f"round-{self.files}"
            records = [record("Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", START) for _ in range(IMPORTED)]
            folder = f"{self.pending}/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/02"
            for half, part in enumerate((records[::2], records[1::2])):
                name = f"111122223333_CloudTrail_us-east-1_20261102T080{half}Z_a.json.gz"
                self.feed.put_object(Bucket=FEED, Key=f"{folder}/{name}", Body=gzip.compress(json.dumps({"Records": part}).encode()))
            self.pending_ids = [one["eventID"] for one in records]
        out = self.run("import", f"s3://{FEED}/{self.pending}", "--endpoint", self.other.url, env=self.other.environment())
        # Killed when it was done, it is made anew.
        assert again or out.startswith(f"2 files: {IMPORTED} records imported, 0 were there already"), out
        self.acknowledged += self.pending_ids
        self.pending = None

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
        kind = kind_of(path)
        return f"commit of {self.last_commit()}" if (call, kind) == ("fsync", "keywatch.db-wal") else f"{call} {kind}"

    def last_commit(self):
        """What the newest commit in the database is about; a copy is read, since who reads it may change it."""
        for name in ("keywatch.db", "keywatch.db-wal"):
            shutil.copy(self.server.data_dir / name, self.place / name)
        with contextlib.closing(sqlite3.connect(self.place / "keywatch.db")) as database:
            newest = "SELECT max(version) FROM (SELECT max(version) AS version FROM state UNION ALL SELECT max(version) FROM log)"
            rows = database.execute(f"SELECT kind, key, value FROM state WHERE version = ({newest})").fetchall()
        kinds = {kind for kind, _, _ in rows}
        loose = [value for kind, _, value in rows if kind == "history.loose"]
        if self.phase in ("late files", "a month") and any(kind == "s3.object" and key.startswith(OBJECTS) for kind, key, _ in rows):
            return "files delivered late"
        if loose and "history.segment" not in kinds:
            return "a history file to come" if b"9999-" in loose[0] else "a segment that expires"
        if "history.segment" in kinds:
            return "merged segments" if loose else "a closed segment"
        for kind, what in COMMITS.items():
            if kind in kinds:
                return what
        return "records alone" if not kinds else "other state"

    def everything(self):
        """All records of the history, while one small segment after the other is closed."""
        lines = self.run("search", "--json", "--all-regions", "--limit", "1000000").splitlines()
        return [json.loads(line) for line in lines]

    def check(self):
        """The server recovers by itself, and everything is there once."""
        assert self.start(), "it starts"
        self.run("clock", "advance", "65m")
        self.deliver_late()
        if self.pending is not None:
            self.import_bucket()
        self.settle()
        records = self.everything()
        events = Counter(one["eventID"] for one in records)
        requests = Counter(one.get("requestID") for one in records)
        assert not [event for event, count in events.items() if count > 1], "double in history"
        assert not [request for request in self.answered if requests[request] != 1], "answered without one record"
        assert not [event for event in self.acknowledged if events[event] != 1], "an imported record is lost"
        files = Counter(request for _, requests in delivered(self.s3, "audit-files") for request in requests)
        late = Counter(request for requests in self.late.values() for request in requests)
        assert not [request for request, count in (files | late).items() if count > 1], "double in the log files"
        # While a trail does not log, its stop and start are the only calls.
        calls = {one["requestID"] for one in records if one["eventName"] == "Encrypt"}
        missing = [request for request in self.answered if request in calls and (files[request], late[request]) != (1, 1)]
        assert not missing, f"answered and not in a log file: {[(files[request], late[request]) for request in missing]}"
        self.server.stop()
        done = subprocess.run([BINARY, "verify", str(self.server.data_dir), "--format", "json"], capture_output=True, text=True, timeout=120)
        answer = json.loads(done.stdout)
        assert (done.returncode, answer["findings"], answer["unproven"]) == (0, [], 0), done.stdout + done.stderr
        return answer, records


def client_of(server, service):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=server.url, region_name=REGION, aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30, s3={"addressing_style": "path"}),
    )


def delivered(s3, bucket):
    """The log files of a bucket, and the requests that each records."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if "/CloudTrail/" in entry["Key"]:
                text = gzip.decompress(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
                yield entry["Key"], [one["requestID"] for one in json.loads(text)["Records"] if one.get("requestID")]


def kind_of(path):
    """Which file it is, without what differs from run to run."""
    path = re.sub(r".*/data/", "", path)
    for directory in ("history", "objects"):
        if path.startswith(directory):
            return directory + (" directory" if not re.search(r"\.parquet|/[0-9a-f]{32}", path) else "")
    return path


def counted(house, rotates):
    """A round that is not killed: each of its writes, by its phase."""
    house.restore()
    assert house.start("start", 0)
    house.work(rotates)
    house.server.stop()
    return [(rotates, phase, number) for phase, count in house.counts.items() for number in range(1, count + 1)]


def drawn(writes):
    """Which writes are stopped."""
    chance = random.Random(SEED)
    if STOPS == "all":
        return chance.sample(writes, len(writes))
    by_phase = {}
    for write in writes:
        by_phase.setdefault(write[:2], []).append(write)
    stops = [chance.choice(of_phase) for of_phase in by_phase.values()]
    chance.shuffle(stops)
    stops += chance.sample(writes, max(0, int(STOPS) - len(stops)))
    return stops[: int(STOPS)]


@pytest.fixture
def house(tmp_path, library):
    house = House(tmp_path, library)
    yield house
    house.other.stop()


def test_a_kill_at_any_write_loses_and_doubles_nothing(house):
    house.begin()
    house.keep()
    print(f"SEED={SEED}")
    writes = counted(house, False) + counted(house, True)
    stops = drawn(writes)
    stopped, phases, seen = Counter(), Counter(), Counter()
    for begin in range(0, len(stops), BATCH):
        house.restore()
        for rotates, phase, stop in stops[begin : begin + BATCH]:
            if house.start(phase, stop):
                house.work(rotates)
            if house.server.process.poll() is None:
                house.server.kill()
                stopped["(after the last)"] += 1
                continue
            what = house.stopped_before()
            stopped[what] += 1
            phases[house.phase] += 1
            house.stops.append((stop, house.phase, what))
        answer, records = check(house)
        seen.update(answered=len(house.answered), imported=len(house.acknowledged), history=len(records))
        seen.update(digests=answer["digests"], files=answer["logFiles"])
    print(f"{sum(stopped.values())} faults of {len(writes)} writes: SIGKILL before {dict(stopped)}, during {dict(phases)}; {dict(seen)}")
    # A round after a kill has fewer writes than one that was counted.
    assert sum(phases.values()) * 4 >= len(stops), stopped
    # It comes sooner or later, so that no number of stops is sure to hit each of these.
    print(f"of what is done beside the calls, hit: {sorted(BESIDE & set(stopped))}; not: {sorted(BESIDE - set(stopped))}")


def check(house):
    try:
        return house.check()
    except (AssertionError, ClientError) as wrong:
        raise AssertionError(f"after the stops {house.stops[-BATCH:]}") from wrong
