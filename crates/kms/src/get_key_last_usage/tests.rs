use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, shown, user};

async fn last(house: &House, key: &str) -> Value {
    house.ok("GetKeyLastUsage", json!({"KeyId": key})).await["KeyLastUsage"].clone()
}

#[tokio::test]
async fn only_what_succeeded_counts() {
    let house = House::open().await;
    let (key, other) = (house.key().await, house.key().await);
    let never = house.ok("GetKeyLastUsage", json!({"KeyId": key})).await;
    assert_eq!(
        never,
        json!({
            "KeyId": arn(&key), "KeyLastUsage": {},
            "TrackingStartDate": 1795341600.0, "KeyCreationDate": 1795341600.0,
        })
    );
    house.advance_to("2026-11-22T11:00:00Z").await;
    let blob =
        house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await["CiphertextBlob"].clone();
    let used = json!({
        "Operation": "Encrypt", "Timestamp": 1795345200.0, "CloudTrailEventId": "e", "KmsRequestId": "r",
    });
    assert_eq!(last(&house, &key).await, used);
    house.advance_to("2026-11-22T12:00:00Z").await;
    house.refused("Encrypt", json!({"KeyId": key, "Plaintext": "aGk=", "DryRun": true})).await;
    house.ok("DescribeKey", json!({"KeyId": key})).await;
    assert_eq!(last(&house, &key).await, used);
    house.ok("ReEncrypt", json!({"CiphertextBlob": blob, "DestinationKeyId": other})).await;
    for key in [key, other] {
        assert_eq!(last(&house, &key).await["Operation"], "ReEncrypt");
        assert_eq!(last(&house, &key).await["Timestamp"], 1795348800.0);
    }
}

#[tokio::test]
async fn policies_can_ask_for_days_without_use() {
    let house = House::open().await;
    house.create_user("a").await;
    let key = house.key().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey"], "Resource": "*",
         "Condition": {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "90"}}},
    ]});
    house.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": policy.to_string()})).await;
    let a = user(ACCOUNT, "a", &["kms:*"], "*");
    house.advance_to("2027-02-01T10:00:00Z").await;
    house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await;
    house.advance_to("2027-05-02T09:59:59Z").await;
    for operation in ["ScheduleKeyDeletion", "DisableKey"] {
        let denied = shown(house.call(&a, operation, json!({"KeyId": key})).await);
        assert!(denied.contains("explicit deny"), "{denied}");
    }
    house.advance_to("2027-05-02T10:00:00Z").await;
    house.call(&a, "DisableKey", json!({"KeyId": key})).await.unwrap();
    house.call(&a, "ScheduleKeyDeletion", json!({"KeyId": key})).await.unwrap();
}
