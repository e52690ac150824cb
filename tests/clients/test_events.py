"""EventBridge with boto3: buses and their permissions, schedules, dead letters, archives and replays, across a restart; API destinations."""

import base64
import http.server
import json
import threading
import urllib.parse

import boto3
import pytest
from botocore.exceptions import ClientError

from harness import ACCOUNT, REGION, Server

START = "2026-11-02T08:00:00Z"
FORBIDDEN = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}


class World:
    def __init__(self, directory):
        self.server = Server(directory, "--test-clock", START, "--allow-private-targets")
        self.server.data_dir.mkdir()
        self.start()

    def start(self):
        self.server.start()
        exports = self.server.environment()
        options = dict(
            endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )
        self.events, self.sqs, self.logs, self.watch = (boto3.client(name, **options) for name in ("events", "sqs", "logs", "cloudwatch"))

    def queue(self, name, **attributes):
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def drain(self, url):
        """All messages of a queue, which the engine has caught up with."""
        self.server.advance("1s")
        found = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found

    def rule(self, name, target, bus="default", **members):
        members = members or {"EventPattern": json.dumps({"source": [name]})}
        self.events.put_rule(Name=name, EventBusName=bus, **members)
        failed = self.events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "1"} | target])
        assert failed["FailedEntryCount"] == 0

    def put(self, source, bus="default", **detail):
        entry = {"Source": source, "DetailType": "Order", "Detail": json.dumps(detail), "EventBusName": bus}
        answer = self.events.put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0
        return answer["Entries"][0]["EventId"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("events") / "data")
    yield world
    world.server.stop()


def attributes(message):
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def test_buses(world):
    arn = world.events.create_event_bus(Name="orders", Description="orders", Tags=[{"Key": "team", "Value": "shop"}])["EventBusArn"]
    assert arn == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/orders"
    url, queue = world.queue("from-orders")
    world.rule("shop", {"Arn": queue}, bus=arn)
    world.rule("forward", {"Arn": arn}, EventPattern=json.dumps({"source": ["shop"]}))
    direct, forwarded = world.put("shop", bus="orders", n=1), world.put("shop", n=2)
    bodies = [json.loads(message["Body"]) for message in world.drain(url)]
    assert {body["id"]: body["detail"] for body in bodies} == {direct: {"n": 1}, forwarded: {"n": 2}}
    world.events.put_permission(EventBusName="orders", Action="events:PutEvents", Principal="111122223333", StatementId="friend")
    policy = json.loads(world.events.describe_event_bus(Name="orders")["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["friend"]
    world.events.remove_permission(EventBusName="orders", StatementId="friend")
    assert "Policy" not in world.events.describe_event_bus(Name="orders")
    assert [bus["Name"] for bus in world.events.list_event_buses()["EventBuses"]] == ["default", "orders"]
    with pytest.raises(ClientError, match="Cannot delete event bus default."):
        world.events.delete_event_bus(Name="default")


def test_schedules_survive_a_restart(world):
    url, queue = world.queue("alarm-clock")
    world.rule("every-ten", {"Arn": queue, "Input": '{"wake": "up"}'}, ScheduleExpression="rate(10 minutes)")
    world.server.advance("25m")
    world.server.kill()
    world.start()
    world.server.advance("10m")
    assert [message["Body"] for message in world.drain(url)] == ['{"wake": "up"}'] * 3
    world.events.disable_rule(Name="every-ten")
    world.server.advance("1h")
    assert world.drain(url) == []


def test_dead_letters(world):
    dead, dead_arn = world.queue("dead")
    _, closed = world.queue("closed", Policy=json.dumps({"Version": "2012-10-17", "Statement": [FORBIDDEN]}))
    world.rule("refused", {"Arn": closed, "DeadLetterConfig": {"Arn": dead_arn}})
    event = world.put("refused", a=1)
    [letter] = world.drain(dead)
    assert json.loads(letter["Body"])["id"] == event
    told = attributes(letter)
    assert (told["ERROR_CODE"], told["TARGET_ARN"]) == ("NO_PERMISSIONS", closed)
    assert told["RULE_ARN"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/refused"


def test_log_groups(world):
    group = "/aws/events/orders"
    world.logs.create_log_group(logGroupName=group)
    world.rule("logged", {"Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"})
    event = world.put("logged", n=3)
    world.server.advance("1s")
    [line] = world.logs.filter_log_events(logGroupName=group)["events"]
    assert json.loads(line["message"])["id"] == event


def test_archives_and_replays(world):
    bus = world.events.describe_event_bus()["Arn"]
    pattern = json.dumps({"source": ["archived"]})
    archive = world.events.create_archive(ArchiveName="shop", EventSourceArn=bus, EventPattern=pattern, RetentionDays=1)["ArchiveArn"]
    begin = world.events.describe_archive(ArchiveName="shop")["CreationTime"]
    events = [world.put("archived", n=n) for n in range(3)]
    world.put("other")
    world.server.advance("1m")
    described = world.events.describe_archive(ArchiveName="shop")
    assert (described["EventCount"], described["State"]) == (3, "ENABLED") and described["SizeBytes"] > 300
    url, queue = world.queue("replayed")
    world.rule("replayed", {"Arn": queue}, EventPattern=json.dumps({"replay-name": ["again"]}))
    end = begin.replace(year=begin.year + 1)
    world.events.start_replay(
        ReplayName="again", EventSourceArn=archive, EventStartTime=begin, EventEndTime=end, Destination={"Arn": bus}
    )
    bodies = [json.loads(message["Body"]) for message in world.drain(url)]
    assert sorted(body["id"] for body in bodies) == sorted(events)
    assert world.events.describe_replay(ReplayName="again")["State"] == "COMPLETED"
    assert world.events.describe_archive(ArchiveName="shop")["EventCount"] == 3
    world.server.advance("26h")
    assert world.events.describe_archive(ArchiveName="shop")["EventCount"] == 0
    world.events.delete_archive(ArchiveName="shop")
    assert world.events.list_archives(NamePrefix="shop")["Archives"] == []


class Endpoint:
    """An HTTP server that keeps requests of any method, answers with the next of the given statuses (200 when none is left), and gives out tokens."""

    def __init__(self):
        self.requests, self.statuses, self.tokens = [], [], 0
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                if self.path.startswith("/token"):
                    keeper.tokens += 1
                    keeper.asked = dict(urllib.parse.parse_qsl(body))
                    status, text = 200, json.dumps({"access_token": f"token-{keeper.tokens}", "expires_in": 3600})
                else:
                    keeper.requests.append((self.command, self.path, self.headers, body))
                    status, text = keeper.statuses.pop(0) if keeper.statuses else 200, ""
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()


def destination(world, name, kind, auth, url, method="POST", **target):
    """A rule of the same name as its source, with an API destination; gives the connection's name."""
    arn = world.events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=auth)["ConnectionArn"]
    made = world.events.create_api_destination(Name=name, ConnectionArn=arn, InvocationEndpoint=url, HttpMethod=method)
    assert made["ApiDestinationState"] == "ACTIVE"
    world.rule(name, {"Arn": made["ApiDestinationArn"]} | target)
    return name


def test_a_call_with_everything_added(world, endpoint):
    added = {
        "HeaderParameters": [{"Key": "x-conn", "Value": "c", "IsValueSecret": True}],
        "QueryStringParameters": [{"Key": "q", "Value": "a b"}],
        "BodyParameters": [{"Key": "more", "Value": "yes"}],
    }
    auth = {"BasicAuthParameters": {"Username": "user", "Password": "hunter2"}, "InvocationHttpParameters": added}
    http_parameters = {"PathParameterValues": ["$.detail.id"], "HeaderParameters": {"x-rule": "r"}, "QueryStringParameters": {"p": "1"}}
    destination(world, "whole", "BASIC", auth, endpoint.url + "/orders/*", "PUT", InputPath="$.detail", HttpParameters=http_parameters)
    world.put("whole", id="a/1")
    world.server.advance("1s")
    [(method, path, headers, body)] = endpoint.requests
    assert (method, path) == ("PUT", "/orders/a%2F1?p=1&q=a+b")
    assert (headers["x-conn"], headers["x-rule"]) == ("c", "r")
    assert headers["authorization"] == "Basic " + base64.b64encode(b"user:hunter2").decode()
    assert json.loads(body) == {"id": "a/1", "more": "yes"}
    assert "hunter2" not in json.dumps(world.events.describe_connection(Name="whole"), default=str)


def test_retries_then_the_dead_letter(world, endpoint):
    dead, dead_arn = world.queue("dead-calls")
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "k"}}
    destination(
        world, "failing", "API_KEY", auth, endpoint.url + "/x",
        DeadLetterConfig={"Arn": dead_arn}, RetryPolicy={"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600},
    )
    endpoint.statuses = [500, 429]
    world.put("failing")
    world.server.advance("10m")
    assert [headers["x-key"] for _, _, headers, _ in endpoint.requests] == ["k"] * 3 and world.drain(dead) == []
    endpoint.statuses = [500, 500, 500, 200]
    event = world.put("failing")
    world.server.advance("10m")
    [letter] = world.drain(dead)
    told = attributes(letter)
    assert json.loads(letter["Body"])["id"] == event and len(endpoint.requests) == 6
    assert (told["ERROR_CODE"], told["EXHAUSTED_RETRY_CONDITION"], told["RETRY_ATTEMPTS"]) == ("ERROR_FROM_TARGET", "MaximumRetryAttempts", "2")
    endpoint.statuses = [404]
    world.put("failing")
    [letter] = world.drain(dead)
    assert "RETRY_ATTEMPTS" not in attributes(letter) and len(endpoint.requests) == 7


def test_tokens(world, endpoint):
    auth = {"OAuthParameters": {
        "ClientParameters": {"ClientID": "me", "ClientSecret": "hunter2"}, "AuthorizationEndpoint": endpoint.url + "/token", "HttpMethod": "POST",
    }}
    name = "tokens"
    arn = world.events.create_connection(Name=name, AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters=auth)
    assert arn["ConnectionState"] == "AUTHORIZING"
    made = world.events.create_api_destination(
        Name=name, ConnectionArn=arn["ConnectionArn"], InvocationEndpoint=endpoint.url + "/x", HttpMethod="POST", InvocationRateLimitPerSecond=2,
    )
    world.rule(name, {"Arn": made["ApiDestinationArn"]})
    for _ in range(5):
        world.put(name)
    world.server.advance("5s")
    assert [headers["authorization"] for _, _, headers, _ in endpoint.requests] == ["Bearer token-1"] * 5
    assert endpoint.asked == {"grant_type": "client_credentials", "client_id": "me", "client_secret": "hunter2"}
    assert world.events.describe_connection(Name=name)["ConnectionState"] == "AUTHORIZED"
    endpoint.statuses = [401]
    world.put(name)
    world.server.advance("1m")
    assert [headers["authorization"] for _, _, headers, _ in endpoint.requests[5:]] == ["Bearer token-1", "Bearer token-2"]
    world.server.advance("1h")
    world.put(name)
    world.server.advance("1s")
    assert endpoint.requests[-1][2]["authorization"] == "Bearer token-3"
    world.events.deauthorize_connection(Name=name)
    assert world.events.describe_api_destination(Name=name)["ApiDestinationState"] == "INACTIVE"
    world.put(name)
    world.server.advance("1h")
    assert len(endpoint.requests) == 8
