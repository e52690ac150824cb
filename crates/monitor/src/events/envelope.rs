//! Events as they are on the bus, and what CloudTrail records become there
//!
//! A record becomes one event with the record as its detail; three things KMS does by itself become a second one
//! in its own form. Source: EventBridge User Guide, "AWS service events delivered via AWS CloudTrail"; KMS Developer
//! Guide, "Monitoring with Amazon EventBridge".

use std::borrow::Cow;

use keywatch_api::record_form::push_json_string;
use keywatch_crypto::digest;
use serde::Deserialize;
use uuid::Uuid;

/// The parts of an event around its detail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'h> {
    pub(crate) id: Uuid,
    pub(crate) detail_type: &'h str,
    pub(crate) source: &'h str,
    pub(crate) account: &'h str,
    /// `2026-09-14T11:18:46Z`
    pub(crate) time: &'h str,
    pub(crate) region: &'h str,
}

impl Head<'_> {
    /// The event as JSON text; `detail` is the text of a JSON object.
    pub(crate) fn envelope<R: AsRef<str>>(&self, resources: &[R], detail: &str) -> String {
        let mut out = String::with_capacity(detail.len() + 256);
        out.push_str("{\"version\":\"0\",\"id\":\"");
        out.push_str(&self.id.to_string());
        out.push('"');
        for (name, value) in [
            ("detail-type", self.detail_type),
            ("source", self.source),
            ("account", self.account),
            ("time", self.time),
            ("region", self.region),
        ] {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            push_json_string(&mut out, value);
        }
        out.push_str(",\"resources\":[");
        for (index, resource) in resources.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_json_string(&mut out, resource.as_ref());
        }
        out.push_str("],\"detail\":");
        out.push_str(detail);
        out.push('}');
        out
    }
}

/// An id that is always the same for the same thing, so that deriving it again names it again.
pub(crate) fn derived_id(parts: &[&str]) -> Uuid {
    let hash = digest::sha256(parts.join("\n").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// An event that a record became.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) envelope: String,
    /// It reaches only rules that ask for all management events.
    pub(crate) only_if_asked_for: bool,
}

/// The members of a record that matter here. Records of other accounts name some resources by `ARNPrefix` only.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'r> {
    #[serde(borrow)]
    event_source: Cow<'r, str>,
    #[serde(borrow)]
    event_name: Cow<'r, str>,
    #[serde(borrow)]
    event_time: Cow<'r, str>,
    #[serde(borrow)]
    aws_region: Cow<'r, str>,
    #[serde(borrow, rename = "eventID")]
    event_id: Cow<'r, str>,
    #[serde(borrow)]
    event_type: Cow<'r, str>,
    #[serde(borrow)]
    recipient_account_id: Cow<'r, str>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(borrow, default)]
    resources: Option<Vec<Resource<'r>>>,
    #[serde(borrow, default)]
    service_event_details: Option<ServiceEventDetails<'r>>,
}

#[derive(Deserialize)]
struct Resource<'r> {
    #[serde(borrow, rename = "ARN", default)]
    arn: Option<Cow<'r, str>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceEventDetails<'r> {
    #[serde(borrow, default)]
    key_id: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    key_origin: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    rotation_type: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    previous_key_material_id: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    current_key_material_id: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    key_material_id: Option<Cow<'r, str>>,
}

/// What a record becomes on the bus; nothing if its text is not a record.
pub(crate) fn from_record(text: &str) -> Vec<Derived> {
    let Ok(record) = serde_json::from_str::<Record<'_>>(text) else { return Vec::new() };
    let detail_type = match record.event_type.as_ref() {
        "AwsApiCall" => "AWS API Call via CloudTrail",
        "AwsServiceEvent" => "AWS Service Event via CloudTrail",
        "AwsConsoleAction" => "AWS Console Action via CloudTrail",
        "AwsConsoleSignIn" => "AWS Console Signin via CloudTrail",
        _ => return Vec::new(),
    };
    let service = record.event_source.split('.').next().unwrap_or_default();
    let source = format!("aws.{service}");
    let head = Head {
        id: derived_id(&[&record.event_id, detail_type]),
        detail_type,
        source: &source,
        account: &record.recipient_account_id,
        time: &record.event_time,
        region: &record.aws_region,
    };
    let mut derived = vec![Derived {
        envelope: head.envelope::<&str>(&[], text),
        only_if_asked_for: record.read_only == Some(true) && is_read(&record.event_name),
    }];
    derived.extend(of_kms(&record, &head));
    derived
}

/// The read-only operations that ENABLED rules are not told about. Cryptographic operations are read-only too, but
/// their names begin otherwise, and ENABLED rules see them.
fn is_read(event_name: &str) -> bool {
    ["Get", "List", "Describe"].iter().any(|prefix| event_name.starts_with(prefix))
}

/// The event KMS sends in its own form for what it did by itself.
fn of_kms(record: &Record<'_>, head: &Head<'_>) -> Option<Derived> {
    if record.event_type != "AwsServiceEvent" || record.event_source != "kms.amazonaws.com" {
        return None;
    }
    let arn = record.resources.iter().flatten().find_map(|resource| resource.arn.as_deref());
    let none = ServiceEventDetails::default();
    let details = record.service_event_details.as_ref().unwrap_or(&none);
    let id_of = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
    let key_id = details.key_id.as_deref().or(arn).map(id_of)?;
    let key_id = Some(Cow::Owned(key_id));
    let (detail_type, members) = match record.event_name.as_ref() {
        "RotateKey" => (
            "KMS CMK Rotation",
            vec![
                ("key-id", &key_id),
                ("key-origin", &details.key_origin),
                ("rotation-type", &details.rotation_type),
                ("previous-key-material-id", &details.previous_key_material_id),
                ("current-key-material-id", &details.current_key_material_id),
            ],
        ),
        "DeleteExpiredKeyMaterial" => (
            "KMS Imported Key Material Expiration",
            vec![("key-id", &key_id), ("key-material-id", &details.key_material_id)],
        ),
        "DeleteKey" => ("KMS CMK Deletion", vec![("key-id", &key_id)]),
        _ => return None,
    };
    let mut detail = String::from("{");
    for (name, value) in members {
        let Some(value) = value else { continue };
        if detail.len() > 1 {
            detail.push(',');
        }
        push_json_string(&mut detail, name);
        detail.push(':');
        push_json_string(&mut detail, value);
    }
    detail.push('}');
    let head = Head { id: derived_id(&[&record.event_id, detail_type]), detail_type, ..*head };
    Some(Derived { envelope: head.envelope(arn.as_slice(), &detail), only_if_asked_for: false })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(name: &str, event_type: &str, more: Value) -> String {
        let mut record = json!({"eventVersion": "1.11", "eventSource": "kms.amazonaws.com", "eventName": name,
            "eventTime": "2026-09-14T11:18:46Z", "awsRegion": "us-west-2", "eventID": "e", "eventType": event_type,
            "recipientAccountId": "111122223333", "readOnly": false,
            "resources": [{"accountId": "111122223333", "type": "AWS::KMS::Key",
                "ARN": "arn:aws:kms:us-west-2:111122223333:key/k"}]});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record.to_string()
    }

    fn events(record: &str) -> Vec<Value> {
        from_record(record).iter().map(|derived| serde_json::from_str(&derived.envelope).unwrap()).collect()
    }

    #[test]
    fn a_call() {
        let text = record("ScheduleKeyDeletion", "AwsApiCall", json!({}));
        let [event] = events(&text).try_into().unwrap();
        let mut event: Value = event;
        assert_eq!(event["id"].as_str().unwrap().len(), 36);
        event["id"] = json!("-");
        assert_eq!(
            event,
            json!({"version": "0", "id": "-", "detail-type": "AWS API Call via CloudTrail", "source": "aws.kms",
                "account": "111122223333", "time": "2026-09-14T11:18:46Z", "region": "us-west-2", "resources": [],
                "detail": serde_json::from_str::<Value>(&text).unwrap()})
        );
        assert_eq!(from_record(&text), from_record(&text));
    }

    #[test]
    fn what_enabled_rules_are_not_told() {
        for (name, read_only, want) in [
            ("GetKeyPolicy", true, true),
            ("ListKeys", true, true),
            ("DescribeKey", true, true),
            ("GenerateDataKey", true, false),
            ("Decrypt", true, false),
            ("CreateKey", false, false),
        ] {
            let text = record(name, "AwsApiCall", json!({"readOnly": read_only}));
            assert_eq!(from_record(&text)[0].only_if_asked_for, want, "{name}");
        }
    }

    #[test]
    fn what_kms_does_by_itself() {
        let rotation = json!({"serviceEventDetails": {"keyId": "k", "keyOrigin": "AWS_KMS",
            "rotationType": "AUTOMATIC", "previousKeyMaterialId": "p", "currentKeyMaterialId": "c"}});
        for (name, more, detail_type, detail) in [
            (
                "RotateKey",
                rotation,
                "KMS CMK Rotation",
                json!({"key-id": "k", "key-origin": "AWS_KMS", "rotation-type": "AUTOMATIC",
                    "previous-key-material-id": "p", "current-key-material-id": "c"}),
            ),
            (
                "DeleteExpiredKeyMaterial",
                json!({"serviceEventDetails": {"keyId": "k", "keyMaterialId": "m"}}),
                "KMS Imported Key Material Expiration",
                json!({"key-id": "k", "key-material-id": "m"}),
            ),
            ("DeleteKey", json!({"serviceEventDetails": null}), "KMS CMK Deletion", json!({"key-id": "k"})),
        ] {
            let events = events(&record(name, "AwsServiceEvent", more));
            assert_eq!(events[0]["detail-type"], "AWS Service Event via CloudTrail");
            assert_eq!(events[1]["detail-type"], detail_type);
            assert_eq!(events[1]["source"], "aws.kms");
            assert_eq!(events[1]["resources"], json!(["arn:aws:kms:us-west-2:111122223333:key/k"]));
            assert_eq!(events[1]["detail"], detail);
            assert_ne!(events[0]["id"], events[1]["id"]);
        }
    }

    #[test]
    fn records_of_other_services() {
        let object = json!({"resources": [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"}]});
        for more in [object, json!({"resources": null, "readOnly": null})] {
            assert_eq!(events(&record("GetObject", "AwsApiCall", more)).len(), 1);
        }
    }

    #[test]
    fn what_is_no_record() {
        assert_eq!(from_record("{}"), []);
        assert_eq!(from_record("nonsense"), []);
        assert_eq!(from_record(&record("x", "AwsCloudTrailInsight", json!({}))), []);
    }
}
