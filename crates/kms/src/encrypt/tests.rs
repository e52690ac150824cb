//! `Encrypt`, and what decides whether a key may be used.

use serde_json::json;

use crate::testing::{ACCOUNT, House, OTHER_ACCOUNT, arn, root, shown, text, user};

const PLAINTEXT: &str = "aGVsbG8=";

#[tokio::test]
async fn the_record_reads_as_the_guide_shows_it() {
    let house = House::open().await;
    let key = house.key().await;
    let material = house.described(&key, "CurrentKeyMaterialId").await;
    let answer = house
        .ok(
            "Encrypt",
            json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": {"Department": "Engineering"}}),
        )
        .await;
    assert_eq!(answer["KeyId"], arn(&key));
    assert_eq!(answer["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {"encryptionContext": {"Department": "Engineering"}, "keyId": key, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
            "responseElements": null,
            "additionalEventData": {"keyMaterialId": material},
            "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)}],
        })
    );
    let record = house.record.borrow();
    assert_eq!((&record["readOnly"], &record["eventName"]), (&json!(true), &json!("Encrypt")));
    assert!(!record.to_string().contains(PLAINTEXT));
}

#[tokio::test]
async fn every_name_of_a_key_is_taken() {
    let house = House::open().await;
    let key = house.key().await;
    house.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await;
    let alias_arn = format!("arn:aws:kms:us-west-2:{ACCOUNT}:alias/a");
    for name in [key.as_str(), &arn(&key), "alias/a", &alias_arn] {
        let answer = house.ok("Encrypt", json!({"KeyId": name, "Plaintext": PLAINTEXT})).await;
        assert_eq!(answer["KeyId"], arn(&key), "{name}");
        assert_eq!(house.noted()["requestParameters"]["keyId"], name);
    }
}

#[tokio::test]
async fn states_refuse_use_at_once() {
    let house = House::open().await;
    let key = house.key().await;
    let encrypt = json!({"KeyId": key, "Plaintext": PLAINTEXT});
    house.ok("Encrypt", encrypt.clone()).await;
    house.ok("DisableKey", json!({"KeyId": key})).await;
    let arn = arn(&key);
    assert_eq!(
        house.refused("Encrypt", encrypt.clone()).await,
        format!("DisabledException: {arn} is disabled.")
    );
    assert_eq!(house.record.borrow()["errorMessage"], format!("{arn} is disabled."));
    assert_eq!(house.noted()["resources"][0]["ARN"], arn);
    house.ok("EnableKey", json!({"KeyId": key})).await;
    house.ok("Encrypt", encrypt.clone()).await;
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
    assert_eq!(
        house.refused("Encrypt", encrypt).await,
        format!("KMSInvalidStateException: {arn} is pending deletion.")
    );
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = house.key().await;
    let external = house.key_with(json!({"Origin": "EXTERNAL"})).await;
    let absent = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let check = async |body: serde_json::Value, want: String| {
        assert_eq!(house.refused("Encrypt", body).await, want);
    };
    check(
        json!({"KeyId": absent, "Plaintext": PLAINTEXT}),
        format!("NotFoundException: Key '{}' does not exist", arn(absent)),
    )
    .await;
    check(
        json!({"KeyId": "alias/none", "Plaintext": PLAINTEXT}),
        format!("NotFoundException: Alias arn:aws:kms:us-west-2:{ACCOUNT}:alias/none is not found."),
    )
    .await;
    check(
        json!({"KeyId": external, "Plaintext": PLAINTEXT}),
        format!("KMSInvalidStateException: {} is pending import.", arn(&external)),
    )
    .await;
    check(
        json!({"KeyId": key, "Plaintext": PLAINTEXT, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}),
        "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT."
            .to_owned(),
    )
    .await;
    check(
        json!({"KeyId": key, "Plaintext": PLAINTEXT, "GrantTokens": ["token"]}),
        "InvalidGrantTokenException: ".to_owned(),
    )
    .await;
    assert!(!house.record.borrow().to_string().contains("token\""));
    check(
        json!({"KeyId": key, "Plaintext": PLAINTEXT, "DryRun": true}),
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set."
            .to_owned(),
    )
    .await;
    check(
        json!({"KeyId": key, "Plaintext": "A".repeat(5464)}),
        "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096".to_owned(),
    )
    .await;
}

#[tokio::test]
async fn the_default_policy_leaves_it_to_the_account() {
    let house = House::open().await;
    let key = house.key().await;
    let body = json!({"KeyId": key, "Plaintext": PLAINTEXT});
    let allowed = user(ACCOUNT, "Alice", &["kms:Encrypt"], "*");
    assert!(house.call(&allowed, "Encrypt", body.clone()).await.is_ok());
    let stranger = user(ACCOUNT, "Bob", &[], "*");
    assert_eq!(
        shown(house.call(&stranger, "Encrypt", body.clone()).await),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/Bob is not authorized to perform: kms:Encrypt on resource: {} because no identity-based policy allows the kms:Encrypt action",
            arn(&key)
        )
    );
    let absent = json!({"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "Plaintext": PLAINTEXT});
    assert!(shown(house.call(&stranger, "Encrypt", absent).await).starts_with("AccessDeniedException"));
}

#[tokio::test]
async fn another_account_needs_both_sides_and_the_arn() {
    let house = House::open().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": OTHER_ACCOUNT}, "Action": ["kms:Encrypt", "kms:DisableKey"], "Resource": "*"},
    ]});
    let key = house.key_with(json!({"Policy": policy.to_string()})).await;
    let body = json!({"KeyId": arn(&key), "Plaintext": PLAINTEXT});
    let allowed = user(OTHER_ACCOUNT, "Carol", &["kms:*"], "*");
    assert_eq!(house.call(&allowed, "Encrypt", body.clone()).await.unwrap()["KeyId"], arn(&key));
    let bare = user(OTHER_ACCOUNT, "Dave", &[], "*");
    assert!(shown(house.call(&bare, "Encrypt", body).await).starts_with("AccessDeniedException"));
    // Management never reaches across accounts.
    let disable = house.call(&allowed, "DisableKey", json!({"KeyId": arn(&key)})).await;
    assert!(shown(disable).starts_with("AccessDeniedException"));
    let by_id = house.call(&allowed, "Encrypt", json!({"KeyId": key, "Plaintext": PLAINTEXT})).await;
    assert!(shown(by_id).starts_with("NotFoundException"));
}

#[tokio::test]
async fn conditions_on_the_context_the_service_and_the_alias() {
    let house = House::open().await;
    let alice = user(ACCOUNT, "Alice", &[], "*");
    house.create_user("Alice").await;
    let alice_arn = format!("arn:aws:iam::{ACCOUNT}:user/Alice");
    let check = async |condition: serde_json::Value, body: serde_json::Value, via, allowed: bool| {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": alice_arn}, "Action": "kms:Encrypt", "Resource": "*", "Condition": condition},
        ]});
        let key = house.key_with(json!({"Policy": policy.to_string()})).await;
        house.ok("CreateAlias", json!({"AliasName": "alias/blue", "TargetKeyId": key})).await;
        let mut request = json!({"KeyId": arn(&key), "Plaintext": PLAINTEXT});
        request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        house.via_service.set(via);
        let outcome = house.call(&alice, "Encrypt", request.clone()).await;
        house.via_service.set(None);
        assert_eq!(outcome.is_ok(), allowed, "{condition} {request}: {outcome:?}");
        house.ok("DeleteAlias", json!({"AliasName": "alias/blue"})).await;
    };
    let context = json!({"StringEquals": {"kms:EncryptionContext:Project": "Alpha"}});
    check(context.clone(), json!({"EncryptionContext": {"Project": "Alpha", "x": "y"}}), None, true).await;
    check(context.clone(), json!({"EncryptionContext": {"Project": "Beta"}}), None, false).await;
    check(context, json!({}), None, false).await;
    let names = json!({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["Project"]}});
    check(names.clone(), json!({"EncryptionContext": {"Project": "x"}}), None, true).await;
    check(names, json!({"EncryptionContext": {"Other": "x"}}), None, false).await;
    let via = json!({"StringEquals": {"kms:ViaService": "s3.us-west-2.amazonaws.com"}});
    check(via.clone(), json!({}), Some("s3.us-west-2.amazonaws.com"), true).await;
    check(via, json!({}), None, false).await;
    let alias = json!({"StringLike": {"kms:RequestAlias": "alias/b*"}});
    check(alias.clone(), json!({"KeyId": "alias/blue"}), None, true).await;
    check(alias, json!({}), None, false).await;
    let caller = json!({"StringEquals": {"kms:CallerAccount": ACCOUNT}});
    check(caller, json!({}), None, true).await;
}

#[tokio::test]
async fn aws_managed_keys_are_used_only_through_their_service() {
    let house = House::open().await;
    let body = json!({"KeyId": "alias/aws/s3", "Plaintext": PLAINTEXT});
    assert!(house.refused("Encrypt", body.clone()).await.starts_with("AccessDeniedException"));
    house.via_service.set(Some("s3.us-west-2.amazonaws.com"));
    let first = text(&house.ok("Encrypt", body.clone()).await["KeyId"]);
    let second = text(&house.ok("Encrypt", body).await["KeyId"]);
    assert_eq!(first, second);
    house.via_service.set(None);
    let metadata = house.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"})).await["KeyMetadata"].clone();
    assert_eq!((&metadata["KeyManager"], &metadata["Arn"]), (&json!("AWS"), &json!(first)));
    for (operation, more) in [
        ("DisableKey", json!({})),
        ("ScheduleKeyDeletion", json!({})),
        ("TagResource", json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]})),
        ("DisableKeyRotation", json!({})),
        ("PutKeyPolicy", json!({"Policy": "{}"})),
        ("UpdateKeyDescription", json!({"Description": "mine"})),
    ] {
        let mut body = json!({"KeyId": metadata["KeyId"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert!(house.refused(operation, body).await.starts_with("AccessDeniedException"), "{operation}");
    }
    assert_eq!(
        house.ok("GetKeyRotationStatus", json!({"KeyId": metadata["KeyId"]})).await["KeyRotationEnabled"],
        true
    );
    assert!(house.call(&root(OTHER_ACCOUNT), "DescribeKey", json!({"KeyId": first})).await.is_err());
}
