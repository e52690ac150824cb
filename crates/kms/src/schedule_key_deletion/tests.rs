//! Deletion: scheduled, cancelled, done.

use serde_json::json;

use crate::testing::{ACCOUNT, House, arn};

#[tokio::test]
async fn a_key_is_gone_when_its_time_has_come() {
    let house = House::open().await;
    let key = house.key().await;
    house.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await;
    let answer = house.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7})).await;
    assert_eq!(
        answer,
        json!({"KeyId": arn(&key), "DeletionDate": 1795946400.0, "KeyState": "PendingDeletion", "PendingWindowInDays": 7})
    );
    let noted = house.noted();
    assert_eq!(noted["requestParameters"], json!({"pendingWindowInDays": 7, "keyId": key}));
    assert_eq!(
        noted["responseElements"],
        json!({"keyId": arn(&key), "keyState": "PendingDeletion", "deletionDate": "Nov 29, 2026, 10:00:00 AM"})
    );
    assert_eq!(house.described(&key, "DeletionDate").await, 1795946400.0);
    house.advance_to("2026-11-29T09:59:59Z").await;
    assert_eq!(house.described(&key, "KeyState").await, "PendingDeletion");
    house.advance_to("2026-11-29T10:00:00Z").await;
    assert!(house.refused("DescribeKey", json!({"KeyId": key})).await.starts_with("NotFoundException"));
    assert!(house.refused("DescribeKey", json!({"KeyId": "alias/a"})).await.starts_with("NotFoundException"));
    let records = house.service_records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["eventName"], "DeleteKey");
    assert_eq!(records[0]["eventTime"], "2026-11-29T10:00:00Z");
    assert_eq!(
        records[0]["resources"],
        json!([{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}])
    );
    let other = house.key().await;
    house.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": other})).await;
}

#[tokio::test]
async fn cancelling_leaves_the_key_disabled() {
    let house = House::open().await;
    let key = house.key().await;
    let arn = arn(&key);
    assert_eq!(
        house.refused("CancelKeyDeletion", json!({"KeyId": key})).await,
        format!("KMSInvalidStateException: {arn} is not pending deletion.")
    );
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
    assert_eq!(
        house.refused("ScheduleKeyDeletion", json!({"KeyId": key})).await,
        format!("KMSInvalidStateException: {arn} is pending deletion.")
    );
    assert_eq!(house.ok("CancelKeyDeletion", json!({"KeyId": key})).await, json!({"KeyId": arn}));
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn}));
    assert_eq!(house.described(&key, "KeyState").await, "Disabled");
    house.advance_to("2027-06-01T00:00:00Z").await;
    assert_eq!(house.described(&key, "KeyState").await, "Disabled");
    assert!(house.service_records().await.is_empty());
}

#[tokio::test]
async fn the_window_is_seven_to_thirty_days() {
    let house = House::open().await;
    let key = house.key().await;
    for (days, want) in [
        (
            6,
            "Value '6' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value greater than or equal to 7",
        ),
        (
            31,
            "Value '31' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value less than or equal to 30",
        ),
    ] {
        let refused =
            house.refused("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": days})).await;
        assert_eq!(refused, format!("ValidationException: 1 validation error detected: {want}"));
    }
    let answer = house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
    assert_eq!(answer["PendingWindowInDays"], 30);
}
