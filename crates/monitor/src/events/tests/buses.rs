//! Custom buses, their policies, events from bus to bus, and what becomes of calls that cannot be made.

use keywatch_store::EntryKind;
use serde_json::json;

use super::*;
use crate::entry::{LogEvents, Points};

const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";
const BUS: &str = "arn:aws:events:us-east-1:000000000000:event-bus/shop";

async fn put(world: &Rehearsal, bus: &str, detail: &str) -> Value {
    let entry = json!({"Source": "shop", "DetailType": "Order", "Detail": detail, "EventBusName": bus});
    ok(world, "PutEvents", json!({"Entries": [entry]})).await
}

/// A rule on a bus with one target.
async fn calling(world: &Rehearsal, bus: &str, name: &str, target: Value) {
    let pattern = json!({"source": ["shop"]}).to_string();
    ok(world, "PutRule", json!({"Name": name, "EventPattern": pattern, "EventBusName": bus})).await;
    let mut target = target;
    target["Id"] = json!("1");
    ok(world, "PutTargets", json!({"Rule": name, "EventBusName": bus, "Targets": [target]})).await;
}

async fn messages(world: &Rehearsal) -> Vec<Message> {
    world.entries(EntryKind::Message).await.iter().map(|entry| Message::read(entry).unwrap()).collect()
}

/// `metric of rule`, with how often.
async fn counts(world: &Rehearsal) -> Vec<String> {
    let mut all = Vec::new();
    for entry in world.entries(EntryKind::Points).await {
        for point in Points::read(&entry).unwrap().points {
            let dimensions: Vec<&str> = point.dimensions.iter().map(|(_, value)| value.as_str()).collect();
            all.push(format!("{} {}", point.metric_name, dimensions.join("/")));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn buses_live_and_die() {
    let world = world().await;
    let made = ok(
        &world,
        "CreateEventBus",
        json!({"Name": "shop", "Description": "d", "Tags": [{"Key": "k", "Value": "v"}]}),
    )
    .await;
    assert_eq!(made, json!({"EventBusArn": BUS, "Description": "d"}));
    for name in ["shop", "default"] {
        refused(
            call(&world, "CreateEventBus", json!({"Name": name})).await,
            "ResourceAlreadyExistsException",
            &format!("Event bus {name} already exists."),
        );
    }
    let listed = ok(&world, "ListEventBuses", json!({"Limit": 1})).await;
    assert_eq!(listed["EventBuses"][0]["Name"], "default");
    let rest = ok(&world, "ListEventBuses", json!({"NextToken": listed["NextToken"]})).await;
    assert_eq!(
        (&rest["EventBuses"][0]["Name"], &rest["EventBuses"][0]["Arn"]),
        (&json!("shop"), &json!(BUS))
    );
    let updated =
        ok(&world, "UpdateEventBus", json!({"Name": "shop", "DeadLetterConfig": {"Arn": DEAD}})).await;
    assert_eq!((&updated["Description"], &updated["DeadLetterConfig"]["Arn"]), (&json!("d"), &json!(DEAD)));
    let tags = ok(&world, "ListTagsForResource", json!({"ResourceARN": BUS})).await;
    assert_eq!(tags["Tags"][0]["Key"], "k");
    calling(&world, BUS, "r", json!({"Arn": QUEUE})).await;
    let rules = ok(&world, "ListRules", json!({"EventBusName": "shop"})).await;
    let arn = "arn:aws:events:us-east-1:000000000000:rule/shop/r";
    assert_eq!(
        (&rules["Rules"][0]["Arn"], &rules["Rules"][0]["EventBusName"]),
        (&json!(arn), &json!("shop"))
    );
    assert_eq!(ok(&world, "ListRules", json!({})).await, json!({"Rules": []}));
    refused(
        call(&world, "DeleteEventBus", json!({"Name": "shop"})).await,
        "ValidationException",
        "Event bus shop can't be deleted since it has rules.",
    );
    ok(&world, "RemoveTargets", json!({"Rule": "r", "EventBusName": "shop", "Ids": ["1"]})).await;
    ok(&world, "DeleteRule", json!({"Name": "r", "EventBusName": "shop"})).await;
    ok(&world, "DeleteEventBus", json!({"Name": "shop"})).await;
    ok(&world, "DeleteEventBus", json!({"Name": "shop"})).await;
    refused(
        call(&world, "DeleteEventBus", json!({"Name": "default"})).await,
        "ValidationException",
        "Cannot delete event bus default.",
    );
    refused(
        call(&world, "DescribeEventBus", json!({"Name": "shop"})).await,
        "ResourceNotFoundException",
        "Event bus shop does not exist.",
    );
    refused(
        call(&world, "CreateEventBus", json!({"Name": "x", "KmsKeyIdentifier": "alias/k"})).await,
        "ValidationException",
        "Parameter KmsKeyIdentifier is not valid. Reason: Customer managed keys are not supported.",
    );
}

#[tokio::test]
async fn permissions() {
    let world = world().await;
    let put = |sid: &str, principal: &str| json!({"Action": "events:PutEvents", "Principal": principal, "StatementId": sid});
    ok(&world, "PutPermission", put("one", "111122223333")).await;
    ok(&world, "PutPermission", put("all", "*")).await;
    let described = ok(&world, "DescribeEventBus", json!({})).await;
    let policy: Value = serde_json::from_str(described["Policy"].as_str().unwrap()).unwrap();
    let arn = "arn:aws:events:us-east-1:000000000000:event-bus/default";
    assert_eq!(
        policy["Statement"][0],
        json!({"Sid": "one", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "events:PutEvents", "Resource": arn})
    );
    ok(&world, "RemovePermission", json!({"StatementId": "one"})).await;
    refused(
        call(&world, "RemovePermission", json!({"StatementId": "one"})).await,
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    );
    ok(&world, "RemovePermission", json!({"RemoveAllPermissions": true})).await;
    assert!(ok(&world, "DescribeEventBus", json!({})).await.get("Policy").is_none());
    refused(
        call(&world, "PutPermission", json!({"Policy": "{}"}).clone()).await,
        "ValidationException",
        "Parameter Policy is not valid. Reason: Syntax errors in policy.",
    );
}

#[tokio::test]
async fn events_stay_on_their_bus_and_go_from_bus_to_bus() {
    let world = world().await;
    ok(&world, "CreateEventBus", json!({"Name": "shop"})).await;
    calling(&world, "default", "near", json!({"Arn": QUEUE})).await;
    calling(&world, "shop", "far", json!({"Arn": TOPIC})).await;
    put(&world, BUS, "{}").await;
    let sent = messages(&world).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].target, Target::Topic(TOPIC.to_owned()));
    let rule = "arn:aws:events:us-east-1:000000000000:rule/shop/far";
    assert_eq!(sent[0].rule.as_deref(), Some(rule));
    calling(&world, "default", "forward", json!({"Arn": BUS})).await;
    let answer = put(&world, "default", "{}").await;
    let sent = messages(&world).await;
    let event: Value = serde_json::from_str(&sent[2].body).unwrap();
    assert_eq!((sent.len(), &event["id"]), (3, &answer["Entries"][0]["EventId"]));
    let counts = counts(&world).await;
    assert!(counts.contains(&"TriggeredRules shop/far".to_owned()), "{counts:?}");
    assert!(counts.contains(&"MatchedEvents forward".to_owned()), "{counts:?}");
}

#[tokio::test]
async fn a_circle_of_buses_ends() {
    let world = world().await;
    receiver::make(&world.store, DEAD, None).await;
    let dead = json!({"Arn": DEAD});
    calling(
        &world,
        "default",
        "round",
        json!({"Arn": "arn:aws:events:us-east-1:000000000000:event-bus/default", "DeadLetterConfig": dead}),
    )
    .await;
    put(&world, "default", "{}").await;
    let sent = messages(&world).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].attributes["ERROR_CODE"].value, "INTERNAL_ERROR");
    assert_eq!(world.entries(EntryKind::Event).await.len(), 10);
}

#[tokio::test]
async fn what_cannot_be_called_goes_to_the_dead_letters() {
    let world = world().await;
    receiver::make(&world.store, DEAD, None).await;
    let closed = "arn:aws:sqs:us-east-1:000000000000:closed";
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": closed, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:000000000000:rule/other"}}}]});
    receiver::make(&world.store, closed, Some(&policy.to_string())).await;
    let missing = "arn:aws:sns:us-east-1:000000000000:missing";
    calling(
        &world,
        "default",
        "missing",
        json!({"Arn": missing, "InputPath": "$.detail", "DeadLetterConfig": {"Arn": DEAD}}),
    )
    .await;
    calling(&world, "default", "closed", json!({"Arn": closed, "DeadLetterConfig": {"Arn": DEAD}})).await;
    calling(&world, "default", "lost", json!({"Arn": closed, "DeadLetterConfig": {"Arn": closed}})).await;
    calling(&world, "default", "other", json!({"Arn": closed})).await;
    put(&world, "default", "{\"a\":1}").await;
    let sent = messages(&world).await;
    let told: Vec<(&str, Option<&str>)> = sent
        .iter()
        .map(|message| {
            let Target::Queue(queue) = &message.target else { panic!("{message:?}") };
            (
                queue.rsplit(':').next().unwrap(),
                message.attributes.get("ERROR_CODE").map(|code| code.value.as_str()),
            )
        })
        .collect();
    assert_eq!(told, [("dead", Some("NO_PERMISSIONS")), ("dead", Some("NO_RESOURCE")), ("closed", None)]);
    assert_eq!(sent[1].attributes["TARGET_ARN"].value, missing);
    assert_eq!(sent[1].attributes["RULE_ARN"].value, "arn:aws:events:us-east-1:000000000000:rule/missing");
    let body: Value = serde_json::from_str(&sent[1].body).unwrap();
    assert_eq!(body["detail"], json!({"a": 1}));
    let counts = counts(&world).await;
    for want in [
        "FailedInvocations missing",
        "InvocationsSentToDlq missing",
        "InvocationsFailedToBeSentToDlq lost",
        "Invocations other",
    ] {
        assert!(counts.contains(&want.to_owned()), "{want}: {counts:?}");
    }
    assert!(!counts.contains(&"FailedInvocations other".to_owned()));
}

#[tokio::test]
async fn log_groups_get_events() {
    let world = world().await;
    let group = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/shop";
    calling(&world, "default", "none", json!({"Arn": group})).await;
    put(&world, "default", "{}").await;
    assert_eq!(world.entries(EntryKind::LogEvents).await.len(), 0);
    crate::logs::make_group(&world.store, "/aws/events/shop").await;
    put(&world, "default", "{}").await;
    assert_eq!(world.entries(EntryKind::LogEvents).await.len(), 1);
    ok(&world, "PutTargets", json!({"Rule": "none", "Targets": [{"Id": "1", "Arn": group, "InputTransformer":
        {"InputPathsMap": {"s": "$.source"}, "InputTemplate": "{\"timestamp\": 1789384726000, \"message\": \"from <s>\"}"}}]})).await;
    put(&world, "default", "{}").await;
    let entries = world.entries(EntryKind::LogEvents).await;
    let filed: Vec<LogEvents> = entries.iter().map(|entry| LogEvents::read(entry).unwrap()).collect();
    assert_eq!((filed.len(), filed[0].makes_stream, filed[0].group.as_str()), (2, true, "/aws/events/shop"));
    let event: Value = serde_json::from_str(&filed[0].events[0].message).unwrap();
    assert_eq!(event["detail-type"], "Order");
    assert_eq!(filed[1].events[0].message, "from shop");
    assert_eq!(filed[1].events[0].time.as_second(), 1_789_384_726);
    let input = json!({"Id": "1", "Arn": group, "Input": "{}"});
    refused(
        call(&world, "PutTargets", json!({"Rule": "none", "Targets": [input]})).await,
        "ValidationException",
        "Parameter Arn of target 1 is not valid. Reason: Log groups take neither RoleArn nor Input nor InputPath.",
    );
}
