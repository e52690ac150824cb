//! `ReEncrypt` between keys, materials and contexts.

use serde_json::json;

use crate::testing::{ACCOUNT, House, arn, shown, text, user};

#[tokio::test]
async fn a_blob_moves_to_another_key_and_context() {
    let house = House::open().await;
    let (from, to) = (house.key().await, house.key().await);
    let encrypt = json!({"KeyId": from, "Plaintext": "aGVsbG8=", "EncryptionContext": {"Project": "Alpha"}});
    let blob = text(&house.ok("Encrypt", encrypt).await["CiphertextBlob"]);
    let answer = house
        .ok(
            "ReEncrypt",
            json!({
                "CiphertextBlob": blob, "SourceEncryptionContext": {"Project": "Alpha"},
                "DestinationKeyId": to, "DestinationEncryptionContext": {"Level": "3A"},
            }),
        )
        .await;
    assert_eq!((&answer["SourceKeyId"], &answer["KeyId"]), (&json!(arn(&from)), &json!(arn(&to))));
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {
                "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "sourceEncryptionContext": {"Project": "Alpha"},
                "destinationKeyId": to, "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                "destinationEncryptionContext": {"Level": "3A"},
            },
            "responseElements": null,
            "additionalEventData": {
                "destinationKeyMaterialId": answer["DestinationKeyMaterialId"],
                "sourceKeyMaterialId": answer["SourceKeyMaterialId"],
            },
            "resources": [
                {"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&from)},
                {"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&to)},
            ],
        })
    );
    let decrypt = json!({"CiphertextBlob": answer["CiphertextBlob"], "KeyId": to, "EncryptionContext": {"Level": "3A"}});
    assert_eq!(house.ok("Decrypt", decrypt).await["Plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn it_moves_to_the_current_material_of_the_same_key() {
    let house = House::open().await;
    let key = house.key().await;
    let blob =
        text(&house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGVsbG8="})).await["CiphertextBlob"]);
    house.ok("RotateKeyOnDemand", json!({"KeyId": key})).await;
    let answer = house.ok("ReEncrypt", json!({"CiphertextBlob": blob, "DestinationKeyId": key})).await;
    assert_ne!(answer["SourceKeyMaterialId"], answer["DestinationKeyMaterialId"]);
    assert_eq!(answer["DestinationKeyMaterialId"], house.described(&key, "CurrentKeyMaterialId").await);
}

#[tokio::test]
async fn both_permissions_are_needed() {
    let house = House::open().await;
    let (from, to) = (house.key().await, house.key().await);
    let blob =
        text(&house.ok("Encrypt", json!({"KeyId": from, "Plaintext": "aGVsbG8="})).await["CiphertextBlob"]);
    let body = json!({"CiphertextBlob": blob, "DestinationKeyId": to});
    for (actions, want) in [
        (&["kms:ReEncrypt*"][..], None),
        (&["kms:ReEncryptFrom"], Some("kms:ReEncryptTo on resource")),
        (&["kms:ReEncryptTo"], Some("kms:ReEncryptFrom on resource")),
        (&["kms:Decrypt", "kms:Encrypt"], Some("kms:ReEncryptFrom on resource")),
    ] {
        let outcome = house.call(&user(ACCOUNT, "Alice", actions, "*"), "ReEncrypt", body.clone()).await;
        match want {
            None => assert!(outcome.is_ok(), "{outcome:?}"),
            Some(want) => assert!(shown(outcome).contains(want), "{actions:?}"),
        }
    }
    let wrong = json!({"CiphertextBlob": blob, "DestinationKeyId": to, "SourceKeyId": to});
    assert!(house.refused("ReEncrypt", wrong).await.starts_with("IncorrectKeyException"));
}
