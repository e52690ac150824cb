//! The service over a real store, with the follower under the engine.

use std::sync::{Arc, OnceLock};

use keywatch_api::{Fault, Service, events::EventsOperation};
use keywatch_crypto::{RootKey, RootKeyring, SystemRandom};
use keywatch_store::EntryKind;
use serde_json::{Value, json};

use super::{Events, EventsFollower, dispatch};
use crate::{
    engine::Follower,
    entry::{Body, Message, Target},
    notify::receiver,
    rehearsal::Rehearsal,
};

mod archives;
mod buses;
mod connections;
mod schedules;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:topic";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";

async fn world() -> Rehearsal {
    Rehearsal::begin(async |store| {
        receiver::make(&store, TOPIC, None).await;
        receiver::make(&store, QUEUE, None).await;
        Ok(vec![Box::new(EventsFollower::open(store).await?) as Box<dyn Follower>])
    })
    .await
}

/// One keyring for all worlds of a test run.
fn service() -> &'static Events {
    static SERVICE: OnceLock<Events> = OnceLock::new();
    SERVICE.get_or_init(|| Events::new(Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)))))
}

async fn call(world: &Rehearsal, operation: &'static str, body: Value) -> Result<Value, Fault> {
    let op = EventsOperation::from_name(operation).unwrap();
    world
        .call(Service::Events, operation, &body, async |wire, call| dispatch(op, wire, call, service()).await)
        .await
}

async fn ok(world: &Rehearsal, operation: &'static str, body: Value) -> Value {
    call(world, operation, body).await.unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
}

#[track_caller]
fn refused(answer: Result<Value, Fault>, code: &str, text: &str) {
    let fault = answer.unwrap_err();
    assert_eq!((fault.code.as_ref(), fault.message.as_deref()), (code, Some(text)));
}

/// A rule with the topic as its target.
async fn rule(world: &Rehearsal, name: &str, pattern: Value, more: Value) {
    let mut body = json!({"Name": name, "EventPattern": pattern.to_string()});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ok(world, "PutRule", body).await;
    ok(world, "PutTargets", json!({"Rule": name, "Targets": [{"Id": "1", "Arn": TOPIC}]})).await;
}

/// Bodies of all messages so far.
async fn sent(world: &Rehearsal) -> Vec<Value> {
    let messages = world.entries(EntryKind::Message).await;
    messages.iter().map(|entry| serde_json::from_str(&Message::read(entry).unwrap().body).unwrap()).collect()
}

fn record(name: &str, read_only: bool) -> Value {
    json!({"eventVersion": "1.11", "eventTime": "2026-09-14T11:18:46Z", "eventSource": "kms.amazonaws.com",
        "eventName": name, "awsRegion": "us-east-1", "eventID": format!("id-{name}"), "readOnly": read_only,
        "eventType": "AwsApiCall", "recipientAccountId": "000000000000", "resources": [
            {"accountId": "000000000000", "type": "AWS::KMS::Key",
             "ARN": "arn:aws:kms:us-east-1:000000000000:key/k"}]})
}

#[tokio::test]
async fn rules_live_and_die() {
    let world = world().await;
    let pattern = r#"{"source":["aws.kms"]}"#;
    let arn = "arn:aws:events:us-east-1:000000000000:rule/r";
    let put = json!({"Name": "r", "EventPattern": pattern, "Description": "d", "Tags": [{"Key": "k", "Value": "v"}]});
    assert_eq!(ok(&world, "PutRule", put).await, json!({"RuleArn": arn}));
    assert_eq!(
        ok(&world, "DescribeRule", json!({"Name": "r"})).await,
        json!({"Name": "r", "Arn": arn, "EventPattern": pattern, "State": "ENABLED", "Description": "d",
            "EventBusName": "default", "CreatedBy": "000000000000"})
    );
    ok(&world, "DisableRule", json!({"Name": "r", "EventBusName": "default"})).await;
    let listed = ok(&world, "ListRules", json!({"NamePrefix": "r"})).await;
    assert_eq!(listed["Rules"][0]["State"], "DISABLED");
    ok(&world, "EnableRule", json!({"Name": "r"})).await;
    let target = json!({"Id": "1", "Arn": TOPIC, "InputPath": "$.detail"});
    let answer = ok(&world, "PutTargets", json!({"Rule": "r", "Targets": [target]})).await;
    assert_eq!(answer, json!({"FailedEntryCount": 0, "FailedEntries": []}));
    assert_eq!(ok(&world, "ListTargetsByRule", json!({"Rule": "r"})).await, json!({"Targets": [target]}));
    let names = ok(&world, "ListRuleNamesByTarget", json!({"TargetArn": TOPIC})).await;
    assert_eq!(names, json!({"RuleNames": ["r"]}));
    refused(
        call(&world, "DeleteRule", json!({"Name": "r"})).await,
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    );
    ok(&world, "RemoveTargets", json!({"Rule": "r", "Ids": ["1", "none"]})).await;
    ok(&world, "UntagResource", json!({"ResourceARN": arn, "TagKeys": ["k"]})).await;
    ok(&world, "TagResource", json!({"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]})).await;
    let tags = ok(&world, "ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(tags, json!({"Tags": [{"Key": "a", "Value": "b"}]}));
    refused(
        call(
            &world,
            "ListTagsForResource",
            json!({"ResourceARN": "arn:aws:events:us-east-1:000000000000:event-bus/none"}),
        )
        .await,
        "ResourceNotFoundException",
        "Event bus none does not exist.",
    );
    ok(&world, "DeleteRule", json!({"Name": "r"})).await;
    ok(&world, "DeleteRule", json!({"Name": "r"})).await;
    refused(
        call(&world, "DescribeRule", json!({"Name": "r"})).await,
        "ResourceNotFoundException",
        "Rule r does not exist on EventBus default.",
    );
}

#[tokio::test]
async fn refusals() {
    let world = world().await;
    let validation = "ValidationException";
    refused(
        call(&world, "PutRule", json!({"Name": "r"})).await,
        validation,
        "Parameter(s) EventPattern or ScheduleExpression must be specified.",
    );
    refused(
        call(&world, "PutRule", json!({"Name": "r", "ScheduleExpression": "sometimes"})).await,
        validation,
        "Parameter ScheduleExpression is not valid.",
    );
    refused(
        call(&world, "PutRule", json!({"Name": "r", "EventPattern": "[]"})).await,
        "InvalidEventPatternException",
        "Event pattern is not valid. Reason: Filter is not an object\n at [Source: (String)\"[]\"; line: 1, column: 2]",
    );
    let bus = json!({"Name": "r", "EventPattern": "{\"a\":[1]}", "EventBusName": "other"});
    refused(
        call(&world, "PutRule", bus).await,
        "ResourceNotFoundException",
        "Event bus other does not exist.",
    );
    refused(
        call(&world, "PutTargets", json!({"Rule": "r", "Targets": [{"Id": "1", "Arn": TOPIC}]})).await,
        "ResourceNotFoundException",
        "Rule r does not exist on EventBus default.",
    );
    rule(&world, "r", json!({"a": [1]}), json!({})).await;
    let many: Vec<Value> = (0..6).map(|id| json!({"Id": id.to_string(), "Arn": TOPIC})).collect();
    refused(
        call(&world, "PutTargets", json!({"Rule": "r", "Targets": many})).await,
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    );
    let lambda = json!({"Id": "1", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:f"});
    let fault = call(&world, "PutTargets", json!({"Rule": "r", "Targets": [lambda]})).await.unwrap_err();
    assert_eq!(fault.code, validation);
    let fault = call(&world, "CreateEndpoint", json!({"Name": "x"})).await.unwrap_err();
    assert_eq!(fault.code, "UnknownOperationException");
}

#[tokio::test]
async fn put_events_reach_the_targets_of_matching_rules() {
    let world = world().await;
    rule(&world, "r", json!({"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}}), json!({}))
        .await;
    ok(
        &world,
        "PutTargets",
        json!({"Rule": "r", "Targets": [{"Id": "2", "Arn": QUEUE, "InputTransformer":
            {"InputPathsMap": {"t": "$.detail.total"}, "InputTemplate": "\"<t> at <aws.events.rule-name>\""}}]}),
    )
    .await;
    let entry = |total: u32| {
        json!({"Source": "shop", "DetailType": "Order", "Time": 1789384726,
        "Resources": ["x"], "Detail": format!("{{ \"total\": {total} }}")})
    };
    let answer = ok(&world, "PutEvents", json!({"Entries": [entry(7), entry(700)]})).await;
    assert_eq!(answer["FailedEntryCount"], 0);
    let messages = world.entries(EntryKind::Message).await;
    let messages: Vec<Message> = messages.iter().map(|entry| Message::read(entry).unwrap()).collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].target, Target::Topic(TOPIC.to_owned()));
    assert_eq!(messages[1].target, Target::Queue(QUEUE.to_owned()));
    assert_eq!(messages[1].body, "\"700 at r\"");
    let id = answer["Entries"][1]["EventId"].as_str().unwrap();
    assert_eq!(
        messages[0].body,
        format!(
            r#"{{"version":"0","id":"{id}","detail-type":"Order","source":"shop","account":"000000000000","time":"2026-09-14T11:18:46Z","region":"us-east-1","resources":["x"],"detail":{{"total":700}}}}"#
        )
    );
}

#[tokio::test]
async fn entries_fail_one_by_one() {
    let world = world().await;
    let answer = ok(
        &world,
        "PutEvents",
        json!({"Entries": [
            {"DetailType": "t", "Detail": "{}"},
            {"Source": "s", "Detail": "{}"},
            {"Source": "s", "DetailType": "t"},
            {"Source": "s", "DetailType": "t", "Detail": "[]"},
            {"Source": "aws.kms", "DetailType": "t", "Detail": "{}"},
            {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": "none"}]}),
    )
    .await;
    assert_eq!(answer["FailedEntryCount"], 5);
    let required = |name: &str| {
        json!({"ErrorCode": "InvalidArgument",
        "ErrorMessage": format!("Parameter {name} is not valid. Reason: {name} is a required argument.")})
    };
    let entries = answer["Entries"].as_array().unwrap();
    assert_eq!(
        entries[..5],
        [
            required("Source"),
            required("DetailType"),
            required("Detail"),
            json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}),
            json!({"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}),
        ]
    );
    assert!(entries[5]["EventId"].is_string());
    assert_eq!(world.entries(EntryKind::Event).await.len(), 0);
}

#[tokio::test]
async fn records_reach_rules_by_their_state() {
    let world = world().await;
    let of = |names: Value| json!({"source": ["aws.kms"], "detail": {"eventName": names}});
    rule(&world, "use", of(json!(["GenerateDataKey"])), json!({})).await;
    rule(&world, "reads", of(json!(["DescribeKey"])), json!({})).await;
    let all = json!({"State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"});
    rule(&world, "all-reads", of(json!(["ListKeys"])), all).await;
    rule(&world, "off", of(json!(["CreateKey"])), json!({"State": "DISABLED"})).await;
    for name in ["GenerateDataKey", "DescribeKey", "ListKeys"] {
        world.record(&record(name, true)).await;
    }
    world.record(&record("CreateKey", false)).await;
    let names: Vec<Value> =
        sent(&world).await.iter().map(|event| event["detail"]["eventName"].clone()).collect();
    assert_eq!(names, ["GenerateDataKey", "ListKeys"]);
}

#[tokio::test]
async fn kms_tells_of_rotation_expiry_and_deletion() {
    let world = world().await;
    rule(&world, "kms", json!({"source": ["aws.kms"], "detail-type": [{"prefix": "KMS "}]}), json!({})).await;
    for name in ["RotateKey", "DeleteExpiredKeyMaterial", "DeleteKey"] {
        let mut record = record(name, false);
        record["eventType"] = json!("AwsServiceEvent");
        world.record(&record).await;
    }
    let told: Vec<(Value, Value)> = sent(&world)
        .await
        .iter()
        .map(|event| (event["detail-type"].clone(), event["detail"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("KMS CMK Rotation"), json!({"key-id": "k"})),
            (json!("KMS Imported Key Material Expiration"), json!({"key-id": "k"})),
            (json!("KMS CMK Deletion"), json!({"key-id": "k"})),
        ]
    );
}

#[tokio::test]
async fn a_rule_does_not_see_what_was_before_it() {
    let world = world().await;
    world.record(&record("GenerateDataKey", true)).await;
    rule(&world, "r", json!({"source": ["aws.kms"]}), json!({})).await;
    assert_eq!(sent(&world).await.len(), 0);
    world.record(&record("Encrypt", true)).await;
    assert_eq!(sent(&world).await.len(), 1);
}

#[tokio::test]
async fn patterns_are_tried() {
    let world = world().await;
    let event =
        json!({"id": "1", "account": "1", "source": "s", "time": "t", "region": "r", "detail-type": "d"});
    let ask = |pattern: &str, event: &Value| json!({"EventPattern": pattern, "Event": event.to_string()});
    let answer = ok(&world, "TestEventPattern", ask(r#"{"source":["s"]}"#, &event)).await;
    assert_eq!(answer, json!({"Result": true}));
    refused(
        call(&world, "TestEventPattern", ask(r#"{"source":["s"]}"#, &json!({"source": "s"}))).await,
        "ValidationException",
        "Parameter Event is not valid.",
    );
    let buses = ok(&world, "ListEventBuses", json!({})).await;
    let arn = "arn:aws:events:us-east-1:000000000000:event-bus/default";
    assert_eq!(buses, json!({"EventBuses": [{"Name": "default", "Arn": arn}]}));
    assert_eq!(
        ok(&world, "DescribeEventBus", json!({"Name": arn})).await,
        json!({"Name": "default", "Arn": arn})
    );
}
