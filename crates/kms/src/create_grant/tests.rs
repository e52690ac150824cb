use std::sync::Arc;

use keywatch_iam::Caller;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, OTHER_ACCOUNT, arn, root, shown, text, user};

const A: &str = "arn:aws:iam::111122223333:user/a";
const B: &str = "arn:aws:iam::111122223333:user/b";

/// Users `a` and `b` without policies, and a key.
async fn house() -> (House, String, Arc<Caller>, Arc<Caller>) {
    let house = House::open().await;
    house.create_user("a").await;
    house.create_user("b").await;
    let key = house.key().await;
    (house, key, user(ACCOUNT, "a", &[], "*"), user(ACCOUNT, "b", &[], "*"))
}

fn encrypt(key: &str) -> Value {
    json!({"KeyId": key, "Plaintext": "aGk="})
}

#[tokio::test]
async fn a_grant_counts_at_once_and_until_it_is_revoked() {
    let (house, key, a, b) = house().await;
    assert!(shown(house.call(&a, "Encrypt", encrypt(&key)).await).starts_with("AccessDenied"));
    let grant = json!({
        "KeyId": key, "GranteePrincipal": A, "Operations": ["Encrypt", "DescribeKey", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"Project": "Alpha"}},
    });
    let made = house.ok("CreateGrant", grant).await;
    let id = text(&made["GrantId"]);
    assert_eq!(id.len(), 64);
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": {
                "keyId": key, "granteePrincipal": A, "operations": ["Encrypt", "DescribeKey", "Encrypt"],
                "constraints": {"encryptionContextSubset": {"Project": "Alpha"}},
            },
            "responseElements": {"grantId": id, "keyId": arn(&key)},
            "additionalEventData": null,
            "resources": [{"ARN": arn(&key), "accountId": ACCOUNT, "type": "AWS::KMS::Key"}],
        })
    );
    let mut within = encrypt(&key);
    within["EncryptionContext"] = json!({"Project": "Alpha", "x": "y"});
    within["GrantTokens"] = json!([made["GrantToken"]]);
    let blob = house.call(&a, "Encrypt", within.clone()).await.unwrap()["CiphertextBlob"].clone();
    house.call(&a, "DescribeKey", json!({"KeyId": key})).await.unwrap();
    assert!(shown(house.call(&a, "Encrypt", encrypt(&key)).await).starts_with("AccessDenied"));
    let decrypt = json!({"CiphertextBlob": blob, "EncryptionContext": within["EncryptionContext"]});
    assert!(shown(house.call(&a, "Decrypt", decrypt).await).starts_with("AccessDenied"));
    assert!(shown(house.call(&b, "Encrypt", within.clone()).await).starts_with("AccessDenied"));
    within["GrantTokens"] = json!(["bm9uZQ=="]);
    assert_eq!(shown(house.call(&a, "Encrypt", within.clone()).await), "InvalidGrantTokenException: ");

    let revoke = json!({"KeyId": key, "GrantId": id});
    assert!(shown(house.call(&a, "RevokeGrant", revoke.clone()).await).starts_with("AccessDenied"));
    house.ok("RevokeGrant", revoke.clone()).await;
    assert_eq!(house.noted()["responseElements"], Value::Null);
    within["GrantTokens"] = json!([]);
    assert!(shown(house.call(&a, "Encrypt", within).await).starts_with("AccessDenied"));
    assert_eq!(
        house.refused("RevokeGrant", revoke).await,
        format!("NotFoundException: Grant ID {id} not found")
    );
}

#[tokio::test]
async fn what_a_policy_denies_stays_denied() {
    let (house, key, a, _) = house().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": A}, "Action": "kms:Encrypt", "Resource": "*"},
    ]});
    house.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": policy.to_string()})).await;
    let grant = json!({"KeyId": key, "GranteePrincipal": A, "Operations": ["Encrypt", "GenerateDataKey"]});
    house.ok("CreateGrant", grant).await;
    assert!(shown(house.call(&a, "Encrypt", encrypt(&key)).await).contains("explicit deny"));
    let data_key = json!({"KeyId": key, "KeySpec": "AES_256"});
    house.call(&a, "GenerateDataKey", data_key).await.unwrap();
}

#[tokio::test]
async fn an_account_delegates_what_it_was_granted() {
    let (house, _, _, _) = house().await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": A}, "Action": "kms:*", "Resource": "*"},
    ]});
    let a = user(ACCOUNT, "a", &["kms:CreateKey"], "*");
    let key = house.call(&a, "CreateKey", json!({"Policy": policy.to_string()})).await.unwrap();
    let key = text(&key["KeyMetadata"]["KeyId"]);
    let able = user(ACCOUNT, "b", &["kms:Encrypt"], "*");
    assert!(shown(house.call(&able, "Encrypt", encrypt(&key)).await).starts_with("AccessDenied"));
    let to = |grantee: &str| json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Encrypt"]});
    house.call(&a, "CreateGrant", to("arn:aws:iam::111122223333:root")).await.unwrap();
    house.call(&able, "Encrypt", encrypt(&key)).await.unwrap();
    let unable = user(ACCOUNT, "b", &[], "*");
    assert!(shown(house.call(&unable, "Encrypt", encrypt(&key)).await).starts_with("AccessDenied"));
    house.call(&root(ACCOUNT), "Encrypt", encrypt(&key)).await.unwrap();
    // Another account needs its own policies besides.
    house.call(&a, "CreateGrant", to("arn:aws:iam::444455556666:user/c")).await.unwrap();
    let foreign = user(OTHER_ACCOUNT, "c", &["kms:Encrypt"], "*");
    house.call(&foreign, "Encrypt", encrypt(&arn(&key))).await.unwrap();
    let bare = user(OTHER_ACCOUNT, "c", &[], "*");
    assert!(shown(house.call(&bare, "Encrypt", encrypt(&arn(&key))).await).starts_with("AccessDenied"));
}

#[tokio::test]
async fn a_grantee_passes_on_no_more_than_it_has() {
    let (house, key, a, b) = house().await;
    let first = json!({"KeyId": key, "GranteePrincipal": A, "Operations": ["CreateGrant", "Encrypt"]});
    house.ok("CreateGrant", first).await;
    let give = |operation: &str| json!({"KeyId": key, "GranteePrincipal": B, "Operations": [operation]});
    assert!(shown(house.call(&a, "CreateGrant", give("Decrypt")).await).starts_with("AccessDenied"));
    house.call(&a, "CreateGrant", give("Encrypt")).await.unwrap();
    house.call(&b, "Encrypt", encrypt(&key)).await.unwrap();
}

#[tokio::test]
async fn the_same_name_and_terms_are_the_same_grant() {
    let (house, key, _, _) = house().await;
    let wish = |name: &str, operation: &str| json!({"KeyId": key, "GranteePrincipal": A, "Operations": [operation], "Name": name});
    let first = house.ok("CreateGrant", wish("n", "Encrypt")).await;
    let again = house.ok("CreateGrant", wish("n", "Encrypt")).await;
    assert_eq!(first["GrantId"], again["GrantId"]);
    assert_ne!(first["GrantToken"], again["GrantToken"]);
    let other = house.ok("CreateGrant", wish("n", "Decrypt")).await;
    assert_ne!(first["GrantId"], other["GrantId"]);
    let listed = house.ok("ListGrants", json!({"KeyId": key})).await;
    assert_eq!(listed["Grants"].as_array().unwrap().len(), 2);
    house.ok("RetireGrant", json!({"GrantToken": first["GrantToken"]})).await;
    assert_ne!(first["GrantId"], house.ok("CreateGrant", wish("n", "Encrypt")).await["GrantId"]);
}

#[tokio::test]
async fn who_retires_a_grant_is_written_in_it() {
    let (house, key, a, b) = house().await;
    let make = async |operations: Value| {
        let wish = json!({
            "KeyId": key, "GranteePrincipal": A, "RetiringPrincipal": B, "Operations": operations,
        });
        house.ok("CreateGrant", wish).await
    };
    let grant = make(json!(["Encrypt"])).await;
    let by_id = json!({"KeyId": arn(&key), "GrantId": grant["GrantId"]});
    assert!(shown(house.call(&a, "RetireGrant", by_id.clone()).await).starts_with("AccessDenied"));
    let mut dry = by_id.clone();
    dry["DryRun"] = json!(true);
    assert!(shown(house.call(&b, "RetireGrant", dry).await).starts_with("DryRunOperation"));
    house.call(&b, "RetireGrant", by_id.clone()).await.unwrap();
    assert_eq!(
        house.noted(),
        json!({
            "requestParameters": null, "responseElements": null,
            "additionalEventData": {"grantId": grant["GrantId"]},
            "resources": [{"ARN": arn(&key), "accountId": ACCOUNT, "type": "AWS::KMS::Key"}],
        })
    );
    assert!(house.refused("RetireGrant", by_id).await.starts_with("NotFoundException"));

    let own = make(json!(["Encrypt", "RetireGrant"])).await;
    house.call(&a, "RetireGrant", json!({"GrantToken": own["GrantToken"]})).await.unwrap();
    let third = make(json!(["Encrypt"])).await;
    let token = json!({"GrantToken": third["GrantToken"]});
    let stranger = user(OTHER_ACCOUNT, "c", &["kms:*"], "*");
    assert!(shown(house.call(&stranger, "RetireGrant", token.clone()).await).starts_with("AccessDenied"));
    // The account that made it, here by a user it lets do so.
    house.call(&user(ACCOUNT, "a", &["kms:RetireGrant"], "*"), "RetireGrant", token).await.unwrap();
    assert!(house.refused("RetireGrant", json!({})).await.starts_with("ValidationException"));
    assert_eq!(
        house.refused("RetireGrant", json!({"GrantToken": "eA=="})).await,
        "InvalidGrantTokenException: "
    );
}

#[tokio::test]
async fn lists_go_by_pages() {
    let (house, key, _, _) = house().await;
    for grantee in [A, A, B] {
        let wish = json!({
            "KeyId": key, "GranteePrincipal": grantee, "RetiringPrincipal": A, "Operations": ["Encrypt"],
        });
        house.ok("CreateGrant", wish).await;
    }
    let lists = [
        ("ListGrants", json!({"KeyId": key}), 3),
        ("ListGrants", json!({"KeyId": key, "GranteePrincipal": A}), 2),
        ("ListRetirableGrants", json!({"RetiringPrincipal": A}), 3),
        ("ListRetirableGrants", json!({"RetiringPrincipal": B}), 0),
    ];
    for (operation, mut ask, want) in lists {
        ask["Limit"] = json!(1);
        let mut seen = Vec::new();
        loop {
            let page = house.ok(operation, ask.clone()).await;
            seen.extend(page["Grants"].as_array().unwrap().iter().map(|grant| text(&grant["GrantId"])));
            if page["Truncated"] == false {
                break;
            }
            ask["Marker"] = page["NextMarker"].clone();
        }
        assert_eq!(seen.len(), want, "{operation} {ask}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), want, "{operation} {ask}");
    }
    let foreign = json!({"RetiringPrincipal": "arn:aws:iam::444455556666:user/c"});
    assert!(house.refused("ListRetirableGrants", foreign).await.starts_with("AccessDenied"));
    let one = house.ok("ListGrants", json!({"KeyId": key, "GranteePrincipal": B})).await["Grants"][0].clone();
    assert_eq!(one["IssuingAccount"], "arn:aws:iam::111122223333:root");
    assert_eq!((&one["Name"], &one["KeyId"]), (&json!(""), &json!(arn(&key))));
    let by_id = house.ok("ListGrants", json!({"KeyId": key, "GrantId": one["GrantId"]})).await;
    assert_eq!(by_id["Grants"], json!([one]));
}

#[tokio::test]
async fn refusals() {
    let (house, key, _, _) = house().await;
    let wish = |change: Value| {
        let mut wish = json!({"KeyId": key, "GranteePrincipal": A, "Operations": ["Encrypt"]});
        for (member, value) in change.as_object().unwrap() {
            wish[member] = value.clone();
        }
        wish
    };
    let nobody = "arn:aws:iam::111122223333:user/nobody";
    for (change, want) in [
        (json!({"Operations": []}), "ValidationException: The Operations"),
        (json!({"Operations": ["Sign"]}), "ValidationException: The grant operation Sign"),
        (json!({"Operations": ["GetPublicKey"]}), "ValidationException: The grant operation GetPublicKey"),
        (json!({"Operations": ["Fly"]}), "ValidationException: 1 validation error detected"),
        (json!({"GranteePrincipal": nobody}), "InvalidArnException: ARN does not refer to a valid principal"),
        (json!({"RetiringPrincipal": "a"}), "InvalidArnException"),
        (json!({"GranteePrincipal": null}), "ValidationException: 1 validation error detected: Value null"),
        (
            json!({"GranteeServicePrincipal": "rds.amazonaws.com"}),
            "ValidationException: GranteePrincipal and",
        ),
        (
            json!({"GranteePrincipal": null, "GranteeServicePrincipal": "rds.amazonaws.com"}),
            "ValidationException: A grant to a service principal",
        ),
        (
            json!({"Constraints": {"SourceArn": "arn:aws:rds:us-west-2:1:db:x"}}),
            "ValidationException: 1 validation",
        ),
        (json!({"KeyId": "alias/x"}), "NotFoundException: Invalid keyId"),
        (json!({"DryRun": true}), "DryRunOperationException"),
    ] {
        let got = house.refused("CreateGrant", wish(change.clone())).await;
        assert!(got.starts_with(want), "{change}: {got}");
    }
    house.ok("DisableKey", json!({"KeyId": key})).await;
    assert!(house.refused("CreateGrant", wish(json!({}))).await.starts_with("DisabledException"));
}

#[tokio::test]
async fn grants_go_with_their_key() {
    let (house, key, a, _) = house().await;
    let wish =
        json!({"KeyId": key, "GranteePrincipal": A, "RetiringPrincipal": A, "Operations": ["Encrypt"]});
    let token = house.ok("CreateGrant", wish).await["GrantToken"].clone();
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7})).await;
    house.advance_to("2026-12-01T00:00:00Z").await;
    let listed = house.ok("ListRetirableGrants", json!({"RetiringPrincipal": A})).await;
    assert_eq!(listed["Grants"], json!([]));
    assert!(shown(house.call(&a, "RetireGrant", json!({"GrantToken": token})).await).starts_with("NotFound"));
}
