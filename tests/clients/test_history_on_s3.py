"""History on an S3 that is not ours: closed records live in the bucket of a second server, are read from it by ranges, merged and removed there,
and wait for it while it is gone."""

import datetime
import gzip
import json
import subprocess
import time

import boto3
import pytest
from botocore.config import Config
from harness import BINARY, REGION, Server
from test_import import record

START = datetime.datetime(2026, 11, 2, 8, tzinfo=datetime.timezone.utc)
PLACE = "kept/here"
# Followers to which an entry gives nothing store where they stand after ten thousand; what lies behind may be closed.
FILES, PER_FILE = 2, 5_500
RECENT = 1_000
# More than one closing gives.
MERGED_BYTES = 300_000
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def client(server, service):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=server.url, region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=60, s3={"addressing_style": "path"}),
    )


class House:
    """A server, and the server that its history lives on."""

    def __init__(self, place):
        self.store = Server(place / "store")
        self.store.data_dir.mkdir()
        self.store.start()
        # Started again, it is found where it was.
        self.store.listen = self.store.url.removeprefix("http://")
        self.archive = client(self.store, "s3")
        self.archive.create_bucket(Bucket="archive")
        options = ["--test-clock", "2026-11-02T08:00:00Z", "--history-recent", str(RECENT), "--object-store", f"s3://archive/{PLACE}"]
        self.server = Server(place / "data", *options)
        self.server.data_dir.mkdir()
        self.place, self.imported, self.files = place, [], 0

    def start(self):
        exports = self.store.environment()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, exports[name])
            patch.setenv("AWS_ENDPOINT_URL", self.store.url)
            patch.setenv("AWS_REGION", REGION)
            patch.setenv("AWS_ALLOW_HTTP", "true")
            self.server.start()
        self.kms = client(self.server, "kms")

    def offer(self):
        for _ in range(FILES):
            number = self.files
            self.files += 1
            # One in a hundred is of the key that is asked about.
            key = lambda one: KEY if one % 100 == 0 else f"{KEY[:-4]}{one % 100:04}"
            records = [record("Decrypt", key(one), START - datetime.timedelta(seconds=number * PER_FILE + one)) for one in range(PER_FILE)]
            path = self.place / f"{number}.json.gz"
            path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
            self.server.keywatch("import", str(path))
            self.imported += [one["eventID"] for one in records[::100]]

    def search(self, *options):
        command = [BINARY, "search", "--json", "--limit", "100000", *options, "--data-dir", str(self.server.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def check(self):
        """Every imported record is found once, by its key and by its id."""
        done = self.search("--key", KEY)
        assert done.returncode == 0, done.stderr
        assert sorted(json.loads(line)["eventID"] for line in done.stdout.splitlines()) == sorted(self.imported)
        [line] = self.search("--id", self.imported[3]).stdout.splitlines()
        assert json.loads(line)["eventID"] == self.imported[3]
        usage = [json.loads(line) for line in self.server.keywatch("usage", KEY, "--json", "--limit", "100000").splitlines()]
        assert sum(row["Calls"] for row in usage) == len(self.imported)

    def segments(self):
        pages = self.archive.get_paginator("list_objects_v2").paginate(Bucket="archive", Prefix=f"{PLACE}/KeywatchHistory/")
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}

    def wait(self, accept, seconds=180):
        """Until the files are as they should be; the engine stores its positions when the clock moves."""
        deadline = time.monotonic() + seconds
        while not accept(self.segments()):
            assert time.monotonic() < deadline, self.segments()
            self.server.advance("6m")


def test_history_lives_on_an_s3(tmp_path):
    house = House(tmp_path)
    house.start()
    try:
        house.offer()
        house.wait(lambda files: len(files) >= 3)
        assert not list(house.server.data_dir.rglob("*.parquet"))
        house.check()
        # Eight neighbours become one, and the eight go ten minutes later.
        house.wait(lambda files: any(size > MERGED_BYTES for size in files.values()) and len(files) < 2 * FILES * PER_FILE // RECENT // 3)
        house.check()
        house.server.kill()
        house.start()
        house.check()

        house.store.kill()
        began = time.monotonic()
        done = house.search("--key", KEY)
        assert done.returncode != 0 and "the object store that holds them does not answer" in done.stderr, done.stderr
        assert time.monotonic() - began < 30
        made = [house.kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(20)]
        house.server.advance("6m")
        house.server.kill()
        # It starts without its history, and goes on.
        house.start()
        made += [house.kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(20)]
        house.server.advance("6m")

        house.store.start()
        house.archive = client(house.store, "s3")
        before = house.segments()
        house.check()
        house.offer()
        house.wait(lambda files: files.keys() - before.keys())
        house.check()
        found = [json.loads(line)["eventID"] for line in house.search("--name", "CreateKey").stdout.splitlines()]
        assert len(found) == len(set(found)) == len(made)
    finally:
        house.server.stop()
        house.store.stop()

