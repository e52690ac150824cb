"""SQS answers as AWS answered in recordings of the same calls, by both protocols. A difference stands in `KNOWN` with its reason; when it is
gone, it must leave there too."""

import re
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import recorded
from harness import ACCOUNT, REGION, Server
from queue_query import query_client

CASES = recorded.cases("sqs")
START = "2026-11-02T08:00:00Z"
SCENARIOS = {}
# Recorded without an answer: the test behind them compared values that it computed itself.
EMPTY = {name for name, answers in CASES.items() if not answers}
# Not recorded from AWS: the queues have URLs of another server.
ASIDE = {"TestSqsProvider.test_list_queues_pagination"}

DETAIL = "some recordings show the empty detail of an error by the query protocol and others, of the same error, do not"
# Path of each answer that differs, by case, with the reason.
KNOWN = {
    "TestSqsProvider.test_change_message_visibility_batch_with_too_large_batch[sqs_query]": {"error_response.Error.Detail": DETAIL},
    "TestSqsProvider.test_delete_message_batch_invalid_msg_id[sqs_query-]": {"error_response.Error.Detail": DETAIL},
    "TestSqsProvider.test_delete_message_batch_invalid_msg_id[sqs_query-invalid:id]": {"error_response.Error.Detail": DETAIL},
}


def scenario(function):
    """Registers a function for the cases of its name; what stands in brackets there are its arguments."""
    SCENARIOS[function.__name__] = function
    return function


class World:
    """A server's queues by both protocols."""

    def __init__(self, server, directory):
        self.server = server
        exports = server.environment()
        options = dict(
            region_name=REGION, endpoint_url=exports["AWS_ENDPOINT_URL"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        self.clients = {"sqs": boto3.client("sqs", config=config, **options), "sqs_query": query_client(directory, **options)}
        self.sqs = Queues(self, "sqs")
        self.query = Queues(self, "sqs_query")


class Queues:
    """`queues.send_message(…)`: the answer, or the error as boto3 parses it."""

    def __init__(self, world, protocol):
        self.world, self.client = world, world.clients[protocol]

    def __getattr__(self, operation):
        def call(**members):
            try:
                return getattr(self.client, operation)(**members)
            except ClientError as error:
                return error.response
        return call

    def made(self, fifo=False, **attributes):
        """The URL of a new queue."""
        attributes |= {"FifoQueue": "true"} if fifo else {}
        name = f"q-{uuid.uuid4().hex}{'.fifo' if fifo else ''}"
        return self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def attributes(self, url, *names):
        return self.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ["All"]))

    def arn(self, url):
        return self.attributes(url, "QueueArn")["Attributes"]["QueueArn"]

    def put(self, url, body, group=None, dedup=None, **more):
        more |= {"MessageGroupId": group} if group is not None else {}
        more |= {"MessageDeduplicationId": dedup} if dedup is not None else {}
        return self.send_message(QueueUrl=url, MessageBody=body, **more)

    def take(self, url, **more):
        return self.receive_message(QueueUrl=url, **more)

    def drop(self, url, received):
        for message in received.get("Messages", []):
            self.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@scenario
def send_receive_max_number_of_messages(sqs):
    return {"send_max_number_of_messages": sqs.take(sqs.made(), MaxNumberOfMessages=11)}


@scenario
def send_oversized_message(sqs):
    return {"send_oversized_message": sqs.put(sqs.made(), "a" * 1_048_577)}


@scenario
def send_message_batch_with_oversized_contents_with_updated_maximum_message_size(sqs):
    # The sums tell what was sent: a message of exactly the size that is allowed.
    url = sqs.made(MaximumMessageSize="2048")
    attribute = {"k": {"DataType": "String", "StringValue": "x"}}
    entries = [{"Id": "1", "MessageBody": "a" * 2040, "MessageAttributes": attribute}, {"Id": "2", "MessageBody": "a"}]
    return {"send_oversized_message_batch": sqs.send_message_batch(QueueUrl=url, Entries=entries)}


@scenario
def tag_untag_queue(sqs):
    url = sqs.made()
    sqs.tag_queue(QueueUrl=url, Tags={"tag1": "value1", "tag2": "value2", "tag3": ""})
    answers = {"get-tag-1": sqs.list_queue_tags(QueueUrl=url)}
    sqs.untag_queue(QueueUrl=url, TagKeys=["tag1", "tag3"])
    answers["get-tag-2"] = sqs.list_queue_tags(QueueUrl=url)
    sqs.untag_queue(QueueUrl=url, TagKeys=["tag2"])
    return answers | {"get-tag-after-untag": sqs.list_queue_tags(QueueUrl=url)}


@scenario
def create_fifo_queue_with_different_attributes_raises_error(sqs):
    url = sqs.made(fifo=True, ContentBasedDeduplication="true")
    other = {"FifoQueue": "true", "ContentBasedDeduplication": "false"}
    # Recorded by the JSON protocol in both cases.
    return {"queue-already-exists": sqs.world.sqs.create_queue(QueueName=url.rpartition("/")[2], Attributes=other)}


@scenario
def create_queue_with_different_attributes_raises_exception(sqs):
    name = sqs.made(DelaySeconds="1").rpartition("/")[2]
    create = lambda **attributes: sqs.world.sqs.create_queue(QueueName=name, Attributes=attributes)
    return {"create_queue_01": create(DelaySeconds="2"), "create_queue_02": create(DelaySeconds="3")}


@scenario
def create_and_update_queue_attributes(sqs):
    url = sqs.made(MessageRetentionPeriod="604800", ReceiveMessageWaitTimeSeconds="10", VisibilityTimeout="20")
    before = sqs.attributes(url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "2048", "VisibilityTimeout": "69", "DelaySeconds": "420"})
    return {"get_queue_attributes": before, "get_updated_queue_attributes": sqs.attributes(url)}


@scenario
def fifo_empty_message_groups_added_back_to_queue(sqs):
    url = sqs.made(fifo=True)
    sqs.put(url, "Message 1", "g1", "1")
    first = sqs.take(url)
    sqs.drop(url, first)
    empty = sqs.take(url)
    sqs.put(url, "Message 2", "g1", "2")
    return {"inital-fifo-receive": first, "empty-fifo-receive": empty, "final-fifo-receive": sqs.take(url)}


@scenario
def fifo_queue_send_message_with_delay_seconds_fails(sqs):
    return {"send_message": sqs.put(sqs.made(fifo=True), "m", "g", "1", DelaySeconds=2)}


@scenario
def fifo_message_attributes(sqs):
    url = sqs.made(fifo=True, VisibilityTimeout="0", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    sent = sqs.put(url, "message-body-1", "group-1", "dedup-1")
    return {"send_message": sent} | {f"receive_message_{n}": sqs.take(url, AttributeNames=["All"]) for n in range(2)}


@scenario
def fifo_set_content_based_deduplication_strategy(sqs):
    url = sqs.made(fifo=True, ContentBasedDeduplication="true")
    before = sqs.attributes(url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"ContentBasedDeduplication": "false"})
    return {"before-update": before, "after-update": sqs.attributes(url)}


@scenario
def too_many_entries_in_batch_request(sqs):
    entries = [{"Id": f"message-{n}", "MessageBody": f"m{n}"} for n in range(20)]
    return {"test_too_many_entries_in_batch_request": sqs.send_message_batch(QueueUrl=sqs.made(), Entries=entries)}


@scenario
def send_batch_missing_deduplication_id_for_fifo_queue(sqs):
    # Of a batch, each entry fails by itself; the recording is of a single message.
    return {"test_missing_deduplication_id_for_fifo_queue": sqs.put(sqs.made(fifo=True), "m", "g")}


@scenario
def delete_message_batch_invalid_msg_id(sqs, name=""):
    entries = [{"Id": name, "ReceiptHandle": "x"}]
    return {"error_response": sqs.delete_message_batch(QueueUrl=sqs.made(), Entries=entries)}


@scenario
def change_message_visibility_batch_with_too_large_batch(sqs):
    entries = [{"Id": f"{n}", "ReceiptHandle": "x", "VisibilityTimeout": 1} for n in range(20)]
    return {"error_response": sqs.change_message_visibility_batch(QueueUrl=sqs.made(), Entries=entries)}


@scenario
def send_message_with_binary_attributes(sqs):
    url = sqs.made()
    value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    sqs.put(url, "test", MessageAttributes={"attr1": {"DataType": "Binary", "BinaryValue": value}})
    received = sqs.take(url, MessageAttributeNames=["All"])
    attribute = received["Messages"][0]["MessageAttributes"]["attr1"]
    attribute["BinaryValue"] = repr(attribute["BinaryValue"])
    return {"binary-attrs-msg": received}


@scenario
def send_message_with_empty_string_attribute(sqs):
    attributes = {"ErrorDetails": {"DataType": "String", "StringValue": ""}}
    return {"empty-string-attr": sqs.put(sqs.made(), "test", MessageAttributes=attributes)}


@scenario
def dead_letter_queue_message_attributes(sqs):
    dead = sqs.made(VisibilityTimeout="0")
    policy = '{"deadLetterTargetArn":"%s","maxReceiveCount":1}' % sqs.arn(dead)
    url = sqs.made(RedrivePolicy=policy, VisibilityTimeout="0")
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}}
    sqs.put(url, "message-1", MessageAttributes={"MyAttribute": {"DataType": "String", "StringValue": "foobar"}}, MessageSystemAttributes=trace)
    sqs.put(url, "message-2")
    names = ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SentTimestamp", "AWSTraceHeader", "DeadLetterQueueSourceArn"]
    take = lambda url: sqs.take(url, AttributeNames=names, MessageAttributeNames=["All"], MaxNumberOfMessages=10).get("Messages", [])
    by_body = lambda messages: sorted(messages, key=lambda message: message["Body"])
    before = by_body(take(url))
    take(url)
    return {"dlq-arn": sqs.arn(dead), "sourcen-arn": sqs.arn(url), "rec-pre-dlq": before, "dlq-messages": by_body(take(dead))}


def deduplicated(sqs, by_content, groups, delete):
    """Two sends of the same message, and what is received after each."""
    url = sqs.made(fifo=True, ContentBasedDeduplication="true" if by_content == "True" else "false")
    dedup = None if by_content == "True" else "dedup"
    body = '{"foo": "bar"}'
    sqs.put(url, body, groups[0], dedup)
    first = sqs.take(url)
    if delete:
        sqs.drop(url, first)
    sqs.put(url, body, groups[1], dedup)
    return first, sqs.take(url)


@scenario
def fifo_deduplication_arrives_once_after_delete(sqs, by_content):
    return dict(zip(("get-messages", "get-messages-duplicate"), deduplicated(sqs, by_content, ("g", "g"), True)))


@scenario
def fifo_deduplication_not_on_message_group_id(sqs, by_content):
    return dict(zip(("get-messages", "get-dedup-messages"), deduplicated(sqs, by_content, ("g", "h"), True)))


@scenario
def posting_to_fifo_requires_deduplicationid_group_id(sqs):
    url = sqs.made(fifo=True)
    refused = lambda queues: (queues.put(url, "test", group="g"), queues.put(url, "test", dedup="1"))
    answers = dict(zip(("invalid-parameter-value", "missing-parameter"), refused(sqs)))
    return answers | dict(zip(("invalid-parameter-value-query", "missing-parameter-query"), refused(sqs.world.sqs)))


HIGH = dict(DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
REGULAR = dict(DeduplicationScope="queue", FifoThroughputLimit="perQueue")


def exchange(sqs, url, body, group, dedup):
    """Sends, receives, deletes; what was received."""
    sqs.put(url, body, group, dedup)
    received = sqs.take(url)
    sqs.drop(url, received)
    return received


@scenario
def fifo_high_throughput_ordering(sqs):
    url = sqs.made(fifo=True, **HIGH)
    return {f"same-dedup-different-grp-{n}": exchange(sqs, url, f"Test{n}", f"g{n}", "1") for n in (1, 2)}


@scenario
def fifo_change_to_high_throughput_after_creation(sqs):
    url = sqs.made(fifo=True, **REGULAR)
    answers = {f"same-dedup-different-grp-{n}": exchange(sqs, url, f"Test{n}", f"g{n}", "1") for n in (1, 2)}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=HIGH)
    return answers | {
        "set-to-high-throughput": sqs.attributes(url),
        "same-dedup-different-grp-high-throughput": exchange(sqs, url, "Test3", "g1", "1"),
        "same-dedup-different-grp-high-throughput-2": exchange(sqs, url, "Test3", "g2", "1"),
        "new-dedup2-high-throughput": exchange(sqs, url, "Test4", "g1", "2"),
        "same-dedup2-high-throughput": exchange(sqs, url, "Test5", "g1", "2"),
    }


@scenario
def fifo_change_to_regular_throughput_after_creation(sqs):
    url = sqs.made(fifo=True, **HIGH)
    answers = {f"same-dedup-different-grp-{n}": exchange(sqs, url, f"Test{n}", f"g{n}", "1") for n in (1, 2)}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=REGULAR)
    set_to = sqs.attributes(url)
    return answers | {"set-to-regular-throughput": set_to, "same-dedup-different-grp-regular-throughput": exchange(sqs, url, "Test3", "g3", "1")}


@scenario
def sqs_fifo_message_group_scope_no_throughput_setting(sqs):
    url = sqs.made(fifo=True, DeduplicationScope="messageGroup")
    return {f"same-dedup-different-grp-{n}": exchange(sqs, url, "Test", f"g{n}", "1") for n in (1, 2)}


@scenario
def sse_kms_and_sqs_are_mutually_exclusive(sqs):
    url = sqs.made(KmsMasterKeyId="testKeyId")
    try:
        sqs.client.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    except ClientError as error:
        return {"error": str(error)}


def filtered(sqs, parameter):
    url = sqs.made(VisibilityTimeout="0")
    sqs.put(url, "msg", MessageAttributes={"Foo": {"DataType": "String", "StringValue": "Bar"}})
    take = lambda names, **more: sqs.take(url, **{parameter: names}, **more)
    return {
        "all_attributes": take(["All"]),
        "all_system_and_message_attributes": take(["All"], MessageAttributeNames=["All"]),
        "single_attribute": take(["SenderId"]),
        "multiple_attributes": take(["SenderId", "SequenceNumber"]),
    }


@scenario
def receive_message_attribute_names_filters(sqs):
    return filtered(sqs, "AttributeNames")


@scenario
def receive_message_message_system_attribute_names_filters(sqs):
    return filtered(sqs, "MessageSystemAttributeNames")


@scenario
def message_system_attribute_names_with_attribute_names(sqs):
    url = sqs.made(VisibilityTimeout="0")
    sqs.put(url, "msg")
    take = lambda old, new: sqs.take(url, AttributeNames=old, MessageSystemAttributeNames=new)
    return {"same_values": take(["All"], ["All"]), "different_values": take(["SenderId"], ["All"])}


@scenario
def sqs_permission_lifecycle(sqs):
    url = sqs.made()
    label = "crossaccountpermission"
    add = lambda label, *accounts: sqs.add_permission(QueueUrl=url, Label=label, AWSAccountIds=list(accounts), Actions=["ReceiveMessage"])
    remove = lambda label: sqs.remove_permission(QueueUrl=url, Label=label)
    policy = lambda: sqs.attributes(url, "Policy")
    answers = {"add-permission-response": add(label, "668614515564", ACCOUNT), "get-queue-policy-attribute": policy()}
    answers |= {"remove-permission-response": remove(label), "get-queue-policy-attribute-after-removal": policy()}
    add(label, ACCOUNT)
    answers["get-queue-policy-attribute-first-account-same-label"] = policy()
    answers["get-queue-policy-attribute-second-account-same-label"] = add(label, "668614515564")
    add(label + "2", ACCOUNT)
    answers["get-queue-policy-attribute-second-account-different-label"] = policy()
    remove(label)
    answers["get-queue-policy-attribute-delete-first-permission"] = policy()
    remove(label + "2")
    answers["get-queue-policy-attribute-delete-second-permission"] = policy()
    return answers | {"get-queue-policy-attribute-delete-non-existent-label": remove(label + "2")}


@scenario
def non_existent_queue(sqs):
    url = sqs.made()
    missing = url.rpartition("/")[0] + "/missing"
    return {
        "queue-does-not-exist": sqs.get_queue_url(QueueName="missing"),
        "queue-does-not-exist-url": sqs.attributes(missing),
        "queue-does-not-exist-query": sqs.world.query.get_queue_url(QueueName="missing"),
    }


@scenario
def send_message_via_queue_url_with_json_protocol(sqs):
    return {"receive-json-on-queue-url": sqs.take(sqs.made())}


@scenario
def set_unsupported_attribute_standard(sqs):
    url = sqs.made()
    set_to = lambda value: sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": value})
    return {"invalid-attr-name-1": set_to("true"), "invalid-attr-name-2": set_to("false")}


@scenario
def send_receive_wait_time_seconds(sqs):
    url = sqs.made()
    for _ in range(2):
        sqs.put(url, "message")
    return {
        "recieve_message_error_too_large": sqs.take(url, WaitTimeSeconds=21),
        "recieve_message_error_too_small": sqs.take(url, WaitTimeSeconds=-1),
        "empty_short_poll_by_default_resp": sqs.take(url),
        "empty_short_poll_explicit_resp": sqs.take(url, WaitTimeSeconds=0),
    }


@scenario
def send_empty_message(sqs):
    return {"send_empty_message": sqs.put(sqs.made(), "")}


@scenario
def fair_queue_with_message_group_id(sqs):
    url = sqs.made()
    return {"send_message": sqs.put(url, "message", "test"), "get-message-with-deduplication-id": sqs.take(url, AttributeNames=["All"])}


@scenario
def send_message_to_standard_queue_with_invalid_message_group_id(sqs, _):
    return {"error-response": sqs.put(sqs.made(), "m", "")}


@scenario
def message_deduplication_id_invalid(sqs, case):
    dedup = {"empty": "", "too_long": "a" * 129}[case]
    return {"error-response": sqs.put(sqs.made(fifo=True), "m", "g", dedup)}


@scenario
def fifo_queue_send_message_with_zero_delay_defaults_to_queue_delay(sqs):
    url = sqs.made(fifo=True, DelaySeconds="2")
    answers = {"send_message_result": sqs.put(url, "message-1", "g", "1", DelaySeconds=0), "receive_message_initial_result": sqs.take(url)}
    sqs.world.server.advance("2s")
    return answers | {"receive_message_after_delay_result": sqs.take(url)}


@scenario
def fifo_delete_after_visibility_timeout_extended(sqs):
    url = sqs.made(fifo=True, VisibilityTimeout="2")
    sqs.put(url, "foobar", "g", "1")
    received = sqs.take(url)
    handle = received["Messages"][0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=10)
    sqs.world.server.advance("3s")
    return {"received_sqs_message": received, "delete_after_timeout_fifo_extended": sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)}


@scenario
def fifo_group_visibility_extends_with_change_message_visibility(sqs, *which):
    url = sqs.made(fifo=True)
    for body in ("foo", "bar", "baz"):
        sqs.put(url, body, "g", body)
    received = sqs.take(url, MaxNumberOfMessages=10)
    # "0 visible" shows a later message only, which waits for those before it.
    shown = {"all": [], "0": [1], "1": [0], "2": [0, 1]}[which[0]]
    for index in shown:
        handle = received["Messages"][index]["ReceiptHandle"]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return {"receive_all_messages": received, "some-messages-invisible": sqs.take(url, MaxNumberOfMessages=10)}


@scenario
def set_queue_attributes_default_values(sqs):
    url = sqs.made()
    answers = {"get-queue-attributes-initial-values": sqs.attributes(url)}
    set_to = lambda key, period: sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key, "KmsDataKeyReusePeriodSeconds": period})
    set_to("testKeyId", "6000")
    answers["get-queue-attributes-after-update"] = sqs.attributes(url)
    set_to("", "300")
    return answers | {"get-queue-attributes-after-set-to-defaults": sqs.attributes(url)}


def dead_letters(sqs, count):
    """A queue with dead letters of another one."""
    dead = sqs.made(VisibilityTimeout="0")
    policy = '{"deadLetterTargetArn":"%s","maxReceiveCount":1}' % sqs.arn(dead)
    url = sqs.made(RedrivePolicy=policy, VisibilityTimeout="0")
    for n in range(count):
        sqs.put(url, f"message-{n}")
    for _ in range(2 * count):
        sqs.take(url)
    return dead


def task_list(sqs, dead, seconds="1s"):
    sqs.world.server.advance(seconds)
    tasks = sqs.list_message_move_tasks(SourceArn=sqs.arn(dead))
    for task in tasks["Results"]:
        task["StartedTimestamp"] = str(task["StartedTimestamp"])
    return tasks


@scenario
def basic_move_task_workflow(sqs):
    dead, other = dead_letters(sqs, 2), sqs.made()
    started = sqs.start_message_move_task(SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(other))
    return {"start-message-move-task-response": started, "list-message-move-task-response": task_list(sqs, dead)}


@scenario
def source_needs_redrive_policy(sqs):
    return {"error": sqs.start_message_move_task(SourceArn=sqs.arn(sqs.made()), DestinationArn=sqs.arn(sqs.made()))}


@scenario
def cancel_with_invalid_task_handle(sqs):
    return {"error": sqs.cancel_message_move_task(TaskHandle="foobared")}


@scenario
def destination_needs_to_exist(sqs):
    dead = dead_letters(sqs, 0)
    return {"error": sqs.start_message_move_task(SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(dead) + "missing")}


@scenario
def move_task_delete_destination_queue_while_running(sqs):
    dead, other = dead_letters(sqs, 10), sqs.made()
    sqs.start_message_move_task(SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(other), MaxNumberOfMessagesPerSecond=1)
    sqs.world.server.advance("2s")
    sqs.delete_queue(QueueUrl=other)
    return {"list": task_list(sqs, dead)}


@scenario
def start_multiple_move_tasks(sqs):
    dead, other = dead_letters(sqs, 2), sqs.made()
    start = lambda: sqs.start_message_move_task(SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(other), MaxNumberOfMessagesPerSecond=1)
    start()
    return {"error": start()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("recorded-queues")
    server = Server(directory / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield World(server.start(), directory)
    server.stop()


def masked(answer):
    """A recording with its times, which are texts of digits, as masks."""
    if isinstance(answer, dict):
        return {name: masked(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [masked(value) for value in answer]
    return "<timestamp>" if answer == "timestamp" else answer


@pytest.mark.skipif(not CASES, reason=f"no recordings in {recorded.folder()}; set KEYWATCH_SHARED to the shared data")
@pytest.mark.parametrize("name", sorted(CASES.keys() - EMPTY - ASIDE))
def test_as_recorded(world, name):
    function, arguments = re.fullmatch(r"(?:\w+\.)?test_(\w+)(?:\[(.+)\])?", name).groups()
    arguments = arguments.split("-") if arguments else []
    by_query = bool(arguments) and arguments[0] == "sqs_query"
    arguments = arguments[1:] if arguments and arguments[0] in ("sqs", "sqs_query") else arguments
    ours = SCENARIOS[function](world.query if by_query else world.sqs, *arguments)
    found = recorded.compare(masked(CASES[name]), ours)
    known = KNOWN.get(name, {})
    surprising = [difference for difference in found if difference.partition(": ")[0] not in known]
    assert not surprising, "\n".join(surprising)
    gone = known.keys() - {difference.partition(": ")[0] for difference in found}
    assert not gone, f"no difference any more: take {sorted(gone)} out of KNOWN"


@pytest.mark.skipif(not CASES, reason="no recordings")
def test_known_differences_are_of_recorded_cases():
    assert KNOWN.keys() | ASIDE <= CASES.keys()
