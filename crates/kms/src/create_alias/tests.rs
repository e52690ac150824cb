//! Aliases: made, moved, listed, deleted.

use serde_json::{Value, json};

use crate::aliases::PREDEFINED;
use crate::testing::{ACCOUNT, House, arn, shown, text, user};

fn alias_arn(name: &str) -> String {
    format!("arn:aws:kms:us-west-2:{ACCOUNT}:{name}")
}

#[tokio::test]
async fn the_record_reads_as_the_guide_shows_it() {
    let house = House::open().await;
    let key = house.key().await;
    for (operation, body) in [
        ("CreateAlias", json!({"AliasName": "alias/ExampleAlias", "TargetKeyId": key})),
        ("DeleteAlias", json!({"AliasName": "alias/ExampleAlias"})),
    ] {
        house.ok(operation, body.clone()).await;
        let noted = house.noted();
        assert_eq!(noted["requestParameters"]["aliasName"], body["AliasName"]);
        assert_eq!(noted["responseElements"], json!({"keyId": arn(&key)}));
        assert_eq!(
            noted["resources"],
            json!([
                {"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn(&key)},
                {"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": alias_arn("alias/ExampleAlias")},
            ]),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = house.key().await;
    let pending = house.key().await;
    house.ok("ScheduleKeyDeletion", json!({"KeyId": pending})).await;
    house.ok("CreateAlias", json!({"AliasName": "alias/taken", "TargetKeyId": key})).await;
    let check = async |operation: &str, name: &str, target: &str, want: &str| {
        let refused = house.refused(operation, json!({"AliasName": name, "TargetKeyId": target})).await;
        assert!(refused.starts_with(want), "{refused}");
    };
    check(
        "CreateAlias",
        "fakealias",
        &key,
        "ValidationException: Alias must start with the prefix \"alias/\". Please see",
    )
    .await;
    check("CreateAlias", "alias/aws/mine", &key, "InvalidAliasNameException").await;
    check("CreateAlias", "alias/taken", &key, "AlreadyExistsException: An alias with the name arn:aws:kms")
        .await;
    check("CreateAlias", "alias/p", &pending, "KMSInvalidStateException: arn:aws:kms").await;
    check("CreateAlias", "alias/x", "alias/taken", "NotFoundException: Invalid keyId 'alias/taken'").await;
    check("UpdateAlias", "alias/none", &key, "NotFoundException: Alias arn:aws:kms").await;
    check("UpdateAlias", "alias/taken", &pending, "KMSInvalidStateException").await;
}

#[tokio::test]
async fn a_key_has_at_most_fifty() {
    let house = House::open().await;
    let key = house.key().await;
    for number in 0..50 {
        house
            .ok("CreateAlias", json!({"AliasName": format!("alias/n{number:02}"), "TargetKeyId": key}))
            .await;
    }
    let more = json!({"AliasName": "alias/more", "TargetKeyId": key});
    assert!(house.refused("CreateAlias", more.clone()).await.starts_with("LimitExceededException"));
    house.ok("DeleteAlias", json!({"AliasName": "alias/n00"})).await;
    house.ok("CreateAlias", more).await;
    let names = listed(&house, json!({"KeyId": key, "Limit": 20})).await;
    assert_eq!(names.len(), 50);
    assert!(names.is_sorted());
}

#[tokio::test]
async fn a_moved_alias_is_followed_at_once() {
    let house = House::open().await;
    let (first, second) = (house.key().await, house.key().await);
    house.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": first})).await;
    house.ok("Encrypt", json!({"KeyId": "alias/a", "Plaintext": "aGVsbG8="})).await;
    house.ok("ScheduleKeyDeletion", json!({"KeyId": first})).await;
    house.ok("UpdateAlias", json!({"AliasName": "alias/a", "TargetKeyId": second})).await;
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn(&second)}));
    assert_eq!(house.noted()["resources"].as_array().unwrap().len(), 3);
    let answer = house.ok("Encrypt", json!({"KeyId": "alias/a", "Plaintext": "aGVsbG8="})).await;
    assert_eq!(answer["KeyId"], arn(&second));
    assert!(listed(&house, json!({"KeyId": first})).await.is_empty());
    assert_eq!(listed(&house, json!({"KeyId": second})).await, ["alias/a"]);
    // The key that lost its alias goes without it.
    house.advance_to("2026-12-23T00:00:00Z").await;
    assert_eq!(house.described("alias/a", "KeyId").await, second);
}

#[tokio::test]
async fn an_alias_stays_with_keys_of_one_kind() {
    let house = House::open().await;
    let new_key = async |spec: &str, usage: &str| {
        let made = house.ok("CreateKey", json!({"KeySpec": spec, "KeyUsage": usage})).await;
        text(&made["KeyMetadata"]["KeyId"])
    };
    let symmetric = house.key().await;
    let (signing, agreeing) =
        (new_key("ECC_NIST_P256", "SIGN_VERIFY").await, new_key("ECC_NIST_P256", "KEY_AGREEMENT").await);
    let (other_curve, mac) =
        (new_key("ECC_NIST_P384", "SIGN_VERIFY").await, new_key("HMAC_256", "GENERATE_VERIFY_MAC").await);
    house.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": signing})).await;
    for other in [&symmetric, &agreeing, &mac] {
        let refused =
            house.refused("UpdateAlias", json!({"AliasName": "alias/a", "TargetKeyId": other})).await;
        assert!(refused.starts_with("ValidationException"), "{refused}");
        assert_eq!(house.described("alias/a", "KeyId").await, signing);
    }
    house.ok("UpdateAlias", json!({"AliasName": "alias/a", "TargetKeyId": other_curve})).await;
    assert_eq!(house.described("alias/a", "KeyId").await, other_curve);
}

#[tokio::test]
async fn the_list_holds_predefined_aliases_too() {
    let house = House::open().await;
    let key = house.key().await;
    house.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await;
    house.ok("CreateAlias", json!({"AliasName": "alias/z", "TargetKeyId": key})).await;
    let managed =
        text(&house.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"})).await["KeyMetadata"]["KeyId"]);
    let answer = house.ok("ListAliases", json!({})).await;
    let aliases = answer["Aliases"].as_array().unwrap();
    let entry = |name: &str| aliases.iter().find(|alias| alias["AliasName"] == name).unwrap().clone();
    assert_eq!(aliases.len(), PREDEFINED.len() + 2);
    assert_eq!(
        entry("alias/a"),
        json!({"AliasName": "alias/a", "AliasArn": alias_arn("alias/a"), "TargetKeyId": key, "CreationDate": 1795341600.0, "LastUpdatedDate": 1795341600.0})
    );
    assert_eq!(entry("alias/aws/s3")["TargetKeyId"], managed);
    assert_eq!(
        entry("alias/aws/ebs"),
        json!({"AliasName": "alias/aws/ebs", "AliasArn": alias_arn("alias/aws/ebs")})
    );
    let names: Vec<String> = aliases.iter().map(|alias| text(&alias["AliasName"])).collect();
    assert_eq!(listed(&house, json!({"Limit": 4})).await, names);
}

/// The names of all pages.
async fn listed(house: &House, request: Value) -> Vec<String> {
    let mut names = Vec::new();
    let mut request = request;
    loop {
        let answer = house.ok("ListAliases", request.clone()).await;
        names.extend(answer["Aliases"].as_array().unwrap().iter().map(|alias| text(&alias["AliasName"])));
        match answer.get("NextMarker") {
            Some(marker) => request["Marker"] = marker.clone(),
            None => return names,
        }
    }
}

#[tokio::test]
async fn changes_at_the_same_time_lose_nothing() {
    let house = House::open().await;
    let key = house.key().await;
    let changes = (0..20).map(|number| {
        house.ok("CreateAlias", json!({"AliasName": format!("alias/n{number:02}"), "TargetKeyId": key}))
    });
    futures_util::future::join_all(changes).await;
    assert_eq!(listed(&house, json!({"KeyId": key})).await.len(), 20);
    let racing = (0..5).map(|_| {
        let body = json!({"AliasName": "alias/one", "TargetKeyId": key});
        async { house.call(&crate::testing::root(ACCOUNT), "CreateAlias", body).await.is_ok() }
    });
    let won = futures_util::future::join_all(racing).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
}

#[tokio::test]
async fn alias_and_key_both_want_permission() {
    let house = House::open().await;
    let key = house.key().await;
    let body = json!({"AliasName": "alias/a", "TargetKeyId": key});
    let on_key = user(ACCOUNT, "Alice", &["kms:CreateAlias"], &arn(&key));
    assert!(
        shown(house.call(&on_key, "CreateAlias", body.clone()).await)
            .contains("alias/a because no identity-based")
    );
    let on_alias = user(ACCOUNT, "Alice", &["kms:CreateAlias"], &alias_arn("alias/*"));
    assert!(shown(house.call(&on_alias, "CreateAlias", body.clone()).await).contains(&arn(&key)));
    let both = user(ACCOUNT, "Alice", &["kms:CreateAlias"], "*");
    assert!(house.call(&both, "CreateAlias", body).await.is_ok());
}
