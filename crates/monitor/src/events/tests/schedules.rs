//! Rules that go off by themselves.

use jiff::SignedDuration;
use serde_json::json;

use super::*;

async fn scheduled(world: &Rehearsal, name: &str, expression: &str) {
    ok(world, "PutRule", json!({"Name": name, "ScheduleExpression": expression})).await;
    ok(world, "PutTargets", json!({"Rule": name, "Targets": [{"Id": "1", "Arn": QUEUE}]})).await;
}

/// Times of all events so far.
async fn times(world: &Rehearsal) -> Vec<String> {
    sent(world).await.iter().map(|event| event["time"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rates_and_crons() {
    let world = world().await;
    scheduled(&world, "rate", "rate(5 minutes)").await;
    scheduled(&world, "cron", "cron(7 11 * * ? *)").await;
    world.advance(SignedDuration::from_mins(11)).await;
    assert_eq!(times(&world).await, ["2026-09-14T11:05:00Z", "2026-09-14T11:07:00Z", "2026-09-14T11:10:00Z"]);
    let arn = "arn:aws:events:us-east-1:000000000000:rule/rate";
    let first = &sent(&world).await[0];
    assert_eq!(
        (&first["source"], &first["detail-type"], &first["resources"], &first["detail"], &first["account"]),
        (&json!("aws.events"), &json!("Scheduled Event"), &json!([arn]), &json!({}), &json!("000000000000"))
    );
    let described = ok(&world, "DescribeRule", json!({"Name": "rate"})).await;
    assert_eq!(described["ScheduleExpression"], "rate(5 minutes)");
    assert!(described.get("EventPattern").is_none());
}

#[tokio::test]
async fn a_disabled_schedule_rests_and_begins_anew() {
    let world = world().await;
    scheduled(&world, "r", "rate(10 minutes)").await;
    world.advance(SignedDuration::from_mins(3)).await;
    // Nothing new about it: the rhythm stays.
    ok(&world, "PutRule", json!({"Name": "r", "ScheduleExpression": "rate(10 minutes)", "Description": "d"}))
        .await;
    world.advance(SignedDuration::from_mins(8)).await;
    assert_eq!(times(&world).await, ["2026-09-14T11:10:00Z"]);
    ok(&world, "DisableRule", json!({"Name": "r"})).await;
    world.advance(SignedDuration::from_mins(20)).await;
    ok(&world, "EnableRule", json!({"Name": "r"})).await;
    world.advance(SignedDuration::from_mins(10)).await;
    assert_eq!(times(&world).await, ["2026-09-14T11:10:00Z", "2026-09-14T11:41:00Z"]);
    ok(&world, "PutRule", json!({"Name": "r", "ScheduleExpression": "rate(1 hour)"})).await;
    world.advance(SignedDuration::from_mins(60)).await;
    assert_eq!(times(&world).await.len(), 3);
    ok(&world, "RemoveTargets", json!({"Rule": "r", "Ids": ["1"]})).await;
    ok(&world, "DeleteRule", json!({"Name": "r"})).await;
    world.advance(SignedDuration::from_hours(3)).await;
    assert_eq!(times(&world).await.len(), 3);
}

#[tokio::test]
async fn times_that_passed_in_a_standstill_are_made_up_for_a_day() {
    let world = world().await;
    scheduled(&world, "r", "rate(12 hours)").await;
    world.jump(SignedDuration::from_hours(72));
    world.advance(SignedDuration::from_secs(1)).await;
    assert_eq!(times(&world).await, ["2026-09-16T11:00:00Z", "2026-09-16T23:00:00Z", "2026-09-17T11:00:00Z"]);
}

#[tokio::test]
async fn schedules_are_checked() {
    let world = world().await;
    ok(&world, "CreateEventBus", json!({"Name": "shop"})).await;
    refused(
        call(
            &world,
            "PutRule",
            json!({"Name": "r", "ScheduleExpression": "rate(5 minutes)", "EventBusName": "shop"}),
        )
        .await,
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    );
    refused(
        call(&world, "PutRule", json!({"Name": "r", "ScheduleExpression": "rate(1 minutes)"})).await,
        "ValidationException",
        "Parameter ScheduleExpression is not valid.",
    );
}
