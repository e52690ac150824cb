"""What goes wrong under a server: a full disk, a read-only disk, an object store that is gone, a clock that is set back.

Whatever happens, a call that cannot be recorded is refused, nothing that was answered is lost, no record is double, and once the trouble is
over the server goes on without a hand. The disk is a file system of its own in memory, whose size and mode can be changed under the server;
the clock is libfaketime's. Each test prints how many faults it made."""

import base64
import ctypes.util
import datetime
import gzip
import json
import os
import secrets
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import REGION, Server

MEGABYTES = 8


def client(server, service):
    environment = server.environment()
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30),
    )


class Disk:
    """A file system in memory."""

    def __init__(self, place):
        self.place = place
        place.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "keywatch-test", place], capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"a file system of its own cannot be mounted here: {made.stderr.strip()}")

    def remount(self, option):
        subprocess.run(["mount", "-o", f"remount,{option}", self.place], check=True)

    def close(self):
        subprocess.run(["umount", "--lazy", self.place], check=True)


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
def server(disk, tmp_path):
    server = Server(disk.place / "data")
    server.data_dir.mkdir()
    # The server's log is not on the disk that fails.
    log = tmp_path / "server.log"
    server.data_dir.with_suffix(".log").symlink_to(log)
    server.start()
    yield server
    server.stop()


class Caller:
    """Calls, and what was answered."""

    def __init__(self, server):
        self.server = server
        self.kms = client(server, "kms")
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.answered, self.refused = [], []

    def call(self, context_bytes=16):
        """One call; whether it was answered."""
        # What is random does not shrink when it is stored.
        context = {"filler": base64.b64encode(secrets.token_bytes(context_bytes)).decode()}
        try:
            answer = self.kms.encrypt(KeyId=self.key, Plaintext=b"hello", EncryptionContext=context)
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "KMSInternalException", refusal
            self.refused.append(refusal.response["ResponseMetadata"]["RequestId"])
            return False
        self.answered.append(answer["ResponseMetadata"]["RequestId"])
        return True

    def check_history(self):
        """Every answered call has one record, and none is double."""
        requests, events = Counter(), Counter()
        for page in client(self.server, "cloudtrail").get_paginator("lookup_events").paginate():
            for event in page["Events"]:
                record = json.loads(event["CloudTrailEvent"])
                events[record["eventID"]] += 1
                requests[record.get("requestID")] += 1
        assert not [request for request in self.answered if requests[request] != 1], "answered without one record"
        assert not [event for event, count in events.items() if count > 1], "a record is double"


def test_a_full_disk_refuses_calls_until_there_is_room(server, disk):
    caller = Caller(server)
    faults = 0
    size = MEGABYTES
    for _ in range(3):
        for _ in range(40_000):
            if not caller.call(context_bytes=6_000):
                break
        else:
            pytest.fail("the disk does not fill")
        # Full is full for the next ones too, and changes are refused as well.
        assert not any(caller.call(context_bytes=6_000) for _ in range(3))
        with pytest.raises(ClientError):
            caller.kms.create_key(Description="d" * 8_000)
        faults += 5
        size += MEGABYTES // 2
        disk.remount(f"size={size}m")
        assert all(caller.call() for _ in range(20)), "there is room again"
    caller.check_history()
    print(f"{faults} faults of a full disk, {len(caller.answered)} answered calls, {len(caller.refused)} refused")


def test_a_disk_that_takes_nothing_refuses_calls_until_it_does(server, disk):
    caller = Caller(server)
    faults = 0
    for _ in range(5):
        assert all(caller.call() for _ in range(5))
        # Files open for writing keep a file system from becoming read-only: one without room for a byte refuses as much.
        usage = shutil.disk_usage(disk.place)
        disk.remount(f"size={usage.used}")
        while caller.call(context_bytes=6_000):
            pass
        refused = [caller.call(context_bytes=6_000) for _ in range(5)]
        faults += 1 + refused.count(False)
        disk.remount(f"size={MEGABYTES * 8}m")
        assert caller.call()
    caller.check_history()
    print(f"{faults} faults of a disk that takes nothing, {len(caller.answered)} answered calls, {len(caller.refused)} refused")


def test_a_start_on_a_read_only_disk_is_one_clear_line(server, disk):
    caller = Caller(server)
    assert caller.call()
    server.stop()
    disk.remount("ro")
    try:
        done = subprocess.run(
            [os.environ.get("KEYWATCH_BINARY", "keywatch"), "serve", "--data-dir", str(server.data_dir), "--listen", "127.0.0.1:0"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    finally:
        disk.remount("rw")
    server.start()
    again = Caller(server)
    again.answered = caller.answered
    assert again.call()
    again.check_history()


def faketime():
    for place in Path("/usr/lib").glob("*/faketime/libfaketime.so.1"):
        return str(place)
    found = ctypes.util.find_library("faketime")
    return found or pytest.skip("libfaketime is not installed")


def test_a_clock_that_is_set_back(tmp_path, monkeypatch):
    library = faketime()
    clock = tmp_path / "clock"
    clock.write_text("+0")
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", library)
        patch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
        patch.setenv("FAKETIME_NO_CACHE", "1")
        patch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        server.start()
    try:
        caller = Caller(server)
        assert all(caller.call() for _ in range(20))
        steps = ["-90", "-200", "+120", "-240", "+0"]
        for step in steps:
            # Within the five minutes that signatures are good for: further off, every call is refused as AWS does.
            clock.write_text(step)
            assert all(caller.call() for _ in range(20)), f"the clock stands at {step} s"
        caller.check_history()
        # Beyond them: refused, recorded, and forgotten as soon as the clock is right again.
        clock.write_text("-3600")
        with pytest.raises(ClientError) as refusal:
            caller.kms.list_keys()
        assert refusal.value.response["Error"]["Code"] == "InvalidSignatureException"
        clock.write_text("+0")
        assert caller.call()
        caller.check_history()
        print(f"{len(steps) + 1} times the clock was set, {len(caller.answered)} answered calls")
    finally:
        server.stop()


class Skew:
    """A clock of the server's that is set, and clients that sign by it."""

    def __init__(self, place, patch):
        self.file = place / "clock"
        self.set(0)
        right = botocore.auth.get_current_datetime
        shifted = lambda **options: right(**options) + datetime.timedelta(seconds=self.seconds)
        patch.setattr(botocore.auth, "get_current_datetime", shifted)

    def set(self, seconds):
        self.seconds = seconds
        self.file.write_text(f"{seconds:+d}")

    def environment(self):
        return {"LD_PRELOAD": faketime(), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def test_files_and_digests_of_a_clock_that_is_set_back(tmp_path, monkeypatch):
    """Hours forth and back, with a trail at work: each record is in one log file, and the chain of digests is whole."""
    skew = Skew(tmp_path, monkeypatch)
    server = Server(tmp_path / "data", "--delivery-interval", "1s")
    server.data_dir.mkdir()
    with monkeypatch.context() as patch:
        for name, value in skew.environment().items():
            patch.setenv(name, value)
        server.start()
    try:
        s3, cloudtrail = client(server, "s3"), client(server, "cloudtrail")
        s3.create_bucket(Bucket="audit-files")
        cloudtrail.create_trail(Name="audit", S3BucketName="audit-files", EnableLogFileValidation=True)
        cloudtrail.start_logging(Name="audit")
        caller = Caller(server)
        # A digest falls due on the way forth, and its hour comes again on the way back.
        steps = [0, 3_700, -7_200, -3_500, 3_800, 0, 7_500, 7_400, 11_500]
        for step in steps:
            skew.set(step)
            assert all(caller.call() for _ in range(5)), f"the clock stands at {step} s"
            wait_for(lambda: set(caller.answered) <= set(delivered(s3)), f"files of the clock at {step} s")
        assert any("/CloudTrail-Digest/" in key for key in keys_of(s3)), "digests are made"
        cloudtrail.stop_logging(Name="audit")
        caller.check_history()
        wait_for(lambda: not cloudtrail.get_trail_status(Name="audit")["IsLogging"], "the end of logging")
        files = delivered(s3)
        assert [files[request] for request in caller.answered] == [1] * len(caller.answered)
        print(f"{len(steps)} times the clock was set, {len(caller.answered)} answered calls, {len(keys_of(s3))} objects")
    finally:
        server.stop()
    command = [os.environ.get("KEYWATCH_BINARY", "keywatch"), "verify", str(server.data_dir), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["findings"], answer["unproven"]) == (0, [], 0), done.stdout + done.stderr
    assert answer["digests"] >= 2, answer


def wait_for(holds, what):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what


def keys_of(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="audit-files")
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def delivered(s3):
    """How often each request is in a log file."""
    requests = Counter()
    for key in keys_of(s3):
        if "/CloudTrail/" in key:
            text = gzip.decompress(s3.get_object(Bucket="audit-files", Key=key)["Body"].read())
            requests.update(record.get("requestID") for record in json.loads(text)["Records"])
    return requests


def test_an_object_store_that_is_gone_delays_files_and_loses_none(tmp_path):
    objects = tmp_path / "objects"
    objects.mkdir()
    server = Server(tmp_path / "data", "--test-clock", "2026-11-02T08:00:00Z", "--object-store", objects.as_uri())
    server.data_dir.mkdir()
    server.start()
    try:
        s3, cloudtrail = client(server, "s3"), client(server, "cloudtrail")
        s3.create_bucket(Bucket="audit-files")
        cloudtrail.create_trail(Name="audit", S3BucketName="audit-files", EnableLogFileValidation=True)
        cloudtrail.start_logging(Name="audit")
        caller, faults = Caller(server), 0
        for _ in range(3):
            assert all(caller.call() for _ in range(10))
            # A file where the directory was: nothing can be written, as with a store that does not answer.
            objects.rename(tmp_path / "away")
            objects.write_text("")
            server.advance("10m")
            assert all(caller.call() for _ in range(10)), "calls do not wait for files"
            assert cloudtrail.get_trail_status(Name="audit")["LatestDeliveryError"]
            server.advance("2h")
            faults += 2
            objects.unlink()
            (tmp_path / "away").rename(objects)
            server.advance("10m")
            assert not cloudtrail.get_trail_status(Name="audit").get("LatestDeliveryError")
        caller.check_history()
        files, found = keys_of(s3), delivered(s3)
        assert [found[request] for request in caller.answered] == [1] * len(caller.answered)
        assert any("/CloudTrail-Digest/" in name for name in files)
        print(f"{faults} times files or digests could not be written, {len(caller.answered)} answered calls, {len(files)} objects")
    finally:
        server.stop()
