//! `Decrypt`: what opens and what does not.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, shown, text, user};

const PLAINTEXT: &str = "aGVsbG8=";

async fn sealed(house: &House, key: &str, context: Value) -> String {
    let body = json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": context});
    text(&house.ok("Encrypt", body).await["CiphertextBlob"])
}

#[tokio::test]
async fn a_blob_opens_with_its_context_and_names_its_key() {
    let house = House::open().await;
    let key = house.key().await;
    let material = house.described(&key, "CurrentKeyMaterialId").await;
    let blob = sealed(&house, &key, json!({"a": "1", "b": "2"})).await;
    let body = json!({"CiphertextBlob": blob, "EncryptionContext": {"b": "2", "a": "1"}});
    let answer = house.ok("Decrypt", body).await;
    assert_eq!(
        answer,
        json!({"KeyId": arn(&key), "Plaintext": PLAINTEXT, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyMaterialId": material})
    );
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"a": "1", "b": "2"}},
            "responseElements": null,
            "additionalEventData": {"keyMaterialId": material},
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
        })
    );
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = house.key().await;
    let other = house.key().await;
    let blob = sealed(&house, &key, json!({"a": "1"})).await;
    let check = async |body: Value, want: &str| assert_eq!(house.refused("Decrypt", body).await, want);
    check(json!({"CiphertextBlob": blob}), "InvalidCiphertextException: ").await;
    check(json!({"CiphertextBlob": "aGVsbG8="}), "InvalidCiphertextException: ").await;
    check(
        json!({"CiphertextBlob": blob, "KeyId": other, "EncryptionContext": {"a": "1"}}),
        "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.",
    )
    .await;
    assert_eq!(house.noted()["requestParameters"]["keyId"], other);
    check(
        json!({"EncryptionContext": {}}),
        "ValidationException: 1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
    )
    .await;
    check(
        json!({"CiphertextBlob": blob, "EncryptionContext": {"a": "1"}, "DryRun": true}),
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
    )
    .await;
    check(
        json!({"KeyId": key, "DryRun": true, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}),
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
    )
    .await;
    check(
        json!({"CiphertextBlob": blob, "Recipient": {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}}),
        "ValidationException: 1 validation error detected: Value null at 'recipient.attestationDocument' failed to satisfy constraint: Member must not be null",
    )
    .await;
}

#[tokio::test]
async fn a_blob_of_a_key_that_is_gone_tells_nothing() {
    let house = House::open().await;
    let key = house.key().await;
    let blob = sealed(&house, &key, json!({})).await;
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7})).await;
    assert_eq!(
        house.refused("Decrypt", json!({"CiphertextBlob": blob})).await,
        format!("KMSInvalidStateException: {} is pending deletion.", arn(&key))
    );
    house.advance_to("2026-11-29T10:00:00Z").await;
    assert_eq!(
        house.refused("Decrypt", json!({"CiphertextBlob": blob})).await,
        "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
    );
}

#[tokio::test]
async fn former_material_opens_after_rotations() {
    let house = House::open().await;
    let key = house.key().await;
    let mut blobs = Vec::new();
    for _ in 0..3 {
        blobs.push((
            sealed(&house, &key, json!({})).await,
            house.described(&key, "CurrentKeyMaterialId").await,
        ));
        house.ok("RotateKeyOnDemand", json!({"KeyId": key})).await;
    }
    for (blob, material) in blobs {
        let answer = house.ok("Decrypt", json!({"CiphertextBlob": blob})).await;
        assert_eq!((&answer["Plaintext"], &answer["KeyMaterialId"]), (&json!(PLAINTEXT), &material));
    }
}

#[tokio::test]
async fn a_user_without_permission_is_named() {
    let house = House::open().await;
    let key = house.key().await;
    let blob = sealed(&house, &key, json!({})).await;
    let bob = user(ACCOUNT, "Bob", &["kms:Encrypt"], "*");
    let refused = shown(house.call(&bob, "Decrypt", json!({"CiphertextBlob": blob})).await);
    assert!(refused.starts_with("AccessDeniedException: User: arn:aws:iam::111122223333:user/Bob is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:"), "{refused}");
}
