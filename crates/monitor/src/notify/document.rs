//! The JSON documents that subscribers get, laid out as AWS does: two spaces, ` : `, a fixed order of keys; and the text that is
//! signed: for each signed member in the order of names, the name, a line feed, the value, a line feed.
//!
//! Pure functions. Source: SNS developer guide, "Parsing message formats" and "Verifying the signatures of messages".

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::topic::SignatureVersion;
use crate::entry::{Message, MessageAttribute};

/// What a document says besides its content: how it was signed.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) version: SignatureVersion,
    /// Base64.
    pub(crate) signature: String,
    pub(crate) certificate_url: String,
}

/// A `Notification` before it is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notification<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) topic_arn: &'a str,
    pub(crate) subject: Option<&'a str>,
    pub(crate) text: &'a str,
    pub(crate) time: Timestamp,
    pub(crate) attributes: &'a BTreeMap<String, MessageAttribute>,
    /// Of messages of topics that keep an order; those are not signed.
    pub(crate) sequence: Option<&'a str>,
}

/// A `SubscriptionConfirmation` or an `UnsubscribeConfirmation` before it is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handshake<'a> {
    pub(crate) kind: &'static str,
    pub(crate) message_id: &'a str,
    pub(crate) token: &'a str,
    pub(crate) topic_arn: &'a str,
    pub(crate) text: &'a str,
    pub(crate) subscribe_url: &'a str,
    pub(crate) time: Timestamp,
}

impl Notification<'_> {
    pub(crate) fn string_to_sign(&self) -> String {
        let time = wire_time(self.time);
        let mut members = vec![("Message", self.text), ("MessageId", self.message_id)];
        members.extend(self.subject.map(|subject| ("Subject", subject)));
        members.extend([("Timestamp", &*time), ("TopicArn", self.topic_arn), ("Type", "Notification")]);
        lines(&members)
    }

    pub(crate) fn render(&self, signed: Option<&Signed>, unsubscribe_url: &str) -> String {
        let time = wire_time(self.time);
        let mut members = vec![("Type", "Notification"), ("MessageId", self.message_id)];
        members.extend(self.sequence.map(|sequence| ("SequenceNumber", sequence)));
        members.push(("TopicArn", self.topic_arn));
        members.extend(self.subject.map(|subject| ("Subject", subject)));
        members.extend([("Message", self.text), ("Timestamp", &*time)]);
        if let Some(signed) = signed {
            push_signature(&mut members, signed);
        }
        members.push(("UnsubscribeURL", unsubscribe_url));
        let attributes = (!self.attributes.is_empty()).then(|| attribute_member(self.attributes));
        layout(&members, attributes.as_deref())
    }
}

impl Handshake<'_> {
    pub(crate) fn string_to_sign(&self) -> String {
        lines(&[
            ("Message", self.text),
            ("MessageId", self.message_id),
            ("SubscribeURL", self.subscribe_url),
            ("Timestamp", &wire_time(self.time)),
            ("Token", self.token),
            ("TopicArn", self.topic_arn),
            ("Type", self.kind),
        ])
    }

    pub(crate) fn render(&self, signed: &Signed) -> String {
        let time = wire_time(self.time);
        let mut members = vec![
            ("Type", self.kind),
            ("MessageId", self.message_id),
            ("Token", self.token),
            ("TopicArn", self.topic_arn),
            ("Message", self.text),
            ("SubscribeURL", self.subscribe_url),
            ("Timestamp", &*time),
        ];
        push_signature(&mut members, signed);
        layout(&members, None)
    }
}

fn push_signature<'a>(members: &mut Vec<(&'static str, &'a str)>, signed: &'a Signed) {
    members.extend([
        ("SignatureVersion", signed.version.as_str()),
        ("Signature", &signed.signature),
        ("SigningCertURL", &signed.certificate_url),
    ]);
}

fn lines(members: &[(&str, &str)]) -> String {
    members.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect()
}

fn layout(members: &[(&str, &str)], last: Option<&str>) -> String {
    let mut rows: Vec<String> =
        members.iter().map(|(name, value)| format!("  \"{name}\" : {}", quoted(value))).collect();
    rows.extend(last.map(str::to_owned));
    format!("{{\n{}\n}}", rows.join(",\n"))
}

fn attribute_member(attributes: &BTreeMap<String, MessageAttribute>) -> String {
    let rows: Vec<String> = attributes
        .iter()
        .map(|(name, attribute)| {
            let (kind, value) = (quoted(&attribute.data_type), quoted(&attribute.value));
            format!("    {} : {{\"Type\":{kind},\"Value\":{value}}}", quoted(name))
        })
        .collect();
    format!("  \"MessageAttributes\" : {{\n{}\n  }}", rows.join(",\n"))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("texts become JSON")
}

/// `2026-09-14T11:18:46.123Z`
pub(crate) fn wire_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// The text of a message for subscribers of a protocol; `None` when a message by protocol has neither that text nor a default,
/// which `Publish` refuses.
pub(crate) fn text_for(message: &Message, protocol: &str) -> Option<String> {
    if !message.by_protocol {
        return Some(message.body.clone());
    }
    let texts: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&message.body).ok()?;
    let text = |name: &str| texts.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    text(protocol).or_else(|| text("default"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_as_subscribers_get_it() {
        let attributes = BTreeMap::from([(
            "n".to_owned(),
            MessageAttribute { data_type: "Number".into(), value: "1".into() },
        )]);
        let notification = Notification {
            message_id: "m-1",
            topic_arn: "arn:aws:sns:us-east-1:1:t",
            subject: Some("s \"q\""),
            text: "line\nline",
            time: "2026-09-14T11:18:46.1239Z".parse().unwrap(),
            attributes: &attributes,
            sequence: None,
        };
        let signed = Signed {
            version: SignatureVersion::Sha1,
            signature: "c2ln".into(),
            certificate_url: "http://h/SimpleNotificationService-0.pem".into(),
        };
        assert_eq!(
            notification.string_to_sign(),
            "Message\nline\nline\nMessageId\nm-1\nSubject\ns \"q\"\nTimestamp\n2026-09-14T11:18:46.123Z\nTopicArn\narn:aws:sns:us-east-1:1:t\nType\nNotification\n"
        );
        assert_eq!(
            notification.render(Some(&signed), "http://h/?Action=Unsubscribe"),
            r#"{
  "Type" : "Notification",
  "MessageId" : "m-1",
  "TopicArn" : "arn:aws:sns:us-east-1:1:t",
  "Subject" : "s \"q\"",
  "Message" : "line\nline",
  "Timestamp" : "2026-09-14T11:18:46.123Z",
  "SignatureVersion" : "1",
  "Signature" : "c2ln",
  "SigningCertURL" : "http://h/SimpleNotificationService-0.pem",
  "UnsubscribeURL" : "http://h/?Action=Unsubscribe",
  "MessageAttributes" : {
    "n" : {"Type":"Number","Value":"1"}
  }
}"#
        );
    }

    #[test]
    fn a_message_may_have_a_text_for_each_protocol() {
        let message = |body: &str, by_protocol| Message {
            target: crate::entry::Target::Topic("t".into()),
            id: "m".into(),
            subject: None,
            body: body.into(),
            by_protocol,
            order: None,
            rule: None,
            alarm: None,
            attributes: BTreeMap::new(),
        };
        let structured = message(r#"{"default":"d","email":"e","sqs":5}"#, true);
        for (protocol, want) in [("email", "e"), ("http", "d"), ("sqs", "d")] {
            assert_eq!(text_for(&structured, protocol).as_deref(), Some(want), "{protocol}");
        }
        assert_eq!(text_for(&message("{}", true), "http"), None);
        assert_eq!(text_for(&message("{}", false), "http").as_deref(), Some("{}"));
    }
}
