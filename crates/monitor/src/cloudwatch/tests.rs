//! CloudWatch through its dispatch, with the followers running and time moved by hand.

use jiff::{SignedDuration, ToSpan};
use keywatch_api::Service;
use keywatch_store::EntryKind;
use serde_json::{Value, json};

use super::*;
use crate::{
    alarms::reconcile::AlarmReconciler, engine::Follower, metrics::follower::MetricsFollower,
    rehearsal::Rehearsal,
};

const ALARM_ARN: &str = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:Runaway";

mod alarms;
mod bands;

struct World {
    rehearsal: Rehearsal,
    service: CloudWatch,
}

impl World {
    async fn begin() -> Self {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let rehearsal = Rehearsal::begin(async |store| {
            let live = LiveSeries::load(&store).await?;
            let now = "2026-09-14T11:00:00Z".parse().unwrap();
            let followers: Vec<Box<dyn Follower>> = vec![
                Box::new(MetricsFollower::new(store.clone(), Arc::clone(&live), now)),
                Box::new(AlarmReconciler::new(store, Arc::clone(&live))),
            ];
            sender.send(live).unwrap();
            Ok(followers)
        })
        .await;
        let service = CloudWatch::new(receiver.await.unwrap(), Some(rehearsal.engine.clone()));
        Self { rehearsal, service }
    }

    async fn run(&self, operation: &'static str, body: Value) -> Result<Value, Fault> {
        let op = CloudWatchOperation::from_name(operation).unwrap();
        let service = &self.service;
        self.rehearsal
            .call(Service::CloudWatch, operation, &body, async |wire, call| {
                dispatch(op, wire, call, service).await
            })
            .await
    }

    async fn ok(&self, operation: &'static str, body: Value) -> Value {
        self.run(operation, body).await.unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    #[track_caller]
    fn code(outcome: Result<Value, Fault>) -> String {
        outcome.expect_err("a refusal").code_in_query().to_owned()
    }

    async fn put_alarm(&self, changes: Value) {
        let mut alarm = json!({
            "AlarmName": "Runaway", "Namespace": "App", "MetricName": "Calls", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 3, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching", "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:alerts"]
        });
        for (name, value) in changes.as_object().unwrap() {
            alarm[name] = value.clone();
        }
        self.ok("PutMetricAlarm", alarm).await;
    }

    async fn put(&self, value: f64) {
        self.ok(
            "PutMetricData",
            json!({"Namespace": "App", "MetricData": [{"MetricName": "Calls", "Value": value}]}),
        )
        .await;
    }

    async fn alarm(&self) -> Value {
        self.rehearsal.settle().await;
        self.ok("DescribeAlarms", json!({"AlarmNames": ["Runaway"]})).await["MetricAlarms"][0].clone()
    }

    /// The details of the events of changed states, in the order of the log.
    async fn state_changes(&self) -> Vec<Value> {
        let entries = self.rehearsal.entries(EntryKind::Event).await;
        let event = |entry| {
            let event: crate::entry::Event = crate::entry::Body::read(entry).unwrap();
            serde_json::from_str::<Value>(&event.envelope).unwrap()
        };
        let events = entries
            .iter()
            .map(event)
            .filter(|event: &Value| event["detail-type"] == "CloudWatch Alarm State Change");
        events.map(|mut event| event["detail"].take()).collect()
    }

    async fn history(&self, filter: Value) -> Vec<String> {
        let answer = self.ok("DescribeAlarmHistory", filter).await;
        let items = answer["AlarmHistoryItems"].as_array().unwrap();
        items.iter().map(|item| item["HistorySummary"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn data_are_read_back_at_once() {
    let world = World::begin().await;
    world.put(2.0).await;
    world.put(4.0).await;
    let now = world.rehearsal.now();
    let range =
        json!({"StartTime": (now - 10.minutes()).to_string(), "EndTime": (now + 1.minutes()).to_string()});
    let mut ask = json!({"Namespace": "App", "MetricName": "Calls", "Period": 60, "Statistics": ["Sum", "SampleCount"]});
    ask.as_object_mut().unwrap().extend(range.as_object().unwrap().clone());
    let statistics = world.ok("GetMetricStatistics", ask).await;
    assert_eq!(
        statistics,
        json!({"Label": "Calls", "Datapoints": [
            {"Timestamp": now.as_second() as f64, "Sum": 6.0, "SampleCount": 2.0, "Unit": "None"}
        ]})
    );
    let metrics = world.ok("ListMetrics", json!({"Namespace": "App"})).await;
    assert_eq!(metrics, json!({"Metrics": [{"Namespace": "App", "MetricName": "Calls", "Dimensions": []}]}));
    let mut ask = json!({"MetricDataQueries": [
        {"Id": "q1", "Expression": "SELECT MAX(Calls) FROM SCHEMA(App)", "Period": 60},
        {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "Calls"}, "Period": 60, "Stat": "Average"}}
    ]});
    ask.as_object_mut().unwrap().extend(range.as_object().unwrap().clone());
    let data = world.ok("GetMetricData", ask).await;
    assert_eq!(data["MetricDataResults"][0]["Values"], json!([4.0]));
    assert_eq!(data["MetricDataResults"][1]["Values"], json!([3.0]));
    assert_eq!(data["MetricDataResults"][1]["StatusCode"], "Complete");
}

#[tokio::test]
async fn uses_of_keys_are_metrics() {
    let world = World::begin().await;
    let record = |key: &str| {
        json!({
            "eventSource": "kms.amazonaws.com", "eventName": "Encrypt", "eventTime": world.rehearsal.now().to_string(),
            "eventType": "AwsApiCall", "awsRegion": "us-east-1", "recipientAccountId": "000000000000",
            "userIdentity": {"accountId": "000000000000"},
            "resources": [{"ARN": format!("arn:aws:kms:us-east-1:000000000000:key/{key}")}]
        })
    };
    for (key, times) in [("a", 1), ("b", 5), ("c", 3)] {
        for _ in 0..times {
            world.rehearsal.record(&record(key)).await;
        }
    }
    let now = world.rehearsal.now();
    let sql = r#"SELECT SUM(SuccessfulRequest) FROM SCHEMA("AWS/KMS", KeyArn, Operation) GROUP BY KeyArn ORDER BY MAX () DESC LIMIT 20"#;
    let ask = json!({
        "StartTime": (now - 1.hours()).to_string(), "EndTime": (now + 1.hours()).to_string(),
        "MetricDataQueries": [{"Id": "q1", "Expression": sql.replace("MAX ()", "SUM()"), "Period": 3600}]
    });
    let data = world.ok("GetMetricData", ask).await;
    let results = data["MetricDataResults"].as_array().unwrap();
    let top: Vec<(&str, f64)> = results
        .iter()
        .map(|result| {
            (
                result["Label"].as_str().unwrap().rsplit('/').next().unwrap(),
                result["Values"][0].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(top, [("b", 5.0), ("c", 3.0), ("a", 1.0)]);
    let usage = world.ok("ListMetrics", json!({"Namespace": "AWS/Usage"})).await;
    assert_eq!(usage["Metrics"][0]["Dimensions"][1]["Value"], "CryptographicOperationsSymmetric");
}

#[tokio::test]
async fn an_alarm_lives() {
    let world = World::begin().await;
    world.put_alarm(json!({})).await;
    let alarm = world.alarm().await;
    assert_eq!(alarm["StateValue"], "INSUFFICIENT_DATA");
    assert_eq!(alarm["StateReason"], "Unchecked: Initial alarm creation");
    assert_eq!(alarm["AlarmArn"], ALARM_ARN);
    assert_eq!(alarm.get("DatapointsToAlarm"), None);

    world.put(2.0).await;
    assert_eq!(world.alarm().await["StateValue"], "INSUFFICIENT_DATA");
    world.put(2.0).await;
    let alarm = world.alarm().await;
    assert_eq!(alarm["StateValue"], "ALARM");
    let reason = "Threshold Crossed: 1 datapoint [4.0 (14/09/26 11:00:00)] was greater than or equal to the threshold (3.0).";
    assert_eq!(alarm["StateReason"], reason);
    assert_eq!(world.rehearsal.entries(EntryKind::Message).await.len(), 1);
    assert_eq!(world.state_changes().await.len(), 1);

    world.rehearsal.advance(SignedDuration::from_mins(10)).await;
    assert_eq!(world.alarm().await["StateValue"], "OK");
    world.put_alarm(json!({"Threshold": 100})).await;
    assert_eq!(world.alarm().await["StateValue"], "OK");
    world.ok("DeleteAlarms", json!({"AlarmNames": ["Runaway", "Nobody"]})).await;
    assert_eq!(world.alarm().await, Value::Null);
    let all = [
        "Alarm \"Runaway\" deleted",
        "Alarm \"Runaway\" updated",
        "Alarm updated from ALARM to OK",
        "Successfully executed action arn:aws:sns:us-east-1:000000000000:alerts",
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        "Alarm \"Runaway\" created",
    ];
    assert_eq!(world.history(json!({"AlarmName": "Runaway"})).await[2..], all[2..]);
    assert_eq!(world.history(json!({"HistoryItemType": "StateUpdate"})).await, [all[2], all[4]]);
    let mut oldest_first = all[2..].to_vec();
    oldest_first.reverse();
    assert_eq!(world.history(json!({"ScanBy": "TimestampAscending", "MaxRecords": 4})).await, oldest_first);
    assert_eq!(world.history(json!({"AlarmName": "Other"})).await, [""; 0]);
}

#[tokio::test]
async fn states_set_by_hand() {
    let world = World::begin().await;
    world.put_alarm(json!({})).await;
    let set = |value: &str| json!({"AlarmName": "Runaway", "StateValue": value, "StateReason": "a test", "StateReasonData": "{\"a\":1}"});
    world.ok("SetAlarmState", set("ALARM")).await;
    let alarm = world.alarm().await;
    assert_eq!((&alarm["StateValue"], &alarm["StateReason"]), (&json!("ALARM"), &json!("a test")));
    assert_eq!(world.rehearsal.entries(EntryKind::Message).await.len(), 1);
    world.ok("SetAlarmState", set("ALARM")).await;
    assert_eq!(world.rehearsal.entries(EntryKind::Message).await.len(), 1);
    world.rehearsal.advance(SignedDuration::from_mins(1)).await;
    assert_eq!(world.alarm().await["StateValue"], "OK");

    let mut bad = set("ALARM");
    bad["StateReasonData"] = json!("{");
    assert_eq!(World::code(world.run("SetAlarmState", bad).await), "InvalidFormat");
    let mut unknown = set("OK");
    unknown["AlarmName"] = json!("Nobody");
    assert_eq!(World::code(world.run("SetAlarmState", unknown).await), "ResourceNotFound");
}

#[tokio::test]
async fn alarms_are_found_by_what_they_are() {
    let world = World::begin().await;
    for name in ["Runaway", "Runaway-2", "Other"] {
        world.put_alarm(json!({"AlarmName": name, "Dimensions": [{"Name": "N", "Value": name}]})).await;
    }
    for (filter, want) in [
        (json!({}), vec!["Other", "Runaway", "Runaway-2"]),
        (json!({"AlarmNamePrefix": "Runaway"}), vec!["Runaway", "Runaway-2"]),
        (json!({"AlarmNames": ["Other", "Nobody"]}), vec!["Other"]),
        (json!({"StateValue": "OK"}), vec![]),
        (json!({"ActionPrefix": "arn:aws:sns:"}), vec!["Other", "Runaway", "Runaway-2"]),
        (json!({"AlarmTypes": ["CompositeAlarm"]}), vec![]),
    ] {
        let answer = world.ok("DescribeAlarms", filter.clone()).await;
        let names: Vec<_> = answer["MetricAlarms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["AlarmName"].as_str().unwrap())
            .collect();
        assert_eq!(names, want, "{filter}");
    }
    let first = world.ok("DescribeAlarms", json!({"MaxRecords": 2})).await;
    assert_eq!(first["MetricAlarms"].as_array().unwrap().len(), 2);
    let rest = world.ok("DescribeAlarms", json!({"MaxRecords": 2, "NextToken": first["NextToken"]})).await;
    assert_eq!(rest["MetricAlarms"][0]["AlarmName"], "Runaway-2");
    assert_eq!(rest.get("NextToken"), None);
    let refused = world.run("DescribeAlarms", json!({"NextToken": "x"})).await;
    assert_eq!(World::code(refused), "InvalidNextToken");
    let metric =
        json!({"Namespace": "App", "MetricName": "Calls", "Dimensions": [{"Name": "N", "Value": "Other"}]});
    let found = world.ok("DescribeAlarmsForMetric", metric).await;
    assert_eq!(found["MetricAlarms"][0]["AlarmName"], "Other");
    assert_eq!(found["MetricAlarms"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn actions_and_tags() {
    let world = World::begin().await;
    world.put_alarm(json!({"Tags": [{"Key": "team", "Value": "a"}]})).await;
    world.ok("DisableAlarmActions", json!({"AlarmNames": ["Runaway", "Nobody"]})).await;
    assert_eq!(world.alarm().await["ActionsEnabled"], false);
    world.put(5.0).await;
    assert_eq!(world.alarm().await["StateValue"], "ALARM");
    assert_eq!(world.rehearsal.entries(EntryKind::Message).await.len(), 0);
    world.ok("EnableAlarmActions", json!({"AlarmNames": ["Runaway"]})).await;
    assert_eq!(world.alarm().await["ActionsEnabled"], true);

    let tags =
        async || world.ok("ListTagsForResource", json!({"ResourceARN": ALARM_ARN})).await["Tags"].clone();
    assert_eq!(tags().await, json!([{"Key": "team", "Value": "a"}]));
    let more = json!([{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}]);
    world.ok("TagResource", json!({"ResourceARN": ALARM_ARN, "Tags": more})).await;
    assert_eq!(tags().await, more);
    world.ok("UntagResource", json!({"ResourceARN": ALARM_ARN, "TagKeys": ["team", "none"]})).await;
    assert_eq!(tags().await, json!([{"Key": "x", "Value": ""}]));
    let gone = world.ok("ListTagsForResource", json!({"ResourceARN": format!("{ALARM_ARN}-2")})).await;
    assert_eq!(gone["Tags"], json!([]));
    let missing =
        world.run("TagResource", json!({"ResourceARN": format!("{ALARM_ARN}-2"), "Tags": more})).await;
    assert_eq!(World::code(missing), "ResourceNotFoundException");
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = World::begin().await;
    assert_eq!(World::code(world.run("PutInsightRule", json!({})).await), "InvalidAction");
    assert_eq!(
        World::code(world.run("PutMetricData", json!({"Namespace": "AWS/KMS", "MetricData": []})).await),
        "InvalidParameterValue"
    );
}
