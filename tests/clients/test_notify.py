"""SNS and SQS with the AWS CLI and boto3: confirmation by mail and web hook, signatures, queues, retries across a restart."""

import base64
import json
import re
import time
import urllib.request

import boto3
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import load_pem_x509_certificate

from harness import ACCOUNT, REGION, Aws, MailBox, Receiver, Refused, Server


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    mail, hook = MailBox(), Receiver()
    server = Server(
        tmp_path_factory.mktemp("notify") / "data",
        "--test-clock", "2026-11-02T08:00:00Z", "--smtp", mail.url, "--allow-private-targets",
    )
    server.data_dir.mkdir()
    server.start()
    server.mail, server.hook = mail, hook
    yield server
    server.stop()
    mail.close()
    hook.close()


def client(world, service):
    exports = world.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def test_mail(world):
    aws = Aws(world)
    topic = aws("sns", "create-topic", name="mail")["TopicArn"]
    aws("sns", "subscribe", topic_arn=topic, protocol="email", notification_endpoint="oncall@example.com")
    aws("sns", "publish", topic_arn=topic, message="too early")
    question = world.mail.wait_for("AWS Notification - Subscription Confirmation")
    link = re.search(r"https?://\S+confirmation\.html\S+", question.text)[0]
    assert topic in urllib.request.urlopen(link, timeout=10).read().decode()
    aws("sns", "publish", topic_arn=topic, message="in time", subject="Told")
    told = world.mail.wait_for("Told")
    assert "in time" in told.text and told.envelope_to == ["oncall@example.com"]
    assert not [mail for mail in world.mail.mails if "too early" in mail.text]


def test_web_hook_and_its_signature(world):
    aws = Aws(world)
    topic = aws("sns", "create-topic", name="hook")["TopicArn"]
    aws("sns", "subscribe", topic_arn=topic, protocol="http", notification_endpoint=world.hook.url)
    asked = world.hook.wait_for("SubscriptionConfirmation", lambda post: post["body"]["TopicArn"] == topic)["body"]
    verify(asked)
    urllib.request.urlopen(asked["SubscribeURL"], timeout=10).read()
    for version in ("1", "2"):
        aws(
            "sns", "set-topic-attributes", topic_arn=topic, attribute_name="SignatureVersion", attribute_value=version
        )
        aws("sns", "publish", topic_arn=topic, message=f"signed {version}", subject="s")
        post = world.hook.wait_for("Notification", lambda post: post["body"]["Message"] == f"signed {version}")
        assert post["body"]["SignatureVersion"] == version
        verify(post["body"])


def verify(message):
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if message["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    certificate = load_pem_x509_certificate(urllib.request.urlopen(message["SigningCertURL"], timeout=10).read())
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
    certificate.public_key().verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), digest)


def test_queue_behind_a_topic(world):
    sns, sqs = client(world, "sns"), client(world, "sqs")
    topic = sns.create_topic(Name="queue")["TopicArn"]
    url = sqs.create_queue(QueueName="behind")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert arn == f"arn:aws:sqs:{REGION}:{ACCOUNT}:behind"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    attribute = {"kind": {"DataType": "String", "StringValue": "x"}}
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=attribute)
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    document = json.loads(messages[0]["Body"])
    assert (document["Message"], document["MessageAttributes"]["kind"]["Value"]) == ("m", "x")
    verify(document)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
    # boto3 checks the MD5 of what it sends and receives.
    sqs.send_message(QueueUrl=url, MessageBody="own", MessageAttributes=attribute)
    own = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"][0]
    assert own["MessageAttributes"] == attribute
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        sqs.get_queue_url(QueueName="none")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_refusals(world):
    aws = Aws(world)
    with pytest.raises(Refused) as refused:
        aws("sns", "publish", topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:none", message="m")
    assert refused.value.code == "NotFound"
    with pytest.raises(Refused) as refused:
        aws("sns", "subscribe", topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:none", protocol="http", notification_endpoint="x")
    assert refused.value.code == "NotFound"


def test_private_targets_are_refused_without_permission(tmp_path):
    hook = Receiver()
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    server.start()
    try:
        aws = Aws(server)
        topic = aws("sns", "create-topic", name="t")["TopicArn"]
        aws("sns", "subscribe", topic_arn=topic, protocol="http", notification_endpoint=hook.url)
        deadline = time.monotonic() + 10
        while "not a public address" not in server.keywatch("outbox", "--dead", "--json"):
            assert time.monotonic() < deadline
        aws("sns", "subscribe", topic_arn=topic, protocol="email", notification_endpoint="a@example.com")
        while "a@example.com" not in server.keywatch("outbox", "--json"):
            assert time.monotonic() < deadline
        assert hook.posts == []
    finally:
        server.stop()
        hook.close()
