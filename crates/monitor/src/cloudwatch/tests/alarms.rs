//! Alarms of every type: expressions, groups, composites, suppressors and mute rules.

use super::*;
use crate::entry::{Body, Message, Target};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:alerts";

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}")
}

impl World {
    /// Subjects of messages, in the order of the log.
    async fn subjects(&self) -> Vec<String> {
        let entries = self.rehearsal.entries(EntryKind::Message).await;
        entries.iter().map(|entry| Message::read(entry).unwrap().subject.unwrap_or_default()).collect()
    }

    async fn last_message(&self) -> Value {
        let entries = self.rehearsal.entries(EntryKind::Message).await;
        let message = Message::read(entries.last().unwrap()).unwrap();
        let forms: Value = serde_json::from_str(&message.body).unwrap();
        serde_json::from_str(forms["default"].as_str().unwrap()).unwrap()
    }

    async fn set(&self, name: &str, value: &str) {
        let state = json!({"AlarmName": name, "StateValue": value, "StateReason": "a test"});
        self.ok("SetAlarmState", state).await;
        self.rehearsal.settle().await;
    }

    /// An alarm nothing evaluates: its metric has no data, and missing data keep its state.
    async fn child(&self, name: &str) {
        self.put_alarm(
            json!({"AlarmName": name, "MetricName": name, "AlarmActions": [], "TreatMissingData": "ignore"}),
        )
        .await;
    }

    async fn composite(&self, name: &str, rule: &str, more: Value) {
        let mut alarm = json!({"AlarmName": name, "AlarmRule": rule, "AlarmActions": [TOPIC]});
        alarm.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ok("PutCompositeAlarm", alarm).await;
        self.rehearsal.settle().await;
    }

    async fn described(&self, name: &str) -> Value {
        self.rehearsal.settle().await;
        let ask = json!({"AlarmNames": [name], "AlarmTypes": ["CompositeAlarm", "MetricAlarm"]});
        let answer = self.ok("DescribeAlarms", ask).await;
        let found = |list: &str| answer[list].as_array().unwrap().first().cloned();
        found("CompositeAlarms").or_else(|| found("MetricAlarms")).unwrap_or(Value::Null)
    }

    async fn value(&self, name: &str) -> String {
        self.described(name).await["StateValue"].as_str().unwrap_or_default().to_owned()
    }

    async fn put_for(&self, key: &str, value: f64) {
        let datum =
            json!({"MetricName": "Calls", "Value": value, "Dimensions": [{"Name": "KeyArn", "Value": key}]});
        self.ok("PutMetricData", json!({"Namespace": "App", "MetricData": [datum]})).await;
    }

    async fn minutes(&self, minutes: i64) {
        self.rehearsal.advance(SignedDuration::from_mins(minutes)).await;
    }

    #[track_caller]
    fn refusal(outcome: Result<Value, Fault>) -> String {
        outcome.expect_err("a refusal").message.unwrap_or_default()
    }
}

/// An alarm on queries, without what is only for alarms on one metric.
fn on_queries(name: &str, metrics: Value) -> Value {
    json!({
        "AlarmName": name, "Metrics": metrics, "EvaluationPeriods": 1, "Threshold": 3, "TreatMissingData": "notBreaching",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": [TOPIC], "OKActions": [TOPIC]
    })
}

#[tokio::test]
async fn an_expression_is_watched() {
    let world = World::begin().await;
    let stat = json!({"Metric": {"Namespace": "App", "MetricName": "Calls"}, "Period": 60, "Stat": "Sum"});
    let metrics = json!([
        {"Id": "e1", "Expression": "m1 * 2", "Label": "Twice", "ReturnData": true},
        {"Id": "m1", "MetricStat": stat, "ReturnData": false}
    ]);
    world.ok("PutMetricAlarm", on_queries("math", metrics.clone())).await;
    world.put(1.0).await;
    assert_eq!(world.value("math").await, "INSUFFICIENT_DATA");
    // Twice a sum of what is not negative can only grow: the running period is over the threshold for certain.
    world.put(1.0).await;
    assert_eq!(world.value("math").await, "ALARM");
    world.minutes(1).await;
    let alarm = world.described("math").await;
    assert_eq!(alarm["StateValue"], "ALARM");
    assert_eq!(
        alarm["StateReason"],
        "Threshold Crossed: 1 datapoint [4.0 (14/09/26 11:00:00)] was greater than or equal to the threshold (3.0)."
    );
    assert_eq!((&alarm["Metrics"], alarm.get("MetricName"), alarm.get("Period")), (&metrics, None, None));
    let data: Value = serde_json::from_str(alarm["StateReasonData"].as_str().unwrap()).unwrap();
    assert_eq!(data["recentDatapoints"], json!([4.0]));
    assert_eq!((data.get("statistic"), data["evaluatedDatapoints"][0].get("sampleCount")), (None, None));
    let message = world.last_message().await;
    assert_eq!(message["Trigger"]["Metrics"][0]["Expression"], "m1 * 2");
    assert_eq!(message["Trigger"].get("MetricName"), None);
    let event = world.state_changes().await.pop().unwrap();
    assert_eq!(event["configuration"]["metrics"][0]["expression"], "m1 * 2");
    world.minutes(10).await;
    assert_eq!(world.value("math").await, "OK");
    let metric = json!({"Namespace": "App", "MetricName": "Calls"});
    assert_eq!(world.ok("DescribeAlarmsForMetric", metric).await["MetricAlarms"], json!([]));
}

#[tokio::test]
async fn every_group_is_a_contributor() {
    let world = World::begin().await;
    let query = "SELECT SUM(Calls) FROM SCHEMA(App, KeyArn) GROUP BY KeyArn";
    let metrics = json!([{"Id": "q1", "Expression": query, "Period": 60}]);
    world.ok("PutMetricAlarm", on_queries("keys", metrics)).await;
    for (key, value) in [("k1", 5.0), ("k2", 1.0), ("k3", 9.0)] {
        world.put_for(key, value).await;
    }
    world.minutes(1).await;
    let alarm = world.described("keys").await;
    assert_eq!(
        (&alarm["StateValue"], &alarm["StateReason"]),
        (&json!("ALARM"), &json!("2 out of 3 time series evaluated to ALARM"))
    );
    let contributors =
        world.ok("DescribeAlarmContributors", json!({"AlarmName": "keys"})).await["AlarmContributors"].take();
    let mut keys: Vec<&str> = contributors
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["ContributorAttributes"]["KeyArn"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["k1", "k3"]);
    assert_eq!(contributors[0]["ContributorId"].as_str().unwrap().len(), 16);
    let reason = contributors[0]["StateReason"].as_str().unwrap();
    assert!(
        reason.starts_with(
            "Threshold Crossed: 1 datapoint was greater than or equal to the threshold (3.0). The most"
        ),
        "{reason}"
    );
    assert_eq!(world.subjects().await, ["ALARM: \"keys\" in US East (N. Virginia)"; 2]);
    assert_eq!(world.last_message().await["AlarmContributorAttributes"].as_object().unwrap().len(), 1);
    let kinds = |kind: &str| json!({"AlarmName": "keys", "HistoryItemType": kind});
    assert_eq!(
        world.history(kinds("AlarmContributorStateUpdate")).await,
        ["Alarm updated from OK to ALARM"; 2]
    );
    assert_eq!(world.history(kinds("AlarmContributorAction")).await.len(), 2);
    assert_eq!(world.history(kinds("Action")).await, [""; 0]);

    world.put_for("k1", 7.0).await;
    world.minutes(3).await;
    let alarm = world.described("keys").await;
    assert_eq!(
        (&alarm["StateValue"], &alarm["StateReason"]),
        (&json!("ALARM"), &json!("1 out of 1 time series evaluated to ALARM"))
    );
    assert_eq!(world.subjects().await.len(), 3);
    assert_eq!(world.last_message().await["NewStateReason"], "No data was returned for this contributor");
    world.minutes(5).await;
    assert_eq!(world.value("keys").await, "OK");
    let none = world.ok("DescribeAlarmContributors", json!({"AlarmName": "keys"})).await;
    assert_eq!(none["AlarmContributors"], json!([]));
    let missing = world.run("DescribeAlarmContributors", json!({"AlarmName": "nobody"})).await;
    assert_eq!(World::code(missing), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_composite_follows_its_children() {
    let world = World::begin().await;
    world.child("a").await;
    world.child("b").await;
    world.composite("both", "ALARM(a) AND ALARM(\"b\")", json!({})).await;
    let alarm = world.described("both").await;
    assert_eq!(alarm["StateValue"], "OK");
    assert_eq!(
        alarm["StateReason"],
        format!("{} was created and its alarm rule evaluates to OK", arn("both"))
    );
    world.set("a", "ALARM").await;
    assert_eq!(world.value("both").await, "OK");
    world.minutes(1).await;
    world.set("b", "ALARM").await;
    let alarm = world.described("both").await;
    assert_eq!(alarm["StateValue"], "ALARM");
    let reason = format!("{} transitioned to ALARM at Monday 14 September, 2026 11:01:00 UTC", arn("b"));
    assert_eq!(alarm["StateReason"], reason);
    let triggering = json!({"triggeringAlarms": [{"arn": arn("b"), "state": {"value": "ALARM", "timestamp": "2026-09-14T11:01:00.000+0000"}}]});
    assert_eq!(
        serde_json::from_str::<Value>(alarm["StateReasonData"].as_str().unwrap()).unwrap(),
        triggering
    );
    assert_eq!(world.last_message().await["TriggeringChildren"][0]["Arn"], arn("b"));
    let event = world.state_changes().await.pop().unwrap();
    assert_eq!(event["configuration"], json!({"alarmRule": "ALARM(a) AND ALARM(\"b\")"}));

    // A state that is set by hand stays until a child changes.
    world.set("both", "OK").await;
    world.minutes(3).await;
    assert_eq!(world.value("both").await, "OK");
    world.composite("above", "ALARM(both) OR AT_LEAST(1, NOT OK, (a, b))", json!({})).await;
    assert_eq!(world.value("above").await, "ALARM");
    world.set("a", "OK").await;
    world.set("b", "OK").await;
    assert_eq!((world.value("both").await, world.value("above").await), ("OK".into(), "OK".into()));
}

#[tokio::test]
async fn relatives_and_what_composites_refuse() {
    let world = World::begin().await;
    world.child("a").await;
    world.child("b").await;
    world.composite("both", "ALARM(a) OR ALARM(b)", json!({})).await;
    let children = world.ok("DescribeAlarms", json!({"ChildrenOfAlarmName": "both", "MaxRecords": 1})).await;
    let relative = children["MetricAlarms"][0].as_object().unwrap();
    assert_eq!(
        relative.keys().collect::<Vec<_>>(),
        ["AlarmArn", "AlarmName", "StateUpdatedTimestamp", "StateValue"]
    );
    let rest = json!({"ChildrenOfAlarmName": "both", "MaxRecords": 1, "NextToken": children["NextToken"]});
    assert_eq!(world.ok("DescribeAlarms", rest).await["MetricAlarms"][0]["AlarmName"], "b");
    let parents = world.ok("DescribeAlarms", json!({"ParentsOfAlarmName": "a"})).await;
    assert_eq!(parents["CompositeAlarms"], json!([{"AlarmName": "both", "AlarmArn": arn("both")}]));
    let both = world.run("DescribeAlarms", json!({"ParentsOfAlarmName": "a", "StateValue": "OK"})).await;
    assert_eq!(World::code(both), "InvalidParameterCombination");
    assert_eq!(world.ok("DescribeAlarms", json!({})).await["CompositeAlarms"], json!([]));

    let kept = world.run("DeleteAlarms", json!({"AlarmNames": ["a"]})).await;
    assert_eq!(World::refusal(kept), "Cannot delete a as there are composite alarm(s) depending on it.");
    let put = async |rule: &str, more: Value| {
        let mut alarm = json!({"AlarmName": "both", "AlarmRule": rule});
        alarm.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        World::refusal(world.run("PutCompositeAlarm", alarm).await)
    };
    assert_eq!(
        put("ALARM(gone)", json!({})).await,
        format!(
            "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
            arn("gone")
        )
    );
    assert!(
        put("ALARM(both)", json!({}))
            .await
            .starts_with("A composite alarm cannot have a child relation with itself")
    );
    assert!(
        put("alarm(a)", json!({}))
            .await
            .starts_with("Error in AlarmRule [Unsupported token 'alarm' at char 0")
    );
    assert!(put("TRUE", json!({"ActionsSuppressor": "a"})).await.contains("are required"));
    assert!(
        put("TRUE", json!({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}))
            .await
            .contains("not supported")
    );
    assert!(put("TRUE", json!({"AlarmName": "a"})).await.contains("already exists"));

    // A cycle of two is accepted, not evaluated, and cannot be deleted before it is broken.
    world.composite("other", "ALARM(both)", json!({})).await;
    world.composite("both", "ALARM(other) OR ALARM(a)", json!({})).await;
    world.set("a", "ALARM").await;
    assert_eq!(world.value("both").await, "OK");
    let kept = world.run("DeleteAlarms", json!({"AlarmNames": ["other"]})).await;
    assert!(World::refusal(kept).starts_with("Cannot delete other"));
    world.composite("both", "FALSE", json!({})).await;
    let two = world.run("DeleteAlarms", json!({"AlarmNames": ["both", "other"]})).await;
    assert_eq!(World::code(two), "ValidationError");
    world.ok("DeleteAlarms", json!({"AlarmNames": ["other"]})).await;
    world.ok("DeleteAlarms", json!({"AlarmNames": ["a", "b", "both"]})).await;
    let history = json!({"AlarmTypes": ["CompositeAlarm"], "HistoryItemType": "ConfigurationUpdate"});
    assert_eq!(world.history(history).await.len(), 6);
}

#[tokio::test]
async fn a_suppressor_keeps_actions_back() {
    let world = World::begin().await;
    for name in ["a", "deploying"] {
        world.child(name).await;
    }
    let suppressor = json!({"ActionsSuppressor": arn("deploying"), "ActionsSuppressorWaitPeriod": 120, "ActionsSuppressorExtensionPeriod": 60});
    world.composite("c", "ALARM(a)", suppressor).await;
    world.minutes(10).await;
    world.set("a", "ALARM").await;
    let suppressed = async || world.described("c").await["ActionsSuppressedBy"].clone();
    assert_eq!((world.value("c").await.as_str(), suppressed().await), ("ALARM", json!("WaitPeriod")));
    let event = world.state_changes().await.pop().unwrap();
    assert_eq!(event["state"]["actionsSuppressedBy"], "WaitPeriod");
    world.minutes(1).await;
    world.set("deploying", "ALARM").await;
    assert_eq!(suppressed().await, "Alarm");
    world.minutes(60).await;
    assert_eq!(world.subjects().await, [""; 0]);
    world.set("deploying", "OK").await;
    assert_eq!(suppressed().await, "ExtensionPeriod");
    world.minutes(1).await;
    assert_eq!(world.subjects().await, ["ALARM: \"c\" in US East (N. Virginia)"]);
    assert_eq!(suppressed().await, Value::Null);
    assert_eq!(world.last_message().await["ActionExecutedAfterMuteWindow"], false);

    // Nobody suppresses: the wait ends by itself.
    world.ok("SetAlarmState", json!({"AlarmName": "c", "StateValue": "OK", "StateReason": "x"})).await;
    world.set("c", "ALARM").await;
    world.minutes(1).await;
    assert_eq!(world.subjects().await.len(), 1);
    world.minutes(1).await;
    assert_eq!(world.subjects().await.len(), 2);
}

#[tokio::test]
async fn a_mute_rule_keeps_actions_back() {
    let world = World::begin().await;
    world.put_alarm(json!({"OKActions": [TOPIC]})).await;
    let rule = |expression: &str| {
        json!({
            "Name": "maintenance", "Rule": {"Schedule": {"Expression": expression, "Duration": "PT1H"}},
            "MuteTargets": {"AlarmNames": ["Runaway"]}, "Tags": [{"Key": "team", "Value": "a"}]
        })
    };
    world.ok("PutAlarmMuteRule", rule("at(2026-09-14T11:00)")).await;
    let asked = world.ok("GetAlarmMuteRule", json!({"AlarmMuteRuleName": "maintenance"})).await;
    assert_eq!((&asked["Status"], &asked["MuteType"]), (&json!("ACTIVE"), &json!("ONE_TIME")));
    world.put(9.0).await;
    assert_eq!(world.value("Runaway").await, "ALARM");
    let event = world.state_changes().await.pop().unwrap();
    assert_eq!(event["muteDetail"]["mutedByArn"], asked["AlarmMuteRuleArn"]);
    for _ in 0..59 {
        world.put(9.0).await;
        world.minutes(1).await;
    }
    assert_eq!(world.subjects().await, [""; 0]);
    world.minutes(1).await;
    assert_eq!(world.subjects().await, ["ALARM: \"Runaway\" in US East (N. Virginia)"]);
    assert_eq!(world.last_message().await["ActionExecutedAfterMuteWindow"], true);

    let list = async |filter: Value| {
        let answer = world.ok("ListAlarmMuteRules", filter).await;
        answer["AlarmMuteRuleSummaries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["Status"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(json!({"AlarmName": "Runaway"})).await, ["EXPIRED"]);
    assert_eq!(list(json!({"AlarmName": "Other"})).await, [""; 0]);
    assert_eq!(list(json!({"Statuses": ["ACTIVE", "SCHEDULED"]})).await, [""; 0]);
    world.ok("PutAlarmMuteRule", rule("cron(0 12 * * *)")).await;
    assert_eq!(list(json!({})).await, ["ACTIVE"]);
    world.minutes(10).await;
    assert_eq!((world.value("Runaway").await, world.subjects().await.len()), ("OK".into(), 1));
    world.ok("DeleteAlarmMuteRule", json!({"AlarmMuteRuleName": "maintenance"})).await;
    world.ok("DeleteAlarmMuteRule", json!({"AlarmMuteRuleName": "maintenance"})).await;
    // Something has to happen for the engine to look; in the server the call's own record does.
    world.put(0.0).await;
    assert_eq!(
        world.subjects().await,
        ["ALARM: \"Runaway\" in US East (N. Virginia)", "OK: \"Runaway\" in US East (N. Virginia)"]
    );
    let gone = world.run("GetAlarmMuteRule", json!({"AlarmMuteRuleName": "maintenance"})).await;
    assert_eq!(World::code(gone), "ResourceNotFoundException");
    let mut wrong = rule("cron(0 25 * * *)");
    assert_eq!(World::code(world.run("PutAlarmMuteRule", wrong.clone()).await), "ValidationError");
    wrong["Rule"]["Schedule"]["Expression"] = json!("cron(0 2 * * *)");
    wrong["MuteTargets"]["AlarmNames"] = json!(["nobody"]);
    assert_eq!(World::code(world.run("PutAlarmMuteRule", wrong).await), "ValidationError");
}

#[tokio::test]
async fn functions_and_scaling_policies_are_handed_over() {
    let world = World::begin().await;
    let function = "arn:aws:lambda:us-east-1:000000000000:function:f:1";
    let policy =
        "arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:1:autoScalingGroupName/g:policyName/p";
    let stop = "arn:aws:automate:us-east-1:ec2:stop";
    world.put_alarm(json!({"AlarmActions": [function, policy, stop]})).await;
    world.put(5.0).await;
    let entries = world.rehearsal.entries(EntryKind::Message).await;
    let messages: Vec<Message> = entries.iter().map(|entry| Message::read(entry).unwrap()).collect();
    let targets: Vec<&Target> = messages.iter().map(|message| &message.target).collect();
    assert_eq!(targets, [&Target::Elsewhere(function.into()), &Target::Elsewhere(policy.into())]);
    let invocation: Value = serde_json::from_str(&messages[0].body).unwrap();
    assert_eq!(invocation["alarmData"]["state"]["value"], "ALARM");
    assert_eq!(invocation["alarmArn"], ALARM_ARN);
    let history = world.history(json!({"HistoryItemType": "Action"})).await;
    assert!(history.contains(&format!("Successfully executed action {function}")), "{history:?}");
    assert!(history.contains(&format!("Failed to execute action {stop}")), "{history:?}");
}
