"""Alarms of every type with boto3, the AWS CLI, and the three protocols bare; a test clock moves them."""

import datetime
import json

import boto3
import botocore.exceptions
import botocore.parsers
import pytest

import models
from bare import Bare
from harness import ACCOUNT, REGION, Aws, Refused, Server


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("alarms") / "data", "--test-clock", "2026-11-02T08:00:00Z")
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(world):
    return clients(world, "cloudwatch")


@pytest.fixture(scope="module")
def told(world):
    """A topic, and what its subscribed queue got since this was last asked."""
    sns, sqs = clients(world, "sns"), clients(world, "sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    url = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:alerts"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def received():
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    received.topic = topic
    return received


def clients(world, service):
    exports = world.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def arn(name):
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def put(client, namespace, value, **dimensions):
    given = [{"Name": name, "Value": text} for name, text in dimensions.items()]
    client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "Calls", "Value": value, "Dimensions": given}])


def alarm_of(client, name):
    found = client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return (found["MetricAlarms"] + found["CompositeAlarms"])[0]


def still(client, name, **options):
    """An alarm whose metric never has data, so that only hands move it."""
    client.put_metric_alarm(
        AlarmName=name, Namespace="Still", MetricName=name, Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore", **options,
    )


def move(client, name, value):
    client.set_alarm_state(AlarmName=name, StateValue=value, StateReason="by hand")


def settled(world):
    """Everything that follows from calls so far has happened."""
    world.advance("1s")


def test_metric_math(world, client, told):
    stat = {"Metric": {"Namespace": "Math", "MetricName": "Calls"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "e1", "Expression": "m1 / 2", "Label": "Half", "ReturnData": True},
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
    ]
    client.put_metric_alarm(
        AlarmName="math", Metrics=metrics, EvaluationPeriods=2, DatapointsToAlarm=1, Threshold=4, TreatMissingData="notBreaching",
        ComparisonOperator="GreaterThanThreshold", AlarmActions=[told.topic],
    )
    put(client, "Math", 10)
    world.advance("1m")
    alarm = alarm_of(client, "math")
    assert alarm["StateValue"] == "ALARM" and alarm["Metrics"] == metrics and "MetricName" not in alarm
    assert alarm["StateReason"].startswith("Threshold Crossed: 1 out of the last 2 datapoints [5.0 (02/11/26 08:00:00)] was greater")
    [message] = told()
    assert message["AlarmName"] == "math" and message["Trigger"]["Metrics"][0]["Expression"] == "m1 / 2"
    world.advance("10m")
    assert alarm_of(client, "math")["StateValue"] == "OK"
    with pytest.raises(botocore.exceptions.ClientError, match="SEARCH is not supported on Metric Alarms."):
        client.put_metric_alarm(
            AlarmName="search", Metrics=[{"Id": "e1", "Expression": "SUM(SEARCH('{Math} Calls', 'Sum', 60))"}], EvaluationPeriods=1,
            Threshold=1, ComparisonOperator="GreaterThanThreshold",
        )


def test_contributors(world, client, told):
    query = "SELECT SUM(Calls) FROM SCHEMA(Groups, KeyArn) GROUP BY KeyArn ORDER BY SUM() DESC"
    client.put_metric_alarm(
        AlarmName="groups", Metrics=[{"Id": "q1", "Expression": query, "Period": 60}], EvaluationPeriods=1, Threshold=5,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", AlarmActions=[told.topic], OKActions=[told.topic],
    )
    for key, value in {"k1": 9, "k2": 1}.items():
        put(client, "Groups", value, KeyArn=key)
    world.advance("1m")
    assert alarm_of(client, "groups")["StateReason"] == "1 out of 2 time series evaluated to ALARM"
    [contributor] = client.describe_alarm_contributors(AlarmName="groups")["AlarmContributors"]
    assert contributor["ContributorAttributes"] == {"KeyArn": "k1"} and len(contributor["ContributorId"]) == 16
    [message] = told()
    assert message["AlarmContributorId"] == contributor["ContributorId"] and message["NewStateValue"] == "ALARM"
    items = client.describe_alarm_history(AlarmName="groups", AlarmContributorId=contributor["ContributorId"])["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in items] == ["AlarmContributorAction", "AlarmContributorStateUpdate"]
    assert items[0]["AlarmContributorAttributes"] == {"KeyArn": "k1"}
    for protocol in ("json", "query", "cbor"):
        assert answer(world, protocol, "DescribeAlarmContributors", {"AlarmName": "groups"})["AlarmContributors"] == [contributor]
    world.advance("10m")
    [message] = told()
    assert (message["NewStateValue"], message["NewStateReason"]) == ("OK", "No data was returned for this contributor")


def test_composites(world, client, told):
    for name in ("disk", "cpu"):
        still(client, name)
    rule = f'ALARM("{arn("disk")}") AND NOT OK(cpu)'
    client.put_composite_alarm(
        AlarmName="both", AlarmRule=rule, AlarmActions=[told.topic], OKActions=[told.topic], Tags=[{"Key": "team", "Value": "a"}]
    )
    settled(world)
    assert alarm_of(client, "both")["StateReason"] == f"{arn('both')} was created and its alarm rule evaluates to OK"
    assert [message["NewStateValue"] for message in told()] == ["OK"]
    move(client, "disk", "ALARM")
    settled(world)
    alarm = alarm_of(client, "both")
    assert alarm["StateValue"] == "ALARM" and alarm["AlarmRule"] == rule
    [trigger] = json.loads(alarm["StateReasonData"])["triggeringAlarms"]
    assert trigger["arn"] == arn("disk") and trigger["state"]["value"] == "ALARM"
    [message] = told()
    assert list(message)[:3] == ["AlarmName", "AlarmDescription", "AWSAccountId"] and message["AlarmRule"] == rule
    assert message["TriggeringChildren"][0]["Arn"] == arn("disk")
    children = client.describe_alarms(ChildrenOfAlarmName="both")["MetricAlarms"]
    assert [(child["AlarmName"], child["StateValue"]) for child in children] == [("cpu", "INSUFFICIENT_DATA"), ("disk", "ALARM")]
    assert [parent["AlarmName"] for parent in client.describe_alarms(ParentsOfAlarmName="cpu")["CompositeAlarms"]] == ["both"]
    assert client.list_tags_for_resource(ResourceARN=arn("both"))["Tags"] == [{"Key": "team", "Value": "a"}]
    with pytest.raises(botocore.exceptions.ClientError, match="Cannot delete cpu as there are composite"):
        client.delete_alarms(AlarmNames=["cpu"])
    history = client.describe_alarm_history(AlarmName="both", AlarmTypes=["CompositeAlarm"], HistoryItemType="StateUpdate")
    assert [item["HistorySummary"] for item in history["AlarmHistoryItems"]] == [
        "Alarm updated from OK to ALARM", "Alarm updated from INSUFFICIENT_DATA to OK",
    ]
    for protocol in ("json", "query", "cbor"):
        found = answer(world, protocol, "DescribeAlarms", {"AlarmTypes": ["CompositeAlarm"], "AlarmNamePrefix": "bo"})
        assert [one["AlarmRule"] for one in found["CompositeAlarms"]] == [rule]


def test_a_suppressor(world, client, told):
    for name in ("broken", "deploying"):
        still(client, name)
    client.put_composite_alarm(
        AlarmName="calm", AlarmRule="ALARM(broken)", AlarmActions=[told.topic], ActionsSuppressor="deploying",
        ActionsSuppressorWaitPeriod=60, ActionsSuppressorExtensionPeriod=120,
    )
    world.advance("5m")
    move(client, "broken", "ALARM")
    settled(world)
    assert alarm_of(client, "calm")["ActionsSuppressedBy"] == "WaitPeriod"
    move(client, "deploying", "ALARM")
    world.advance("1h")
    assert alarm_of(client, "calm")["ActionsSuppressedBy"] == "Alarm"
    move(client, "deploying", "OK")
    world.advance("1m")
    assert alarm_of(client, "calm")["ActionsSuppressedBy"] == "ExtensionPeriod" and told() == []
    world.advance("1m")
    assert [message["AlarmName"] for message in told()] == ["calm"]
    assert "ActionsSuppressedBy" not in alarm_of(client, "calm")


def test_mute_rules(world, client, told):
    still(client, "night", AlarmActions=[told.topic])
    schedule = {"Expression": "cron(0 22 * * *)", "Duration": "PT8H", "Timezone": "UTC"}
    client.put_alarm_mute_rule(Name="nights", Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": ["night"]})
    rule = client.get_alarm_mute_rule(AlarmMuteRuleName="nights")
    assert (rule["Status"], rule["MuteType"], rule["Rule"]["Schedule"]) == ("SCHEDULED", "RECURRING", schedule)
    world.advance("14h")
    for protocol in ("json", "query", "cbor"):
        [found] = answer(world, protocol, "ListAlarmMuteRules", {"AlarmName": "night"})["AlarmMuteRuleSummaries"]
        assert found["Status"] == "ACTIVE" and found["AlarmMuteRuleArn"] == rule["AlarmMuteRuleArn"]
    move(client, "night", "ALARM")
    settled(world)
    assert alarm_of(client, "night")["StateValue"] == "ALARM" and told() == []
    client.delete_alarm_mute_rule(AlarmMuteRuleName="nights")
    settled(world)
    [message] = told()
    assert message["AlarmName"] == "night" and message["ActionExecutedAfterMuteWindow"] is True
    with pytest.raises(botocore.exceptions.ClientError) as gone:
        client.get_alarm_mute_rule(AlarmMuteRuleName="nights")
    assert gone.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_functions_are_kept_in_the_outbox(world, client):
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:page"
    still(client, "pager", AlarmActions=[function])
    move(client, "pager", "ALARM")
    settled(world)
    items = client.describe_alarm_history(AlarmName="pager", HistoryItemType="Action")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [f"Successfully executed action {function}"]
    assert function in world.keywatch("outbox")


def test_the_command_line(world):
    aws = Aws(world)
    aws("cloudwatch", "put-metric-alarm", alarm_name="cli", namespace="Cli", metric_name="n", statistic="Sum", period="10",
        evaluation_periods="3", threshold="1", comparison_operator="GreaterThanThreshold")
    aws("cloudwatch", "put-composite-alarm", alarm_name="cli-both", alarm_rule="AT_LEAST(1, ALARM, (cli, cli))")
    settled(world)
    found = aws("cloudwatch", "describe-alarms", "--alarm-types", "CompositeAlarm", "MetricAlarm", alarm_name_prefix="cli")
    assert [found[kind][0]["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms")] == ["cli", "cli-both"]
    with pytest.raises(Refused, match="must be: <EOF>, 'AND', 'OR'"):
        aws("cloudwatch", "put-composite-alarm", alarm_name="cli-both", alarm_rule="TRUE and FALSE")
    aws("cloudwatch", "delete-alarms", "--alarm-names", "cli", "cli-both")


def life(name):
    """Every operation on alarms, mute rules and detectors, in the order of a life."""
    metric = {"Namespace": "Wire", "MetricName": name, "Statistic": "Sum", "Period": 60}
    alarm = {"AlarmName": name, "EvaluationPeriods": 1, "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold"}
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    detector = {"Namespace": "Wire", "MetricName": name, "Stat": "Sum"}
    mute = {"Name": name, "Rule": {"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT1H"}}}
    return [
        ("PutMetricAlarm", alarm | metric | {"Tags": [{"Key": "team", "Value": "x"}], "Dimensions": [{"Name": "d", "Value": "v"}]}),
        ("PutCompositeAlarm", {"AlarmName": f"{name}-both", "AlarmRule": f"ALARM({name})"}),
        ("DescribeAlarms", {"AlarmNamePrefix": name, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}),
        ("DescribeAlarmsForMetric", {"Namespace": "Wire", "MetricName": name, "Dimensions": [{"Name": "d", "Value": "v"}]}),
        ("SetAlarmState", {"AlarmName": name, "StateValue": "ALARM", "StateReason": "tried", "StateReasonData": "{}"}),
        ("DescribeAlarms", {"AlarmNames": [name], "StateValue": "ALARM", "MaxRecords": 5}),
        ("DisableAlarmActions", {"AlarmNames": [name]}),
        ("EnableAlarmActions", {"AlarmNames": [name]}),
        ("DescribeAlarmHistory", {"AlarmName": name, "ScanBy": "TimestampAscending", "HistoryItemType": "StateUpdate"}),
        ("DescribeAlarmContributors", {"AlarmName": name}),
        ("TagResource", {"ResourceARN": arn, "Tags": [{"Key": "more", "Value": "y"}]}),
        ("UntagResource", {"ResourceARN": arn, "TagKeys": ["team"]}),
        ("ListTagsForResource", {"ResourceARN": arn}),
        ("PutAlarmMuteRule", mute),
        ("GetAlarmMuteRule", {"AlarmMuteRuleName": name}),
        ("ListAlarmMuteRules", {"AlarmName": name}),
        ("DeleteAlarmMuteRule", {"AlarmMuteRuleName": name}),
        ("PutAnomalyDetector", detector),
        ("DescribeAnomalyDetectors", {"Namespace": "Wire", "MetricName": name}),
        ("DeleteAnomalyDetector", detector),
        ("DeleteAlarms", {"AlarmNames": [f"{name}-both"]}),
        ("DeleteAlarms", {"AlarmNames": [name]}),
    ]


def test_every_operation_by_every_protocol(world):
    lives = {}
    for protocol in ("json", "query", "cbor"):
        name = f"wire-{protocol}"
        answers = [(operation, answer(world, protocol, operation, request)) for operation, request in life(name)]
        text = json.dumps(answers, default=lambda time: time.astimezone(datetime.timezone.utc).isoformat(), sort_keys=True)
        lives[protocol] = json.loads(text.replace(name, "wire"))
    for by_json, by_query, by_cbor in zip(*lives.values()):
        assert by_json == by_query, by_json[0]
        assert by_json == by_cbor, by_json[0]
    shown = dict(lives["json"])
    assert shown["DescribeAlarmsForMetric"]["MetricAlarms"][0]["Threshold"] == 1.5
    assert shown["DescribeAlarmHistory"]["AlarmHistoryItems"][-1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def answer(world, protocol, operation, request):
    """The answer in one of the protocols, read by botocore."""
    model = models.of("cloudwatch")
    bare = Bare(world, model, protocol)
    status, body = bare.exchange(operation, bare.body(operation, request))
    assert status == 200, body
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor" if protocol == "cbor" else protocol)
    headers = {"smithy-protocol": "rpc-v2-cbor"} if protocol == "cbor" else {}
    parsed = parser.parse({"status_code": 200, "headers": headers, "body": body}, model.operation_model(operation).output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed
