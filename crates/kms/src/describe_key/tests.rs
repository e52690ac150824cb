//! `DescribeKey` by every kind of name.

use serde_json::json;

use crate::testing::{House, arn};

#[tokio::test]
async fn keys_that_are_not_there_read_as_recorded_from_aws() {
    let house = House::open().await;
    let absent = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let missing = format!("NotFoundException: Key '{}' does not exist", arn(absent));
    for (name, want) in [
        (absent.to_owned(), missing.as_str()),
        (arn(absent), &missing),
        ("fake-key-id".to_owned(), "NotFoundException: Invalid keyId 'fake-key-id'"),
        (arn(absent).replace("us-west-2", "eu-west-1"), "NotFoundException: Invalid arn eu-west-1"),
    ] {
        assert_eq!(house.refused("DescribeKey", json!({"KeyId": name})).await, want);
    }
    assert!(house.noted()["resources"].is_null());
}

#[tokio::test]
async fn the_record_names_the_key_as_the_caller_did() {
    let house = House::open().await;
    let key = house.key().await;
    house.ok("DescribeKey", json!({"KeyId": arn(&key)})).await;
    let noted = house.noted();
    assert_eq!(noted["requestParameters"], json!({"keyId": arn(&key)}));
    assert_eq!(noted["responseElements"], json!(null));
    assert_eq!(noted["resources"][0]["ARN"], arn(&key));
}

#[tokio::test]
async fn a_predefined_alias_gets_its_key() {
    let house = House::open().await;
    let first = house.ok("DescribeKey", json!({"KeyId": "alias/aws/ebs"})).await;
    assert_eq!(first["KeyMetadata"]["KeyManager"], "AWS");
    assert_eq!(house.ok("DescribeKey", json!({"KeyId": "alias/aws/ebs"})).await, first);
    assert!(
        house
            .refused("DescribeKey", json!({"KeyId": "alias/aws/nothing"}))
            .await
            .starts_with("NotFoundException")
    );
}

#[tokio::test]
async fn descriptions_change() {
    let house = House::open().await;
    let key = house.key().await;
    house.ok("UpdateKeyDescription", json!({"KeyId": key, "Description": "new"})).await;
    assert_eq!(house.noted()["responseElements"], json!(null));
    assert_eq!(house.described(&key, "Description").await, "new");
}
