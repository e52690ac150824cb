//! Imported material, from its parameters to its expiry.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, text};

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];

async fn external(house: &House) -> String {
    house.key_with(json!({"Origin": "EXTERNAL", "Description": "test-key"})).await
}

/// Wraps `material` as a caller does, and asks for its import.
async fn request(house: &House, key: &str, material: &[u8], more: Value) -> Value {
    let parameters = house
        .ok(
            "GetParametersForImport",
            json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
        )
        .await;
    let public =
        PublicEncryptingKey::from_der(&BASE64.decode(text(&parameters["PublicKey"])).unwrap()).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, material, &mut wrapped, None).unwrap();
    let mut body = json!({
        "KeyId": key, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": BASE64.encode(wrapped),
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn import(house: &House, key: &str, material: &[u8], more: Value) -> Value {
    let body = request(house, key, material, more).await;
    house.ok("ImportKeyMaterial", body).await
}

fn for_ever() -> Value {
    json!({"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
}

#[tokio::test]
async fn parameters_are_for_keys_with_imported_material() {
    let house = House::open().await;
    let key = house.key().await;
    let wish =
        json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    assert_eq!(
        house.refused("GetParametersForImport", wish).await,
        format!(
            "UnsupportedOperationException: {} origin is AWS_KMS which is not valid for this operation.",
            arn(&key)
        )
    );
    let key = external(&house).await;
    let wish = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"});
    let answer = house.ok("GetParametersForImport", wish).await;
    assert_eq!((&answer["KeyId"], &answer["ParametersValidTo"]), (&json!(arn(&key)), &json!(1795428000.0)));
    assert_eq!(
        house.noted()["requestParameters"],
        json!({"keyId": key, "wrappingAlgorithm": "RSAES_OAEP_SHA_1", "wrappingKeySpec": "RSA_2048"})
    );
    let dead = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_PKCS1_V1_5", "WrappingKeySpec": "RSA_2048"});
    assert!(house.refused("GetParametersForImport", dead).await.starts_with("UnsupportedOperationException"));
}

#[tokio::test]
async fn the_record_reads_as_the_guide_shows_it() {
    let house = House::open().await;
    let key = external(&house).await;
    let more = json!({"ValidTo": 1796000000.0, "KeyMaterialDescription": "first of 2026"});
    let answer = import(&house, &key, &FIRST, more).await;
    assert_eq!(answer["KeyId"], arn(&key));
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {
                "keyId": key, "validTo": "Nov 30, 2026, 12:53:20 AM", "expirationModel": "KEY_MATERIAL_EXPIRES",
                "importType": "NEW_KEY_MATERIAL", "keyMaterialDescription": "first of 2026",
            },
            "responseElements": {"keyId": arn(&key), "keyMaterialId": answer["KeyMaterialId"]},
            "additionalEventData": null,
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
        })
    );
    let metadata = house.ok("DescribeKey", json!({"KeyId": key})).await["KeyMetadata"].clone();
    for (member, want) in [
        ("KeyState", json!("Enabled")),
        ("ExpirationModel", json!("KEY_MATERIAL_EXPIRES")),
        ("ValidTo", json!(1796000000.0)),
        ("CurrentKeyMaterialId", answer["KeyMaterialId"].clone()),
    ] {
        assert_eq!(metadata[member], want, "{member}");
    }
}

#[tokio::test]
async fn rotation_on_demand_takes_the_next_imported_material() {
    let house = House::open().await;
    let key = external(&house).await;
    let first = import(&house, &key, &FIRST, for_ever()).await["KeyMaterialId"].clone();
    let blob =
        house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGVsbG8="})).await["CiphertextBlob"].clone();
    let mut new = for_ever();
    new["ImportType"] = json!("NEW_KEY_MATERIAL");
    let second = import(&house, &key, &SECOND, new).await["KeyMaterialId"].clone();
    assert_eq!(house.described(&key, "CurrentKeyMaterialId").await, first);
    let all = json!({"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
    let listed = house.ok("ListKeyRotations", all).await["Rotations"].clone();
    assert_eq!(
        listed[1],
        json!({
            "KeyId": arn(&key), "KeyMaterialId": second, "KeyMaterialState": "PENDING_ROTATION", "ImportState": "IMPORTED",
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        })
    );
    house.ok("RotateKeyOnDemand", json!({"KeyId": key})).await;
    assert_eq!(house.described(&key, "CurrentKeyMaterialId").await, second);
    assert_eq!(house.service_records().await[0]["serviceEventDetails"]["keyOrigin"], "EXTERNAL");
    assert_eq!(house.ok("Decrypt", json!({"CiphertextBlob": blob})).await["KeyMaterialId"], first);
    assert_eq!(
        house.refused("RotateKeyOnDemand", json!({"KeyId": key})).await,
        format!(
            "KMSInvalidStateException: No available key material pending rotation for the key: {}.",
            arn(&key)
        )
    );
}

#[tokio::test]
async fn deleted_material_comes_back_and_nothing_else_does() {
    let house = House::open().await;
    let key = external(&house).await;
    let first = import(&house, &key, &FIRST, for_ever()).await["KeyMaterialId"].clone();
    let blob =
        house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGVsbG8="})).await["CiphertextBlob"].clone();
    let answer = house.ok("DeleteImportedKeyMaterial", json!({"KeyId": key})).await;
    assert_eq!(answer, json!({"KeyId": arn(&key), "KeyMaterialId": first}));
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn(&key), "keyMaterialId": first}));
    assert_eq!(house.described(&key, "KeyState").await, "PendingImport");
    let refused = house.refused("Decrypt", json!({"CiphertextBlob": blob})).await;
    assert_eq!(refused, format!("KMSInvalidStateException: {} is pending import.", arn(&key)));
    let other = request(&house, &key, &SECOND, for_ever()).await;
    assert!(house.refused("ImportKeyMaterial", other).await.starts_with("IncorrectKeyMaterialException"));
    assert_eq!(import(&house, &key, &FIRST, for_ever()).await["KeyMaterialId"], first);
    assert_eq!(house.noted()["requestParameters"]["importType"], "EXISTING_KEY_MATERIAL");
    assert_eq!(house.ok("Decrypt", json!({"CiphertextBlob": blob})).await["Plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = external(&house).await;
    let check = async |material: &[u8], more: Value, want: &str| {
        let refused =
            house.refused("ImportKeyMaterial", request(&house, &key, material, more.clone()).await).await;
        assert!(refused.starts_with(want), "{more}: {refused}");
    };
    check(
        &FIRST,
        json!({}),
        "ValidationException: A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    )
    .await;
    check(
        &FIRST,
        json!({"ValidTo": 1795341600.0}),
        "ValidationException: The validTo date must be in the future",
    )
    .await;
    check(
        &FIRST,
        json!({"ValidTo": 1826877601.0}),
        "ValidationException: The validTo date must not be more than 365 days",
    )
    .await;
    let both = json!({"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "ValidTo": 1796000000.0});
    check(&FIRST, both, "ValidationException: A validTo date must not be set").await;
    check(&FIRST[..16], for_ever(), "IncorrectKeyMaterialException: The key material is not valid").await;
    let with_id = json!({"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "KeyMaterialId": "0".repeat(64)});
    check(&FIRST, with_id, "ValidationException: KeyMaterialId must not be given").await;
    check(
        &FIRST,
        json!({"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "ImportToken": "aGVsbG8="}),
        "InvalidImportTokenException",
    )
    .await;
    let damaged = json!({"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "EncryptedKeyMaterial": BASE64.encode([7; 256])});
    check(&FIRST, damaged, "InvalidCiphertextException").await;
    let late = request(&house, &key, &FIRST, for_ever()).await;
    house.advance_to("2026-11-23T10:00:00Z").await;
    assert_eq!(house.refused("ImportKeyMaterial", late).await, "ExpiredImportTokenException: ");
}

#[tokio::test]
async fn a_token_is_for_its_own_key() {
    let house = House::open().await;
    let (key, other) = (external(&house).await, external(&house).await);
    let mut body = request(&house, &key, &FIRST, for_ever()).await;
    body["KeyId"] = json!(other);
    assert_eq!(house.refused("ImportKeyMaterial", body).await, "InvalidImportTokenException: ");
}

#[tokio::test]
async fn material_goes_when_it_expires() {
    let house = House::open().await;
    let key = external(&house).await;
    let material =
        import(&house, &key, &FIRST, json!({"ValidTo": 1796000000.0})).await["KeyMaterialId"].clone();
    house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGVsbG8="})).await;
    house.advance_to("2026-11-30T00:53:19Z").await;
    assert_eq!(house.described(&key, "KeyState").await, "Enabled");
    house.advance_to("2026-11-30T00:53:20Z").await;
    assert_eq!(house.described(&key, "KeyState").await, "PendingImport");
    assert_eq!(house.described(&key, "ValidTo").await, Value::Null);
    let records = house.service_records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["eventName"], "DeleteExpiredKeyMaterial");
    assert_eq!(records[0]["serviceEventDetails"], json!({"keyId": key, "keyMaterialId": material}));
    // A reimport is also how an expiry is changed.
    import(&house, &key, &FIRST, json!({"ValidTo": 1797000000.0})).await;
    import(&house, &key, &FIRST, json!({"ValidTo": 1798000000.0})).await;
    house.advance_to("2026-12-20T00:00:00Z").await;
    assert_eq!(house.described(&key, "KeyState").await, "Enabled");
    assert_eq!(house.described(&key, "ValidTo").await, 1798000000.0);
}
