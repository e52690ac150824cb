//! `GenerateDataKeyPair` and `GenerateDataKeyPairWithoutPlaintext`.

use serde_json::json;

use crate::testing::{ACCOUNT, House, arn, text};

const SPECS: [&str; 11] = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];

#[tokio::test]
async fn every_spec_makes_a_pair_whose_private_key_decrypts() {
    let house = House::open().await;
    let key = house.key().await;
    let material = house.described(&key, "CurrentKeyMaterialId").await;
    for spec in SPECS {
        let context = json!({"purpose": "test"});
        let wish = json!({"KeyId": key, "KeyPairSpec": spec, "EncryptionContext": context});
        let made = house.ok("GenerateDataKeyPair", wish.clone()).await;
        assert_eq!((&made["KeyId"], &made["KeyPairSpec"]), (&json!(arn(&key)), &json!(spec)));
        assert_eq!(made["KeyMaterialId"], material);
        let blob = &made["PrivateKeyCiphertextBlob"];
        let opened = house.ok("Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": context})).await;
        assert_eq!(opened["Plaintext"], made["PrivateKeyPlaintext"], "{spec}");
        let without = house.ok("GenerateDataKeyPairWithoutPlaintext", wish).await;
        assert!(without.get("PrivateKeyPlaintext").is_none());
        assert_ne!(text(&without["PublicKey"]), text(&made["PublicKey"]));
        assert_eq!(
            house.noted(),
            json!({
                "requestParameters": {"encryptionContext": context, "keyId": key, "keyPairSpec": spec},
                "responseElements": null, "additionalEventData": {"keyMaterialId": material},
                "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
            })
        );
    }
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = house.key().await;
    let check = async |body: serde_json::Value, want: &str| {
        for operation in ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"] {
            let refused = house.refused(operation, body.clone()).await;
            assert_eq!(refused, want.replace("{operation}", operation));
        }
    };
    check(
        json!({"KeyId": key, "KeyPairSpec": "SM2"}),
        "UnsupportedOperationException: KeyPairSpec SM2 is not supported in this Region.",
    )
    .await;
    check(
        json!({"KeyId": key, "KeyPairSpec": "RSA_4096", "DryRun": true}),
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
    )
    .await;
    let signer = house.key_with(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})).await;
    check(
        json!({"KeyId": signer, "KeyPairSpec": "RSA_2048"}),
        &format!(
            "InvalidKeyUsageException: {} key usage is SIGN_VERIFY which is not valid for {{operation}}.",
            arn(&signer)
        ),
    )
    .await;
    let rsa = house.key_with(json!({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"})).await;
    check(
        json!({"KeyId": rsa, "KeyPairSpec": "RSA_2048"}),
        &format!(
            "InvalidKeyUsageException: {} key spec is RSA_2048 which is not valid for {{operation}}.",
            arn(&rsa)
        ),
    )
    .await;
}
