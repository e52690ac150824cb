//! Tags of keys, as recorded from AWS.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, House, arn, shown, user};

fn tags(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"TagKey": key, "TagValue": value})).collect()
}

#[tokio::test]
async fn tags_are_added_updated_and_removed() {
    let house = House::open().await;
    let key = house
        .key_with(json!({"Tags": tags(&[("tag1", "value1"), ("tag2", "value2"), ("tag3", "value3")])}))
        .await;
    let listed = async || house.ok("ListResourceTags", json!({"KeyId": key})).await["Tags"].clone();
    house
        .ok(
            "TagResource",
            json!({"KeyId": key, "Tags": tags(&[("tag4", "value4"), ("tag2", "updated_value2")])}),
        )
        .await;
    let noted = house.noted();
    assert_eq!(
        noted["requestParameters"],
        json!({"keyId": key, "tags": [{"tagKey": "tag4", "tagValue": "value4"}, {"tagKey": "tag2", "tagValue": "updated_value2"}]})
    );
    assert_eq!(noted["responseElements"], json!({"keyId": arn(&key)}));
    let all = tags(&[("tag1", "value1"), ("tag2", "updated_value2"), ("tag3", "value3"), ("tag4", "value4")]);
    assert_eq!(listed().await, all);
    let first = house.ok("ListResourceTags", json!({"KeyId": key, "Limit": 3})).await;
    let second =
        house.ok("ListResourceTags", json!({"KeyId": key, "Limit": 3, "Marker": first["NextMarker"]})).await;
    assert_eq!((&first["Truncated"], &second["Truncated"]), (&json!(true), &json!(false)));
    assert_eq!(second["Tags"], tags(&[("tag4", "value4")]));
    house
        .ok("UntagResource", json!({"KeyId": key, "TagKeys": ["tag1", "tag2", "tag3", "tag4", "none"]}))
        .await;
    assert_eq!(house.noted()["responseElements"], json!({"keyId": arn(&key)}));
    assert_eq!(listed().await, json!([]));
}

#[tokio::test]
async fn refusals() {
    let house = House::open().await;
    let key = house.key().await;
    let check = async |added: Value, want: &str| {
        assert_eq!(house.refused("TagResource", json!({"KeyId": key, "Tags": added})).await, want);
    };
    check(tags(&[("a", "1"), ("a", "2")]), "TagException: Duplicate tag keys").await;
    check(tags(&[("aws:a", "1")]), "TagException: Tags beginning with aws: are reserved").await;
    let names: Vec<String> = (0..51).map(|number| format!("t{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    check(tags(&many), "TagException: Too many tags").await;
    let long = "a".repeat(129);
    check(
        tags(&[(&long, "1")]),
        &format!("ValidationException: 1 validation error detected: Value '{long}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128"),
    )
    .await;
    house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
    check(tags(&[("a", "1")]), &format!("KMSInvalidStateException: {} is pending deletion.", arn(&key)))
        .await;
}

#[tokio::test]
async fn tags_decide_in_policies() {
    let house = House::open().await;
    let conditioned = |condition: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition}]});
        let document = keywatch_iam::policy::PolicyDocument::parse(
            keywatch_iam::policy::PolicyKind::Identity,
            &policy.to_string(),
        );
        let mut caller = (*user(ACCOUNT, "Alice", &["kms:*"], "*")).clone();
        caller.identity_policies = vec![std::sync::Arc::new(document.unwrap())];
        std::sync::Arc::new(caller)
    };
    let key = house.key_with(json!({"Tags": tags(&[("Team", "blue")])})).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "aGVsbG8="});
    let blue = conditioned(json!({"StringEquals": {"aws:ResourceTag/Team": "blue"}}));
    assert!(house.call(&blue, "Encrypt", encrypt.clone()).await.is_ok());
    let red = conditioned(json!({"StringEquals": {"aws:ResourceTag/Team": "red"}}));
    assert!(shown(house.call(&red, "Encrypt", encrypt).await).starts_with("AccessDenied"));
    let only = conditioned(json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["Stage"]}}));
    let stage = json!({"KeyId": key, "Tags": tags(&[("Stage", "prod")])});
    assert!(house.call(&only, "TagResource", stage).await.is_ok());
    let team = json!({"KeyId": key, "Tags": tags(&[("Team", "red")])});
    assert!(shown(house.call(&only, "TagResource", team).await).starts_with("AccessDenied"));
}
