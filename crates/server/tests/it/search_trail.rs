//! Questions to the history, by call and by command.

use keywatch_api::Service;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{ACCOUNT, Server, keywatch};

fn search(client: &Client, ask: &Value) -> Vec<Value> {
    let mut ask = ask.clone();
    let mut found = Vec::new();
    loop {
        let reply = client.json(Service::Keywatch, "SearchTrail", &ask);
        assert_eq!(reply.status, 200, "{ask}: {}", reply.value());
        let page = reply.value();
        found.extend(page["Records"].as_array().expect("a list").clone());
        match page.get("NextToken") {
            Some(token) => ask["NextToken"] = token.clone(),
            None => return found,
        }
    }
}

fn names(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["EventName"].as_str().expect("a name")).collect()
}

fn new_key(client: &Client) -> (String, String) {
    let made = client.json(Service::Kms, "CreateKey", &json!({})).value();
    let text = |name: &str| made["KeyMetadata"][name].as_str().expect("text").to_owned();
    (text("KeyId"), text("Arn"))
}

#[test]
fn any_number_of_attributes_must_hold() {
    let server = Server::start(&["--test-clock", "2026-01-01T00:00:00Z"]);
    let root = server.as_root();
    let (id, arn) = new_key(&root);
    let (other, _) = new_key(&root);
    for key in [&id, &id, &other] {
        root.json(Service::Kms, "Encrypt", &json!({"KeyId": key, "Plaintext": "aGk="}));
    }
    root.json(Service::Kms, "DisableKey", &json!({"KeyId": id}));
    root.json(Service::Kms, "Encrypt", &json!({"KeyId": id, "Plaintext": "aGk="}));
    let by_key = search(&root, &json!({"KeyId": arn, "MaxResults": 2}));
    assert_eq!(names(&by_key), ["Encrypt", "DisableKey", "Encrypt", "Encrypt", "CreateKey"]);
    assert_eq!(search(&root, &json!({"KeyId": id})).len(), 5, "an id is a key of the caller");
    let refused =
        search(&root, &json!({"KeyId": arn, "EventName": "Encrypt", "ErrorCode": "DisabledException"}));
    assert_eq!(refused.len(), 1);
    let record: Value =
        serde_json::from_str(refused[0]["CloudTrailEvent"].as_str().expect("text")).expect("JSON");
    assert_eq!(record["errorCode"], "DisabledException");
    let event = refused[0]["EventId"].as_str().expect("an id");
    assert_eq!(search(&root, &json!({"EventId": event, "ReadOnly": true})), refused);
    assert!(search(&root, &json!({"EventId": event, "ReadOnly": false})).is_empty());
    let principal = format!("arn:aws:iam::{ACCOUNT}:root");
    let writes = json!({"Principal": principal, "ReadOnly": false, "EventSource": "kms.amazonaws.com", "SourceIPAddress": "127.0.0.1"});
    assert_eq!(names(&search(&root, &writes)), ["DisableKey", "CreateKey", "CreateKey"]);
    assert!(search(&root, &json!({"Principal": "arn:aws:iam::1:root"})).is_empty());
    assert!(search(&root, &json!({"EndTime": "2025-12-31T00:00:00Z"})).is_empty());
}

#[test]
fn refusals() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let check = |ask: Value, code: &str| {
        let reply = root.json(Service::Keywatch, "SearchTrail", &ask);
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{ask}");
    };
    check(json!({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}), "InvalidTimeRangeException");
    check(json!({"NextToken": "none of ours"}), "InvalidNextTokenException");
    check(json!({"MaxResults": 501}), "ValidationException");
    let reply = server.as_stranger().json(Service::Keywatch, "SearchTrail", &json!({}));
    assert_ne!(reply.status, 200);
}

#[test]
fn the_command_prints_a_table_or_records() {
    let server = Server::start(&["--test-clock", "2026-01-01T00:00:00Z"]);
    let root = server.as_root();
    let (id, arn) = new_key(&root);
    root.json(Service::Kms, "Encrypt", &json!({"KeyId": id, "Plaintext": "aGk="}));
    let run = |arguments: &[&str]| {
        let mut command = keywatch();
        let output = command
            .arg("search")
            .args(arguments)
            .arg("--data-dir")
            .arg(server.path())
            .output()
            .expect("the binary");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let table = run(&["--key", &arn, "--name", "Encrypt", "--since", "1d"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[1].contains("2026-01-01T00:00:00Z") && lines[1].contains(&arn), "{table}");
    let json = run(&["--key", &id, "--json", "--limit", "1"]);
    let record: Value = serde_json::from_str(json.trim_end()).expect("one record a line");
    assert_eq!(record["eventName"], "Encrypt");
    assert_eq!(run(&["--until", "2025-01-01", "--json"]), "");
}
