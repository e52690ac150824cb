//! Data keys and random bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, text};

fn length(blob: &Value) -> usize {
    BASE64.decode(text(blob)).unwrap().len()
}

#[tokio::test]
async fn a_data_key_is_what_its_blob_holds() {
    let house = House::open().await;
    let key = house.key().await;
    for (wish, bytes) in [
        (json!({"KeySpec": "AES_256"}), 32),
        (json!({"KeySpec": "AES_128"}), 16),
        (json!({"NumberOfBytes": 1024}), 1024),
    ] {
        let mut body = json!({"KeyId": key, "EncryptionContext": {"a": "b"}});
        body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        let answer = house.ok("GenerateDataKey", body.clone()).await;
        assert_eq!(length(&answer["Plaintext"]), bytes);
        assert_eq!(answer["KeyMaterialId"], house.described(&key, "CurrentKeyMaterialId").await);
        let decrypt = json!({"CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": {"a": "b"}});
        assert_eq!(house.ok("Decrypt", decrypt.clone()).await["Plaintext"], answer["Plaintext"]);
        let answer = house.ok("GenerateDataKeyWithoutPlaintext", body).await;
        assert_eq!(answer["Plaintext"], Value::Null);
        let decrypt = json!({"CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": {"a": "b"}});
        assert_eq!(length(&house.ok("Decrypt", decrypt).await["Plaintext"]), bytes);
    }
}

#[tokio::test]
async fn the_record_reads_as_the_guide_shows_it() {
    let house = House::open().await;
    let key = house.key().await;
    let context = json!({"Department": "Engineering", "Project": "Alpha"});
    let body = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context});
    let answer = house.ok("GenerateDataKey", body).await;
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {"keyId": key, "keySpec": "AES_256", "encryptionContext": context},
            "responseElements": null,
            "additionalEventData": {"keyMaterialId": answer["KeyMaterialId"]},
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
        })
    );
    let record = house.record.borrow().to_string();
    assert!(
        !record.contains(&text(&answer["Plaintext"])) && !record.contains(&text(&answer["CiphertextBlob"]))
    );
}

#[tokio::test]
async fn a_wish_has_one_length() {
    let house = House::open().await;
    let key = house.key().await;
    for body in [json!({"KeyId": key}), json!({"KeyId": key, "KeySpec": "AES_256", "NumberOfBytes": 16})] {
        for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
            assert_eq!(
                house.refused(operation, body.clone()).await,
                "ValidationException: Please specify either number of bytes or key spec."
            );
        }
    }
    let dry = json!({"KeyId": key, "KeySpec": "AES_256", "DryRun": true});
    assert!(house.refused("GenerateDataKey", dry).await.starts_with("DryRunOperationException"));
}

#[tokio::test]
async fn random_bytes() {
    let house = House::open().await;
    let answer = house.ok("GenerateRandom", json!({"NumberOfBytes": 44})).await;
    assert_eq!(length(&answer["Plaintext"]), 44);
    assert_eq!(
        house.noted(),
        json!({"requestParameters": null, "responseElements": null, "additionalEventData": null, "resources": null})
    );
    let check = async |body: Value, want: &str| assert_eq!(house.refused("GenerateRandom", body).await, want);
    check(json!({}), "ValidationException: NumberOfBytes is required.").await;
    check(json!({"NumberOfBytes": 0}), "ValidationException: 1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1").await;
    check(json!({"NumberOfBytes": 1025}), "ValidationException: 1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024").await;
}
