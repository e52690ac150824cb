//! Archives and replays.

use jiff::SignedDuration;
use keywatch_store::EntryKind;
use serde_json::json;

use super::*;
use crate::entry::Event;

const BUS: &str = "arn:aws:events:us-east-1:000000000000:event-bus/default";
const ARCHIVE: &str = "arn:aws:events:us-east-1:000000000000:archive/all";
const BEGIN: i64 = 1_789_383_600;

async fn put(world: &Rehearsal, source: &str) {
    let entry = json!({"Source": source, "DetailType": "Order", "Detail": "{}"});
    ok(world, "PutEvents", json!({"Entries": [entry]})).await;
    world.settle().await;
}

async fn count(world: &Rehearsal, archive: &str) -> Value {
    ok(world, "DescribeArchive", json!({"ArchiveName": archive})).await["EventCount"].clone()
}

fn replay(name: &str, from: i64, to: i64) -> Value {
    json!({"ReplayName": name, "EventSourceArn": ARCHIVE, "EventStartTime": BEGIN + from, "EventEndTime": BEGIN + to,
        "Destination": {"Arn": BUS}})
}

#[tokio::test]
async fn archives_keep_what_matches_until_it_expires() {
    let world = world().await;
    let made =
        ok(&world, "CreateArchive", json!({"ArchiveName": "all", "EventSourceArn": BUS, "RetentionDays": 2}))
            .await;
    assert_eq!((&made["ArchiveArn"], &made["State"]), (&json!(ARCHIVE), &json!("ENABLED")));
    let pattern = r#"{"source":["shop"]}"#;
    ok(
        &world,
        "CreateArchive",
        json!({"ArchiveName": "shop", "EventSourceArn": BUS, "EventPattern": pattern}),
    )
    .await;
    refused(
        call(&world, "CreateArchive", json!({"ArchiveName": "all", "EventSourceArn": BUS})).await,
        "ResourceAlreadyExistsException",
        "Archive all already exists.",
    );
    put(&world, "shop").await;
    put(&world, "other").await;
    world.record(&record("ListKeys", true)).await;
    world.record(&record("CreateKey", false)).await;
    world.settle().await;
    assert_eq!((count(&world, "all").await, count(&world, "shop").await), (json!(3), json!(1)));
    let listed = ok(&world, "ListArchives", json!({"NamePrefix": "sh"})).await;
    assert_eq!(
        (listed["Archives"].as_array().unwrap().len(), &listed["Archives"][0]["EventCount"]),
        (1, &json!(1))
    );
    assert!(listed["Archives"][0]["SizeBytes"].as_u64().unwrap() > 100);
    world.advance(SignedDuration::from_hours(24)).await;
    put(&world, "shop").await;
    world.advance(SignedDuration::from_hours(25)).await;
    assert_eq!((count(&world, "all").await, count(&world, "shop").await), (json!(1), json!(2)));
    ok(&world, "UpdateArchive", json!({"ArchiveName": "shop", "RetentionDays": 1, "Description": "d"})).await;
    world.advance(SignedDuration::from_hours(1)).await;
    assert_eq!(count(&world, "shop").await, 0);
    refused(
        call(&world, "UpdateArchive", json!({"ArchiveName": "shop"})).await,
        "ValidationException",
        "At least one of EventPattern, RetentionDays or Description must be provided.",
    );
    ok(&world, "DeleteArchive", json!({"ArchiveName": "all"})).await;
    world.advance(SignedDuration::from_secs(1)).await;
    refused(
        call(&world, "DescribeArchive", json!({"ArchiveName": "all"})).await,
        "ResourceNotFoundException",
        "Archive all does not exist.",
    );
    for kind in [super::super::archive::ARCHIVED, super::super::archive::GARBAGE] {
        let scan = keywatch_store::Scan { prefix: "", after: None, limit: 10 };
        assert!(world.store.scan(kind, scan).await.unwrap().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn replays_send_again_what_came_in_a_time() {
    let world = world().await;
    ok(&world, "CreateArchive", json!({"ArchiveName": "all", "EventSourceArn": BUS})).await;
    for source in ["before", "shop", "shop", "after"] {
        put(&world, source).await;
        world.advance(SignedDuration::from_mins(1)).await;
    }
    rule(&world, "shop", json!({"source": ["shop"], "replay-name": ["again"]}), json!({})).await;
    rule(&world, "rest", json!({"replay-name": [{"exists": true}]}), json!({})).await;
    let started = ok(&world, "StartReplay", replay("again", 60, 180)).await;
    assert_eq!(started["State"], "STARTING");
    world.advance(SignedDuration::from_secs(1)).await;
    let described = ok(&world, "DescribeReplay", json!({"ReplayName": "again"})).await;
    assert_eq!(
        (&described["State"], &described["EventLastReplayedTime"]),
        (&json!("COMPLETED"), &json!(BEGIN as f64 + 120.0))
    );
    let told = sent(&world).await;
    assert_eq!(told.len(), 4);
    assert!(
        told.iter().all(|event| event["replay-name"] == "again" && event["source"] == "shop"),
        "{told:?}"
    );
    assert_eq!(count(&world, "all").await, 4);
    let mut only = replay("only", 0, 600);
    only["Destination"]["FilterArns"] = json!(["arn:aws:events:us-east-1:000000000000:rule/rest"]);
    ok(&world, "StartReplay", only).await;
    world.advance(SignedDuration::from_secs(1)).await;
    assert_eq!(sent(&world).await.len(), 8);
    let listed = ok(&world, "ListReplays", json!({"State": "COMPLETED", "Limit": 1})).await;
    assert_eq!(
        (&listed["Replays"][0]["ReplayName"], listed["NextToken"].is_string()),
        (&json!("again"), true)
    );
    refused(
        call(&world, "CancelReplay", json!({"ReplayName": "again"})).await,
        "IllegalStatusException",
        "Replay again is not in a valid state for this operation.",
    );
}

#[tokio::test]
async fn replays_are_checked_bounded_and_cancelled() {
    let world = world().await;
    ok(&world, "CreateArchive", json!({"ArchiveName": "all", "EventSourceArn": BUS})).await;
    ok(&world, "CreateEventBus", json!({"Name": "shop"})).await;
    put(&world, "shop").await;
    let elsewhere = |bus: &str| {
        let mut asked = replay("r", 0, 60);
        asked["Destination"]["Arn"] = json!(BUS.replace("default", bus));
        asked
    };
    for (asked, code, text) in [
        (elsewhere("none"), "ResourceNotFoundException", "Event bus none does not exist."),
        (
            elsewhere("shop"),
            "ValidationException",
            "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
        ),
        (
            replay("r", 60, 60),
            "ValidationException",
            "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
        ),
    ] {
        refused(call(&world, "StartReplay", asked).await, code, text);
    }
    let mut unknown = replay("r", 0, 60);
    unknown["EventSourceArn"] = json!(ARCHIVE.replace("all", "none"));
    refused(
        call(&world, "StartReplay", unknown).await,
        "ValidationException",
        "Parameter EventSourceArn is not valid. Reason: Archive none does not exist.",
    );
    ok(&world, "StartReplay", replay("r", 0, 60)).await;
    ok(&world, "CancelReplay", json!({"ReplayName": "r"})).await;
    world.advance(SignedDuration::from_secs(1)).await;
    assert_eq!(ok(&world, "DescribeReplay", json!({"ReplayName": "r"})).await["State"], "CANCELLED");
    assert_eq!(
        world
            .entries(EntryKind::Event)
            .await
            .iter()
            .filter(|entry| Event::read(entry).unwrap().replayed)
            .count(),
        0
    );
    refused(
        call(&world, "StartReplay", replay("r", 0, 60)).await,
        "ResourceAlreadyExistsException",
        "Replay r already exists.",
    );
}
