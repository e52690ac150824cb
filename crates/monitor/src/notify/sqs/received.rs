//! A received message as callers see it: with the attributes they asked for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_api::Blob;
use keywatch_api::sqs::{ReceivedAttribute, ReceivedMessage};

use crate::entry::MessageAttribute;
use crate::notify::queue::rows::Placed;
use crate::notify::queue::{QueuedMessage, Receipt, md5_of_attributes, md5_of_text};

/// The attributes a caller asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) system: Vec<String>,
    pub(super) own: Vec<String>,
}

/// The message with a receipt for it.
pub(super) fn shown(placed: &Placed, incarnation: &str, wanted: &Wanted) -> ReceivedMessage {
    let message = &placed.message;
    let attributes: BTreeMap<String, MessageAttribute> = message
        .attributes
        .clone()
        .into_iter()
        .filter(|(name, _)| wanted.own.iter().any(|pattern| is_asked_for(name, pattern)))
        .collect();
    let system = system_attributes(message, wanted);
    let receipt = Receipt {
        incarnation: incarnation.to_owned(),
        locator: placed.locator.clone(),
        receives: Some(message.receives),
    };
    ReceivedMessage {
        receipt_handle: receipt.handle(),
        md5_of_body: md5_of_text(&message.body),
        message_id: message.id.clone(),
        body: message.body.clone(),
        attributes: (!system.is_empty()).then_some(system),
        md5_of_message_attributes: md5_of_attributes(&attributes),
        message_attributes: (!attributes.is_empty())
            .then(|| attributes.into_iter().map(|(name, attribute)| (name, received(attribute))).collect()),
    }
}

/// `All`, `.*`, a name, or a name's beginning followed by `.*`.
fn is_asked_for(name: &str, pattern: &str) -> bool {
    match pattern {
        "All" | ".*" => true,
        pattern => match pattern.strip_suffix(".*") {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        },
    }
}

fn received(attribute: MessageAttribute) -> ReceivedAttribute {
    let MessageAttribute { data_type, value } = attribute;
    if data_type.starts_with("Binary") {
        let bytes = BASE64.decode(&value).unwrap_or_default();
        ReceivedAttribute { string_value: None, binary_value: Some(Blob(bytes)), data_type }
    } else {
        ReceivedAttribute { string_value: Some(value), binary_value: None, data_type }
    }
}

fn system_attributes(message: &QueuedMessage, wanted: &Wanted) -> BTreeMap<String, String> {
    let all = [
        ("SenderId", Some(message.sender_id.clone())),
        ("SentTimestamp", Some(message.sent.as_millisecond().to_string())),
        ("ApproximateReceiveCount", Some(message.receives.to_string())),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.map(|time| time.as_millisecond().to_string()),
        ),
        ("AWSTraceHeader", message.trace_header.clone()),
        ("MessageGroupId", message.group.clone()),
        ("MessageDeduplicationId", message.deduplication.clone()),
        ("SequenceNumber", message.sequence.clone()),
        ("DeadLetterQueueSourceArn", message.dead_letter_source.clone()),
    ];
    all.into_iter()
        .filter(|(name, _)| wanted.system.iter().any(|asked| asked == "All" || asked == name))
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_by_pattern() {
        for (name, pattern, want) in [
            ("a", "All", true),
            ("a", ".*", true),
            ("foo.bar", "foo.*", true),
            ("a", "a", true),
            ("a", "b", false),
            ("ab", "a", false),
        ] {
            assert_eq!(is_asked_for(name, pattern), want, "{name} {pattern}");
        }
    }
}
