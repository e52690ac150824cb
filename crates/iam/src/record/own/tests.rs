use jiff::Timestamp;
use keywatch_api::{AccountId, Arn, Region};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::notes::Notes;
use crate::record::{ApiCall, Identity, ServiceEvent};
use crate::{Caller, CallerKind};

/// A text as callers send it, hostile ones among them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~äß\\n]{0,20}",
        Just("\",\"requestID\":\"x".to_owned()),
        Just(",\"errorCode\":\"x\",\"eventTime\":\"2000-01-01T00:00:00Z\"".to_owned()),
        Just("],\"eventType\":\"".to_owned()),
        Just("\\".to_owned()),
    ]
}

/// Parameters with names that the record itself uses.
fn parameters() -> impl Strategy<Value = Option<String>> {
    let name = prop_oneof![
        Just("keyId".to_owned()),
        Just("requestID".to_owned()),
        Just("requestParameters".to_owned()),
        Just("errorCode".to_owned()),
        text()
    ];
    let context = proptest::collection::btree_map(name, text(), 0..4);
    proptest::option::of(
        context.prop_map(|context| serde_json::json!({"a": "b", "encryptionContext": context}).to_string()),
    )
}

#[derive(Debug)]
struct Case {
    kind: usize,
    agent: Option<String>,
    error: Option<(String, String)>,
    request: Option<String>,
    response: Option<String>,
    arns: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let error = proptest::option::of((text(), text()));
    (0..4_usize, proptest::option::of(text()), error, parameters(), parameters(), 0..3_usize).prop_map(
        |(kind, agent, error, request, response, arns)| Case { kind, agent, error, request, response, arns },
    )
}

fn record(case: &Case) -> String {
    let account: AccountId = "111122223333".parse().unwrap();
    let region: Region = "us-west-2".parse().unwrap();
    let mut caller = Caller::root(&account, (case.kind != 1).then(|| "AKIAEXAMPLE".into()));
    if case.kind == 2 {
        caller.kind = CallerKind::User { name: ",\"eventTime\":\"".into() };
    }
    let mut notes = Notes::default();
    notes.request_parameters = case.request.clone();
    notes.set_response(case.response.clone());
    for number in 0..case.arns {
        notes.resource(&Arn::kms_key(&region, &account, &format!("k{number}")), "AWS::KMS::Key");
    }
    let identity = if case.kind == 3 {
        Identity::Unknown { access_key_id: Some("AKIA") }
    } else {
        Identity::Known(&caller)
    };
    let call = ApiCall {
        time: "2025-05-20T20:45:08.9Z".parse().unwrap(),
        event_source: "kms.amazonaws.com",
        event_name: "EnableKey",
        region: &region,
        recipient: &account,
        shared_event_id: None,
        caller: identity,
        source_address: "127.0.0.1",
        user_agent: case.agent.as_deref(),
        request_id: "r",
        event_id: "e",
        read_only: case.arns == 1,
        error: case.error.as_ref().map(|(code, text)| (code.as_str(), Some(text.as_str()))),
        notes: &notes,
        tls: None,
    };
    let mut out = String::new();
    call.write(&mut out);
    out
}

proptest! {
    #[test]
    fn what_is_found_is_what_a_parser_finds(case in case()) {
        let text = record(&case);
        let parsed: Value = serde_json::from_str(&text).unwrap();
        let own = OwnRecord::of(text.as_bytes()).expect("written by us");
        prop_assert_eq!(own.event_time, parsed["eventTime"].as_str().unwrap());
        prop_assert_eq!(own.event_source, parsed["eventSource"].as_str().unwrap());
        prop_assert_eq!(own.event_name, parsed["eventName"].as_str().unwrap());
        prop_assert_eq!(own.region, parsed["awsRegion"].as_str().unwrap());
        prop_assert_eq!(own.failed, !parsed["errorCode"].is_null());
        prop_assert_eq!(own.request_id, parsed["requestID"].as_str().unwrap());
        prop_assert_eq!(own.event_id, parsed["eventID"].as_str().unwrap());
        prop_assert_eq!(own.recipient, parsed["recipientAccountId"].as_str().unwrap());
        let elements = serde_json::Deserializer::from_str(own.request_parameters).into_iter().next();
        let elements: Value = elements.unwrap().unwrap();
        prop_assert_eq!(&elements, &parsed["requestParameters"]);
        let arns: Vec<&str> = own.resource_arns().collect();
        let want: Vec<&str> =
            parsed["resources"].as_array().into_iter().flatten().map(|resource| resource["ARN"].as_str().unwrap()).collect();
        prop_assert_eq!(arns, want);
        let identity = &parsed["userIdentity"];
        prop_assert_eq!(own.signer.is_none(), identity["type"] == "Unknown");
        if let Some(signer) = own.signer {
            prop_assert_eq!(Some(signer.account), identity["accountId"].as_str());
            prop_assert_eq!(signer.access_key_id, identity["accessKeyId"].as_str());
        }
    }
}

#[test]
fn what_is_not_written_so_is_parsed() {
    let case = Case { kind: 0, agent: None, error: None, request: None, response: None, arns: 1 };
    let ours = record(&case);
    assert!(OwnRecord::of(ours.as_bytes()).is_some());
    for other in [
        String::new(),
        ours.replace("1.11", "1.10"),
        ours.replace("AwsApiCall", "AwsServiceEvent"),
        ours.replace(",\"eventCategory\"", ",\"sharedEventID\":\"s\",\"eventCategory\""),
        ours.replace("EnableKey", "Enable\\u004bey"),
        ours.replace(",\"requestID\":\"r\"", ""),
    ] {
        assert_eq!(OwnRecord::of(other.as_bytes()), None, "{other}");
    }
    for end in 0..ours.find("\"eventCategory").unwrap() {
        assert_eq!(OwnRecord::of(&ours.as_bytes()[..end]), None);
    }
}

#[test]
fn what_services_do_by_themselves_is_parsed() {
    let event = ServiceEvent {
        time: Timestamp::UNIX_EPOCH,
        event_source: "kms.amazonaws.com",
        event_name: "RotateKey",
        region: &"us-west-2".parse().unwrap(),
        account: &"111122223333".parse().unwrap(),
        event_id: "e",
        resources: &[],
        details: None,
    };
    let mut out = String::new();
    event.write(&mut out);
    assert_eq!(OwnRecord::of(out.as_bytes()), None);
}
