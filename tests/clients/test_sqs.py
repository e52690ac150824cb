"""SQS with boto3 and by the query protocol: queues in order, long polling, redrive and its tasks, kills, policies."""

import json
import threading
import time
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from harness import ACCOUNT, REGION, Server
from queue_query import query_client

START = "2026-11-02T08:00:00Z"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("sqs") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


def options(server):
    exports = server.environment()
    return dict(
        region_name=REGION, endpoint_url=exports["AWS_ENDPOINT_URL"], config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def sqs(server):
    return boto3.client("sqs", **options(server))


def bodies(sqs, url, **more):
    return [message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])]


def in_order(sqs, name, **attributes):
    return sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} | attributes)["QueueUrl"]


def test_by_the_query_protocol(server, tmp_path):
    query = query_client(tmp_path, **options(server))
    url = query.create_queue(QueueName="query", Attributes={"DelaySeconds": "0"}, tags={"team": "a"})["QueueUrl"]
    assert query.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a"}
    assert url in query.list_queues(QueueNamePrefix="qu")["QueueUrls"]
    entries = [
        {"Id": "a", "MessageBody": "<&> ä", "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}},
        {"Id": "b", "MessageBody": "\x00"},
    ]
    sent = query.send_message_batch(QueueUrl=url, Entries=entries)
    assert (sent["Successful"][0]["Id"], sent["Failed"][0]["Id"], sent["Failed"][0]["SenderFault"]) == ("a", "b", True)
    received = query.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"][0]
    assert received["Body"] == "<&> ä" and received["MessageAttributes"]["n"]["BinaryValue"] == b"\x00\x01"
    assert received["Attributes"]["SenderId"] == ACCOUNT
    gone = query.delete_message_batch(QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": received["ReceiptHandle"]}])
    assert gone["Successful"] == [{"Id": "x"}]
    assert "Messages" not in query.receive_message(QueueUrl=url)
    with pytest.raises(ClientError) as refused:
        query.get_queue_url(QueueName="none")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    # Clients of before named the queue by the path they posted to, and nowhere else.
    assert "<MessageId>" in posted(server, url, "Action=SendMessage&MessageBody=by+path&Version=2012-11-05")
    assert bodies(query, url) == ["by path"]


def posted(server, url, form):
    """The answer to a form that is signed and posted to a URL."""
    exports = server.environment()
    credentials = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", url, data=form.encode(), headers=headers)
    SigV4Auth(credentials, "sqs", REGION).add_auth(request)
    sent = urllib.request.Request(url, form.encode(), dict(request.headers))
    return urllib.request.urlopen(sent, timeout=20).read().decode()


def test_a_group_is_blocked_and_nothing_comes_twice(server, sqs):
    url = in_order(sqs, "orders.fifo", ContentBasedDeduplication="true")
    sent = [sqs.send_message(QueueUrl=url, MessageBody=f"{group}{n}", MessageGroupId=group) for n in range(3) for group in "ab"]
    numbers = [answer["SequenceNumber"] for answer in sent]
    assert all(len(number) == 20 for number in numbers) and numbers == sorted(numbers)
    assert sqs.send_message(QueueUrl=url, MessageBody="a0", MessageGroupId="a")["MessageId"] == sent[0]["MessageId"]
    first = sqs.receive_message(QueueUrl=url)["Messages"]
    assert [message["Body"] for message in first] == ["a0"]
    assert bodies(sqs, url) == ["b0", "b1", "b2"]
    assert bodies(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(sqs, url) == ["a1", "a2"]
    server.advance("30s")
    assert sorted(bodies(sqs, url)) == ["a1", "a2", "b0", "b1", "b2"]


def test_a_waiting_caller_is_answered_at_once(sqs):
    url = sqs.create_queue(QueueName="waited-for")["QueueUrl"]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(bodies(sqs, url, WaitTimeSeconds=20)))
    started = time.monotonic()
    waiting.start()
    sqs.send_message(QueueUrl=url, MessageBody="here")
    waiting.join(15)
    assert answers == [["here"]] and time.monotonic() - started < 10


def test_dead_letters_come_back(server, sqs):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = sqs.create_queue(QueueName="work", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})["QueueUrl"]
    for n in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=f"m{n}")
    for _ in range(3):
        bodies(sqs, url)
    received = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=0)["Messages"]
    assert {message["Body"] for message in received} == {"m0", "m1", "m2"}
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in received} == {"3"}
    sqs.start_message_move_task(SourceArn=arn)
    server.advance("1s")
    [task] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert sorted(bodies(sqs, url)) == ["m0", "m1", "m2"]


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    sqs = boto3.client("sqs", **options(server.start()))
    url = in_order(sqs, "kept.fifo")
    for n in range(5):
        sqs.send_message(QueueUrl=url, MessageBody=str(n), MessageGroupId="g", MessageDeduplicationId=str(n))
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    server.kill()
    sqs = boto3.client("sqs", **options(server.start()))
    url = sqs.get_queue_url(QueueName="kept.fifo")["QueueUrl"]
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [message["Body"] for message in received] == ["0", "1", "2", "3", "4"]
    assert received[0]["Attributes"]["ApproximateReceiveCount"] == "2"
    again = sqs.send_message(QueueUrl=url, MessageBody="4", MessageGroupId="g", MessageDeduplicationId="4")
    assert again["MessageId"] == received[4]["MessageId"]
    server.stop()


def test_a_stranger_needs_the_queue_s_policy(server, sqs):
    url = sqs.create_queue(QueueName="guarded")["QueueUrl"]
    iam = boto3.client("iam", **options(server))
    iam.create_user(UserName="sender")
    key = iam.create_access_key(UserName="sender")["AccessKey"]
    credentials = dict(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    stranger = boto3.client("sqs", **options(server) | credentials)
    with pytest.raises(ClientError) as refused:
        stranger.send_message(QueueUrl=url, MessageBody="m")
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/sender"}, "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:guarded",
    }]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    stranger.send_message(QueueUrl=url, MessageBody="m")
    assert bodies(sqs, url) == ["m"]


def test_many_receivers_get_each_message_once(sqs):
    url = sqs.create_queue(QueueName="crowd")["QueueUrl"]
    for batch in range(4):
        entries = [{"Id": str(n), "MessageBody": f"{batch}-{n}"} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    found, lock = [], threading.Lock()

    def receive():
        while True:
            got = bodies(sqs, url)
            if not got:
                return
            with lock:
                found.extend(got)

    crowd = [threading.Thread(target=receive) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    twice = sorted(body for body in set(found) if found.count(body) > 1)
    assert len(found) == 40 and not twice, (found, twice)
