"""SNS and SQS with the AWS CLI and boto3: confirmation by mail and web hook, signatures, queues, retries across a restart."""

import base64
import json
import os
import pathlib
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


def test_a_mail_about_an_alarm(world):
    """Its plain form is AWS's; the other shows the metric, the key's alias and who used the key, and escapes what people wrote."""
    aws = Aws(world)
    topic = aws("sns", "create-topic", name="alarms")["TopicArn"]
    aws("sns", "subscribe", topic_arn=topic, protocol="email", notification_endpoint="night@example.com")
    question = world.mail.wait_for_one(lambda mail: mail.envelope_to == ["night@example.com"])
    urllib.request.urlopen(re.search(r"https?://\S+confirmation\.html\S+", question.text)[0], timeout=10).read()
    key = aws("kms", "create-key")["KeyMetadata"]["Arn"]
    aws("kms", "create-alias", alias_name="alias/payments", target_key_id=key)
    client(world, "cloudwatch").put_metric_alarm(
        AlarmName="<b>busy</b>", Namespace="AWS/KMS", MetricName="SuccessfulRequest", Statistic="Sum", Period=60,
        Dimensions=[{"Name": "KeyArn", "Value": key}, {"Name": "Operation", "Value": "Encrypt"}],
        EvaluationPeriods=1, Threshold=3, ComparisonOperator="GreaterThanThreshold",
        AlarmDescription="Who is it?\nSee <the runbook>", AlarmActions=[topic],
    )
    kms = client(world, "kms")
    for _ in range(4):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    mail = world.mail.wait_for_one(lambda mail: mail["subject"].startswith("ALARM:"))
    assert mail["subject"] == 'ALARM: "<b>busy</b>" in US East (N. Virginia)'
    assert mail.text.startswith("You are receiving this email because your Amazon CloudWatch Alarm")
    assert mail.get_content_type() == "multipart/alternative"
    html = mail.get_body(("html",)).get_content()
    assert "<b>busy" not in html and "&lt;b&gt;busy&lt;/b&gt;" in html and "See &lt;the runbook&gt;" in html
    assert "payments" in html and re.search(rf"arn:aws:iam::{ACCOUNT}:root</td><td[^>]*>4<", html)
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture["content-id"] == "<metric>" and 'src="cid:metric"' in html
    assert picture.get_content().startswith(b"\x89PNG") and len(picture.get_content()) > 4_000
    keep = os.environ.get("KEYWATCH_KEEP_MAIL")
    if keep:
        shown = html.replace("cid:metric", "data:image/png;base64," + base64.b64encode(picture.get_content()).decode())
        pathlib.Path(keep).write_text(shown)


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
