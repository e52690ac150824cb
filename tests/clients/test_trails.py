"""Trails as the AWS CLI sees them: selectors and what they let through to files, log group and topic; Regions, tags, the delivery interval."""

import gzip
import json
import subprocess
from collections import Counter

import pytest
from harness import ACCOUNT, BINARY, REGION, Refused
from test_trail_files import BUCKET, House

GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trail"


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path, "--delivery-interval", "1s")
    yield house
    house.server.stop()


def refused(call, *arguments, **options):
    with pytest.raises(Refused) as refusal:
        call(*arguments, **options)
    return refusal.value.code


def names_in_files(house):
    """Names of events in the log files; files of one minute come in no order."""
    texts = [json.loads(gzip.decompress(house.get(key)[0])) for key in house.logs()]
    return Counter(record["eventName"] for text in texts for record in text["Records"])


def select(house, *fields):
    selector = {"Name": "what we want", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, *fields]}
    return house.aws("cloudtrail", "put-event-selectors", trail_name="audit_1", advanced_event_selectors=[selector])


def test_advanced_selectors_decide_for_files_log_group_and_topic(house):
    aws = house.aws
    aws("logs", "create-log-group", log_group_name="trail")
    topic = aws("sns", "create-topic", name="files")["TopicArn"]
    queue = aws("sqs", "create-queue", queue_name="files")["QueueUrl"]
    aws("sns", "subscribe", topic_arn=topic, protocol="sqs", notification_endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:files")
    house.begin(sns_topic_name="files", cloud_watch_logs_log_group_arn=GROUP, cloud_watch_logs_role_arn=ROLE)
    key = aws("kms", "describe-key", key_id=house.key)["KeyMetadata"]["Arn"]
    other = aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    answer = select(house, {"Field": "resources.ARN", "Equals": [key]}, {"Field": "eventName", "StartsWith": ["Describe", "Get"], "NotEndsWith": ["Policy"]})
    shown = aws("cloudtrail", "get-event-selectors", trail_name="audit_1")
    assert answer == shown and "EventSelectors" not in shown
    assert shown["AdvancedEventSelectors"][0]["FieldSelectors"][2] == {"Field": "eventName", "StartsWith": ["Describe", "Get"], "NotEndsWith": ["Policy"]}
    assert aws("cloudtrail", "get-trail", name="audit_1")["Trail"]["HasCustomEventSelectors"]
    house.server.advance("2s")
    before = names_in_files(house)
    events = aws("logs", "filter-log-events", log_group_name="trail")["events"]
    kept = len(events)
    for one in (house.key, other):
        aws("kms", "describe-key", key_id=one)
        aws("kms", "get-key-policy", key_id=one)
        aws("kms", "get-key-rotation-status", key_id=one)
    house.server.advance("2s")
    assert names_in_files(house) - before == Counter(["DescribeKey", "GetKeyRotationStatus"])
    events = aws("logs", "filter-log-events", log_group_name="trail")["events"]
    assert [json.loads(event["message"])["eventName"] for event in events][kept:] == ["DescribeKey", "GetKeyRotationStatus"]
    notices = 0
    while messages := aws("sqs", "receive-message", queue_url=queue, max_number_of_messages="10").get("Messages", []):
        for message in messages:
            notice = json.loads(json.loads(message["Body"])["Message"])
            assert notice["s3Bucket"] == BUCKET and set(notice["s3ObjectKey"]) <= set(house.logs())
            notices += 1
            aws("sqs", "delete-message", queue_url=queue, receipt_handle=message["ReceiptHandle"])
    aws("kms", "describe-key", key_id=other)
    house.server.advance("1m")
    assert "Messages" not in aws("sqs", "receive-message", queue_url=queue), "no file, no notice"
    assert notices == len(house.logs())
    assert aws("cloudtrail", "get-trail-status", name="audit_1")["LatestNotificationTime"]


def test_principals_and_the_exclusion_of_kms(house):
    aws = house.aws
    house.begin()
    root = f"arn:aws:iam::{ACCOUNT}:root"
    select(house, {"Field": "userIdentity.arn", "NotEquals": [root]})
    house.server.advance("2s")
    before = names_in_files(house)
    aws("kms", "generate-random", number_of_bytes="8")
    house.server.advance("2s")
    assert names_in_files(house) == before
    select(house, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}, {"Field": "readOnly", "Equals": ["true"]})
    house.server.advance("2s")
    before = names_in_files(house)
    aws("kms", "generate-random", number_of_bytes="8")
    aws("sts", "get-caller-identity")
    house.server.advance("2s")
    assert names_in_files(house) - before == Counter(["GetCallerIdentity"])
    basic = [{"ReadWriteType": "WriteOnly", "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]
    shown = aws("cloudtrail", "put-event-selectors", trail_name="audit_1", event_selectors=basic)
    assert "AdvancedEventSelectors" not in shown and shown["EventSelectors"][0]["ReadWriteType"] == "WriteOnly"


def test_what_selectors_are_refused(house):
    house.begin()
    wrong = [
        [{"Field": "eventName", "Equals": ["x"], "StartsWith": ["y"]}, {"Field": "eventName", "Equals": ["x"]}],
        [{"Field": "eventSource", "Equals": ["kms.amazonaws.com"]}],
        [{"Field": "readOnly", "NotEquals": ["true"]}],
        [{"Field": "sourceIPAddress", "Equals": ["10.0.0.1"]}],
        [{"Field": "eventName", "Equals": [str(number) for number in range(500)]}],
    ]
    for fields in wrong:
        assert refused(select, house, *fields) == "InvalidEventSelectorsException", fields
    data = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]
    put = lambda **options: house.aws("cloudtrail", "put-event-selectors", trail_name="audit_1", **options)
    assert refused(put, advanced_event_selectors=data) == "InvalidEventSelectorsException"
    assert refused(put) == "InvalidEventSelectorsException"
    assert refused(put, event_selectors=[{}], advanced_event_selectors=data) == "InvalidEventSelectorsException"


def test_regions_and_tags(house):
    aws = house.aws
    aws("s3api", "create-bucket", bucket=BUCKET)
    create = lambda *flags, **options: aws("cloudtrail", "create-trail", *flags, s3_bucket_name=BUCKET, **options)
    create("--is-multi-region-trail", name="everywhere", tags_list=[{"Key": "team", "Value": "audit"}])
    create(name="here")
    assert refused(create, "--region", "eu-west-1", name="everywhere") == "TrailAlreadyExistsException"
    create("--region", "eu-west-1", name="here")
    wrong = ("--is-multi-region-trail", "--no-include-global-service-events")
    assert refused(create, *wrong, name="wrong") == "InvalidParameterCombinationException"
    arn = lambda name: f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    assert aws("cloudtrail", "get-trail", "--region", "eu-west-1", name=arn("everywhere"))["Trail"]["HomeRegion"] == REGION
    for name in ("everywhere", arn("here")):
        assert refused(aws, "cloudtrail", "get-trail", "--region", "eu-west-1", name=name) == "TrailNotFoundException"
    aws("cloudtrail", "add-tags", resource_id=arn("everywhere"), tags_list=[{"Key": "stage", "Value": "test"}])
    aws("cloudtrail", "remove-tags", resource_id=arn("everywhere"), tags_list=[{"Key": "team"}])
    listed = aws("cloudtrail", "list-tags", resource_id_list=[arn("everywhere")])["ResourceTagList"]
    assert listed[0]["TagsList"] == [{"Key": "stage", "Value": "test"}]


def test_the_interval_is_checked(tmp_path):
    done = subprocess.run([BINARY, "serve", "--data-dir", str(tmp_path), "--delivery-interval", "0s"], capture_output=True, text=True)
    assert done.returncode == 2 and "from 1s to 1h" in done.stderr
