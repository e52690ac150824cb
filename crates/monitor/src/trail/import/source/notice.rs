//! What messages of a source's queue say: which objects are new. Pure.
//!
//! S3 event notifications as they are, in the envelope of SNS, or as events of EventBridge; and CloudTrail's own notices, which a
//! trail's topic is told of. Source: S3 user guide, "Event message structure"; CloudTrail user guide, "Configuring Amazon SNS
//! notifications"; EventBridge, "Amazon S3 Object Created events".

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

/// Envelopes within envelopes are opened so far.
const DEPTH_MAX: u32 = 3;

/// An object that a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) bucket: String,
    pub(super) key: String,
}

/// What a message says: objects that were made, maybe none of them; `None` when it is none of the known forms.
pub(super) fn read(body: &str) -> Option<Vec<Named>> {
    let value: Value = serde_json::from_str(body).ok()?;
    read_value(&value, DEPTH_MAX)
}

fn read_value(value: &Value, depth: u32) -> Option<Vec<Named>> {
    if value["Type"] == "Notification" {
        let inner: Value = serde_json::from_str(value["Message"].as_str()?).ok()?;
        return read_value(&inner, depth.checked_sub(1)?);
    }
    if value["Event"] == "s3:TestEvent" {
        return Some(Vec::new());
    }
    if value["source"] == "aws.s3" {
        let is_new = value["detail-type"] == "Object Created";
        let named = Named {
            bucket: text(&value["detail"]["bucket"]["name"])?,
            key: text(&value["detail"]["object"]["key"])?,
        };
        return Some(if is_new { vec![named] } else { Vec::new() });
    }
    if let (Some(bucket), Some(keys)) = (text(&value["s3Bucket"]), value["s3ObjectKey"].as_array()) {
        return keys.iter().map(|key| Some(Named { bucket: bucket.clone(), key: text(key)? })).collect();
    }
    let records = value["Records"].as_array()?;
    let named: Option<Vec<Option<Named>>> = records.iter().map(s3_record).collect();
    Some(named?.into_iter().flatten().collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Record {
    event_source: String,
    event_name: String,
    s3: S3Entity,
}

#[derive(Deserialize)]
struct S3Entity {
    bucket: BucketEntity,
    object: ObjectEntity,
}

#[derive(Deserialize)]
struct BucketEntity {
    name: String,
}

#[derive(Deserialize)]
struct ObjectEntity {
    key: String,
}

/// Keys of S3's own messages are encoded like forms.
fn s3_record(record: &Value) -> Option<Option<Named>> {
    let record = S3Record::deserialize(record).ok()?;
    if record.event_source != "aws:s3" {
        return None;
    }
    let key = record.s3.object.key.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8().ok()?.into_owned();
    let is_new = record.event_name.trim_start_matches("s3:").starts_with("ObjectCreated:");
    Some(is_new.then_some(Named { bucket: record.s3.bucket.name, key }))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: &Value, want: Option<&[&str]>) {
        let got = read(&body.to_string());
        let got = got
            .map(|all| all.into_iter().map(|one| format!("{}/{}", one.bucket, one.key)).collect::<Vec<_>>());
        assert_eq!(got, want.map(|all| all.iter().map(|one| (*one).to_owned()).collect()), "{body}");
    }

    #[test]
    fn forms() {
        let event = |name: &str, key: &str| {
            json!({"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
                "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 3}}})
        };
        let two = json!({"Records": [event("ObjectCreated:Put", "a%3Db+c"), event("ObjectCreated:CompleteMultipartUpload", "d")]});
        check(&two, Some(&["b/a=b c", "b/d"]));
        check(&json!({"Type": "Notification", "Message": two.to_string()}), Some(&["b/a=b c", "b/d"]));
        check(&json!({"Records": [event("ObjectRemoved:Delete", "a")]}), Some(&[]));
        check(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}), Some(&[]));
        check(&json!({"s3Bucket": "b", "s3ObjectKey": ["a=b", "c"]}), Some(&["b/a=b", "b/c"]));
        let bridge = json!({"source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": "b"}, "object": {"key": "a b"}}});
        check(&bridge, Some(&["b/a b"]));
    }

    #[test]
    fn other_messages_are_not_understood() {
        check(&json!("hello"), None);
        check(&json!({"Records": [{"eventSource": "aws:sns"}]}), None);
        check(&json!({"Type": "Notification", "Message": "hello"}), None);
        check(&json!({"s3Bucket": "b", "s3ObjectKey": "a"}), None);
        assert_eq!(read("hello"), None);
        let mut nested = json!({"s3Bucket": "b", "s3ObjectKey": []});
        for _ in 0..5 {
            nested = json!({"Type": "Notification", "Message": nested.to_string()});
        }
        check(&nested, None);
    }
}
