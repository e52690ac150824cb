//! `GetPublicKey`: what it answers, and in which states.

use serde_json::{Value, json};

use crate::testing::{House, arn};

#[tokio::test]
async fn the_answer_lists_the_algorithms_of_the_usage() {
    let house = House::open().await;
    for (spec, usage, list, algorithms) in [
        (
            "RSA_2048",
            "ENCRYPT_DECRYPT",
            "EncryptionAlgorithms",
            json!(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
        ),
        ("ECC_NIST_P521", "SIGN_VERIFY", "SigningAlgorithms", json!(["ECDSA_SHA_512"])),
        ("ECC_NIST_P384", "KEY_AGREEMENT", "KeyAgreementAlgorithms", json!(["ECDH"])),
        ("ML_DSA_65", "SIGN_VERIFY", "SigningAlgorithms", json!(["ML_DSA_SHAKE_256"])),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "EncapsulationAlgorithms", json!(["ML_KEM"])),
    ] {
        let key = house.key_with(json!({"KeySpec": spec, "KeyUsage": usage})).await;
        let answer = house.ok("GetPublicKey", json!({"KeyId": key})).await;
        let mut want = json!({
            "KeyId": arn(&key), "PublicKey": answer["PublicKey"], "CustomerMasterKeySpec": spec,
            "KeySpec": spec, "KeyUsage": usage,
        });
        want[list] = algorithms;
        assert_eq!(answer, want);
    }
}

#[tokio::test]
async fn states_and_kinds_of_keys() {
    let house = House::open().await;
    let body = json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"});
    let key = house.key_with(body.clone()).await;
    house.ok("DisableKey", json!({"KeyId": key})).await;
    house.ok("GetPublicKey", json!({"KeyId": key})).await;
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
    let wish = |key: &str| json!({"KeyId": key});
    assert_eq!(
        house.refused("GetPublicKey", wish(&key)).await,
        format!("KMSInvalidStateException: {} is pending deletion.", arn(&key))
    );
    let mut external = body;
    external["Origin"] = json!("EXTERNAL");
    let key = house.key_with(external).await;
    assert_eq!(
        house.refused("GetPublicKey", wish(&key)).await,
        format!("KMSInvalidStateException: {} is pending import.", arn(&key))
    );
    let hmac = house.key_with(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})).await;
    for key in [house.key().await, hmac] {
        let refused = house.refused("GetPublicKey", wish(&key)).await;
        assert!(refused.starts_with("UnsupportedOperationException"), "{refused}");
    }
}

#[tokio::test]
async fn keys_that_are_not_symmetric_do_not_rotate() {
    let house = House::open().await;
    for (spec, usage) in [("RSA_2048", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")] {
        let key = house.key_with(json!({"KeySpec": spec, "KeyUsage": usage})).await;
        for operation in ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand", "ListKeyRotations"]
        {
            let refused = house.refused(operation, json!({"KeyId": key})).await;
            assert_eq!(refused, "UnsupportedOperationException: ", "{operation}");
        }
        let status = house.ok("GetKeyRotationStatus", json!({"KeyId": key})).await;
        assert_eq!(status, json!({"KeyRotationEnabled": false, "KeyId": arn(&key)}));
        assert_eq!(house.described(&key, "KeyState").await, Value::from("Enabled"));
    }
}
