"""Log files and digests of trails, judged by `aws cloudtrail validate-logs`, unmodified: it accepts what is whole and finds every tampering."""

import base64
import gzip
import hashlib
import json
import subprocess
import time

import boto3
import pytest
import rsa
from botocore.config import Config
from harness import ACCOUNT, BINARY, REGION, Aws, Refused, Server

START = "2026-11-02T08:00:00Z"
END = "2026-11-02T12:30:00Z"
BUCKET = "trail-bucket"
KILLS = 12
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/audit_1"


class House:
    """A server with a trail that is validated, and a bucket whose objects a test may tamper with."""

    def __init__(self, tmp_path, *options):
        self.server = Server(tmp_path / "data", "--test-clock", START, *options)
        self.server.data_dir.mkdir()
        self.start()

    def start(self):
        """Starts the server, again too, and the clients of it."""
        self.server.start()
        self.aws = Aws(self.server)
        environment = self.aws.environment
        client = lambda service: boto3.client(
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        self.s3, self.cloudtrail = client("s3"), client("cloudtrail")

    def begin(self, *flags, name="audit_1", **options):
        self.aws("s3api", "create-bucket", bucket=BUCKET)
        self.aws("cloudtrail", "create-trail", "--enable-log-file-validation", *flags, name=name, s3_bucket_name=BUCKET, **options)
        self.aws("cloudtrail", "start-logging", name=name)
        self.key = self.aws("kms", "create-key")["KeyMetadata"]["KeyId"]

    def work(self, hours):
        """An hour with calls at its beginning, several times."""
        for _ in range(hours):
            for _ in range(3):
                self.aws("kms", "generate-random", number_of_bytes="8")
            self.server.advance("1h")

    def keys(self, kind):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [one["Key"] for page in pages for one in page.get("Contents", []) if f"/{kind}/" in one["Key"]]

    def digests(self):
        return self.keys("CloudTrail-Digest")

    def logs(self):
        return self.keys("CloudTrail")

    def get(self, key):
        answer = self.s3.get_object(Bucket=BUCKET, Key=key)
        return answer["Body"].read(), answer["Metadata"]

    def put(self, key, body, metadata):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)

    def validate(self, start=START, end=END, trail=TRAIL, region=REGION):
        """Exit code and output, errors included."""
        command = ["aws", "cloudtrail", "validate-logs", "--verbose", "--region", region]
        command += ["--trail-arn", trail, "--start-time", start, "--end-time", end]
        done = subprocess.run(command, env=self.aws.environment, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.server.stop()


@pytest.fixture
def whole(house):
    house.begin()
    house.work(4)
    return house


def test_whole_trails_are_valid(whole):
    assert len(whole.digests()) == 4 and len(whole.logs()) == 4
    code, text = whole.validate()
    assert code == 0, text
    assert "4/4 digest files valid" in text and "4/4 log files valid" in text
    assert text.count("\tvalid") == 8
    assert whole.validate(start="2026-11-02T10:30:00Z", end="2026-11-02T11:30:00Z")[0] == 0
    status = whole.aws("cloudtrail", "get-trail-status", name="audit_1")
    assert status["LatestDigestDeliveryTime"] and "LatestDigestDeliveryError" not in status
    digest, metadata = whole.get(whole.digests()[0])
    assert metadata["signature-algorithm"] == "SHA256withRSA" and len(metadata["signature"]) == 512
    first = json.loads(gzip.decompress(digest))
    assert (first["digestStartTime"], first["digestEndTime"]) == (START, "2026-11-02T09:00:00Z")
    assert first["previousDigestSignature"] is None


def test_public_keys(house):
    house.begin()
    [key] = house.aws("cloudtrail", "list-public-keys")["PublicKeyList"]
    der = base64.b64decode(key["Value"])
    assert key["Fingerprint"] == hashlib.md5(der).hexdigest()
    assert rsa.PublicKey.load_pkcs1(der, "DER").n.bit_length() == 2048
    house.server.advance("40d")
    span = {"start_time": START, "end_time": "2026-12-20T00:00:00Z"}
    both = house.aws("cloudtrail", "list-public-keys", **span)["PublicKeyList"]
    assert len(both) == 2 and both[0] == key
    now = house.aws("cloudtrail", "list-public-keys")["PublicKeyList"]
    assert now == both[1:]
    with pytest.raises(Refused) as refusal:
        house.aws("cloudtrail", "list-public-keys", start_time="2026-12-20T00:00:00Z", end_time=START)
    assert refusal.value.code == "InvalidTimeRangeException"
    code, text = house.validate(start="2026-11-30T00:00:00Z", end="2026-12-03T00:00:00Z")
    assert code == 0 and "74/74 digest files valid" in text, text


def another_key(house, digest_key):
    """A digest changed and signed again by somebody who has some key, but not ours."""
    body, metadata = house.get(digest_key)
    digest = json.loads(gzip.decompress(body))
    digest["logFiles"] = []
    text = json.dumps(digest).encode()
    previous = digest["previousDigestSignature"] or "null"
    hashed = hashlib.sha256(text).hexdigest()
    signed = f"{digest['digestEndTime']}\n{digest['digestS3Bucket']}/{digest['digestS3Object']}\n{hashed}\n{previous}"
    _, private = rsa.newkeys(1024)
    house.put(digest_key, gzip.compress(text), metadata | {"signature": rsa.sign(signed.encode(), private, "SHA-256").hex()})


def changed_byte(house, key):
    body, metadata = house.get(key)
    text = bytearray(gzip.decompress(body))
    text[len(text) // 2] ^= 1
    house.put(key, gzip.compress(bytes(text)), metadata)


def reordered(house, key):
    body, metadata = house.get(key)
    records = json.loads(gzip.decompress(body))["Records"]
    assert len(records) > 1
    house.put(key, gzip.compress(json.dumps({"Records": records[::-1]}, separators=(",", ":")).encode()), metadata)


def renamed(house, key):
    body, metadata = house.get(key)
    house.put(key.replace("Z_", "Z_0"), body, metadata)
    house.s3.delete_object(Bucket=BUCKET, Key=key)


def removed(house, key):
    house.s3.delete_object(Bucket=BUCKET, Key=key)


TAMPERINGS = [
    (changed_byte, "logs", "hash value doesn't match"),
    (reordered, "logs", "hash value doesn't match"),
    (removed, "logs", "INVALID: not found"),
    (renamed, "logs", "INVALID: not found"),
    (removed, "digests", "INVALID: not found"),
    (renamed, "digests", "INVALID: not found"),
    (changed_byte, "digests", "INVALID"),
    (another_key, "digests", "signature verification failed"),
]


def test_every_tampering_is_found(whole):
    for tamper, kind, words in TAMPERINGS:
        before = {one: whole.get(one) for one in whole.logs() + whole.digests()}
        tamper(whole, getattr(whole, kind)()[1])
        code, text = whole.validate()
        assert code == 1 and words in text, (tamper.__name__, kind, text)
        for one in set(whole.logs() + whole.digests()) - set(before):
            removed(whole, one)
        for one, (body, metadata) in before.items():
            whole.put(one, body, metadata)
    assert whole.validate()[0] == 0


def test_stopping_ends_and_starting_begins_a_chain(house):
    house.begin(s3_key_prefix="some/prefix")
    house.work(1)
    house.aws("kms", "generate-random", number_of_bytes="8")
    house.server.advance("20m")
    house.aws("cloudtrail", "stop-logging", name="audit_1")
    house.server.advance("1m")
    assert [key[-15:-8] for key in house.digests()] == ["090000Z", "092000Z"]
    house.server.advance("3h")
    assert len(house.digests()) == 2, "a stopped trail has no digests"
    house.aws("cloudtrail", "start-logging", name="audit_1")
    house.work(2)
    house.aws("cloudtrail", "update-trail", "--no-enable-log-file-validation", name="audit_1")
    house.aws("kms", "generate-random", number_of_bytes="8")
    house.server.advance("3h")
    house.aws("cloudtrail", "update-trail", "--enable-log-file-validation", name="audit_1")
    house.work(1)
    house.aws("cloudtrail", "delete-trail", name="audit_1")
    house.server.advance("2h")
    assert all(key.startswith("some/prefix/AWSLogs/") for key in house.digests() + house.logs())
    numbers = [json.loads(gzip.decompress(house.get(key)[0]))["keywatchLink"] for key in house.digests()]
    assert [link["digest"] for link in numbers] == list(range(1, len(numbers) + 1))
    assert [link["ends"] for link in numbers] == [False, True, False, False, True, False, True]
    house.aws("cloudtrail", "create-trail", name="audit_1", s3_bucket_name=BUCKET, s3_key_prefix="some/prefix")
    code, text = house.validate(end="2026-11-02T23:00:00Z")
    assert code == 0 and "7/7 digest files valid" in text, text
    assert text.count("No log files were delivered by CloudTrail between") == 2, text


def test_a_multi_region_trail_is_valid_in_every_region(house):
    house.begin("--is-multi-region-trail")
    house.aws("kms", "create-key", "--region", "eu-west-1")
    house.work(2)
    for region in (REGION, "eu-west-1"):
        code, text = house.validate(region=region)
        assert code == 0 and "2/2 digest files valid" in text, text
    assert any("/eu-west-1/" in key for key in house.logs())
    shadows = house.aws("cloudtrail", "describe-trails", "--region", "eu-west-1")["trailList"]
    assert [(one["Name"], one["HomeRegion"]) for one in shadows] == [("audit_1", REGION)]
    assert house.aws("cloudtrail", "describe-trails", "--region", "eu-west-1", "--no-include-shadow-trails")["trailList"] == []
    assert house.aws("cloudtrail", "get-trail-status", "--region", "eu-west-1", name=TRAIL)["IsLogging"]
    with pytest.raises(Refused) as refusal:
        house.aws("cloudtrail", "stop-logging", "--region", "eu-west-1", name=TRAIL)
    assert refusal.value.code == "InvalidHomeRegionException"


def test_digests_outlive_kills(house):
    """SIGKILL while the clock moves on from delivery to delivery and digest to digest: the chain goes on, and every record is in one file."""
    house.begin()
    for number in range(KILLS):
        house.aws("kms", "generate-random", number_of_bytes="8")
        advance = subprocess.Popen([BINARY, "clock", "advance", "150m", "--data-dir", str(house.server.data_dir)], stderr=subprocess.DEVNULL)
        time.sleep(0.02 + 0.04 * number)
        house.server.kill()
        advance.wait(20)
        house.start()
    pages = house.cloudtrail.get_paginator("lookup_events").paginate()
    logged = {event["EventId"] for page in pages for event in page["Events"] if event["EventSource"] == "kms.amazonaws.com"}
    assert len(logged) > KILLS
    house.server.advance("1d")
    code, text = house.validate(end="2026-11-08T00:00:00Z")
    assert code == 0 and "INVALID" not in text and "No log files were delivered" not in text, text
    links = [json.loads(gzip.decompress(house.get(key)[0]))["keywatchLink"] for key in house.digests()]
    assert [link["digest"] for link in links] == list(range(1, len(links) + 1)) and len(links) >= 24
    seen = [record["eventID"] for key in house.logs() for record in json.loads(gzip.decompress(house.get(key)[0]))["Records"]]
    assert len(seen) == len(set(seen)) == links[-1]["records"]
    assert logged <= set(seen)
