//! Mails that have nowhere to go are shown by `keywatch outbox`.

use keywatch_api::Service;
use serde_json::Value;

use crate::server::{Server, keywatch};

fn outbox(server: &Server, arguments: &[&str]) -> String {
    let output = keywatch().arg("outbox").args(arguments).arg("--data-dir").arg(server.path()).output();
    let output = output.expect("the built binary");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_confirmation_mail_is_kept_without_an_smtp_server() {
    let server = Server::start(&["--test-clock", "2026-01-01T00:00:00Z"]);
    let root = server.as_root();
    assert_eq!(outbox(&server, &[]), "");
    let topic = root.query(Service::Sns, "CreateTopic", "Name=t");
    let topic = topic.element("TopicArn").expect("an ARN");
    let form = format!("TopicArn={topic}&Protocol=email&Endpoint=oncall%40example.com");
    assert_eq!(root.query(Service::Sns, "Subscribe", &form).status, 200);
    // The clock's step waits until everything that is due has been delivered.
    let moved = keywatch().args(["clock", "advance", "1s", "--data-dir"]).arg(server.path()).output();
    assert!(moved.expect("the built binary").status.success());
    let shown = outbox(&server, &[]);
    assert!(
        shown.contains("To: oncall@example.com\nSubject: AWS Notification - Subscription Confirmation"),
        "{shown}"
    );
    let mail: Value = serde_json::from_str(&outbox(&server, &["--json"])).expect("one object");
    assert_eq!(mail["To"], "oncall@example.com");
    assert!(mail["Body"].as_str().expect("text").contains(topic));
    assert_eq!(outbox(&server, &["--dead"]), "");
}
