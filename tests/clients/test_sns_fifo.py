"""SNS topics in order (FIFO) with boto3: order and deduplication to FIFO and standard queues, batches, dead letters; permissions and delivery policies."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCOUNT, REGION, Receiver, Server

START = "2026-11-02T08:00:00Z"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("sns-fifo") / "data", "--test-clock", START, "--allow-private-targets")
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


def client(server, service):
    exports = server.environment()
    return boto3.client(
        service, region_name=REGION, endpoint_url=exports["AWS_ENDPOINT_URL"], config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def sns(server):
    return client(server, "sns")


@pytest.fixture(scope="module")
def sqs(server):
    return client(server, "sqs")


def arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def queue(sqs, name):
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def received(sqs, url):
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=2)
    return answer.get("Messages", [])


def refused(call, **members):
    with pytest.raises(ClientError) as error:
        call(**members)
    return error.value.response["Error"]["Message"]


def test_order_and_deduplication(server, sns, sqs):
    topic = sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    in_order, plain = queue(sqs, "orders.fifo"), queue(sqs, "orders")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("orders.fifo"), Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("orders"))
    entries = [{"Id": str(n), "Message": f"m{n}", "MessageGroupId": "g", "MessageDeduplicationId": f"d{n}"} for n in range(3)]
    first = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]
    numbers = [answer["SequenceNumber"] for answer in first]
    assert all(len(number) == 20 for number in numbers) and numbers == sorted(set(numbers))
    assert sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"] == first
    later = sns.publish(TopicArn=topic, Message="m3", MessageGroupId="g", MessageDeduplicationId="d3")
    assert later["SequenceNumber"] > numbers[-1]
    server.advance("1s")
    messages = received(sqs, in_order)
    assert [message["Body"] for message in messages] == ["m0", "m1", "m2", "m3"]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}
    assert messages[0]["Attributes"]["MessageDeduplicationId"] == "d0"
    wrapped = [json.loads(message["Body"]) for message in received(sqs, plain)]
    assert sorted(document["Message"] for document in wrapped) == ["m0", "m1", "m2", "m3"]
    assert all("Signature" not in document for document in wrapped)
    assert {document["SequenceNumber"] for document in wrapped} == {*numbers, later["SequenceNumber"]}
    # After five minutes the same message is a new one.
    server.advance("5m")
    again = sns.publish(TopicArn=topic, Message="m3", MessageGroupId="g", MessageDeduplicationId="d3")
    assert again["MessageId"] != later["MessageId"]


def test_by_content_and_by_group(server, sns, sqs):
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true", "FifoThroughputScope": "MessageGroup"}
    topic = sns.create_topic(Name="content.fifo", Attributes=attributes)["TopicArn"]
    shown = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert {name: shown[name] for name in attributes} == attributes
    publish = lambda group: sns.publish(TopicArn=topic, Message="same", MessageGroupId=group)["MessageId"]
    one, two = publish("a"), publish("b")
    assert one != two and publish("a") == one


def test_dead_letters_of_a_queue_that_is_gone(server, sns, sqs):
    topic = sns.create_topic(Name="lost.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    gone, dead = queue(sqs, "gone.fifo"), queue(sqs, "lost-dead.fifo")
    queue(sqs, "lost-plain")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("gone.fifo"), Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
    set_to = lambda name: dict(SubscriptionArn=subscription, AttributeName="RedrivePolicy", AttributeValue=json.dumps({"deadLetterTargetArn": arn(name)}))
    text = "Invalid parameter: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
    assert refused(sns.set_subscription_attributes, **set_to("lost-plain")) == text
    sns.set_subscription_attributes(**set_to("lost-dead.fifo"))
    sqs.delete_queue(QueueUrl=gone)
    sns.publish(TopicArn=topic, Message="kept", MessageGroupId="g")
    server.advance("1s")
    assert [message["Body"] for message in received(sqs, dead)] == ["kept"]


def test_refusals(sns, sqs):
    topic = sns.create_topic(Name="strict.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    standard = sns.create_topic(Name="loose")["TopicArn"]
    queue(sqs, "strict.fifo")
    assert refused(sns.publish, TopicArn=topic, Message="m") == "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    text = "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    assert refused(sns.publish, TopicArn=topic, Message="m", MessageGroupId="g") == text
    text = "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    assert refused(sns.subscribe, TopicArn=standard, Protocol="sqs", Endpoint=arn("strict.fifo")) == text
    assert "FIFO topics" in refused(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    assert refused(sns.create_topic, Name="named.fifo") == "Invalid parameter: Topic Name"
    assert refused(sns.create_topic, Name="named", Attributes={"FifoTopic": "true"}) == "Invalid parameter: Topic Name"


def test_permissions(sns):
    topic = sns.create_topic(Name="permitted")["TopicArn"]
    policy = lambda: json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    before = policy()
    sns.add_permission(TopicArn=topic, Label="one", AWSAccountId=["111122223333"], ActionName=["Publish"])
    [_, added] = policy()["Statement"]
    assert (added["Sid"], added["Principal"], added["Action"]) == ("one", {"AWS": "arn:aws:iam::111122223333:root"}, "SNS:Publish")
    again = dict(TopicArn=topic, Label="one", AWSAccountId=["111122223333"], ActionName=["Publish"])
    assert refused(sns.add_permission, **again) == "Invalid parameter: Statement already exists"
    foreign = again | {"Label": "two", "ActionName": ["CreateTopic"]}
    assert refused(sns.add_permission, **foreign) == "Invalid parameter: Policy statement action out of service scope!"
    sns.remove_permission(TopicArn=topic, Label="one")
    assert policy() == before


def test_delivery_policy(server, sns):
    hook = Receiver()
    topic = sns.create_topic(Name="patient")["TopicArn"]
    own = {"healthyRetryPolicy": {"numRetries": 2, "minDelayTarget": 5, "maxDelayTarget": 5}, "requestPolicy": {"headerContentType": "application/json"}}
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=hook.url, ReturnSubscriptionArn=True, Attributes={"DeliveryPolicy": json.dumps(own)},
    )["SubscriptionArn"]
    server.advance("1s")
    question = hook.wait_for("SubscriptionConfirmation", lambda post: post["body"]["TopicArn"] == topic)["body"]
    sns.confirm_subscription(TopicArn=topic, Token=question["Token"])
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    effective = json.loads(shown["EffectiveDeliveryPolicy"])
    assert effective["healthyRetryPolicy"]["numRetries"] == 2 and effective["requestPolicy"]["headerContentType"] == "application/json"
    sns.publish(TopicArn=topic, Message="typed")
    server.advance("1s")
    told = hook.wait_for("Notification", lambda post: post["body"]["TopicArn"] == topic)
    assert told["headers"]["content-type"] == "application/json"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue='{"http":{"disableSubscriptionOverrides":true}}')
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert json.loads(shown["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 3
    assert "throttle" in refused(
        sns.set_topic_attributes, TopicArn=topic, AttributeName="DeliveryPolicy",
        AttributeValue='{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":1}}}',
    )
    hook.close()
