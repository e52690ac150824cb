//! What may be published: size, subject, structure and attributes, as a pure function of the request.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_api::sns::MessageAttributeValue;
use serde_json::{Map, Value};

use super::SnsError;
use crate::entry::{Message, MessageAttribute, Order, Target};
use crate::notify::queue::deduplication::id_of_content;
use crate::notify::topic::{TopicName, TopicRecord};

/// Bytes of text and attributes.
pub(super) const MESSAGE_BYTES_MAX: usize = 262_144;
const SUBJECT_UNITS_MAX: usize = 100;
const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;

/// A message as a caller gives it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) subject: Option<String>,
    pub(super) structure: Option<String>,
    pub(super) attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    pub(super) deduplication_id: Option<String>,
    pub(super) group: Option<String>,
}

/// Checks a draft for a topic; the message gets a new id.
pub(super) fn message(name: &TopicName, topic: &TopicRecord, draft: Draft) -> Result<Message, SnsError> {
    let order = order(name, topic, &draft)?;
    if draft.text.is_empty() {
        return Err(SnsError::parameter("Empty message"));
    }
    if draft.subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
        return Err(SnsError::parameter("Subject"));
    }
    let by_protocol = match draft.structure.as_deref() {
        None => false,
        Some("json") => check_structure(&draft.text).map(|()| true)?,
        Some(_) => return Err(SnsError::parameter("MessageStructure")),
    };
    let attributes = attributes(draft.attributes.unwrap_or_default())?;
    if size(&draft.text, &attributes) > MESSAGE_BYTES_MAX {
        return Err(SnsError::parameter("Message too long"));
    }
    Ok(Message {
        target: Target::Topic(name.arn().to_string()),
        id: uuid::Uuid::new_v4().to_string(),
        subject: draft.subject,
        body: draft.text,
        by_protocol,
        order,
        rule: None,
        alarm: None,
        attributes,
    })
}

/// The message's group and what tells it from others; a standard topic only passes a group on.
fn order(name: &TopicName, topic: &TopicRecord, draft: &Draft) -> Result<Option<Order>, SnsError> {
    for (parameter, id) in
        [("MessageGroupId", &draft.group), ("MessageDeduplicationId", &draft.deduplication_id)]
    {
        if id.as_ref().is_some_and(|id| !is_id(id)) {
            let reason = format!(
                "The {parameter} parameter can only include alphanumeric and punctuation characters. 1 to 128 in length."
            );
            return Err(SnsError::parameter_because(parameter, &reason));
        }
    }
    if !name.is_fifo() {
        if draft.deduplication_id.is_some() {
            return Err(SnsError::parameter_because(
                "MessageDeduplicationId",
                "The request includes MessageDeduplicationId parameter that is not valid for this topic type",
            ));
        }
        let order = |group: &String| Order { group: group.clone(), deduplication: None, sequence: None };
        return Ok(draft.group.as_ref().map(order));
    }
    let group = draft
        .group
        .clone()
        .ok_or_else(|| SnsError::parameter("The MessageGroupId parameter is required for FIFO topics"))?;
    let by_content = || {
        let on = topic.attributes.get("ContentBasedDeduplication").is_some_and(|on| on == "true");
        on.then(|| id_of_content(&draft.text))
    };
    let deduplication = draft.deduplication_id.clone().or_else(by_content).ok_or_else(|| {
        SnsError::parameter("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
    })?;
    Ok(Some(Order { group, deduplication: Some(deduplication), sequence: None }))
}

/// "Alphanumeric and punctuation characters, 1 to 128"
fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// Bytes that count: the subject does not.
pub(super) fn size(text: &str, attributes: &BTreeMap<String, MessageAttribute>) -> usize {
    let attribute = |(name, attribute): (&String, &MessageAttribute)| {
        name.len() + attribute.data_type.len() + attribute.value.len()
    };
    text.len() + attributes.iter().map(attribute).sum::<usize>()
}

/// "At most 100 characters, begins with a letter, number or punctuation mark, no line breaks or control characters."
fn is_subject(subject: &str) -> bool {
    subject.chars().next().is_some_and(|first| first.is_ascii_graphic())
        && subject.encode_utf16().count() <= SUBJECT_UNITS_MAX
        && !subject.chars().any(char::is_control)
}

fn check_structure(text: &str) -> Result<(), SnsError> {
    let structure = |reason: &str| SnsError::InvalidParameter(format!("Message Structure - {reason}"));
    let texts: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| structure("JSON message body failed to parse"))?;
    match texts.get("default") {
        Some(Value::String(_)) => Ok(()),
        _ => Err(structure("No default entry in JSON message body")),
    }
}

fn attributes(
    given: BTreeMap<String, MessageAttributeValue>,
) -> Result<BTreeMap<String, MessageAttribute>, SnsError> {
    given.into_iter().map(|(name, value)| attribute(&name, value).map(|kept| (name.clone(), kept))).collect()
}

fn attribute(name: &str, given: MessageAttributeValue) -> Result<MessageAttribute, SnsError> {
    check_name(name).map_err(SnsError::ParameterValueInvalid)?;
    let refuse = |text: String| Err(SnsError::ParameterValueInvalid(text));
    let kind = given.data_type;
    let prefix = kind.split('.').next().unwrap_or_default();
    let value = match prefix {
        "Binary" => match given.binary_value {
            Some(bytes) => BASE64.encode(bytes.0),
            None => {
                return refuse(format!(
                    "The message attribute '{name}' with type 'Binary' must use field 'Binary'."
                ));
            }
        },
        "String" | "Number" => match given.string_value {
            Some(text) => text,
            None => {
                return refuse(format!(
                    "The message attribute '{name}' with type '{prefix}' must use field 'String'."
                ));
            }
        },
        _ => {
            return refuse(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            ));
        }
    };
    if value.is_empty() {
        return refuse(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
        ));
    }
    if prefix == "Number" && value.parse::<f64>().is_err() {
        return refuse(format!("Could not cast message attribute '{name}' value to number."));
    }
    Ok(MessageAttribute { data_type: kind, value })
}

fn check_name(name: &str) -> Result<(), String> {
    if name.len() >= ATTRIBUTE_NAME_CHARS_MAX {
        return Err("Length of message attribute name must be less than 256 bytes.".to_owned());
    }
    if let Some(odd) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
        return Err(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(odd)
        ));
    }
    if name.starts_with('.') {
        return Err("Invalid message attribute name starting with character '.' was found.".to_owned());
    }
    if name.ends_with('.') {
        return Err("Invalid message attribute name ending with character '.' was found.".to_owned());
    }
    if name.contains("..") {
        return Err("Message attribute name can not have successive '.' character.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use keywatch_api::Blob;

    use super::*;

    fn draft(text: &str) -> Draft {
        Draft {
            text: text.into(),
            subject: None,
            structure: None,
            attributes: None,
            deduplication_id: None,
            group: None,
        }
    }

    #[track_caller]
    fn check(draft: Draft, want: Option<&str>) {
        let name = TopicName::parse("arn:aws:sns:us-east-1:111122223333:t", "TopicArn").unwrap();
        let topic = TopicRecord {
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
            created: Timestamp::UNIX_EPOCH,
            subscriptions_deleted: 0,
        };
        let got = message(&name, &topic, draft).err();
        assert_eq!(got.as_ref().map(|error| error.text()).as_deref(), want);
    }

    #[test]
    fn texts_and_subjects() {
        check(draft("x"), None);
        check(draft(""), Some("Invalid parameter: Empty message"));
        check(draft(&"x".repeat(262_144)), None);
        check(draft(&"x".repeat(262_145)), Some("Invalid parameter: Message too long"));
        for (subject, good) in
            [("s", true), ("", false), (" s", false), ("a\nb", false), ("ünicode", false), ("a ü", true)]
        {
            let want = (!good).then_some("Invalid parameter: Subject");
            check(Draft { subject: Some(subject.into()), ..draft("x") }, want);
        }
        check(Draft { subject: Some("s".repeat(101)), ..draft("x") }, Some("Invalid parameter: Subject"));
    }

    #[test]
    fn structures() {
        let json = |text: &str| Draft { structure: Some("json".into()), ..draft(text) };
        check(json(r#"{"default":"d","email":"e"}"#), None);
        check(
            json("{}"),
            Some("Invalid parameter: Message Structure - No default entry in JSON message body"),
        );
        check(json("x"), Some("Invalid parameter: Message Structure - JSON message body failed to parse"));
        check(
            Draft { structure: Some("xml".into()), ..draft("x") },
            Some("Invalid parameter: MessageStructure"),
        );
    }

    #[test]
    fn attributes_are_checked() {
        let with = |name: &str, kind: &str, text: Option<&str>, bytes: Option<&[u8]>| Draft {
            attributes: Some(BTreeMap::from([(
                name.to_owned(),
                MessageAttributeValue {
                    data_type: kind.into(),
                    string_value: text.map(str::to_owned),
                    binary_value: bytes.map(|bytes| Blob(bytes.to_vec())),
                },
            )])),
            ..draft("x")
        };
        check(with("a", "String", Some("v"), None), None);
        check(with("a", "Binary", None, Some(b"v")), None);
        check(with("a", "Number", Some("1.50"), None), None);
        for (draft, want) in [
            (
                with("a", "String", Some(""), None),
                "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.",
            ),
            (
                with("a", "Binary", Some("v"), None),
                "The message attribute 'a' with type 'Binary' must use field 'Binary'.",
            ),
            (
                with("a", "Other", Some("v"), None),
                "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
            ),
            (
                with("a^", "String", Some("v"), None),
                "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
            ),
            (
                with(".a", "String", Some("v"), None),
                "Invalid message attribute name starting with character '.' was found.",
            ),
            (
                with("a.", "String", Some("v"), None),
                "Invalid message attribute name ending with character '.' was found.",
            ),
            (
                with("a..b", "String", Some("v"), None),
                "Message attribute name can not have successive '.' character.",
            ),
        ] {
            check(draft, Some(want));
        }
    }
}
