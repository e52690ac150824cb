"""CloudWatch answers as AWS answered in recordings of the same calls, each in the protocol it was recorded in. A difference stands in `KNOWN`
with its reason; when it is gone, it must leave there too."""

import datetime
import io
import json
import re
import uuid
import xml.etree.ElementTree

import boto3
import botocore.parsers
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import models
import recorded
from bare import Bare
from harness import ACCOUNT, REGION, Server

CASES = recorded.cases("cloudwatch")
START = "2026-11-02T08:00:00Z"
PROTOCOLS = {"json": "json", "query": "query", "cbor": "smithy-rpc-v2-cbor"}
MINUTES = datetime.timedelta(minutes=1)

SCENARIOS = {}
NO_LOG_ALARMS = "alarms on queries of logs are not built"
# What Keywatch is not, by case: nothing is sent.
ABSENT = {
    "TestCloudWatchLambdaMetrics.test_lambda_invoke_successful": "there is no Lambda here whose invocations could be counted",
    "TestCloudWatchLambdaMetrics.test_lambda_invoke_error": "there is no Lambda here whose invocations could be counted",
    "TestCloudwatch.test_aws_sqs_metrics_created": "queues publish no metrics of their own here",
    "TestCloudwatch.test_insight_rule[json]": "Contributor Insights is not built",
    "TestCloudwatch.test_insight_rule[smithy-rpc-v2-cbor]": "Contributor Insights is not built",
}
# Path of each answer that differs, by case, with the reason.
KNOWN = {
    f"TestCloudWatchMultiProtocol.test_basic_operations_multiple_protocols[{protocol}]": {path: NO_LOG_ALARMS}
    for protocol, path in {
        "json": "describe-alarms.LogAlarms",
        "smithy-rpc-v2-cbor": "describe-alarms.LogAlarms",
        "query": "describe-alarms.DescribeAlarmsResponse.DescribeAlarmsResult.LogAlarms",
    }.items()
}


MUTED_SINCE = "messages say since mute rules came, after this was recorded, whether a mute window ended"
KNOWN |= {"TestCloudwatch.test_breaching_alarm_actions[json]": {"alarm-1-sqs-msg.ActionExecutedAfterMuteWindow": MUTED_SINCE}}
KNOWN |= {
    f"TestCloudwatch.test_enable_disable_alarm_actions[{protocol}]": {"alarm-state-sqs-msg.ActionExecutedAfterMuteWindow": MUTED_SINCE}
    for protocol in PROTOCOLS.values()
}


def scenario(function):
    """Registers a function for the cases of its name; what stands in brackets there are its arguments."""
    SCENARIOS[function.__name__] = function
    return function


class Matcher(recorded.Matcher):
    """Times are masked by other words here: `timestamp` for one or a list of them, `date` for one in a text."""

    def differences(self, kept, ours, path):
        if kept == "timestamp":
            times = ours["member"] if isinstance(ours, dict) else ours
            for time in times if isinstance(times, list) else [times]:
                if not isinstance(time, (datetime.datetime, int, float)) and not is_date(time):
                    yield f"{path}: {time!r} is no time"
        elif kept == "date":
            if not is_date(ours):
                yield f"{path}: {ours!r} is no time"
        else:
            yield from super().differences(kept, ours, path)


def is_date(text):
    return isinstance(text, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d{4})", text))


def session_of(protocol):
    """A session whose CloudWatch speaks one protocol only."""
    session = boto3.Session()
    model = session._session.get_component("data_loader").load_service_model("cloudwatch", "service-2")
    model["metadata"] |= {"protocol": protocol, "protocols": [protocol]}
    if protocol == "query":
        model["metadata"].pop("awsQueryCompatible", None)
    return session


class World:
    """CloudWatch in one protocol, and what stands around it. Nothing two cases make has one name."""

    clients = {}

    def __init__(self, server, protocol):
        self.server, self.protocol = server, protocol
        exports = server.environment()
        self.options = dict(
            endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        wire = PROTOCOLS.get(protocol, protocol)
        if wire not in self.clients:
            self.clients[wire] = session_of(wire).client("cloudwatch", **self.options)
        self.client = self.clients[wire]

    def __getattr__(self, operation):
        """`world.describe_alarms(…)`: the answer, or the error as boto3 parses it."""
        def call(**members):
            try:
                return getattr(self.client, operation)(**members)
            except ClientError as error:
                return error.response
        return call

    def other(self, service):
        return boto3.client(service, **self.options)

    def name(self, kind="name"):
        return f"{kind}-{uuid.uuid4().hex[:8]}"

    def now(self):
        return datetime.datetime.fromisoformat(self.server.keywatch("clock", "now").strip().replace("Z", "+00:00"))

    def topic(self):
        """A topic, and a function that gives what its queue got since it was last asked."""
        sns, sqs, name = self.other("sns"), self.other("sqs"), self.name("topic")
        topic, url = sns.create_topic(Name=name)["TopicArn"], sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def received():
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

        return topic, received

    def put(self, namespace, *data, **shared):
        answer = self.put_metric_data(Namespace=namespace, MetricData=[shared | datum for datum in data])
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200, answer

    def data(self, queries, before=10, **members):
        """`GetMetricData` of the last minutes."""
        now = self.now()
        return self.get_metric_data(MetricDataQueries=queries, StartTime=now - before * MINUTES, EndTime=now + MINUTES, **members)

    def statistics(self, namespace, metric, *statistics, **members):
        now = self.now()
        window = dict(StartTime=now - 10 * MINUTES, EndTime=now + MINUTES, Period=3600)
        return self.get_metric_statistics(Namespace=namespace, MetricName=metric, Statistics=list(statistics), **window | members)

    def alarm(self, name):
        return self.describe_alarms(AlarmNames=[name])


def query(id, namespace, metric, stat, period=60, dimensions=None, **members):
    named = {"Namespace": namespace, "MetricName": metric} | ({"Dimensions": dimensions} if dimensions else {})
    return {"Id": id, "MetricStat": {"Metric": named, "Period": period, "Stat": stat} | members}


@scenario
def alarm_lambda_target(world):
    name, function = world.name("alarm"), f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{world.name('function')}"
    world.put_metric_alarm(
        AlarmName=name, AlarmDescription="testing lambda alarm action", Namespace="namespace", MetricName="metric1", Period=10,
        Statistic="Average", EvaluationPeriods=2, Threshold=2, ComparisonOperator="GreaterThanThreshold", AlarmActions=[function],
    )
    world.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="testing alarm")
    world.server.advance("1s")
    kept = [json.loads(line) for line in world.server.keywatch("outbox", "--json").splitlines()]
    [invocation] = [json.loads(one["Body"]) for one in kept if one["To"] == function]
    return {"lambda-alarm-invocations": invocation}


def raw(world, operation, members):
    """Status and members of an answer as it came; what XML says as nested elements."""
    bare = Bare(world.server, models.of("cloudwatch"), world.protocol)
    _, body = bare.exchange(operation, bare.body(operation, members))
    if world.protocol == "json":
        return json.loads(body)
    if world.protocol == "query":
        root = xml.etree.ElementTree.fromstring(body)
        space, name = root.tag.removeprefix("{").split("}")
        found = {"@xmlns": space} | elements(root)
        if "ResponseMetadata" in found:
            del found["ResponseMetadata"]
        return {name: found}
    return botocore.parsers.BaseCBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body)))


def elements(element):
    """Members that come once are themselves, those that come several times are lists."""
    children = {}
    for child in element:
        children.setdefault(child.tag.rpartition("}")[2], []).append(elements(child))
    if not children:
        return element.text
    return {name: found[0] if len(found) == 1 else found for name, found in children.items()}


@scenario
def basic_operations_multiple_protocols(world, protocol):
    described = raw(world, "DescribeAlarms", {"AlarmNamePrefix": world.name("none")})
    space = world.name("space")
    world.put(space, {"MetricName": "some", "Value": 23}, {"MetricName": "part", "Value": 23}, {"MetricName": "some", "Value": 18})
    world.server.advance("1m")
    now = int(world.now().timestamp())
    # As each protocol writes times; CBOR takes plain numbers too.
    times = [now - 600, now] if protocol != "query" else [f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (now - 600, now)]
    queries = [query("some", space, "some", "Sum"), query("part", space, "part", "Sum")]
    found = raw(world, "GetMetricData", {"MetricDataQueries": queries, "StartTime": times[0], "EndTime": times[1]})
    return {"describe-alarms": described, "get-metric-data": found}


@scenario
def exception_serializing_with_no_shape_in_spec(world, protocol):
    members = {"AlarmName": world.name("none"), "StateReason": "testing"}
    missing = raw(world, "SetAlarmState", members | {"StateValue": "OK"})
    return {
        "invalid-value-response": raw(world, "SetAlarmState", members | {"StateValue": "INVALID"}),
        "not-found-response": missing,
        "not-found-response-query-mode-true": raw(world, "SetAlarmState", members | {"StateValue": "OK"}),
    }


@scenario
def put_metric_data_values_list(world, protocol):
    space = world.name("space")
    world.put(space, {"MetricName": "test-metric", "Values": [1.0, 10.0], "Counts": [2, 4], "Unit": "Count"})
    return {"get_metric_statistics": world.statistics(space, "test-metric", "Maximum", "SampleCount", "Sum", Unit="Count")}


@scenario
def put_metric_data_validation(world, protocol):
    space = world.name("space")
    put = lambda **datum: world.put_metric_data(Namespace=space, MetricData=[{"MetricName": "mn"} | datum])
    statistics = {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}
    return {
        "invalid-param-combination": put(Value=1.5, Values=[1.0, 2.0]),
        "invalid-param-value": put(Values=[1.0, 2.0], Counts=[1.0]),
        "invalid-param-combination-2": put(Value=1.5, StatisticValues=statistics),
    }


@scenario
def get_metric_data_for_multiple_metrics(world, protocol):
    space = world.name("space")
    world.put(space, *({"MetricName": f"metric{n}", "Value": value} for n, value in ((1, 50), (2, 25), (3, 55))))
    return {"get_metric_data": world.data([query(f"result{n}", space, f"metric{n}", "Sum") for n in (1, 2, 3)])}


@scenario
def get_metric_data_stats(world, protocol, stat):
    space = world.name("space")
    world.put(space, *({"MetricName": "metric1", "Value": value} for value in range(1, 12)))
    return {"get_metric_data": world.data([query("result1", space, "metric1", stat)])}


def plain_alarm(world, **members):
    """An alarm that never changes; its name and the answer."""
    name = world.name("alarm")
    settings = dict(Namespace=world.name("space"), MetricName="metric1", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=30)
    answer = world.put_metric_alarm(AlarmName=name, ComparisonOperator="GreaterThanThreshold", **settings | members)
    return name, answer


@scenario
def describe_alarms_converts_date_format_correctly(world, protocol):
    name, _ = plain_alarm(world, MetricName=world.name("metric"))
    return {"describe-alarms": world.alarm(name)}


@scenario
def store_tags(world, protocol):
    name, made = plain_alarm(world, MetricName="store_tags")
    described = world.alarm(name)
    return {"put_metric_alarm": made, "describe_alarms": described} | tagged(world, described["MetricAlarms"][0]["AlarmArn"])


def tagged(world, arn):
    empty = world.list_tags_for_resource(ResourceARN=arn)
    world.tag_resource(ResourceARN=arn, Tags=[{"Key": "tag1", "Value": "foo"}, {"Key": "tag2", "Value": "bar"}])
    both = world.list_tags_for_resource(ResourceARN=arn)
    world.untag_resource(ResourceARN=arn, TagKeys=["tag1"])
    return {
        "list_tags_for_resource_empty ": empty, "list_tags_for_resource": both,
        "list_tags_for_resource_post_untag": world.list_tags_for_resource(ResourceARN=arn),
    }


@scenario
def tagging_metric_alarm(world, protocol):
    name, made = plain_alarm(world, Tags=[{"Key": "Environment", "Value": "Production"}])
    return {"put_metric_alarm": made} | tagging(world, name, "list_tags_for_resource_after_creation")


@scenario
def tagging_composite_alarm(world, protocol):
    child, _ = plain_alarm(world)
    name = world.name("composite")
    world.put_composite_alarm(AlarmName=name, AlarmRule=f"ALARM({child})", Tags=[{"Key": "Environment", "Value": "Production"}])
    return tagging(world, name, "list_tags_for_resource_after_creation ")


def tagging(world, name, first):
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    found = tagged(world, arn)
    world.delete_alarms(AlarmNames=[name])
    return {
        first: found["list_tags_for_resource_empty "], "list_tags_for_resource_updated": found["list_tags_for_resource"],
        "list_tags_for_resource_post_untag": found["list_tags_for_resource_post_untag"],
        "list_tags_for_deleted_resource": world.list_tags_for_resource(ResourceARN=arn),
    }


@scenario
def trigger_composite_alarm(world, protocol):
    children = [plain_alarm(world, TreatMissingData="ignore")[0] for _ in range(2)]
    arns = [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{child}" for child in children]
    name = world.name("composite")
    put = world.put_composite_alarm(
        AlarmName=name, AlarmDescription="composite alarm description", AlarmRule=" OR ".join(f'ALARM("{arn}")' for arn in arns),
        AlarmActions=[world.topic()[0]], OKActions=[world.topic()[0]],
    )
    world.server.advance("1s")

    def after(child, value):
        world.set_alarm_state(AlarmName=children[child - 1], StateValue=value, StateReason="by hand")
        world.server.advance("1s")
        return world.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]

    found = {
        "put-composite-alarm": put,
        "composite-alarm-in-alarm-when-alarm-1-is-in-alarm": after(1, "ALARM"),
        "composite-alarm-in-ok-when-alarm-1-is-back-to-ok": after(1, "OK"),
        "composite-alarm-in-alarm-when-alarm-2-is-in-alarm": after(2, "ALARM"),
        "composite-alarm-in-ok-when-alarm-2-is-back-to-ok": after(2, "OK"),
    }
    after(1, "ALARM")
    return found | {"composite-alarm-is-triggered-by-alarm-1-and-then-unchanged-by-alarm-2": after(2, "ALARM")}


def acting_alarm(world, topic, **members):
    return plain_alarm(
        world, AlarmDescription="testing cloudwatch alarms", MetricName="my-metric101", Dimensions=[{"Name": "InstanceId", "Value": "abc"}],
        Unit="Seconds", Period=10, EvaluationPeriods=2, Threshold=2, Statistic="Average", AlarmActions=[topic], OKActions=[topic], **members,
    )[0]


@scenario
def breaching_alarm_actions(world, protocol):
    topic, received = world.topic()
    name = acting_alarm(world, topic, TreatMissingData="breaching")
    world.server.advance("30s")
    [message] = received()
    return {"alarm-1-sqs-msg": message, "alarm-1-describe": world.alarm(name)}


@scenario
def enable_disable_alarm_actions(world, protocol):
    topic, received = world.topic()
    name = acting_alarm(world, topic, TreatMissingData="ignore")
    found = {"describe_alarm": world.alarm(name)}
    set_state = lambda value, reason: (world.set_alarm_state(AlarmName=name, StateValue=value, StateReason=reason), world.server.advance("1s"))
    set_state("ALARM", "testing alarm")
    [found["alarm-state-sqs-msg"]] = received()
    found["alarm-state-describe"] = world.alarm(name)
    world.disable_alarm_actions(AlarmNames=[name])
    set_state("OK", "testing OK state")
    assert received() == []
    found["describe_alarm_disabled"] = found["ok-state-action-disabled-describe"] = world.alarm(name)
    world.enable_alarm_actions(AlarmNames=[name])
    return found | {"describe_alarm_enabled": world.alarm(name)}


@scenario
def invalid_dashboard_name(world, protocol):
    return {"error-invalid-dashboardname": world.put_dashboard(DashboardName="test-dashboard:invalid", DashboardBody='{"widgets": []}')}


@scenario
def dashboard_lifecycle(world, protocol):
    name = world.name("board")
    properties = {"metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-12345678"]], "region": REGION, "view": "timeSeries", "stacked": False}
    body = {"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": properties}]}
    world.put_dashboard(DashboardName=name, DashboardBody=json.dumps(body, separators=(",", ":")).ljust(240))
    found = {
        "get_dashboard": world.get_dashboard(DashboardName=name), "list_dashboards": world.list_dashboards(),
        "list_dashboards_prefix_empty": world.list_dashboards(DashboardNamePrefix="no-dashboard"),
        "list_dashboards_prefix": world.list_dashboards(DashboardNamePrefix=name),
    }
    world.delete_dashboards(DashboardNames=[name])
    return found | {"list_dashboards_empty": world.list_dashboards()}


@scenario
def get_metric_data_with_zero_and_labels(world, protocol):
    space = world.name("space")
    world.put(space, *({"MetricName": "metric1", "Value": value} for value in (0, 100, 5, 5, 5, 1.5)))
    return {
        "get_metric_data_with_zero_and_labels": world.data(
            [query(f"result_{stat}", space, "metric1", stat) for stat in ("Average", "Sum", "Minimum", "Maximum")]
        )
    }


@scenario
def get_metric_statistics(world, protocol):
    space = world.name("space")
    world.put(space, *({"MetricName": "metric", "Value": value} for value in range(10)))
    return {"get_metric_statistics": world.statistics(space, "metric", "SampleCount", "Average", "Sum", "Minimum", "Maximum")}


def of_units(world, *data):
    space = world.name("space")
    world.put(space, *({"MetricName": "m-test", "Value": value} | ({"Unit": unit} if unit else {}) for value, unit in data))
    return space


@scenario
def handle_different_units(world, protocol):
    space = of_units(world, (1, "Seconds"), (5, "Count"), (10, None))
    answer = world.statistics(space, "m-test", "Average")
    # Datapoints are in no order (API reference of GetMetricStatistics).
    answer["Datapoints"].sort(key=lambda point: -point["Average"])
    return {"get_metric_statistics_with_different_units": answer}


@scenario
def get_metric_data_with_different_units(world, protocol):
    space = of_units(world, (1, "Seconds"), (5, "Count"), (10, None))
    return {"get_metric_data_with_different_units": world.data([query("m1", space, "m-test", "Sum", Unit="Seconds")])}


@scenario
def get_metric_data_different_units_no_unit_in_query(world, protocol, data):
    space = of_units(world, *{
        "metric_data0": [(5, "Seconds"), (60000, "Milliseconds")],
        "metric_data1": [(60000, "Milliseconds"), (60000, "Milliseconds"), (5, "Seconds")],
        "metric_data2": [(5, "Count"), (60000, "Milliseconds"), (1, "Seconds")],
    }[data])
    return {"get_metric_data_with_no_unit_specified": world.data([query("m1", space, "m-test", "Sum")])}


@scenario
def label_generation(world, protocol, pairs):
    space = world.name("space")
    world.put(space, *({"MetricName": "metric1", "Value": value, "Unit": "Seconds", "StorageResolution": 1} for value in (0, 9, 100)))
    asked = {
        "input_pairs1": [("Sum", 60, "Seconds"), ("Minimum", 60, "Seconds")],
        "input_pairs2": [("Sum", 60, "Seconds"), ("Sum", 30, "Seconds")],
        "input_pairs3": [("Sum", 60, "Seconds"), ("Minimum", 30, "Milliseconds")],
        "input_pairs4": [("Sum", 60, "Seconds"), ("Minimum", 60, "Milliseconds")],
        "input_pairs5": [("Sum", 60, "Seconds"), ("Sum", 30, "Milliseconds")],
        "input_pairs6": [("Sum", 60, "Seconds"), ("Sum", 60, "Milliseconds")],
    }[pairs]
    queries = [query(f"result_{stat}_{period}_{unit}", space, "metric1", stat, period, Unit=unit) for stat, period, unit in asked]
    return {"label_generation": world.data(queries)}


@scenario
def get_metric_with_null_dimensions(world, protocol):
    stat = {"Metric": {"Namespace": world.name("space"), "MetricName": "metric", "Dimensions": None}, "Period": 60, "Stat": "Sum"}
    now = int(world.now().timestamp())
    bare = Bare(world.server, models.of("cloudwatch"), "cbor" if protocol == "cbor" else "json")
    request = {"MetricDataQueries": [{"Id": "m1", "MetricStat": stat}], "StartTime": now - 600, "EndTime": now}
    status, body = bare.exchange("GetMetricData", bare.body("GetMetricData", request))
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor" if protocol == "cbor" else "json")
    headers = {"smithy-protocol": "rpc-v2-cbor"} if protocol == "cbor" else {}
    shape = models.of("cloudwatch").operation_model("GetMetricData").output_shape
    return {"get_metric_with_null_dimensions": parser.parse({"status_code": status, "headers": headers, "body": body}, shape)}


@scenario
def get_metric_with_no_results(world, protocol):
    return {"result": world.data([query("result", world.name("space"), world.name("metric"), "Sum")])}


@scenario
def delete_alarm(world, protocol):
    name, _ = plain_alarm(world)
    described = world.alarm(name)
    return {"describe-alarm": described, "delete-alarm": world.delete_alarms(AlarmNames=[name]), "describe-after-delete": world.alarm(name)}


@scenario
def multiple_dimensions_statistics(world, protocol):
    space, metric = world.name("space"), "http.server.requests.count"
    named = {"error": "none", "exception": "none", "method": "GET", "outcome": "SUCCESS", "status": "200", "uri": "/greetings"}
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    world.put(space, {"MetricName": metric, "Dimensions": dimensions, "Value": 5})
    return {
        "get-metric-stats-max": world.data([query("result1", space, metric, "Maximum", dimensions=dimensions)]),
        "list-metrics": world.list_metrics(Namespace=space, MetricName=metric),
    }


@scenario
def invalid_amount_of_datapoints(world, protocol):
    now = world.now()
    day = datetime.timedelta(days=1)
    ask = lambda start, end, period: world.get_metric_statistics(
        Namespace="namespace", MetricName="metric_name", StartTime=start, EndTime=end, Period=period, Statistics=["SampleCount"],
    )
    return {
        "error-invalid-amount-datapoints": ask(now - day, now, 1),
        "error-invalid-time-frame": ask(now, now, 1),
        "get-metric-statitics": ask(now - day, now, 60),
    }


@scenario
def create_metric_stream(world, protocol):
    name, firehose = world.name("stream"), f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/recorded"
    made = world.put_metric_stream(Name=name, FirehoseArn=firehose, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/streams", OutputFormat="json")
    shown = world.get_metric_stream(Name=name)
    stopped, started = world.stop_metric_streams(Names=[name]), world.start_metric_streams(Names=[name])
    return {
        "create_metric_stream": made, "get_metric_stream": shown, "start_metric_stream": started, "stop_metric_stream": stopped,
        "delete_metric_stream": world.delete_metric_stream(Name=name),
    }


@scenario
def anomaly_detector_lifecycle(world, protocol):
    dimensions = [{"Name": "DimensionName", "Value": "DimensionValue"}]
    metric = {"Namespace": "MyNamespace", "MetricName": "MyMetric", "Stat": "Sum", "Dimensions": dimensions}
    made = world.put_anomaly_detector(**metric)
    shown = world.describe_anomaly_detectors(Namespace="MyNamespace")
    return {
        "create_anomaly_detector": made, "describe_anomaly_detector": shown,
        "delete_anomaly_detector": world.delete_anomaly_detector(**metric),
    }


@scenario
def set_alarm(world, protocol):
    (alarm, _), (ok, _) = world.topic(), world.topic()
    name, _ = plain_alarm(
        world, AlarmDescription="Test Alarm when CPU exceeds 50 percent", MetricName="CPUUtilization-3", Statistic="Average", Period=300,
        Dimensions=[{"Name": "InstanceId", "Value": "i-0317828c84edbe100"}], EvaluationPeriods=2, Threshold=50, Unit="Percent",
        TreatMissingData="ignore", AlarmActions=[alarm], OKActions=[ok],
    )
    world.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="testing alarm")
    triggered = world.alarm(name)
    world.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="resetting alarm")
    return {"triggered-alarm": triggered, "reset-alarm": world.alarm(name)}


@scenario
def set_alarm_invalid_input(world, protocol):
    name, _ = plain_alarm(world)
    return {
        "error-invalid-state": world.set_alarm_state(AlarmName=name, StateValue="INVALID", StateReason="test"),
        "error-resource-not-found": world.set_alarm_state(AlarmName=world.name("none"), StateValue="OK", StateReason="test"),
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("recorded") / "data", "--test-clock", START, "--firehose", "recorded=s3://recorded")
    server.data_dir.mkdir()
    yield server.start()
    World.clients.clear()
    server.stop()


@pytest.mark.skipif(not CASES, reason=f"no recordings in {recorded.folder()}; set KEYWATCH_SHARED to the shared data")
@pytest.mark.parametrize("name", sorted(CASES.keys() - ABSENT.keys()))
def test_as_recorded(server, name):
    function, arguments = re.fullmatch(r"\w+\.(\w+)(?:\[(.+)\])?", name).groups()
    arguments = (arguments or "").replace("smithy-rpc-v2-cbor", "cbor").split("-") if arguments else []
    protocol = arguments[0] if arguments else "json"
    ours = SCENARIOS[function.removeprefix("test_")](World(server, protocol), *arguments)
    found = recorded.compare(CASES[name], ours, Matcher())
    known = KNOWN.get(name, {})
    surprising = [difference for difference in found if difference.partition(": ")[0] not in known]
    assert not surprising, "\n".join(surprising)
    gone = known.keys() - {difference.partition(": ")[0] for difference in found}
    assert not gone, f"no difference any more: take {sorted(gone)} out of KNOWN"


@pytest.mark.skipif(not CASES, reason="no recordings")
def test_known_differences_are_of_recorded_cases():
    assert KNOWN.keys() | ABSENT.keys() <= CASES.keys()
