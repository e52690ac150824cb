"""Buckets and objects with the AWS CLI and boto3 against the built binary, and the log files a trail puts there."""

import gzip
import hashlib
import json
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, Aws, Refused, Server

START = "2026-11-02T08:00:00Z"
BUCKET = "log-files"


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def aws(server):
    return Aws(server)


@pytest.fixture
def bucket(aws):
    aws("s3api", "create-bucket", bucket=BUCKET)
    return BUCKET


def client(environment, **config):
    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )


@pytest.fixture
def s3(aws):
    return client(aws.environment, signature_version="s3v4")


def cli(aws, *arguments):
    """A command whose answer is not JSON, such as `aws s3 ls`."""
    done = subprocess.run(["aws", *arguments], env=aws.environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Refused(done.stderr)
    return done.stdout


def refused(call, *arguments, **options):
    with pytest.raises(Refused) as refusal:
        call(*arguments, **options)
    return refusal.value


def code(call, **options):
    with pytest.raises(ClientError) as refusal:
        call(**options)
    return refusal.value.response["Error"]["Code"]


def test_buckets(aws):
    assert aws("s3api", "create-bucket", bucket="one-1")["Location"] == "/one-1"
    aws("s3api", "create-bucket", bucket="one-1")
    elsewhere = {"LocationConstraint": "eu-west-1"}
    aws("s3api", "create-bucket", bucket="two-2", create_bucket_configuration=elsewhere)
    again = refused(aws, "s3api", "create-bucket", bucket="two-2", create_bucket_configuration=elsewhere)
    assert again.code == "BucketAlreadyOwnedByYou"
    assert refused(aws, "s3api", "create-bucket", bucket="Not_A_Name").code == "InvalidBucketName"
    assert aws("s3api", "head-bucket", bucket="two-2")["BucketRegion"] == "eu-west-1"
    assert aws("s3api", "get-bucket-location", bucket="two-2")["LocationConstraint"] == "eu-west-1"
    assert aws("s3api", "get-bucket-location", bucket="one-1")["LocationConstraint"] is None
    assert aws("s3api", "get-bucket-acl", bucket="one-1")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert [bucket["Name"] for bucket in aws("s3api", "list-buckets")["Buckets"]] == ["one-1", "two-2"]
    aws("s3api", "delete-bucket", bucket="one-1")
    assert refused(aws, "s3api", "delete-bucket", bucket="one-1").code == "NoSuchBucket"
    assert [bucket["Name"] for bucket in aws("s3api", "list-buckets")["Buckets"]] == ["two-2"]
    assert "Status" not in (aws("s3api", "get-bucket-versioning", bucket="two-2") or {})
    assert refused(aws, "s3api", "get-object-lock-configuration", bucket="two-2").code == "ObjectLockConfigurationNotFoundError"
    assert refused(aws, "s3api", "get-bucket-lifecycle-configuration", bucket="two-2").code == "NotImplemented"
    assert refused(aws, "s3api", "get-bucket-tagging", bucket="two-2").code == "NoSuchTagSet"
    tags = {"TagSet": [{"Key": "suite", "Value": "a & b"}, {"Key": "team", "Value": ""}]}
    assert refused(aws, "s3api", "put-bucket-tagging", bucket="two-2", tagging=tags).code == "InvalidTag"
    tags["TagSet"][0]["Value"] = "a / b"
    aws("s3api", "put-bucket-tagging", bucket="two-2", tagging=tags)
    assert aws("s3api", "get-bucket-tagging", bucket="two-2") == tags
    aws("s3api", "put-object", bucket="two-2", key="a/b")
    [version] = aws("s3api", "list-object-versions", bucket="two-2", prefix="a/")["Versions"]
    assert (version["Key"], version["VersionId"], version["IsLatest"]) == ("a/b", "null", True)
    deleted = {"Objects": [{"Key": "a/b", "VersionId": "null"}]}
    assert aws("s3api", "delete-objects", bucket="two-2", delete=deleted)["Deleted"] == deleted["Objects"]
    assert "Versions" not in aws("s3api", "list-object-versions", bucket="two-2")
    aws("s3api", "delete-bucket-tagging", bucket="two-2")
    assert refused(aws, "s3api", "get-bucket-tagging", bucket="two-2").code == "NoSuchTagSet"


def test_objects_with_the_cli(aws, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"hello bucket\n")
    put = aws("s3api", "put-object", bucket=bucket, key="a/b.txt", body=str(source), metadata="x=y", content_type="text/plain")
    assert put["ETag"] == f'"{hashlib.md5(source.read_bytes()).hexdigest()}"'
    got = aws("s3api", "get-object", str(target), bucket=bucket, key="a/b.txt")
    assert target.read_bytes() == source.read_bytes()
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("text/plain", {"x": "y"}, put["ETag"])
    assert got["LastModified"] == "Mon, 02 Nov 2026 08:00:00 GMT" or got["LastModified"].startswith("2026-11-02T08:00:00")
    part = aws("s3api", "get-object", str(target), bucket=bucket, key="a/b.txt", range="bytes=6-11")
    assert (target.read_bytes(), part["ContentRange"]) == (b"bucket", "bytes 6-11/13")
    assert aws("s3api", "head-object", bucket=bucket, key="a/b.txt")["ContentLength"] == 13
    assert refused(aws, "s3api", "get-object", str(target), bucket=bucket, key="none").code == "NoSuchKey"
    assert refused(aws, "s3api", "get-object", str(target), bucket=bucket, key="a/b.txt", range="bytes=99-").code == "InvalidRange"
    assert refused(aws, "s3api", "delete-bucket", bucket=bucket).code == "BucketNotEmpty"
    cli(aws, "s3", "cp", str(source), f"s3://{bucket}/c d+.txt")
    assert cli(aws, "s3", "cp", f"s3://{bucket}/c d+.txt", "-") == "hello bucket\n"
    lines = [line.split(maxsplit=2) for line in cli(aws, "s3", "ls", f"s3://{bucket}/").splitlines()]
    assert lines[0] == ["PRE", "a/"]
    assert lines[1][2] == "13 c d+.txt"
    listed = aws("s3api", "list-objects-v2", bucket=bucket)["Contents"]
    assert [one["Key"] for one in listed] == ["a/b.txt", "c d+.txt"]
    cli(aws, "s3", "rm", "--recursive", f"s3://{bucket}")
    cli(aws, "s3", "rb", f"s3://{bucket}")
    assert not [path for path in tmp_path.glob("data/objects/**/*") if path.is_file()], "bodies are left"


def test_listing_by_page_and_by_folder(s3, bucket):
    keys = [f"d{folder}/{name:03}" for folder in range(3) for name in range(5)] + ["e", "ä", "z/", "z//x"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    in_order = sorted(keys, key=str.encode)
    for version, size in (("list_objects_v2", 4), ("list_objects", 7)):
        pages = s3.get_paginator(version).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [one["Key"] for page in pages for one in page.get("Contents", [])] == in_order, version
        folders, files = [], []
        for page in s3.get_paginator(version).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}):
            folders += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
            files += [one["Key"] for one in page.get("Contents", [])]
        assert (folders, files) == (["d0/", "d1/", "d2/", "z/"], ["e", "ä"]), version
    inside = s3.list_objects_v2(Bucket=bucket, Prefix="d1/", StartAfter="d1/002")
    assert [one["Key"] for one in inside["Contents"]] == ["d1/003", "d1/004"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    assert code(s3.list_objects_v2, Bucket=bucket, ContinuationToken="?") == "InvalidArgument"
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in [*keys, "never was"]]})
    assert {one["Key"] for one in deleted["Deleted"]} == {*keys, "never was"}
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_conditions_and_checksums(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"one", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"two", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=tag) == "304"
    assert code(s3.get_object, Bucket=bucket, Key="k", IfMatch='"x"') == "PreconditionFailed"
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket=bucket, Key="sum", Body=b"summed", ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
        assert got[f"Checksum{algorithm}"] and got["Body"].read() == b"summed"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"two", ChecksumSHA256="A" * 43 + "=") == "BadDigest"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"two", ContentMD5="A" * 22 + "==") == "BadDigest"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"
    assert code(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"") == "KeyTooLongError"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"a": "b" * 2048}) == "MetadataTooLarge"


def test_large_objects_come_in_parts(server, aws, s3, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"".join(bytes([number]) * (1 << 20) for number in range(20)))
    cli(aws, "s3", "cp", str(source), f"s3://{bucket}/large")
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"].endswith('-3"')
    cli(aws, "s3", "cp", f"s3://{bucket}/large", str(target))
    assert target.read_bytes() == source.read_bytes()
    edge = 8 << 20
    got = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={edge - 2}-{edge + 1}")["Body"].read()
    assert got == b"\x07\x07\x08\x08"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    tags = [s3.upload_part(**named, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    assert code(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": parts}) == "EntityTooSmall"
    assert code(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": parts[::-1]}) == "InvalidPartOrder"
    assert code(s3.upload_part, **named, PartNumber=10_001, Body=b"") == "InvalidArgument"
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts[1:]})
    assert done["ETag"].endswith('-1"') and s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"small"
    s3.delete_object(Bucket=bucket, Key="k")
    named["UploadId"] = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(**named, PartNumber=1, Body=b"given up")
    s3.abort_multipart_upload(**named)
    assert code(s3.upload_part, **named, PartNumber=1, Body=b"") == "NoSuchUpload"
    s3.create_multipart_upload(Bucket=bucket, Key="left")
    s3.delete_object(Bucket=bucket, Key="large")
    s3.delete_bucket(Bucket=bucket)
    assert not [path for path in (server.data_dir / "objects").glob("**/*") if path.is_file()], "bodies are left"


def test_presigned_links_end(s3, server, bucket):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"linked")
    link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/x"}, ExpiresIn=60)
    with urllib.request.urlopen(link) as answer:
        assert (answer.read(), answer.headers["content-type"]) == (b"linked", "text/x")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(link.replace("a%20b", "other"))
    assert (refusal.value.code, b"SignatureDoesNotMatch" in refusal.value.read()) == (403, True)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{server.url}/{bucket}/a%20b")
    assert (refusal.value.code, b"<Code>AccessDenied</Code>" in refusal.value.read()) == (403, True)


def test_who_may(aws, server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="open/k", Body=b"seen")
    s3.put_object(Bucket=bucket, Key="shut/k", Body=b"hidden")
    aws("iam", "create-user", user_name="reader")
    key = aws("iam", "create-access-key", user_name="reader")["AccessKey"]
    credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    reader = client(aws.environment | credentials, signature_version="s3v4")
    assert code(reader.get_object, Bucket=bucket, Key="open/k") == "AccessDenied"
    assert code(reader.list_buckets) == "AccessDenied"
    assert code(reader.create_bucket, Bucket="mine-1") == "AccessDenied"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/open/*"}
    aws("iam", "put-user-policy", user_name="reader", policy_name="p", policy_document={"Version": "2012-10-17", "Statement": [statement]})
    assert reader.get_object(Bucket=bucket, Key="open/k")["Body"].read() == b"seen"
    assert code(reader.get_object, Bucket=bucket, Key="shut/k") == "AccessDenied"
    assert code(reader.get_object, Bucket=bucket, Key="open/none") == "AccessDenied", "who may not list does not learn what is missing"
    assert code(reader.put_object, Bucket=bucket, Key="open/k", Body=b"") == "AccessDenied"

    assert code(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    named = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"}
    listing = {"Effect": "Allow", "Principal": named, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}", "Condition": {"StringEquals": {"s3:prefix": "open/"}}}
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/shut/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [listing, denied]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    assert reader.list_objects_v2(Bucket=bucket, Prefix="open/")["KeyCount"] == 1
    assert code(reader.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert code(s3.delete_object, Bucket=bucket, Key="shut/k") == "AccessDenied"
    outcome = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "shut/k"}, {"Key": "open/k"}]})
    assert ([one["Key"] for one in outcome["Deleted"]], [one["Code"] for one in outcome["Errors"]]) == (["open/k"], ["AccessDenied"])
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy="{}") == "MalformedPolicy"
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="shut/k")

    wrong = client(aws.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}, signature_version="s3v4")
    assert code(wrong.list_buckets) == "SignatureDoesNotMatch"
    unknown = client(aws.environment | {"AWS_ACCESS_KEY_ID": "AKIA" + "X" * 16}, signature_version="s3v4")
    assert code(unknown.get_object, Bucket=bucket, Key="k") == "InvalidAccessKeyId"


def test_calls_on_buckets_leave_records_and_calls_on_objects_none(aws, bucket, s3):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}}))
    events = aws("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventSource,AttributeValue=s3.amazonaws.com")["Events"]
    assert [event["EventName"] for event in events] == ["PutBucketPolicy", "CreateBucket"]
    record = json.loads(events[0]["CloudTrailEvent"])
    assert record["requestParameters"]["bucketName"] == bucket
    assert record["requestParameters"]["bucketPolicy"]["Statement"]["Action"] == "s3:GetObject"
    assert record["resources"] == [{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]


def test_objects_survive_a_kill_and_two_writers_leave_one_object(server, aws, s3, bucket):
    bodies = [bytes([65 + number]) * 300_000 for number in range(8)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda body: s3.put_object(Bucket=bucket, Key="same", Body=body), bodies))
    before = s3.get_object(Bucket=bucket, Key="same")["Body"].read()
    assert before in bodies
    server.kill()
    server.start()
    s3 = client(Aws(server).environment, signature_version="s3v4")
    assert s3.get_object(Bucket=bucket, Key="same")["Body"].read() == before
    files = [path for path in (server.data_dir / "objects").glob("**/*") if path.is_file()]
    assert len(files) == 1, "bodies nobody points to are left"


def test_a_trail_delivers_log_files(server, aws, s3, bucket):
    key = aws("kms", "create-key")["KeyMetadata"]["Arn"]
    aws("cloudtrail", "create-trail", name="files", s3_bucket_name=bucket, s3_key_prefix="pre")
    aws("cloudtrail", "start-logging", name="files")
    aws("kms", "describe-key", key_id=key)
    server.advance("5m")
    aws("kms", "list-keys")
    server.advance("6m")
    prefix = f"pre/AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/02/{ACCOUNT}_CloudTrail_{REGION}_20261102T08"
    names = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    assert len(names) >= 2 and all(name.endswith(".json.gz") for name in names)
    records = []
    for name in names:
        answer = s3.get_object(Bucket=bucket, Key=name)
        assert (answer["ContentType"], answer["ContentEncoding"]) == ("application/json", "gzip")
        records += json.loads(gzip.decompress(answer["Body"].read()))["Records"]
    seen = [record["eventName"] for record in records]
    assert seen.count("DescribeKey") == 1 and seen.count("ListKeys") == 1
    assert "CreateKey" not in seen, "what was before logging started is not the trail's"
    assert len({record["eventID"] for record in records}) == len(records)
    status = aws("cloudtrail", "get-trail-status", name="files")
    assert status["IsLogging"] and status["LatestDeliveryTime"] and "LatestDeliveryError" not in status
