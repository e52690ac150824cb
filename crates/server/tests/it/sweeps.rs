//! Sweeps over the table of operations: what must hold for each of them.

use std::collections::HashSet;

use keywatch_api::describe::{Kind, Shape};
use keywatch_api::{OperationInfo, Service};
use keywatch_server::wire::operation::Operation;
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::records::records;
use crate::server::Server;

/// Calls an operation with no members at all.
fn call(client: &Client, info: &OperationInfo) -> Reply {
    if info.service.targets().is_empty() {
        client.query(info.service, info.name, "")
    } else {
        client.json(info.service, info.name, &json!({}))
    }
}

/// Operations that need no permission (their pages of the API reference say so).
const FREE: &[&str] = &["GetCallerIdentity", "GetSessionToken"];

#[test]
fn names_are_unique_and_found() {
    let mut seen = HashSet::new();
    for operation in Operation::all() {
        let info = operation.info();
        assert!(seen.insert((info.service, info.name)), "{} twice", info.action());
        assert_eq!(Operation::find(info.service, info.name), Some(operation));
    }
    assert!(seen.len() > 100, "only {} operations", seen.len());
}

#[test]
fn a_stranger_is_refused_everywhere_and_leaves_a_record() {
    let server = Server::start(&[]);
    let stranger = server.as_stranger();
    let mut called = HashSet::new();
    for operation in Operation::all() {
        let info = operation.info();
        let reply = call(&stranger, &info);
        let want = if info.service.targets().is_empty() {
            "InvalidClientTokenId"
        } else {
            "UnrecognizedClientException"
        };
        assert_eq!(reply.code(), want, "{}", info.action());
        called.insert((info.service.event_source(), info.name.to_owned()));
    }
    let recorded = history(&server.as_root(), &stranger.id);
    let missing: Vec<_> = called
        .iter()
        .filter(|(source, name)| !recorded.contains(&((*source).to_owned(), name.clone())))
        .collect();
    assert!(missing.is_empty(), "calls without a record: {missing:?}");
}

/// Event source and name of everything an access key did.
fn history(root: &Client, access_key_id: &str) -> HashSet<(String, String)> {
    let mut found = HashSet::new();
    let mut token = None;
    loop {
        let attribute = json!([{"AttributeKey": "AccessKeyId", "AttributeValue": access_key_id}]);
        let mut ask = json!({"LookupAttributes": attribute});
        if let Some(token) = &token {
            ask["NextToken"] = json!(token);
        }
        let page = root.json(Service::CloudTrail, "LookupEvents", &ask).value();
        for event in page["Events"].as_array().expect("a list") {
            let text = |name: &str| event[name].as_str().expect("text").to_owned();
            found.insert((text("EventSource"), text("EventName")));
        }
        token = page["NextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            return found;
        }
    }
}

#[test]
fn a_user_without_policies_may_do_nothing() {
    let server = Server::start(&[]);
    let root = server.as_root();
    root.query(Service::Iam, "CreateUser", "UserName=Nobody");
    let key = root.query(Service::Iam, "CreateAccessKey", "UserName=Nobody");
    let part = |name: &str| key.element(name).expect("in the answer");
    let nobody = root.with_key(part("AccessKeyId"), part("SecretAccessKey"), None);
    for operation in Operation::all() {
        let info = operation.info();
        let reply = call(&nobody, &info);
        assert!(reply.status < 500, "{}: {reply:?}", info.action());
        let refused = reply.status >= 400;
        assert_eq!(refused, !FREE.contains(&info.name), "{}: {reply:?}", info.action());
    }
    // A sample that denies for sure, so that the sweep above does not pass by malformed requests alone.
    assert_eq!(nobody.query(Service::Iam, "ListUsers", "").code(), "AccessDenied");
    assert_eq!(records(&root, "ListUsers")[0]["errorCode"], "AccessDenied");
}

/// Requests in which one structure is an array, wherever the shape has a structure.
fn arrays_for_structures(shape: &Shape) -> Vec<Value> {
    let mut found = Vec::new();
    for member in shape.members() {
        let of_list = |value: &Value| json!({member.name: [value]});
        match &member.shape.kind {
            Kind::Structure(_) => found.push(json!({member.name: ["a", "b"]})),
            Kind::List(element) if !element.members().is_empty() => {
                found.push(of_list(&json!(["a", "b"])));
                found.extend(arrays_for_structures(element).iter().map(of_list));
            }
            _ => {}
        }
        let inner = arrays_for_structures(&member.shape);
        found.extend(inner.iter().map(|value| json!({member.name: value})));
    }
    found
}

#[test]
fn a_structure_is_an_object_everywhere() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let mut tried = 0;
    for operation in Operation::all() {
        let info = operation.info();
        let Some(shape) = operation.request_shape() else { continue };
        if info.service.targets().is_empty() {
            continue;
        }
        for body in [json!(["a"])].into_iter().chain(arrays_for_structures(&shape)) {
            let reply = root.json(info.service, info.name, &body);
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (400, "SerializationException"),
                "{} {body}",
                info.action()
            );
            tried += 1;
        }
    }
    assert!(tried > 150, "only {tried} requests");
}
