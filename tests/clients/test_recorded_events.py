"""EventBridge answers as AWS answered in recordings of the same calls. What differs or is not played stands in
`recorded_events.py`; when the reason is gone, it must leave there too."""

import json
import re
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import recorded
from harness import ACCOUNT, REGION, Server
from recorded_events import KNOWN, NOT_PLAYED

CASES = recorded.cases("events")
START = "2026-11-02T08:00:00Z"
DETAIL = {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}
PATTERN = {"source": ["core.update-account-command"], "detail-type": ["core.update-account-command"], "detail": {"command": ["update-account"]}}

SCENARIOS = {}
# Recorded without an answer: the test behind them compared values that it computed itself.
EMPTY = {name for name, answers in CASES.items() if not answers}


def scenario(function):
    """Registers a function for the cases of its name; what stands in brackets there is its argument."""
    SCENARIOS[function.__name__] = function
    return function


class World:
    """A server's EventBridge; `world.put_rule(…)` gives the answer, or the error as boto3 parses it."""

    def __init__(self, server):
        exports = server.environment()
        options = dict(
            endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        self.client, self.sqs = boto3.client("events", **options), boto3.client("sqs", **options)

    def __getattr__(self, operation):
        def call(**members):
            try:
                return getattr(self.client, operation)(**members)
            except ClientError as error:
                return error.response
        return call

    def queue(self):
        name = fresh("queue")
        self.sqs.create_queue(QueueName=name)
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def bus(self, kind="custom"):
        """The name of the default bus, or of a new one."""
        if kind == "default":
            return kind
        name = fresh("bus")
        self.client.create_event_bus(Name=name)
        return name

    def rule(self, bus="default", name=None, **members):
        name = name or fresh("rule")
        self.client.put_rule(Name=name, EventBusName=bus, **(members or {"EventPattern": json.dumps(PATTERN)}))
        return name


def fresh(what):
    return f"{what}-{uuid.uuid4().hex[:8]}"


def bus_arn(name):
    return f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"


BASIC = {"BasicAuthParameters": {"Username": "user", "Password": "pass"}}
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "ApiKey", "ApiKeyValue": "secret"}}
CLIENT = {"ClientID": "client_id", "ClientSecret": "client_secret"}
OAUTH = {"OAuthParameters": {"ClientParameters": CLIENT, "AuthorizationEndpoint": "https://example.com/oauth", "HttpMethod": "POST"}}


def connected(events, kind, auth, name=None):
    return events.create_connection(Name=name or fresh("connection"), AuthorizationType=kind, AuthParameters=auth)


@scenario
def create_connection(events):
    name = fresh("connection")
    created = connected(events, "API_KEY", API_KEY | {"InvocationHttpParameters": {}}, name)
    return {"create-connection": created, "describe-connection": events.describe_connection(Name=name)}


@scenario
def create_connection_with_auth(events, _):
    name = fresh("connection")
    created = connected(events, "OAUTH_CLIENT_CREDENTIALS", OAUTH, name)
    return {"create-connection-auth": created, "describe-connection-auth": events.describe_connection(Name=name)}


@scenario
def list_connections(events):
    name = fresh("connection")
    connected(events, "BASIC", BASIC, name)
    return {"list-connections": events.list_connections(NamePrefix=name)}


@scenario
def create_connection_name_validation(events):
    return {"create-connection-invalid-name-error": connected(events, "API_KEY", API_KEY, "Invalid Name With Spaces!")}


@scenario
def create_connection_validations(events):
    name = "This should fail with two errors 123467890123412341234123412341234"
    return {"create_connection_exc": connected(events, "INVALID", BASIC, name)}


@scenario
def api_destinations(events, _):
    arn = connected(events, "BASIC", BASIC)["ConnectionArn"]
    name = fresh("destination")
    created = events.create_api_destination(
        Name=name, ConnectionArn=arn, InvocationEndpoint="https://example.com/api", HttpMethod="POST", Description="Test API destination",
    )
    described, listed = events.describe_api_destination(Name=name), events.list_api_destinations(NamePrefix=name)
    updated = events.update_api_destination(
        Name=name, InvocationEndpoint="https://example.com/api/v2", HttpMethod="PUT", Description="Updated API destination",
    )
    return {
        "create-api-destination": created, "describe-api-destination": described, "list-api-destinations": listed,
        "update-api-destination": updated, "describe-updated-api-destination": events.describe_api_destination(Name=name),
        "delete-api-destination": events.delete_api_destination(Name=name),
        "describe-api-destination-not-found-error": events.describe_api_destination(Name=name),
    }


def pointed(events, **members):
    return events.create_api_destination(**dict(
        Name=fresh("destination"), ConnectionArn=f"arn:aws:events:{REGION}:{ACCOUNT}:connection/none/none",
        InvocationEndpoint="https://example.com/api", HttpMethod="POST",
    ) | members)


@scenario
def create_api_destination_invalid_parameters(events):
    return {"create-api-destination-invalid-parameters-error": pointed(events, ConnectionArn="invalid-connection-arn", HttpMethod="INVALID_METHOD")}


@scenario
def create_api_destination_name_validation(events):
    return {"create-api-destination-invalid-name-error": pointed(events, Name="Invalid Name With Spaces!")}


@scenario
def create_list_describe_update_delete_archive(events, kind):
    bus, name = events.bus(kind), fresh("archive")
    created = events.create_archive(
        ArchiveName=name, EventSourceArn=bus_arn(bus), Description="description of the archive", EventPattern=json.dumps(PATTERN), RetentionDays=1,
    )
    listed, described = events.list_archives(NamePrefix=name), events.describe_archive(ArchiveName=name)
    updated = events.update_archive(ArchiveName=name, Description="updated description")
    return {
        "create-archive": created, "list-archives": listed, "describe-archive": described, "update-archive": updated,
        "delete-archive": events.delete_archive(ArchiveName=name),
    }


@scenario
def create_archive_error_unknown_event_bus(events):
    return {"create-archive-unknown-event-bus-error": events.create_archive(ArchiveName=fresh("archive"), EventSourceArn=bus_arn(fresh("none")))}


@scenario
def create_archive_error_duplicate(events, kind):
    arn, name = bus_arn(events.bus(kind)), fresh("archive")
    events.create_archive(ArchiveName=name, EventSourceArn=arn)
    answers = {"create-archive-duplicate-error": events.create_archive(ArchiveName=name, EventSourceArn=arn)}
    events.delete_archive(ArchiveName=name)
    return answers


@scenario
def describe_archive_error_unknown_archive(events):
    return {"describe-archive-unknown-archive-error": events.describe_archive(ArchiveName=fresh("none"))}


def archived(events, bus):
    name = fresh("archive")
    # Without a pattern the default bus's would hold records of the calls that test it.
    events.create_archive(ArchiveName=name, EventSourceArn=bus_arn(bus), EventPattern=json.dumps(PATTERN), RetentionDays=1)
    return name


@scenario
def list_archive_with_name_prefix(events, kind):
    name = archived(events, events.bus(kind))
    return {
        "list-archives-with-name-prefix": events.list_archives(NamePrefix=name[:-2]),
        "list-archives-with-full-name": events.list_archives(NamePrefix=name),
        "list-archives-not-existing-archive": events.list_archives(NamePrefix=fresh("none")),
    }


@scenario
def list_archive_with_source_arn(events, kind):
    bus = events.bus(kind)
    archived(events, bus)
    return {"list-archives-with-source-arn": events.list_archives(EventSourceArn=bus_arn(bus))}


@scenario
def list_archive_error_unknown_source_arn(events):
    return {"list-archives-unknown-event-bus-error": events.list_archives(EventSourceArn=bus_arn(fresh("none")))}


@scenario
def list_archive_state_enabled(events, kind):
    bus = events.bus(kind)
    archived(events, bus)
    return {"list-archives-state-enabled": events.list_archives(EventSourceArn=bus_arn(bus), State="ENABLED")}


def replay(events, archive, bus, name=None, start=1_700_000_000, end=1_700_000_060):
    return events.start_replay(
        ReplayName=name or fresh("replay"), EventSourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{archive}",
        EventStartTime=start, EventEndTime=end, Destination={"Arn": bus_arn(bus)},
    )


@scenario
def start_replay_error_unknown_event_bus(events):
    archive = archived(events, events.bus())
    return {
        "start-replay-unknown-event-bus-error": replay(events, archive, fresh("none")),
        "start-replay-wrong-event-bus-error": replay(events, archive, "default"),
    }


@scenario
def start_replay_error_duplicate_name_same_archive(events):
    bus, name = events.bus(), fresh("replay")
    archive = archived(events, bus)
    replay(events, archive, bus, name)
    return {"start-replay-duplicate-error": replay(events, archive, bus, name)}


@scenario
def start_replay_error_invalid_end_time(events, seconds):
    bus = events.bus()
    start = 1_700_000_000
    return {"start-replay-invalid-end-time-error": replay(events, archived(events, bus), bus, start=start, end=start - int(seconds))}


@scenario
def put_events_without_source(events):
    return {"put-events": events.put_events(Entries=[{"DetailType": "x", "Detail": json.dumps(DETAIL)}])}


@scenario
def put_event_with_too_big_detail(events):
    detail = json.dumps({"payload": ["p" * (1024 * 1024 - 17)], "more": "x" * 64})
    return {"put-events-too-big-detail-error": events.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": detail}])}


@scenario
def put_event_malformed_detail(events, kind):
    detail = {"STRING": "a text", "MALFORMED_JSON": '{"a": ', "SERIALIZED_STRING": '"a text"'}[kind]
    return {"put-events": events.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": detail}])}


@scenario
def create_list_describe_delete_custom_event_buses(events, _):
    name = fresh("bus")
    created = events.create_event_bus(Name=name, Description="test bus")
    listed, described = events.list_event_buses(NamePrefix=name), events.describe_event_bus(Name=name)
    return {
        f"create-custom-event-bus-{REGION}": created, f"list-event-buses-after-create-{REGION}": listed,
        f"describe-custom-event-bus-{REGION}": described, f"delete-custom-event-bus-{REGION}": events.delete_event_bus(Name=name),
        f"list-event-buses-after-delete-{REGION}": events.list_event_buses(NamePrefix=name),
    }


@scenario
def create_multiple_event_buses_same_name(events):
    return {"create-multiple-event-buses-same-name": events.create_event_bus(Name=events.bus())}


@scenario
def list_event_buses_with_prefix(events):
    name = events.bus()
    return {
        "list-event-buses-prefix-complete-name": events.list_event_buses(NamePrefix=name),
        "list-event-buses-prefix": events.list_event_buses(NamePrefix=name[:-2]),
    }


@scenario
def list_event_buses_with_limit(events):
    prefix = fresh("bus")
    for index in range(6):
        events.create_event_bus(Name=f"{prefix}-{index}")
    first = events.list_event_buses(NamePrefix=prefix, Limit=3)
    return {
        "list-event-buses-limit": first,
        "list-event-buses-limit-next-token": events.list_event_buses(NamePrefix=prefix, Limit=3, NextToken=first.get("NextToken")),
    }


def permit(events, bus, sid, principal):
    return events.put_permission(EventBusName=bus, Action="events:PutEvents", Principal=principal, StatementId=sid)


@scenario
def put_permission(events, kind):
    bus = events.bus(kind)
    first = permit(events, bus, fresh("sid"), ACCOUNT)
    permit(events, bus, fresh("sid"), ACCOUNT)
    permit(events, bus, fresh("sid"), "222222222222")
    several = events.describe_event_bus(Name=bus)
    permit(events, bus, fresh("sid"), "*")
    described = events.describe_event_bus(Name=bus)
    statement = {
        "Sid": fresh("sid"), "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "events:ListRules", "Resource": "*",
    }
    replaced = events.put_permission(EventBusName=bus, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    answers = {
        "put-permission": first, "describe-event-bus-put-permission-multiple-principals": several,
        "describe-event-bus-put-permission": described, "put-permission-policy": replaced,
        "describe-event-bus-put-permission-policy": events.describe_event_bus(Name=bus),
    }
    events.remove_permission(EventBusName=bus, RemoveAllPermissions=True)
    return answers


@scenario
def put_permission_non_existing_event_bus(events):
    return {"remove-permission-non-existing-sid-error": permit(events, fresh("none"), "s", "*")}


@scenario
def remove_permission(events, kind):
    bus = events.bus(kind)
    permit(events, bus, "one", ACCOUNT)
    permit(events, bus, "two", "222222222222")
    removed = events.remove_permission(EventBusName=bus, StatementId="one")
    described = events.describe_event_bus(Name=bus)
    return {
        "remove-permission": removed, "describe-event-bus-remove-permission": described,
        "remove-permission-all": events.remove_permission(EventBusName=bus, RemoveAllPermissions=True),
        "describe-event-bus-remove-permission-all": events.describe_event_bus(Name=bus),
    }


@scenario
def remove_permission_non_existing_sid(events, kind):
    bus = events.bus(kind.partition("-")[2])
    return {"remove-permission-non-existing-sid-error": events.remove_permission(EventBusName=bus, StatementId="none")}


@scenario
def put_list_with_prefix_describe_delete_rule(events, kind):
    bus, name = events.bus(kind), fresh("rule")
    put = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(PATTERN))
    listed = events.list_rules(NamePrefix=name, EventBusName=bus)
    described = events.describe_rule(Name=name, EventBusName=bus)
    return {
        "put-rule": put, "list-rules": listed, "describe-rule": described, "delete-rule": events.delete_rule(Name=name, EventBusName=bus),
        "list-rules-after-delete": events.list_rules(NamePrefix=name, EventBusName=bus),
    }


@scenario
def disable_re_enable_rule(events, kind):
    bus = events.bus(kind)
    where = dict(Name=events.rule(bus), EventBusName=bus)
    disabled, described = events.disable_rule(**where), events.describe_rule(**where)
    return {
        "disable-rule": disabled, "describe-rule-disabled": described, "enable-rule": events.enable_rule(**where),
        "describe-rule-enabled": events.describe_rule(**where),
    }


@scenario
def delete_rule_with_targets(events):
    rule = events.rule()
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": events.queue()}])
    return {"delete-rule-with-targets-error": events.delete_rule(Name=rule)}


@scenario
def update_rule_with_targets(events):
    rule = events.rule()
    events.put_targets(Rule=rule, Targets=[{"Id": fresh("target"), "Arn": events.queue()}])
    before = events.list_targets_by_rule(Rule=rule)
    updated = events.put_rule(Name=rule, EventPattern=json.dumps(PATTERN), Description="updated")
    return {"list-targets": before, "update-rule": updated, "list-targets-after-update": events.list_targets_by_rule(Rule=rule)}


@scenario
def put_list_remove_target(events, kind):
    bus = events.bus(kind)
    where = dict(Rule=events.rule(bus), EventBusName=bus)
    target = fresh("target")
    put, listed = events.put_targets(**where, Targets=[{"Id": target, "Arn": events.queue()}]), events.list_targets_by_rule(**where)
    return {
        "put-target": put, "list-targets": listed, "remove-target": events.remove_targets(**where, Ids=[target]),
        "list-targets-after-delete": events.list_targets_by_rule(**where),
    }


@scenario
def add_exceed_fife_targets_per_rule(events):
    rule, queue = events.rule(), events.queue()
    return {"put-targets-client-error": events.put_targets(Rule=rule, Targets=[{"Id": str(index), "Arn": queue} for index in range(7)])}


@scenario
def list_rule_names_by_target(events, kind):
    bus, queue, prefix = targeted(events, kind, 3)
    return {"list_rule_names_by_target": events.list_rule_names_by_target(TargetArn=queue, EventBusName=bus)}


@scenario
def list_rule_names_by_target_with_limit(events, kind):
    bus, queue, prefix = targeted(events, kind, 5)
    pages, token = [], {}
    for _ in range(3):
        pages.append(events.list_rule_names_by_target(TargetArn=queue, EventBusName=bus, Limit=2, **token))
        token = {"NextToken": pages[-1].get("NextToken", "")}
    return dict(zip(("first_page", "second_page", "third_page"), pages))


def targeted(events, kind, count):
    """A bus with rules that have the same target."""
    bus, queue, prefix = events.bus(kind), events.queue(), fresh("rule")
    for index in range(count):
        rule = events.rule(bus, f"{prefix}{index}")
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "1", "Arn": queue}])
    return bus, queue, prefix


@scenario
def list_rule_names_by_target_no_matches(events, kind):
    return {"list_rule_names_by_target_no_matches": events.list_rule_names_by_target(TargetArn=events.queue(), EventBusName=events.bus(kind))}


@scenario
def put_event_input_path_and_input_transformer(events):
    target = {
        "Id": fresh("target"), "Arn": events.queue(), "InputPath": "$.detail",
        "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '"<n>"'},
    }
    return {"duplicated-input-operations-error": events.put_targets(Rule=events.rule(), Targets=[target])}


def tried(events, event):
    return events.test_event_pattern(Event=event, EventPattern=json.dumps({"source": ["x"]}))


@scenario
def plain_string_payload(events):
    return {"plain-string-payload-exc": tried(events, "plain string")}


@scenario
def invalid_event_payload(events):
    return {"plain-string-payload-exc": tried(events, json.dumps({"id": "1"}))}


@scenario
def array_event_payload(events):
    return {"array-event-payload-exc": tried(events, "[1, 2, 3]")}


@scenario
def invalid_json_event_pattern(events, pattern):
    return {"invalid-pattern": events.test_event_pattern(Event="{}", EventPattern=pattern)}


@scenario
def put_target_id_validation(events):
    rule, queue = events.rule(), events.queue()
    return {
        "put-targets-invalid-id-error": events.put_targets(Rule=rule, Targets=[{"Id": "!@#$@!#$", "Arn": queue}]),
        "put-targets-length-error": events.put_targets(Rule=rule, Targets=[{"Id": "a" * 65, "Arn": queue}]),
    }


@scenario
def recreate_tagged_resource_without_tags(events, _):
    arn = bus_arn("default")
    events.tag_resource(ResourceARN=arn, Tags=TAGS[:1])
    events.create_event_bus(Name="default")
    return {"list_tags_for_resource": events.list_tags_for_resource(ResourceARN=arn)}


@scenario
def put_rule_with_schedule_cron(events, expression="cron(0 20 * * ? *)"):
    name = fresh("rule")
    return {"put-rule": events.put_rule(Name=name, ScheduleExpression=expression), "list-rules": events.list_rules(NamePrefix=name)}


@scenario
def put_rule_with_invalid_schedule_cron(events, expression):
    return {"invalid-put-rule": events.put_rule(Name=fresh("rule"), ScheduleExpression=expression)}


@scenario
def tag_list_untag_not_existing_resource(events, _):
    arn = bus_arn(fresh("none"))
    return {
        "tag_not_existing_resource_error": events.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}]),
        "list_tags_for_not_existing_resource_error": events.list_tags_for_resource(ResourceARN=arn),
        "untag_not_existing_resource_error": events.untag_resource(ResourceARN=arn, TagKeys=["k"]),
    }


TAGS = [{"Key": "tag1", "Value": "value1"}, {"Key": "tag2", "Value": "value2"}]


@scenario
def create_event_bus_with_tags(events):
    created = events.create_event_bus(Name=fresh("bus"), Tags=TAGS)
    return {"create_event_bus_with_tags": created, "list_tags_for_event_bus": events.list_tags_for_resource(ResourceARN=created["EventBusArn"])}


@scenario
def list_tags_for_deleted_event_bus(events):
    bus = events.bus()
    events.delete_event_bus(Name=bus)
    return {"list_tags_for_deleted_rule_error": events.list_tags_for_resource(ResourceARN=bus_arn(bus))}


@scenario
def tag_untag_resource(events, kind):
    bus = kind.startswith("event_bus")
    arn = bus_arn(events.bus()) if bus else f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{events.rule()}"
    tagged, listed = events.tag_resource(ResourceARN=arn, Tags=TAGS), events.list_tags_for_resource(ResourceARN=arn)
    untagged = events.untag_resource(ResourceARN=arn, TagKeys=["tag2"])
    return {
        "tag_resource": tagged, "list_tags_for_resource": listed, "untag_resource": untagged,
        "list_tags_for_untagged_resource": events.list_tags_for_resource(ResourceARN=arn),
        "untag_resource_not_existing_tag": events.untag_resource(ResourceARN=arn, TagKeys=["none"]),
    }


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("recorded") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield World(server.start())
    server.stop()


def parts(name):
    """The function of a case, and what stands in brackets."""
    function, argument = re.fullmatch(r"(?:\w+\.)?(\w+?)(?:\[(.+)\])?", name, re.DOTALL).groups()
    return function, argument


# The same in several Regions, which are masked alike.
ALIKE = {"TestEventBus.test_create_list_describe_delete_custom_event_buses[True-regions1]"}
PLAYED = sorted(name for name in CASES.keys() - EMPTY - ALIKE if parts(name)[0] not in NOT_PLAYED)


@pytest.mark.skipif(not CASES, reason=f"no recordings in {recorded.folder()}; set KEYWATCH_SHARED to the shared data")
@pytest.mark.parametrize("name", PLAYED)
def test_as_recorded(events, name):
    function, argument = parts(name)
    arguments = () if argument is None else (argument,)
    ours = SCENARIOS[re.sub("^tests?_", "", function)](events, *arguments)
    found = recorded.compare(CASES[name], ours)
    known = KNOWN.get(name, {})
    surprising = [difference for difference in found if difference.partition(": ")[0] not in known]
    assert not surprising, "\n".join(surprising)
    gone = known.keys() - {difference.partition(": ")[0] for difference in found}
    assert not gone, f"no difference any more: take {sorted(gone)} out of KNOWN"


@pytest.mark.skipif(not CASES, reason="no recordings")
def test_lists_are_of_recorded_cases():
    assert KNOWN.keys() <= CASES.keys()
    assert NOT_PLAYED.keys() <= {parts(name)[0] for name in CASES}
