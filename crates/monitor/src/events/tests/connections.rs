//! Connections and API destinations as operations show them. Calls are tested through a real receiver, with the clients.

use keywatch_store::{EntryKind, Scan};
use serde_json::json;

use super::*;

async fn connection(world: &Rehearsal) -> String {
    let auth = json!({"BasicAuthParameters": {"Username": "user", "Password": "hunter2"}, "InvocationHttpParameters":
        {"HeaderParameters": [{"Key": "x-a", "Value": "seen"}, {"Key": "x-b", "Value": "hunter2", "IsValueSecret": true}]}});
    let made = ok(
        world,
        "CreateConnection",
        json!({"Name": "c", "AuthorizationType": "BASIC", "AuthParameters": auth}),
    )
    .await;
    assert_eq!(made["ConnectionState"], "AUTHORIZED");
    made["ConnectionArn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn connections_keep_their_secrets() {
    let world = world().await;
    let arn = connection(&world).await;
    let described = ok(&world, "DescribeConnection", json!({"Name": "c"})).await;
    assert_eq!(
        described["AuthParameters"],
        json!({"BasicAuthParameters": {"Username": "user"}, "InvocationHttpParameters": {"HeaderParameters": [
            {"Key": "x-a", "Value": "seen", "IsValueSecret": false}, {"Key": "x-b", "IsValueSecret": true}]}})
    );
    let scan = Scan { prefix: "", after: None, limit: 10 };
    for row in world.store.scan(super::super::connection::CONNECTION, scan).await.unwrap() {
        assert!(!String::from_utf8_lossy(&row.bytes).contains("hunter2"));
    }
    let change = json!({"Name": "c", "AuthParameters": {"BasicAuthParameters": {"Username": "other"}}});
    ok(&world, "UpdateConnection", change).await;
    let described = ok(&world, "DescribeConnection", json!({"Name": "c"})).await;
    assert_eq!(described["AuthParameters"]["BasicAuthParameters"]["Username"], "other");
    let refusal = call(
        &world,
        "UpdateConnection",
        json!({"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": {}}),
    )
    .await;
    assert_eq!(refusal.unwrap_err().code, "ValidationException");
    let listed = ok(&world, "ListConnections", json!({"ConnectionState": "AUTHORIZED"})).await;
    assert_eq!(listed["Connections"][0]["ConnectionArn"], arn);
    let gone = ok(&world, "DeauthorizeConnection", json!({"Name": "c"})).await;
    assert_eq!(gone["ConnectionState"], "DEAUTHORIZED");
    assert_eq!(ok(&world, "DeleteConnection", json!({"Name": "c"})).await["ConnectionState"], "DELETING");
    refused(
        call(&world, "DescribeConnection", json!({"Name": "c"})).await,
        "ResourceNotFoundException",
        "Failed to describe the connection(s). Connection 'c' does not exist.",
    );
}

#[tokio::test]
async fn destinations_are_active_with_their_connection() {
    let world = world().await;
    let arn = connection(&world).await;
    let asked = |endpoint: &str| json!({"Name": "d", "ConnectionArn": arn, "InvocationEndpoint": endpoint, "HttpMethod": "POST"});
    refused(
        call(&world, "CreateApiDestination", asked("ftp://example.com")).await,
        "ValidationException",
        "Parameter InvocationEndpoint is not valid. Reason: The endpoint must be an HTTP or HTTPS URL.",
    );
    let made = ok(&world, "CreateApiDestination", asked("https://example.com/*")).await;
    assert_eq!(made["ApiDestinationState"], "ACTIVE");
    ok(
        &world,
        "UpdateApiDestination",
        json!({"Name": "d", "HttpMethod": "PUT", "InvocationRateLimitPerSecond": 7}),
    )
    .await;
    let described = ok(&world, "DescribeApiDestination", json!({"Name": "d"})).await;
    assert_eq!(
        (&described["HttpMethod"], &described["InvocationRateLimitPerSecond"]),
        (&json!("PUT"), &json!(7))
    );
    rule(&world, "r", json!({"source": ["shop"]}), json!({})).await;
    let target = json!({"Id": "1", "Arn": made["ApiDestinationArn"], "HttpParameters": {"PathParameterValues": ["$.detail.n"]}});
    ok(&world, "PutTargets", json!({"Rule": "r", "Targets": [target]})).await;
    let entry = json!({"Source": "shop", "DetailType": "Order", "Detail": "{\"n\":1}"});
    ok(&world, "PutEvents", json!({"Entries": [entry]})).await;
    world.settle().await;
    let scan = Scan { prefix: "", after: None, limit: 10 };
    assert_eq!(world.store.scan(super::super::invocation::INVOCATION, scan).await.unwrap().len(), 1);
    assert_eq!(world.entries(EntryKind::Message).await.len(), 0);
    ok(&world, "DeleteConnection", json!({"Name": "c"})).await;
    let listed = ok(&world, "ListApiDestinations", json!({"ConnectionArn": arn})).await;
    assert_eq!(listed["ApiDestinations"][0]["ApiDestinationState"], "INACTIVE");
    ok(&world, "DeleteApiDestination", json!({"Name": "d"})).await;
    refused(
        call(&world, "DescribeApiDestination", json!({"Name": "d"})).await,
        "ResourceNotFoundException",
        "Failed to describe the api-destination(s). An api-destination 'd' does not exist.",
    );
}
