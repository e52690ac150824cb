//! Multi-Region keys: made, shared, moved, deleted.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, REGION, arn, shown, text, user};

const IRELAND: &str = "eu-west-1";
const TOKYO: &str = "ap-northeast-1";

fn arn_in(region: &str, key: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/{key}")
}

async fn family(regions: &[&'static str]) -> (House, String) {
    let house = House::open().await;
    let key = house.key_with(json!({"MultiRegion": true, "Description": "first"})).await;
    for region in regions {
        house.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": region})).await;
    }
    if !regions.is_empty() {
        house.advance_to("2026-11-22T10:00:05Z").await;
    }
    (house, key)
}

async fn metadata(house: &House, region: &'static str, key: &str) -> Value {
    house.ok_in(region, "DescribeKey", json!({"KeyId": key})).await["KeyMetadata"].clone()
}

#[tokio::test]
async fn a_replica_is_the_same_key_elsewhere() {
    let (house, key) = family(&[]).await;
    assert!(key.starts_with("mrk-"), "{key}");
    let alone = metadata(&house, REGION, &key).await;
    assert_eq!(
        alone["MultiRegionConfiguration"],
        json!({
            "MultiRegionKeyType": "PRIMARY",
            "PrimaryKey": {"Arn": arn(&key), "Region": REGION},
            "ReplicaKeys": [],
        })
    );
    let replicate = json!({
        "KeyId": key, "ReplicaRegion": IRELAND, "Description": "second",
        "Tags": [{"TagKey": "k", "TagValue": "v"}],
    });
    let made = house.ok("ReplicateKey", replicate.clone()).await;
    let shown_key = &made["ReplicaKeyMetadata"];
    assert_eq!((&shown_key["KeyState"], &shown_key["Enabled"]), (&json!("Creating"), &json!(false)));
    assert_eq!(shown_key["CurrentKeyMaterialId"], Value::Null);
    assert_eq!(shown_key["Arn"], arn_in(IRELAND, &key));
    assert_eq!(made["ReplicaTags"], json!([{"TagKey": "k", "TagValue": "v"}]));
    assert!(text(&made["ReplicaPolicy"]).contains("key-default-1"));
    let encrypt = json!({"KeyId": key, "Plaintext": "aGk="});
    let early = house.refused_in(IRELAND, "Encrypt", encrypt.clone()).await;
    assert_eq!(early, format!("KMSInvalidStateException: {} is creating.", arn_in(IRELAND, &key)));
    assert!(house.refused("ReplicateKey", replicate).await.starts_with("AlreadyExistsException"));

    house.advance_to("2026-11-22T10:00:05Z").await;
    let here = metadata(&house, REGION, &key).await;
    let there = metadata(&house, IRELAND, &key).await;
    assert_eq!(there["KeyState"], "Enabled");
    assert_eq!(there["Description"], "second");
    assert_eq!(there["CurrentKeyMaterialId"], here["CurrentKeyMaterialId"]);
    assert_eq!(there["MultiRegionConfiguration"]["MultiRegionKeyType"], "REPLICA");
    assert_eq!(
        there["MultiRegionConfiguration"]["ReplicaKeys"],
        here["MultiRegionConfiguration"]["ReplicaKeys"]
    );
    let blob = house.ok("Encrypt", encrypt).await["CiphertextBlob"].clone();
    let opened = house.ok_in(IRELAND, "Decrypt", json!({"CiphertextBlob": blob})).await;
    assert_eq!((&opened["Plaintext"], &opened["KeyId"]), (&json!("aGk="), &json!(arn_in(IRELAND, &key))));
}

#[tokio::test]
async fn every_kind_of_key_has_replicas() {
    let house = House::open().await;
    let signing = json!({"MultiRegion": true, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"});
    let (pair, mac) = (
        house.key_with(signing).await,
        house
            .key_with(json!({"MultiRegion": true, "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}))
            .await,
    );
    for key in [&pair, &mac] {
        house.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": IRELAND})).await;
    }
    house.advance_to("2026-11-22T10:00:05Z").await;
    let mut signed = json!({"KeyId": pair, "Message": "aGk=", "SigningAlgorithm": "ECDSA_SHA_256"});
    signed["Signature"] = house.ok("Sign", signed.clone()).await["Signature"].clone();
    assert_eq!(house.ok_in(IRELAND, "Verify", signed).await["SignatureValid"], true);
    let mut tagged = json!({"KeyId": mac, "Message": "aGk=", "MacAlgorithm": "HMAC_SHA_256"});
    tagged["Mac"] = house.ok_in(IRELAND, "GenerateMac", tagged.clone()).await["Mac"].clone();
    assert_eq!(house.ok("VerifyMac", tagged).await["MacValid"], true);
    let grant = json!({"KeyId": pair, "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": ["Sign", "Verify", "GetPublicKey"]});
    house.ok("CreateGrant", grant.clone()).await;
    let mut wrong = grant;
    wrong["Constraints"] = json!({"EncryptionContextEquals": {"a": "b"}});
    assert!(house.refused("CreateGrant", wrong).await.starts_with("ValidationException: Encryption context"));
}

#[tokio::test]
async fn imported_material_is_imported_everywhere() {
    let house = House::open().await;
    let key = house.key_with(json!({"MultiRegion": true, "Origin": "EXTERNAL"})).await;
    let refused = house.refused("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": IRELAND})).await;
    assert!(refused.ends_with("is pending import."), "{refused}");
}

#[tokio::test]
async fn replication_is_recorded_in_both_regions() {
    let (house, key) = family(&[IRELAND]).await;
    let records = house.records().await;
    let seen: Vec<(Value, Value, Value)> = records
        .iter()
        .map(|record| {
            (record["eventName"].clone(), record["awsRegion"].clone(), record["resources"][0]["ARN"].clone())
        })
        .collect();
    let want = |name: &str, region: &str| (json!(name), json!(region), json!(arn_in(region, &key)));
    assert_eq!(
        seen,
        [
            want("CreateKey", REGION),
            want("CreateKey", IRELAND),
            want("ReplicateKey", REGION),
            want("SynchronizeMultiRegionKey", IRELAND),
        ]
    );
    assert_eq!(records[1]["requestID"], records[2]["requestID"]);
    assert_ne!(records[1]["eventID"], records[2]["eventID"]);
    assert_eq!(records[1]["requestParameters"]["multiRegion"], true);
    assert_eq!(records[3]["userIdentity"], json!({"accountId": ACCOUNT, "invokedBy": "AWS Internal"}));
    assert_eq!(records[3]["responseElements"], json!({"keyId": arn_in(IRELAND, &key)}));
}

#[tokio::test]
async fn rotation_is_shared_and_set_on_the_primary() {
    let (house, key) = family(&[IRELAND]).await;
    let old = house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await["CiphertextBlob"].clone();
    let on_replica = house.refused_in(IRELAND, "EnableKeyRotation", json!({"KeyId": key})).await;
    assert_eq!(
        on_replica,
        format!(
            "UnsupportedOperationException: {} is not a multi-region primary key.",
            arn_in(IRELAND, &key)
        )
    );
    assert!(house.refused_in(IRELAND, "RotateKeyOnDemand", json!({"KeyId": key})).await.contains("primary"));
    house.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90})).await;
    let status = house.ok_in(IRELAND, "GetKeyRotationStatus", json!({"KeyId": key})).await;
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(90)));
    house.ok("RotateKeyOnDemand", json!({"KeyId": key})).await;
    house.advance_to("2027-03-01T00:00:00Z").await;
    let current = metadata(&house, REGION, &key).await["CurrentKeyMaterialId"].clone();
    assert_eq!(metadata(&house, IRELAND, &key).await["CurrentKeyMaterialId"], current);
    let rotations = house.ok_in(IRELAND, "ListKeyRotations", json!({"KeyId": key})).await;
    assert_eq!(rotations["Rotations"].as_array().unwrap().len(), 2);
    let there = house.ok_in(IRELAND, "Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await;
    for blob in [old, there["CiphertextBlob"].clone()] {
        assert_eq!(house.ok("Decrypt", json!({"CiphertextBlob": blob})).await["Plaintext"], "aGk=");
    }
}

#[tokio::test]
async fn the_primary_moves() {
    let (house, key) = family(&[IRELAND, TOKYO]).await;
    let to = |region: &str| json!({"KeyId": key, "PrimaryRegion": region});
    assert!(house.refused_in(IRELAND, "UpdatePrimaryRegion", to(TOKYO)).await.contains("not a multi-region"));
    assert!(house.refused("UpdatePrimaryRegion", to("us-east-1")).await.starts_with("NotFoundException"));
    assert!(house.refused("UpdatePrimaryRegion", to(REGION)).await.starts_with("UnsupportedOperation"));
    house.ok("UpdatePrimaryRegion", to(IRELAND)).await;
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn(&key)}));
    for region in [REGION, IRELAND] {
        assert_eq!(metadata(&house, region, &key).await["KeyState"], "Updating");
    }
    house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await;
    let disable = house.refused("DisableKey", json!({"KeyId": key})).await;
    assert_eq!(disable, format!("KMSInvalidStateException: {} is updating.", arn(&key)));
    house.advance_to("2026-11-22T11:00:00Z").await;
    for (region, role) in [(REGION, "REPLICA"), (IRELAND, "PRIMARY"), (TOKYO, "REPLICA")] {
        let key = metadata(&house, region, &key).await;
        assert_eq!(key["KeyState"], "Enabled");
        assert_eq!(key["MultiRegionConfiguration"]["MultiRegionKeyType"], role, "{region}");
        assert_eq!(key["MultiRegionConfiguration"]["PrimaryKey"]["Region"], IRELAND);
        assert_eq!(key["MultiRegionConfiguration"]["ReplicaKeys"].as_array().unwrap().len(), 2);
    }
    let both: Vec<Value> = house.records().await;
    let moves = both.iter().filter(|record| record["eventName"] == "UpdatePrimaryRegion");
    let regions: Vec<&Value> =
        moves.filter(|record| record["errorCode"].is_null()).map(|record| &record["awsRegion"]).collect();
    assert_eq!(regions, [IRELAND, REGION]);
    house.ok_in(IRELAND, "RotateKeyOnDemand", json!({"KeyId": key})).await;
}

#[tokio::test]
async fn a_primary_goes_after_its_replicas() {
    let (house, key) = family(&[IRELAND]).await;
    let days = |days: i32| json!({"KeyId": key, "PendingWindowInDays": days});
    let waiting = house.ok("ScheduleKeyDeletion", days(10)).await;
    assert_eq!(
        waiting,
        json!({"KeyId": arn(&key), "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 10})
    );
    assert_eq!(
        house.noted()["responseElements"],
        json!({"keyId": arn(&key), "keyState": "PendingReplicaDeletion", "pendingWindowInDays": 10})
    );
    assert_eq!(house.described(&key, "PendingDeletionWindowInDays").await, 10);
    let refused = house.refused("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await;
    assert!(refused.ends_with("is pending replica deletion."), "{refused}");
    house.ok_in(IRELAND, "ScheduleKeyDeletion", days(7)).await;
    house.advance_to("2026-11-30T00:00:00Z").await;
    assert!(house.refused_in(IRELAND, "DescribeKey", json!({"KeyId": key})).await.starts_with("NotFound"));
    let primary = metadata(&house, REGION, &key).await;
    assert_eq!(primary["KeyState"], "PendingDeletion");
    // Ten days after the replica was deleted.
    assert_eq!(primary["DeletionDate"], json!(1_795_341_605.0 + 17.0 * 86_400.0));
    house.advance_to("2026-12-09T10:00:04Z").await;
    assert_eq!(house.described(&key, "KeyState").await, "PendingDeletion");
    house.advance_to("2026-12-09T10:00:05Z").await;
    assert!(house.refused("DescribeKey", json!({"KeyId": key})).await.starts_with("NotFound"));
}

#[tokio::test]
async fn permissions_are_asked_for_on_both_sides() {
    let (house, key) = family(&[]).await;
    house.create_user("a").await;
    let replicate = json!({"KeyId": key, "ReplicaRegion": IRELAND});
    let half = user(ACCOUNT, "a", &["kms:ReplicateKey"], "*");
    let denied = shown(house.call(&half, "ReplicateKey", replicate.clone()).await);
    assert!(denied.contains("kms:CreateKey"), "{denied}");
    let whole = user(ACCOUNT, "a", &["kms:ReplicateKey", "kms:CreateKey", "kms:PutKeyPolicy"], "*");
    house.call(&whole, "ReplicateKey", replicate).await.unwrap();
    let single = house.key().await;
    let refused = house.refused("ReplicateKey", json!({"KeyId": single, "ReplicaRegion": IRELAND})).await;
    assert_eq!(
        refused,
        format!("UnsupportedOperationException: {} is not a multi-region primary key.", arn(&single))
    );
}
