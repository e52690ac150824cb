//! Who uses a key, and what speaks for and against deleting it: `GetKeyUsage`, `GetDeletionReadiness` and their commands.

use keywatch_api::Service;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{ACCOUNT, REGION, Server, keywatch};

fn ask(client: &Client, operation: &str, body: Value) -> Value {
    let reply = client.json(Service::Keywatch, operation, &body);
    assert_eq!(reply.status, 200, "{operation} {body}: {}", reply.value());
    reply.value()
}

fn kms(client: &Client, operation: &str, body: Value) -> Value {
    let reply = client.json(Service::Kms, operation, &body);
    if reply.body.is_empty() { Value::Null } else { reply.value() }
}

fn new_key(client: &Client) -> (String, String) {
    let made = kms(client, "CreateKey", json!({}));
    let text = |name: &str| made["KeyMetadata"][name].as_str().expect("text").to_owned();
    (text("KeyId"), text("Arn"))
}

fn command(server: &Server, arguments: &[&str]) -> String {
    let output =
        keywatch().args(arguments).arg("--data-dir").arg(server.path()).output().expect("the binary");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn usage_is_counted_by_all_that_tells_calls_apart() {
    let server = Server::start(&["--test-clock", "2026-01-01T00:00:00Z"]);
    let root = server.as_root();
    let (id, arn) = new_key(&root);
    kms(&root, "CreateAlias", json!({"AliasName": "alias/orders", "TargetKeyId": id}));
    let encrypt = json!({"KeyId": "alias/orders", "Plaintext": "aGk=", "EncryptionContext": {"tenant": "1", "app": "2"}});
    kms(&root, "Encrypt", encrypt.clone());
    kms(&root, "Encrypt", encrypt);
    command(&server, &["clock", "advance", "1d"]);
    kms(&root, "DisableKey", json!({"KeyId": id}));
    kms(&root, "Encrypt", json!({"KeyId": id, "Plaintext": "aGk="}));
    let usage = ask(&root, "GetKeyUsage", json!({"KeyId": "alias/orders"}));
    assert_eq!(
        (&usage["KeyArn"], &usage["Calls"], &usage["FailedCalls"]),
        (&json!(arn), &json!(3), &json!(1))
    );
    assert_eq!(usage["EncryptionContextKeys"], json!(["app", "tenant"]));
    let rows = usage["Usage"].as_array().expect("rows");
    let told = |row: &Value| ["Day", "Operation", "Outcome", "Calls"].map(|name| row[name].clone());
    assert_eq!(told(&rows[0]), [json!("2026-01-02"), json!("Encrypt"), json!("DisabledException"), json!(1)]);
    assert_eq!(told(&rows[1]), [json!("2026-01-01"), json!("Encrypt"), json!("Success"), json!(2)]);
    assert_eq!(rows[1]["Principal"], format!("arn:aws:iam::{ACCOUNT}:root"));
    assert_eq!(rows[1]["SourceIPAddress"], "127.0.0.1");
    let first = ask(&root, "GetKeyUsage", json!({"KeyId": id, "MaxResults": 1}));
    assert_eq!(first["Usage"], json!([rows[0]]));
    let second =
        ask(&root, "GetKeyUsage", json!({"KeyId": id, "MaxResults": 1, "NextToken": first["NextToken"]}));
    assert_eq!((&second["Usage"], second.get("NextToken")), (&json!([rows[1]]), None));
    let all =
        ask(&root, "GetKeyUsage", json!({"KeyId": arn, "IncludeManagement": true, "EndTime": 1_767_225_600}));
    assert_eq!(all["Calls"], 4, "CreateKey, CreateAlias and two Encrypt of the first second");
    let table = command(&server, &["usage", "alias/orders", "--since", "36h"]);
    assert!(table.contains("3 calls, 1 of them refused") && table.contains("app,tenant"), "{table}");
    let rows = command(&server, &["usage", &id, "--json"]);
    assert_eq!(rows.lines().count(), 2, "{rows}");
    let other = root.json(Service::Keywatch, "GetKeyUsage", &json!({"KeyId": "alias/absent"}));
    assert_eq!(other.code(), "NotFoundException");
    assert_ne!(
        server.as_stranger().json(Service::Keywatch, "GetKeyUsage", &json!({"KeyId": id})).status,
        200
    );
}

#[test]
fn the_verdict_follows_the_records() {
    let server = Server::start(&["--test-clock", "2026-01-01T00:00:00Z"]);
    let root = server.as_root();
    let (id, arn) = new_key(&root);
    let readiness = || ask(&root, "GetDeletionReadiness", json!({"KeyId": id}));
    assert_eq!(readiness()["Verdict"], "BEING_WATCHED");
    kms(&root, "CreateAlias", json!({"AliasName": "alias/orders", "TargetKeyId": id}));
    let grantee = format!("arn:aws:iam::{ACCOUNT}:root");
    kms(&root, "CreateGrant", json!({"KeyId": id, "GranteePrincipal": grantee, "Operations": ["Decrypt"]}));
    kms(&root, "GenerateDataKey", json!({"KeyId": id, "KeySpec": "AES_256"}));
    let used = readiness();
    assert_eq!(
        (&used["Verdict"], &used["KeyArn"], &used["KeyState"]),
        (&json!("IN_USE"), &json!(arn), &json!("Enabled"))
    );
    assert_eq!((&used["DataKeysIssued"], &used["Aliases"]), (&json!(1), &json!(["alias/orders"])));
    assert_eq!(used["LastUse"]["Operation"], "GenerateDataKey");
    assert_eq!((&used["GrantCount"], &used["Grants"][0]["Operations"]), (&json!(1), &json!(["Decrypt"])));
    assert_eq!(used["PolicyPrincipals"], json!([grantee]));
    assert_eq!(used["Users"][0]["Principal"], json!(grantee));
    command(&server, &["clock", "advance", "8d"]);
    assert_eq!(readiness()["Verdict"], "USED_LATELY");
    command(&server, &["clock", "advance", "83d"]);
    let quiet = readiness();
    assert_eq!((&quiet["Verdict"], &quiet["UserCount"]), (&json!("NO_USE_SEEN"), &json!(0)));
    assert_eq!(quiet["NoUseSeenSince"], used["LastUse"]["Time"]);
    kms(&root, "ScheduleKeyDeletion", json!({"KeyId": id}));
    kms(&root, "Encrypt", json!({"KeyId": id, "Plaintext": "aGk="}));
    let wanted = readiness();
    assert_eq!(
        (&wanted["Verdict"], &wanted["RefusedByState"]),
        (&json!("IN_USE"), &json!(1)),
        "who is refused needs it"
    );
    assert_eq!(wanted["KeyState"], "PendingDeletion");
    let page = command(&server, &["deletion-readiness", "alias/orders"]);
    assert!(page.contains("In use") && page.contains("PendingDeletion") && !page.contains("safe"), "{page}");
    let json: Value =
        serde_json::from_str(&command(&server, &["deletion-readiness", &arn, "--json"])).expect("JSON");
    assert_eq!(json["Verdict"], "IN_USE");
}

#[test]
fn keys_of_other_accounts_are_told_by_imported_records() {
    let server = Server::start(&["--test-clock", "2026-01-20T00:00:00Z"]);
    let root = server.as_root();
    let arn = format!("arn:aws:kms:{REGION}:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    let record = |number: u32, time: &str, name: &str| {
        json!({
            "eventVersion": "1.11", "eventID": format!("00000000-0000-4000-8000-{number:012}"), "eventTime": time,
            "eventSource": "kms.amazonaws.com", "eventName": name, "awsRegion": REGION, "readOnly": true,
            "eventType": "AwsApiCall", "recipientAccountId": "999988887777", "sourceIPAddress": "192.0.2.7",
            "userAgent": "app", "requestParameters": {"encryptionContext": {"tenant": "7"}},
            "userIdentity": {"type": "AssumedRole", "arn": format!("arn:aws:sts::999988887777:assumed-role/app/s{number}"),
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::999988887777:role/app"}}},
            "resources": [{"accountId": "999988887777", "type": "AWS::KMS::Key", "ARN": arn}],
        })
    };
    assert_eq!(ask(&root, "GetDeletionReadiness", json!({"KeyId": arn}))["Verdict"], "BEING_WATCHED");
    let records = [
        record(1, "2026-01-01T00:00:00Z", "Decrypt"),
        record(2, "2026-01-02T00:00:00Z", "Decrypt"),
        record(3, "2026-01-02T01:00:00Z", "GenerateDataKey"),
    ];
    let file = json!({"Records": records}).to_string();
    let encoded = base64_of(file.as_bytes());
    assert_eq!(ask(&root, "ImportTrail", json!({"LogFile": encoded}))["Imported"], 3);
    let usage = ask(&root, "GetKeyUsage", json!({"KeyId": arn}));
    let rows = usage["Usage"].as_array().expect("rows");
    assert_eq!((rows.len(), &usage["Calls"]), (3, &json!(3)));
    assert!(rows.iter().all(|row| row["Principal"] == "arn:aws:iam::999988887777:role/app"), "{rows:?}");
    let readiness = ask(&root, "GetDeletionReadiness", json!({"KeyId": arn}));
    assert_eq!((&readiness["Verdict"], &readiness["DataKeysIssued"]), (&json!("IN_USE"), &json!(1)));
    assert_eq!(readiness["WatchedUntil"], json!(1_767_315_600.0), "by the records, not by our clock");
    assert_eq!(readiness.get("KeyState"), None);
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
