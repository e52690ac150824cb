//! `GenerateMac` and `VerifyMac`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, text};

async fn mac_key(house: &House, spec: &str) -> String {
    house.key_with(json!({"KeySpec": spec, "KeyUsage": "GENERATE_VERIFY_MAC"})).await
}

#[tokio::test]
async fn every_spec_makes_and_verifies_its_mac() {
    let house = House::open().await;
    for (spec, algorithm, bytes) in [
        ("HMAC_224", "HMAC_SHA_224", 28),
        ("HMAC_256", "HMAC_SHA_256", 32),
        ("HMAC_384", "HMAC_SHA_384", 48),
        ("HMAC_512", "HMAC_SHA_512", 64),
    ] {
        let key = mac_key(&house, spec).await;
        assert_eq!(house.described(&key, "MacAlgorithms").await, json!([algorithm]));
        let mut wish = json!({"KeyId": key, "MacAlgorithm": algorithm, "Message": "bWVzc2FnZQ=="});
        let made = house.ok("GenerateMac", wish.clone()).await;
        assert_eq!((&made["KeyId"], &made["MacAlgorithm"]), (&json!(arn(&key)), &json!(algorithm)));
        assert_eq!(BASE64.decode(text(&made["Mac"])).unwrap().len(), bytes);
        wish["Mac"] = made["Mac"].clone();
        assert_eq!(
            house.ok("VerifyMac", wish.clone()).await,
            json!({"KeyId": arn(&key), "MacValid": true, "MacAlgorithm": algorithm})
        );
        for (member, value) in [("Message", "b3RoZXI="), ("Mac", "AAAA")] {
            let mut wish = wish.clone();
            wish[member] = json!(value);
            assert_eq!(house.refused("VerifyMac", wish).await, "KMSInvalidMacException: ");
        }
        wish["DryRun"] = json!(true);
        assert!(house.refused("VerifyMac", wish).await.starts_with("DryRunOperationException"));
    }
}

#[tokio::test]
async fn refusals_read_as_recorded_from_aws() {
    let house = House::open().await;
    let (key, symmetric) = (mac_key(&house, "HMAC_224").await, house.key().await);
    let check = async |key: &str, algorithm: &str, want: String| {
        let wish = json!({"KeyId": key, "MacAlgorithm": algorithm, "Message": "bQ=="});
        assert_eq!(house.refused("GenerateMac", wish).await, want);
    };
    let want = "InvalidKeyUsageException: Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.";
    check(&key, "HMAC_SHA_256", want.to_owned()).await;
    check(
        &symmetric,
        "HMAC_SHA_256",
        format!(
            "InvalidKeyUsageException: {} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.",
            arn(&symmetric)
        ),
    )
    .await;
    check(
        &key,
        "INVALID",
        "ValidationException: 1 validation error detected: Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]".to_owned(),
    )
    .await;
}

#[tokio::test]
async fn the_record_withholds_message_and_mac() {
    let house = House::open().await;
    let key = mac_key(&house, "HMAC_256").await;
    let mut wish = json!({"KeyId": key, "MacAlgorithm": "HMAC_SHA_256", "Message": "bQ=="});
    let made = house.ok("GenerateMac", wish.clone()).await;
    let want = json!({
        "requestParameters": {"keyId": key, "macAlgorithm": "HMAC_SHA_256"},
        "responseElements": Value::Null, "additionalEventData": Value::Null,
        "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
    });
    assert_eq!(house.noted(), want);
    wish["Mac"] = made["Mac"].clone();
    house.ok("VerifyMac", wish).await;
    assert_eq!(house.noted(), want);
}
