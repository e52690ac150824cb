//! Rotation, on demand and by the clock.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, text};

#[tokio::test]
async fn status_follows_enabling_and_disabling() {
    let house = House::open().await;
    let key = house.key().await;
    let status = async || house.ok("GetKeyRotationStatus", json!({"KeyId": key})).await;
    assert_eq!(status().await, json!({"KeyId": arn(&key), "KeyRotationEnabled": false}));
    house.ok("EnableKeyRotation", json!({"KeyId": key})).await;
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn(&key)}));
    let enabled = json!({"KeyId": arn(&key), "KeyRotationEnabled": true, "RotationPeriodInDays": 365, "NextRotationDate": 1826877600.0});
    assert_eq!(status().await, enabled);
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
    assert_eq!(status().await["KeyRotationEnabled"], false);
    house.ok("CancelKeyDeletion", json!({"KeyId": key})).await;
    assert_eq!(status().await, enabled);
    assert_eq!(
        house.refused("DisableKeyRotation", json!({"KeyId": key})).await,
        format!("DisabledException: {} is disabled.", arn(&key))
    );
    house.ok("EnableKey", json!({"KeyId": key})).await;
    house.ok("DisableKeyRotation", json!({"KeyId": key})).await;
    assert_eq!(house.noted()["responseElements"], json!(null));
    assert_eq!(status().await["KeyRotationEnabled"], false);
}

#[tokio::test]
async fn on_demand_changes_the_material_and_leaves_two_records() {
    let house = House::open().await;
    let key = house.key().await;
    let before = house.described(&key, "CurrentKeyMaterialId").await;
    assert_eq!(house.ok("RotateKeyOnDemand", json!({"KeyId": key})).await, json!({"KeyId": arn(&key)}));
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn(&key)}));
    let after = house.described(&key, "CurrentKeyMaterialId").await;
    assert_ne!(before, after);
    let records = house.service_records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(
        records[0]["serviceEventDetails"],
        json!({"rotationType": "ON_DEMAND", "keyOrigin": "AWS_KMS", "previousKeyMaterialId": before, "currentKeyMaterialId": after, "keyId": key})
    );
}

#[tokio::test]
async fn rotations_are_listed_by_pages() {
    let house = House::open().await;
    let key = house.key().await;
    for _ in 0..3 {
        house.ok("RotateKeyOnDemand", json!({"KeyId": key})).await;
    }
    let all =
        house.ok("ListKeyRotations", json!({"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"})).await;
    let all = all["Rotations"].as_array().unwrap().clone();
    assert_eq!(all.len(), 4);
    assert_eq!(
        all[0],
        json!({"KeyId": arn(&key), "KeyMaterialId": all[0]["KeyMaterialId"], "KeyMaterialState": "NON_CURRENT"})
    );
    assert_eq!(
        all[3],
        json!({
            "KeyId": arn(&key), "KeyMaterialId": house.described(&key, "CurrentKeyMaterialId").await,
            "KeyMaterialState": "CURRENT", "RotationDate": 1795341600.0, "RotationType": "ON_DEMAND",
        })
    );
    let first = house.ok("ListKeyRotations", json!({"KeyId": key, "Limit": 2})).await;
    assert_eq!(
        (&first["Truncated"], first["Rotations"].as_array().unwrap().as_slice()),
        (&json!(true), &all[1..3])
    );
    assert_eq!(
        house.noted()["requestParameters"],
        json!({"keyId": key, "includeKeyMaterial": "ROTATIONS_ONLY", "limit": 2})
    );
    let second =
        house.ok("ListKeyRotations", json!({"KeyId": key, "Limit": 2, "Marker": first["NextMarker"]})).await;
    assert_eq!(
        (&second["Truncated"], second["Rotations"].as_array().unwrap().as_slice()),
        (&json!(false), &all[3..])
    );
}

#[tokio::test]
async fn the_clock_rotates_and_the_record_reads_as_the_guide_shows_it() {
    let house = House::open().await;
    let key = house.key().await;
    let before = house.described(&key, "CurrentKeyMaterialId").await;
    let blob =
        house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGVsbG8="})).await["CiphertextBlob"].clone();
    house.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90})).await;
    house.advance_to("2027-02-20T09:59:59Z").await;
    assert_eq!(house.described(&key, "CurrentKeyMaterialId").await, before);
    house.advance_to("2027-02-20T10:00:00Z").await;
    let after = house.described(&key, "CurrentKeyMaterialId").await;
    assert_ne!(before, after);
    let record = house.service_records().await.remove(0);
    let event_id = text(&record["eventID"]);
    assert_eq!(
        record,
        json!({
            "eventVersion": "1.11", "userIdentity": {"accountId": ACCOUNT, "invokedBy": "AWS Internal"},
            "eventTime": "2027-02-20T10:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "RotateKey",
            "awsRegion": "us-west-2", "sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal",
            "requestParameters": null, "responseElements": null, "eventID": event_id, "readOnly": false,
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
            "eventType": "AwsServiceEvent", "managementEvent": true, "recipientAccountId": ACCOUNT,
            "serviceEventDetails": {"rotationType": "AUTOMATIC", "keyOrigin": "AWS_KMS", "previousKeyMaterialId": before, "currentKeyMaterialId": after, "keyId": key},
            "eventCategory": "Management",
        })
    );
    house.advance_to("2028-11-22T10:00:00Z").await;
    assert_eq!(house.service_records().await.len(), 8);
    assert_eq!(house.ok("Decrypt", json!({"CiphertextBlob": blob})).await["Plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn a_disabled_key_is_rotated_when_it_is_enabled() {
    let house = House::open().await;
    let key = house.key().await;
    house.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90})).await;
    house.ok("DisableKey", json!({"KeyId": key})).await;
    house.advance_to("2027-06-01T00:00:00Z").await;
    assert_eq!(house.service_records().await.len(), 0);
    house.ok("EnableKey", json!({"KeyId": key})).await;
    house.advance_to("2027-06-01T00:00:00Z").await;
    assert_eq!(house.service_records().await.len(), 1);
}

#[tokio::test]
async fn imported_keys_are_not_rotated_automatically() {
    let house = House::open().await;
    let key = house.key_with(json!({"Origin": "EXTERNAL"})).await;
    let check = async |operation: &str, body: Value, want: String| {
        assert_eq!(house.refused(operation, body).await, want, "{operation}");
    };
    let wrong = format!(
        "UnsupportedOperationException: {} origin is EXTERNAL which is not valid for this operation.",
        arn(&key)
    );
    for operation in ["EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"] {
        check(operation, json!({"KeyId": key}), wrong.clone()).await;
    }
    check(
        "RotateKeyOnDemand",
        json!({"KeyId": key}),
        format!("KMSInvalidStateException: {} is pending import.", arn(&key)),
    )
    .await;
}
