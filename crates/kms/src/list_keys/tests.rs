//! Lists and their pages.

use std::collections::BTreeSet;

use serde_json::json;

use crate::testing::{House, OTHER_ACCOUNT, arn, root, text};

#[tokio::test]
async fn pages_hold_every_key_once_in_order() {
    let house = House::open().await;
    let mut keys = BTreeSet::new();
    for _ in 0..7 {
        keys.insert(house.key().await);
    }
    house.call(&root(OTHER_ACCOUNT), "CreateKey", json!({})).await.unwrap();
    let mut listed = Vec::new();
    let mut request = json!({"Limit": 3});
    loop {
        let answer = house.ok("ListKeys", request.clone()).await;
        for entry in answer["Keys"].as_array().unwrap() {
            assert_eq!(entry["KeyArn"], arn(&text(&entry["KeyId"])));
            listed.push(text(&entry["KeyId"]));
        }
        if answer["Truncated"] == false {
            assert!(answer.get("NextMarker").is_none());
            break;
        }
        request = json!({"Limit": 3, "Marker": answer["NextMarker"]});
    }
    assert_eq!(listed, keys.into_iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn foreign_markers_are_refused() {
    let house = House::open().await;
    house.key().await;
    house.key().await;
    let marker = house.ok("ListKeys", json!({"Limit": 1})).await["NextMarker"].clone();
    assert_eq!(house.refused("ListKeys", json!({"Marker": "x"})).await, "InvalidMarkerException: ");
    assert_eq!(house.refused("ListAliases", json!({"Marker": marker})).await, "InvalidMarkerException: ");
    let other = house.call(&root(OTHER_ACCOUNT), "ListKeys", json!({"Marker": marker})).await;
    assert_eq!(other.unwrap_err().code, "InvalidMarkerException");
}
