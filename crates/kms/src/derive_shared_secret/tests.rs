//! `DeriveSharedSecret`.

use serde_json::{Value, json};

use crate::testing::{House, arn};

async fn agreement_key(house: &House, spec: &str) -> String {
    house.key_with(json!({"KeySpec": spec, "KeyUsage": "KEY_AGREEMENT"})).await
}

async fn public_key(house: &House, key: &str) -> Value {
    house.ok("GetPublicKey", json!({"KeyId": key})).await["PublicKey"].clone()
}

fn wish(key: &str, public: &Value) -> Value {
    json!({"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public})
}

#[tokio::test]
async fn two_keys_agree_on_one_secret() {
    let house = House::open().await;
    for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"] {
        let (ours, theirs) = (agreement_key(&house, spec).await, agreement_key(&house, spec).await);
        assert_eq!(house.described(&ours, "KeyAgreementAlgorithms").await, json!(["ECDH"]));
        let (our_public, their_public) = (public_key(&house, &ours).await, public_key(&house, &theirs).await);
        let answer = house.ok("DeriveSharedSecret", wish(&ours, &their_public)).await;
        let mirrored = house.ok("DeriveSharedSecret", wish(&theirs, &our_public)).await;
        assert_eq!(answer["SharedSecret"], mirrored["SharedSecret"]);
        assert_eq!(
            answer,
            json!({
                "KeyId": arn(&ours), "SharedSecret": answer["SharedSecret"], "KeyAgreementAlgorithm": "ECDH",
                "KeyOrigin": "AWS_KMS",
            })
        );
        let mut dry = wish(&ours, &their_public);
        dry["DryRun"] = json!(true);
        assert!(house.refused("DeriveSharedSecret", dry).await.starts_with("DryRunOperationException"));
    }
}

#[tokio::test]
async fn refusals_read_as_recorded_from_aws() {
    let house = House::open().await;
    let key = agreement_key(&house, "ECC_NIST_P256").await;
    let foreign = public_key(&house, &agreement_key(&house, "ECC_NIST_P384").await).await;
    for public in [foreign, json!("AAAA")] {
        assert_eq!(house.refused("DeriveSharedSecret", wish(&key, &public)).await, "ValidationException: ");
    }
    let own = public_key(&house, &key).await;
    for (usage, spec) in [("SIGN_VERIFY", "ECC_NIST_P256"), ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")] {
        let other = house.key_with(json!({"KeySpec": spec, "KeyUsage": usage})).await;
        assert_eq!(
            house.refused("DeriveSharedSecret", wish(&other, &own)).await,
            format!(
                "InvalidKeyUsageException: {} key usage is {usage} which is not valid for DeriveSharedSecret.",
                arn(&other)
            )
        );
    }
    let mut unknown = wish(&key, &own);
    unknown["KeyAgreementAlgorithm"] = json!("INVALID");
    assert_eq!(
        house.refused("DeriveSharedSecret", unknown).await,
        "ValidationException: 1 validation error detected: Value 'INVALID' at 'keyAgreementAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [ECDH]"
    );
}
