//! `Sign` and `Verify`, every spec and algorithm through the front of the service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, text};

/// Spec, algorithm, length of a message that is not raw, and which types of message there are.
const CASES: &[(&str, &str, usize, &[&str])] = &[
    ("RSA_2048", "RSASSA_PSS_SHA_256", 32, &["RAW", "DIGEST"]),
    ("RSA_2048", "RSASSA_PSS_SHA_384", 48, &["RAW", "DIGEST"]),
    ("RSA_3072", "RSASSA_PSS_SHA_512", 64, &["RAW", "DIGEST"]),
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", 32, &["RAW", "DIGEST"]),
    ("RSA_3072", "RSASSA_PKCS1_V1_5_SHA_384", 48, &["RAW", "DIGEST"]),
    ("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_512", 64, &["RAW", "DIGEST"]),
    ("ECC_NIST_P256", "ECDSA_SHA_256", 32, &["RAW", "DIGEST"]),
    ("ECC_NIST_P384", "ECDSA_SHA_384", 48, &["RAW", "DIGEST"]),
    ("ECC_NIST_P521", "ECDSA_SHA_512", 64, &["RAW", "DIGEST"]),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256", 32, &["RAW", "DIGEST"]),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", 64, &["RAW"]),
    ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", 64, &["DIGEST"]),
    ("ML_DSA_44", "ML_DSA_SHAKE_256", 64, &["RAW", "EXTERNAL_MU"]),
    ("ML_DSA_65", "ML_DSA_SHAKE_256", 64, &["RAW", "EXTERNAL_MU"]),
    ("ML_DSA_87", "ML_DSA_SHAKE_256", 64, &["RAW", "EXTERNAL_MU"]),
];

async fn signer(house: &House, spec: &str) -> String {
    house.key_with(json!({"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"})).await
}

fn wish(key: &str, algorithm: &str, message_type: &str, message: &[u8]) -> Value {
    json!({
        "KeyId": key, "SigningAlgorithm": algorithm, "MessageType": message_type,
        "Message": BASE64.encode(message),
    })
}

fn with_signature(mut wish: Value, signature: &Value) -> Value {
    wish["Signature"] = signature.clone();
    wish
}

#[tokio::test]
async fn every_algorithm_signs_the_forms_of_message_it_takes_and_no_other() {
    let house = House::open().await;
    for (spec, algorithm, digest, types) in CASES {
        let key = signer(&house, spec).await;
        let listed = house.described(&key, "SigningAlgorithms").await;
        assert!(listed.as_array().unwrap().contains(&json!(algorithm)), "{spec} {listed}");
        assert_eq!(house.described(&key, "CurrentKeyMaterialId").await, Value::Null);
        for message_type in ["RAW", "DIGEST", "EXTERNAL_MU"] {
            let message = if message_type == "RAW" { vec![7; 4096] } else { vec![7; *digest] };
            let wish = wish(&key, algorithm, message_type, &message);
            if !types.contains(&message_type) {
                assert_eq!(
                    house.refused("Sign", wish).await,
                    format!(
                        "ValidationException: MessageType {message_type} is not compatible with algorithm {algorithm}."
                    )
                );
                continue;
            }
            let signed = house.ok("Sign", wish.clone()).await;
            assert_eq!(signed["KeyId"], arn(&key));
            assert_eq!(signed["SigningAlgorithm"], *algorithm);
            let verified = house.ok("Verify", with_signature(wish.clone(), &signed["Signature"])).await;
            assert_eq!(
                verified,
                json!({"KeyId": arn(&key), "SignatureValid": true, "SigningAlgorithm": algorithm})
            );
            let mut changed = BASE64.decode(text(&signed["Signature"])).unwrap();
            changed[20] ^= 1;
            let changed = with_signature(wish, &json!(BASE64.encode(changed)));
            assert_eq!(house.refused("Verify", changed).await, "KMSInvalidSignatureException: ");
        }
    }
}

#[tokio::test]
async fn digests_have_the_length_of_their_hash() {
    let house = House::open().await;
    for (spec, algorithm, digest, types) in CASES {
        let Some(message_type) = types.iter().find(|kind| **kind != "RAW") else { continue };
        let key = signer(&house, spec).await;
        for length in [digest - 1, digest + 1] {
            let wish = wish(&key, algorithm, message_type, &vec![7; length]);
            let want = format!("ValidationException: Digest is invalid length for algorithm {algorithm}.");
            assert_eq!(house.refused("Sign", wish.clone()).await, want);
            assert_eq!(house.refused("Verify", with_signature(wish, &json!("AAAA"))).await, want);
        }
    }
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = signer(&house, "ECC_NIST_P256").await;
    let check = async |body: Value, want: &str| assert_eq!(house.refused("Sign", body).await, want);
    for algorithm in ["ECDSA_SHA_384", "RSASSA_PSS_SHA_256", "SM2DSA", "ML_DSA_SHAKE_256"] {
        check(
            wish(&key, algorithm, "RAW", b"m"),
            &format!(
                "InvalidKeyUsageException: Algorithm {algorithm} is incompatible with key spec ECC_NIST_P256."
            ),
        )
        .await;
    }
    check(
        wish(&key, "ECDSA_SHA_256", "RAW", &[7; 4097]),
        "ValidationException: 1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096",
    )
    .await;
    let symmetric = house.key().await;
    check(
        wish(&symmetric, "ECDSA_SHA_256", "RAW", b"m"),
        &format!(
            "InvalidKeyUsageException: {} key usage is ENCRYPT_DECRYPT which is not valid for Sign.",
            arn(&symmetric)
        ),
    )
    .await;
    let mut dry = wish(&key, "ECDSA_SHA_256", "RAW", b"m");
    dry["DryRun"] = json!(true);
    check(dry, "DryRunOperationException: The request would have succeeded, but the DryRun option is set.")
        .await;
    house.ok("DisableKey", json!({"KeyId": key})).await;
    check(
        wish(&key, "ECDSA_SHA_256", "RAW", b"m"),
        &format!("DisabledException: {} is disabled.", arn(&key)),
    )
    .await;
}

#[tokio::test]
async fn a_dry_run_of_verify_still_judges_the_signature() {
    let house = House::open().await;
    let key = signer(&house, "ECC_NIST_P256").await;
    let wish = wish(&key, "ECDSA_SHA_256", "RAW", b"m");
    let signed = house.ok("Sign", wish.clone()).await;
    let mut good = with_signature(wish.clone(), &signed["Signature"]);
    good["DryRun"] = json!(true);
    assert!(house.refused("Verify", good).await.starts_with("DryRunOperationException"));
    let mut bad = with_signature(wish, &json!("AAAA"));
    bad["DryRun"] = json!(true);
    assert_eq!(house.refused("Verify", bad).await, "KMSInvalidSignatureException: ");
}

#[tokio::test]
async fn the_record_withholds_message_and_signature() {
    let house = House::open().await;
    let key = signer(&house, "ECC_NIST_P256").await;
    let wish = wish(&key, "ECDSA_SHA_256", "RAW", b"m");
    let signed = house.ok("Sign", wish.clone()).await;
    let want = json!({
        "requestParameters": {"messageType": "RAW", "keyId": key, "signingAlgorithm": "ECDSA_SHA_256"},
        "responseElements": null, "additionalEventData": null,
        "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
    });
    assert_eq!(house.noted(), want);
    house.ok("Verify", with_signature(wish, &signed["Signature"])).await;
    assert_eq!(house.noted(), want);
    assert_eq!(house.record.borrow()["readOnly"], true);
}

#[tokio::test]
async fn policies_see_algorithm_and_type_of_message() {
    let house = House::open().await;
    house.create_user("Alice").await;
    let alice = crate::testing::user(ACCOUNT, "Alice", &[], "*");
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": "kms:Sign", "Resource": "*",
         "Condition": {"StringEquals": {
            "kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST", "kms:KeySpec": "ECC_NIST_P256"}}},
    ]});
    let body = json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "Policy": policy.to_string()});
    let key = house.key_with(body).await;
    let digest = wish(&key, "ECDSA_SHA_256", "DIGEST", &[7; 32]);
    assert!(house.call(&alice, "Sign", digest).await.is_ok());
    let raw = wish(&key, "ECDSA_SHA_256", "RAW", &[7; 32]);
    let refused = crate::testing::shown(house.call(&alice, "Sign", raw).await);
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
}
