//! Key policies: put, read back, refused.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, root, user};

fn policy(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": action, "Resource": "*"}]})
        .to_string()
}

#[tokio::test]
async fn a_policy_reads_back_as_it_was_put() {
    let house = House::open().await;
    let key = house.key().await;
    let default = house.ok("GetKeyPolicy", json!({"KeyId": key})).await;
    assert_eq!(default["PolicyName"], "default");
    let document: Value = serde_json::from_str(default["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(
        document,
        json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{
            "Sid": "Enable IAM User Permissions", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*",
        }]})
    );
    let text = policy("kms:*");
    house.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": text})).await;
    let noted = house.noted();
    assert_eq!(
        noted["requestParameters"],
        json!({"keyId": key, "policyName": "default", "policy": text, "bypassPolicyLockoutSafetyCheck": false})
    );
    assert_eq!(noted["responseElements"], json!(null));
    let read = house.ok("GetKeyPolicy", json!({"KeyId": key, "PolicyName": "default"})).await;
    assert_eq!(read, json!({"Policy": text, "PolicyName": "default"}));
    assert_eq!(
        house.ok("ListKeyPolicies", json!({"KeyId": key})).await,
        json!({"PolicyNames": ["default"], "Truncated": false})
    );
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = house.key().await;
    let check = async |body: Value, want: &str| {
        let mut request = json!({"KeyId": key});
        request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let refused = house.refused("PutKeyPolicy", request).await;
        assert!(refused.starts_with(want), "{refused}");
    };
    check(
        json!({"Policy": policy("kms:Encrypt")}),
        "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.",
    )
    .await;
    check(
        json!({"Policy": policy("kms:*").replace("\"111122223333\"", "\"arn:aws:iam::111122223333:user/Nobody\"")}),
        "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals.",
    )
    .await;
    check(json!({"Policy": "{}"}), "MalformedPolicyDocumentException").await;
    let long = format!("{}{}", " ".repeat(32_768), policy("kms:*"));
    check(json!({"Policy": long}), "LimitExceededException").await;
    check(
        json!({"Policy": policy("kms:*"), "PolicyName": "other"}),
        "NotFoundException: No such policy exists",
    )
    .await;
    check(
        json!({"Policy": policy("kms:*"), "PolicyName": "AWS_RAM"}),
        "ValidationException: The AWS_RAM policy can only be managed by the RAM service",
    )
    .await;
    check(json!({"Policy": "\u{0}"}), "ValidationException: 1 validation error detected").await;
}

#[tokio::test]
async fn a_new_policy_holds_at_once() {
    let house = House::open().await;
    let key = house.key().await;
    house.create_user("Alice").await;
    let alice = user(ACCOUNT, "Alice", &["kms:*"], "*");
    let encrypt = json!({"KeyId": key, "Plaintext": "aGVsbG8="});
    assert!(house.call(&alice, "Encrypt", encrypt.clone()).await.is_ok());
    let denying = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::111122223333:user/Alice"}, "Action": "kms:Encrypt", "Resource": "*"},
    ]});
    house.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": denying.to_string()})).await;
    let refused = house.call(&alice, "Encrypt", encrypt.clone()).await.unwrap_err();
    assert!(refused.message.unwrap().ends_with("with an explicit deny in a resource-based policy"));
    assert!(house.call(&root(ACCOUNT), "Encrypt", encrypt).await.is_ok());
    assert_eq!(house.noted()["resources"][0]["ARN"], arn(&key));
}
