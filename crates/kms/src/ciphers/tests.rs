//! Encryption under RSA keys: `Encrypt`, `Decrypt` and `ReEncrypt`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::testing::{House, arn};

async fn rsa_key(house: &House, spec: &str) -> String {
    house.key_with(json!({"KeySpec": spec, "KeyUsage": "ENCRYPT_DECRYPT"})).await
}

fn wish(key: &str, algorithm: &str, plaintext: &[u8]) -> Value {
    json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "Plaintext": BASE64.encode(plaintext)})
}

#[tokio::test]
async fn rsa_keys_encrypt_up_to_their_limit() {
    let house = House::open().await;
    for (spec, limits) in [("RSA_2048", [214, 190]), ("RSA_3072", [342, 318]), ("RSA_4096", [470, 446])] {
        let key = rsa_key(&house, spec).await;
        for (algorithm, bytes) in ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"].into_iter().zip(limits) {
            let plaintext = vec![7; bytes];
            let sealed = house.ok("Encrypt", wish(&key, algorithm, &plaintext)).await;
            assert_eq!(
                sealed,
                json!({
                    "KeyId": arn(&key), "CiphertextBlob": sealed["CiphertextBlob"],
                    "EncryptionAlgorithm": algorithm,
                })
            );
            assert_eq!(house.noted()["additionalEventData"], Value::Null);
            let open = json!({
                "KeyId": key, "EncryptionAlgorithm": algorithm, "CiphertextBlob": sealed["CiphertextBlob"],
            });
            assert_eq!(
                house.ok("Decrypt", open).await,
                json!({
                    "KeyId": arn(&key), "Plaintext": BASE64.encode(plaintext), "EncryptionAlgorithm": algorithm,
                })
            );
            assert_eq!(
                house.refused("Encrypt", wish(&key, algorithm, &vec![7; bytes + 1])).await,
                format!(
                    "ValidationException: Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {bytes} bytes."
                )
            );
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_an_rsa_key_is_refused() {
    let house = House::open().await;
    let (key, symmetric) = (rsa_key(&house, "RSA_2048").await, house.key().await);
    let plain = wish(&key, "SYMMETRIC_DEFAULT", b"p");
    let want =
        "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.";
    assert_eq!(house.refused("Encrypt", plain).await, want);
    assert_eq!(house.refused("Decrypt", json!({"KeyId": key, "CiphertextBlob": "AAAA"})).await, want);
    assert_eq!(
        house.refused("Encrypt", wish(&symmetric, "RSAES_OAEP_SHA_256", b"p")).await,
        "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    );
    let mut with_context = wish(&key, "RSAES_OAEP_SHA_256", b"p");
    with_context["EncryptionContext"] = json!({"a": "b"});
    assert_eq!(
        house.refused("Encrypt", with_context).await,
        "ValidationException: An encryption context is not valid for a key with KeySpec RSA_2048."
    );
    // An RSA ciphertext names no key.
    let nameless = json!({"EncryptionAlgorithm": "RSAES_OAEP_SHA_256", "CiphertextBlob": "AAAA"});
    assert_eq!(
        house.refused("Decrypt", nameless).await,
        "ValidationException: 1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"
    );
    let junk = json!({"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256", "CiphertextBlob": "AAAA"});
    assert_eq!(house.refused("Decrypt", junk).await, "InvalidCiphertextException: ");
    let signer = house.key_with(json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"})).await;
    assert_eq!(
        house.refused("Encrypt", wish(&signer, "RSAES_OAEP_SHA_256", b"p")).await,
        format!(
            "InvalidKeyUsageException: {} key usage is SIGN_VERIFY which is not valid for Encrypt.",
            arn(&signer)
        )
    );
    assert_eq!(
        house.refused("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})).await,
        format!(
            "InvalidKeyUsageException: {} key spec is RSA_2048 which is not valid for GenerateDataKey.",
            arn(&key)
        )
    );
}

#[tokio::test]
async fn re_encryption_goes_between_kinds_of_keys() {
    let house = House::open().await;
    let (rsa, symmetric) = (rsa_key(&house, "RSA_2048").await, house.key().await);
    let material = house.described(&symmetric, "CurrentKeyMaterialId").await;
    let sealed = house.ok("Encrypt", wish(&rsa, "RSAES_OAEP_SHA_256", b"plain")).await;
    let into = house
        .ok(
            "ReEncrypt",
            json!({
                "CiphertextBlob": sealed["CiphertextBlob"], "SourceKeyId": rsa,
                "SourceEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "DestinationKeyId": symmetric,
            }),
        )
        .await;
    assert_eq!((&into["SourceKeyMaterialId"], &into["DestinationKeyMaterialId"]), (&Value::Null, &material));
    assert_eq!(house.noted()["additionalEventData"], json!({"destinationKeyMaterialId": material}));
    let back = house
        .ok(
            "ReEncrypt",
            json!({
                "CiphertextBlob": into["CiphertextBlob"], "DestinationKeyId": rsa,
                "DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_1",
            }),
        )
        .await;
    assert_eq!(house.noted()["additionalEventData"], json!({"sourceKeyMaterialId": material}));
    let open = json!({
        "KeyId": rsa, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1", "CiphertextBlob": back["CiphertextBlob"],
    });
    assert_eq!(house.ok("Decrypt", open).await["Plaintext"], BASE64.encode(b"plain"));
}
