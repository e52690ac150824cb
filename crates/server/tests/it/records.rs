//! Every call leaves one record, whatever became of it.

use keywatch_api::Service;
use serde_json::{Value, json};

use crate::client::{Ask, Client};
use crate::server::{ACCOUNT, REGION, Server};

/// The records of an operation, newest first, as event history shows them.
pub(crate) fn records(root: &Client, event_name: &str) -> Vec<Value> {
    let ask = json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": event_name}]});
    let reply = root.json(Service::CloudTrail, "LookupEvents", &ask);
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = |event: &Value| event["CloudTrailEvent"].as_str().expect("the record's text").to_owned();
    let value = reply.value();
    let events = value["Events"].as_array().expect("a list").iter();
    events.map(|event| serde_json::from_str(&text(event)).expect("JSON")).collect()
}

#[test]
fn an_accepted_call_is_recorded_in_full() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let reply = root.query(Service::Iam, "CreateUser", "UserName=Alice");
    let found = records(&root, "CreateUser");
    assert_eq!(found.len(), 1);
    let record = &found[0];
    assert_eq!(record["eventVersion"], "1.11");
    assert_eq!(record["userIdentity"]["type"], "Root");
    assert_eq!(record["userIdentity"]["accessKeyId"], root.id.as_str());
    assert_eq!(record["eventSource"], "iam.amazonaws.com");
    assert_eq!(record["awsRegion"], REGION);
    assert_eq!(record["sourceIPAddress"], "127.0.0.1");
    assert_eq!(record["requestParameters"]["userName"], "Alice");
    assert_eq!(record["responseElements"]["user"]["userName"], "Alice");
    assert_eq!(record["requestID"], reply.header("x-amzn-requestid"));
    assert_eq!(record["readOnly"], false);
    assert_eq!(record["recipientAccountId"], ACCOUNT);
    assert_eq!(record["managementEvent"], true);
    assert!(record.get("errorCode").is_none());
    assert!(record.get("tlsDetails").is_none(), "the connection is plain");
}

#[test]
fn secrets_are_in_no_record() {
    let server = Server::start(&[]);
    let root = server.as_root();
    root.query(Service::Iam, "CreateUser", "UserName=Alice");
    let key = root.query(Service::Iam, "CreateAccessKey", "UserName=Alice");
    let secret = key.element("SecretAccessKey").expect("shown once");
    let found = records(&root, "CreateAccessKey");
    assert_eq!(
        found[0]["responseElements"]["accessKey"]["accessKeyId"],
        key.element("AccessKeyId").expect("an id")
    );
    assert!(!found[0].to_string().contains(secret));
}

#[test]
fn refused_calls_are_recorded_with_their_error() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let list = || Ask::query(Service::Iam, "ListUsers", "");
    server.as_stranger().send(list());
    root.send(Ask { spoil: |_, body| body.push(b' '), ..list() });
    root.send(Ask { spoil: |headers, _| drop(headers.remove("authorization")), ..list() });
    root.query(Service::Iam, "ListUsers", "MaxItems=many");
    let found = records(&root, "ListUsers");
    let errors: Vec<&str> =
        found.iter().map(|record| record["errorCode"].as_str().unwrap_or_default()).collect();
    assert_eq!(
        errors,
        ["MalformedInput", "MissingAuthenticationToken", "SignatureDoesNotMatch", "InvalidClientTokenId"]
    );
    let stranger = &found[3];
    assert_eq!(stranger["userIdentity"]["accessKeyId"], "AKIASTRANGER00000000");
    assert!(stranger["userIdentity"].get("arn").is_none(), "a claim that was not verified names nobody");
    assert!(stranger["responseElements"].is_null());
}

#[test]
fn denied_calls_are_recorded_as_denied() {
    let server = Server::start(&[]);
    let root = server.as_root();
    root.query(Service::Iam, "CreateUser", "UserName=Mallory");
    let key = root.query(Service::Iam, "CreateAccessKey", "UserName=Mallory");
    let part = |name: &str| key.element(name).expect("in the answer");
    let mallory = root.with_key(part("AccessKeyId"), part("SecretAccessKey"), None);
    let reply = mallory.query(Service::Iam, "CreateUser", "UserName=Eve");
    assert_eq!((reply.status, reply.code().as_str()), (403, "AccessDenied"), "{reply:?}");
    let text = "User: arn:aws:iam::000000000000:user/Mallory is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::000000000000:user/Eve because no identity-based policy allows the iam:CreateUser action";
    assert_eq!(reply.element("Message"), Some(text));
    let found = records(&root, "CreateUser");
    assert_eq!(found[0]["errorCode"], "AccessDenied");
    assert_eq!(found[0]["errorMessage"], text);
    assert_eq!(found[0]["userIdentity"]["userName"], "Mallory");
}

#[test]
fn records_survive_a_kill() {
    let server = Server::start(&[]);
    assert_eq!(server.as_root().query(Service::Iam, "CreateUser", "UserName=Alice").status, 200);
    server.signal("KILL");
    let (_, directory) = server.ended();
    let server = Server::start_on(directory, &[]);
    let root = server.as_root();
    assert_eq!(records(&root, "CreateUser").len(), 1);
    assert_eq!(root.query(Service::Iam, "GetUser", "UserName=Alice").status, 200);
}
