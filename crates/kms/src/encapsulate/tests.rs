//! `Encapsulate` and `Decapsulate`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, text};

async fn kem_key(house: &House, spec: &str) -> String {
    house.key_with(json!({"KeySpec": spec, "KeyUsage": "ENCAPSULATE_DECAPSULATE"})).await
}

#[tokio::test]
async fn secrets_come_out_and_changed_ciphertexts_give_others() {
    let house = House::open().await;
    for (spec, bytes) in [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)] {
        let key = kem_key(&house, spec).await;
        assert_eq!(house.described(&key, "EncapsulationAlgorithms").await, json!(["ML_KEM"]));
        let wish = json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"});
        let sent = house.ok("Encapsulate", wish.clone()).await;
        assert_eq!((&sent["KeyId"], &sent["EncapsulationAlgorithm"]), (&json!(arn(&key)), &json!("ML_KEM")));
        assert_eq!(BASE64.decode(text(&sent["SharedSecret"])).unwrap().len(), 32);
        let mut ciphertext = BASE64.decode(text(&sent["SharedSecretCiphertextBlob"])).unwrap();
        assert_eq!(ciphertext.len(), bytes);
        let open = |ciphertext: &[u8]| {
            let mut wish = wish.clone();
            wish["SharedSecretCiphertextBlob"] = json!(BASE64.encode(ciphertext));
            wish
        };
        let received = house.ok("Decapsulate", open(&ciphertext)).await;
        assert_eq!(
            received,
            json!({"KeyId": arn(&key), "SharedSecret": sent["SharedSecret"], "EncapsulationAlgorithm": "ML_KEM"})
        );
        ciphertext[3] ^= 1;
        let rejected = house.ok("Decapsulate", open(&ciphertext)).await;
        assert_ne!(rejected["SharedSecret"], sent["SharedSecret"]);
        assert_eq!(
            house.refused("Decapsulate", open(&ciphertext[1..])).await,
            "InvalidCiphertextException: "
        );
        for (operation, mut wish) in [("Encapsulate", wish.clone()), ("Decapsulate", open(&ciphertext))] {
            wish["DryRun"] = json!(true);
            assert!(house.refused(operation, wish).await.starts_with("DryRunOperationException"));
        }
    }
}

#[tokio::test]
async fn only_keys_for_it_encapsulate_and_the_record_shows_no_secret() {
    let house = House::open().await;
    let symmetric = house.key().await;
    let wish = json!({"KeyId": symmetric, "EncapsulationAlgorithm": "ML_KEM"});
    assert_eq!(
        house.refused("Encapsulate", wish).await,
        format!(
            "InvalidKeyUsageException: {} key usage is ENCRYPT_DECRYPT which is not valid for Encapsulate.",
            arn(&symmetric)
        )
    );
    let key = kem_key(&house, "ML_KEM_512").await;
    house.ok("Encapsulate", json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"})).await;
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {"keyId": key, "encapsulationAlgorithm": "ML_KEM"},
            "responseElements": Value::Null, "additionalEventData": Value::Null,
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
        })
    );
}
