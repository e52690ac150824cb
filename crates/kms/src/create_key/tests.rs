//! `CreateKey`: what comes of it, and what does not.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, shown, text, user};

#[tokio::test]
async fn a_default_key_answers_as_recorded_from_aws() {
    let house = House::open().await;
    let answer = house.ok("CreateKey", json!({"Description": "test non multi region key"})).await;
    let metadata = &answer["KeyMetadata"];
    let id = text(&metadata["KeyId"]);
    assert_eq!(text(&metadata["CurrentKeyMaterialId"]).len(), 64);
    assert_eq!(
        *metadata,
        json!({
            "AWSAccountId": ACCOUNT, "Arn": arn(&id), "CreationDate": 1795341600.0,
            "CurrentKeyMaterialId": metadata["CurrentKeyMaterialId"], "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "Description": "test non multi region key", "Enabled": true, "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyId": id, "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false, "Origin": "AWS_KMS",
        })
    );
    assert_eq!(house.ok("DescribeKey", json!({"KeyId": id})).await, answer);
}

#[tokio::test]
async fn the_record_of_a_key_for_import_reads_as_the_guide_shows_it() {
    let house = House::open().await;
    let answer = house.ok("CreateKey", json!({"Origin": "EXTERNAL"})).await;
    let id = text(&answer["KeyMetadata"]["KeyId"]);
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {
                "description": "", "origin": "EXTERNAL", "bypassPolicyLockoutSafetyCheck": false,
                "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT",
            },
            "responseElements": {"keyMetadata": {
                "aWSAccountId": ACCOUNT, "keyId": id, "arn": arn(&id), "creationDate": "Nov 22, 2026, 10:00:00 AM",
                "enabled": false, "description": "", "keyUsage": "ENCRYPT_DECRYPT", "keyState": "PendingImport",
                "origin": "EXTERNAL", "keyManager": "CUSTOMER", "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "keySpec": "SYMMETRIC_DEFAULT", "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "multiRegion": false,
            }},
            "additionalEventData": null,
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&id)}],
        })
    );
    assert_eq!(house.record.borrow()["readOnly"], false);
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let check = async |body: Value, want: &str| assert_eq!(house.refused("CreateKey", body).await, want);
    check(
        json!({"KeySpec": "RSA_2048"}),
        "ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    )
    .await;
    check(
        json!({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"}),
        "ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
    )
    .await;
    check(
        json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}),
        "UnsupportedOperationException: KeySpec SM2 is not supported in this Region.",
    )
    .await;
    check(
        json!({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"}),
        "UnsupportedOperationException: KeySpec ML_DSA_44 is not valid for Origin EXTERNAL.",
    )
    .await;
    check(
        json!({"Origin": "AWS_CLOUDHSM"}),
        "ValidationException: CustomKeyStoreId is required for Origin AWS_CLOUDHSM.",
    )
    .await;
    check(
        json!({"Tags": [{"TagKey": "AWS:x", "TagValue": ""}]}),
        "TagException: Tags beginning with aws: are reserved",
    )
    .await;
    let locked = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:Encrypt", "Resource": "*"}]});
    check(
        json!({"Policy": locked.to_string()}),
        "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.",
    )
    .await;
    house
        .ok("CreateKey", json!({"Policy": locked.to_string(), "BypassPolicyLockoutSafetyCheck": true}))
        .await;
}

#[tokio::test]
async fn permission_is_the_callers_own_and_tags_need_theirs() {
    let house = House::open().await;
    let creator = user(ACCOUNT, "Alice", &["kms:CreateKey"], "*");
    assert!(house.call(&creator, "CreateKey", json!({})).await.is_ok());
    let tagged = json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]});
    let refused = shown(house.call(&creator, "CreateKey", tagged).await);
    assert!(refused.contains("not authorized to perform: kms:TagResource"), "{refused}");
    let stranger = user(ACCOUNT, "Bob", &["kms:Encrypt"], "*");
    assert_eq!(
        shown(house.call(&stranger, "CreateKey", json!({})).await),
        "AccessDeniedException: User: arn:aws:iam::111122223333:user/Bob is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action"
    );
}
