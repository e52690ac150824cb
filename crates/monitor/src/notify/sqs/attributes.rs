//! Attributes of queues: which there are and what values they take.

use std::collections::BTreeMap;

use keywatch_iam::Call;
use keywatch_iam::policy::{PolicyDocument, PolicyKind};
use serde_json::Value;

use super::SqsError;
use crate::notify::queue::{QUEUE, QueueName, QueueNumber, QueueRecord, Redrive};

/// "Up to 10 source queues"
const SOURCES_MAX: usize = 10;

/// Attributes that only the service sets.
const COMPUTED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Attributes of queues in order, and what they are when nobody set them.
pub(super) const OF_FIFO: [(&str, &str); 3] = [
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("FifoThroughputLimit", "perQueue"),
];

/// Whether `GetQueueAttributes` knows the name.
pub(super) fn is_readable(name: &str) -> bool {
    name == "All"
        || COMPUTED.contains(&name)
        || QueueNumber::ALL.iter().any(|number| number.name() == name)
        || OF_FIFO.iter().any(|(known, _)| *known == name)
        || matches!(
            name,
            "Policy"
                | "RedrivePolicy"
                | "RedriveAllowPolicy"
                | "SqsManagedSseEnabled"
                | "KmsMasterKeyId"
                | "FifoQueue"
        )
}

/// Checks attributes that a caller sets; which there are depends on whether the queue keeps an order.
pub(super) fn check(attributes: &BTreeMap<String, String>, is_fifo: bool) -> Result<(), SqsError> {
    for (name, value) in attributes {
        check_one(name, value, is_fifo)?;
    }
    Ok(())
}

fn check_one(name: &str, value: &str, is_fifo: bool) -> Result<(), SqsError> {
    let unknown = || Err(SqsError::InvalidAttributeName(name.to_owned()));
    let good = if let Some(number) = QueueNumber::ALL.into_iter().find(|number| number.name() == name) {
        value.parse::<i64>().is_ok_and(|value| number.range().contains(&value))
    } else {
        match name {
            "Policy" => value.is_empty() || PolicyDocument::parse(PolicyKind::Resource, value).is_ok(),
            "RedrivePolicy" => value.is_empty() || Redrive::parse(value).is_some(),
            "RedriveAllowPolicy" => value.is_empty() || Allowed::parse(value).is_some(),
            "SqsManagedSseEnabled" => matches!(value, "true" | "false"),
            "KmsMasterKeyId" => value.len() <= 2_048 && !value.chars().any(char::is_control),
            "FifoQueue" if is_fifo && value == "true" => true,
            "ContentBasedDeduplication" if is_fifo => matches!(value, "true" | "false"),
            "DeduplicationScope" if is_fifo => matches!(value, "queue" | "messageGroup"),
            "FifoThroughputLimit" if is_fifo => matches!(value, "perQueue" | "perMessageGroupId"),
            _ => return unknown(),
        }
    };
    if good { Ok(()) } else { Err(SqsError::InvalidAttributeValue(name.to_owned())) }
}

/// The attributes of a queue after a caller set some: nothing clears one, and one kind of encryption excludes the other.
pub(super) fn merged(
    mut kept: BTreeMap<String, String>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, SqsError> {
    let has_key = |attributes: &BTreeMap<String, String>| {
        attributes.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty())
    };
    for (name, value) in given {
        if value.is_empty() {
            kept.remove(name);
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    if has_key(&kept) {
        if given.get("SqsManagedSseEnabled").is_some_and(|managed| managed == "true") {
            return Err(SqsError::OneEncryption);
        }
        kept.insert("SqsManagedSseEnabled".to_owned(), "false".to_owned());
    }
    let is = |name: &str, value: &str| kept.get(name).is_some_and(|kept| kept == value);
    if is("FifoThroughputLimit", "perMessageGroupId") && !is("DeduplicationScope", "messageGroup") {
        return Err(SqsError::InvalidAttributeValue("FifoThroughputLimit".to_owned()));
    }
    Ok(kept)
}

/// Checks what `RedrivePolicy` names: a queue of the same account, Region and kind that allows it.
pub(super) async fn check_redrive(
    call: &mut Call<'_>,
    source: &QueueName,
    attributes: &BTreeMap<String, String>,
) -> Result<(), SqsError> {
    let Some(text) = attributes.get("RedrivePolicy").filter(|text| !text.is_empty()) else { return Ok(()) };
    let Some(redrive) = Redrive::parse(text) else { return Ok(()) };
    let refuse = |reason: &str| Err(SqsError::value(text, "RedrivePolicy", reason));
    let target = &redrive.target;
    let is_near = target.account == source.account && target.region == source.region;
    let found = match is_near {
        true => call.tx.get::<QueueRecord>(QUEUE, &target.key()).await?,
        false => None,
    };
    let Some(found) = found else { return refuse("Dead letter target does not exist.") };
    if found.is_fifo() != source.is_fifo() {
        return refuse("Dead-letter queue must be same type of queue as the source.");
    }
    let allowed = found.attributes.get("RedriveAllowPolicy").and_then(|text| Allowed::parse(text));
    if allowed.is_some_and(|allowed| !allowed.includes(&source.arn().to_string())) {
        return refuse("The dead-letter queue's redrive allow policy does not allow this queue.");
    }
    Ok(())
}

/// Which queues may name this one as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    All,
    /// ARNs; none of them is "deny all".
    Only(Vec<String>),
}

impl Allowed {
    /// `{"redrivePermission":"allowAll|denyAll|byQueue","sourceQueueArns":[…]}`
    fn parse(text: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(text).ok()?;
        let sources = policy.get("sourceQueueArns");
        match (policy.get("redrivePermission")?.as_str()?, sources) {
            ("allowAll", None) => Some(Self::All),
            ("denyAll", None) => Some(Self::Only(Vec::new())),
            ("byQueue", Some(Value::Array(arns))) if (1..=SOURCES_MAX).contains(&arns.len()) => {
                let arn = |arn: &Value| {
                    arn.as_str().filter(|arn| QueueName::from_arn(arn).is_some()).map(str::to_owned)
                };
                arns.iter().map(arn).collect::<Option<_>>().map(Self::Only)
            }
            _ => None,
        }
    }

    fn includes(&self, source: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(arns) => arns.iter().any(|arn| arn == source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_of(name: &str, value: &str, is_fifo: bool, want: Option<&str>) {
        let got = check_one(name, value, is_fifo).err();
        let got = got.and_then(|error| keywatch_api::WireError::message(&error));
        assert_eq!(got.as_deref(), want, "{name} {value}");
    }

    #[test]
    fn values_of_attributes() {
        check_of("VisibilityTimeout", "43200", false, None);
        let invalid = "Invalid value for the parameter VisibilityTimeout.";
        check_of("VisibilityTimeout", "43201", false, Some(invalid));
        check_of("DelaySeconds", "x", false, Some("Invalid value for the parameter DelaySeconds."));
        check_of("FifoQueue", "false", false, Some("Unknown Attribute FifoQueue."));
        check_of("FifoQueue", "true", true, None);
        check_of("DeduplicationScope", "queue", false, Some("Unknown Attribute DeduplicationScope."));
        check_of("DeduplicationScope", "messageGroup", true, None);
        check_of("QueueArn", "x", false, Some("Unknown Attribute QueueArn."));
        check_of("Policy", "{", false, Some("Invalid value for the parameter Policy."));
        let dead = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:d","maxReceiveCount":"3"}"#;
        check_of("RedrivePolicy", dead, false, None);
        assert_eq!(Redrive::parse(dead).unwrap().receives_max, 3);
        assert_eq!(Redrive::parse(&dead.replace("\"3\"", "0")), None);
    }

    #[test]
    fn which_sources_are_allowed() {
        let arn = "arn:aws:sqs:us-east-1:111122223333:q";
        let by_queue = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{arn}"]}}"#);
        for (text, want) in [
            (r#"{"redrivePermission":"allowAll"}"#, Some(true)),
            (r#"{"redrivePermission":"denyAll"}"#, Some(false)),
            (&by_queue, Some(true)),
            (&by_queue.replace(":q", ":other"), Some(false)),
            (r#"{"redrivePermission":"byQueue"}"#, None),
            (r#"{"redrivePermission":"other"}"#, None),
        ] {
            assert_eq!(Allowed::parse(text).map(|allowed| allowed.includes(arn)), want, "{text}");
        }
    }

    #[test]
    fn encryption_is_of_one_kind() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let with_key = merged(of(&[]), &of(&[("KmsMasterKeyId", "k")])).unwrap();
        assert_eq!(with_key, of(&[("KmsMasterKeyId", "k"), ("SqsManagedSseEnabled", "false")]));
        assert!(merged(with_key.clone(), &of(&[("SqsManagedSseEnabled", "true")])).is_err());
        let without = merged(with_key, &of(&[("KmsMasterKeyId", "")])).unwrap();
        assert_eq!(without, of(&[("SqsManagedSseEnabled", "false")]));
    }
}
