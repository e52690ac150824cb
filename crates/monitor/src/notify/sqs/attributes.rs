//! Attributes of queues: which there are and what values they take.

use std::collections::BTreeMap;

use keywatch_iam::policy::{PolicyDocument, PolicyKind};

use super::SqsError;
use crate::notify::queue::{QueueName, QueueNumber};

const RECEIVES_MAX: std::ops::RangeInclusive<i64> = 1..=1_000;

/// Attributes that only the service sets.
const COMPUTED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Whether `GetQueueAttributes` knows the name.
pub(super) fn is_readable(name: &str) -> bool {
    name == "All"
        || COMPUTED.contains(&name)
        || QueueNumber::ALL.iter().any(|number| number.name() == name)
        || matches!(
            name,
            "Policy"
                | "RedrivePolicy"
                | "RedriveAllowPolicy"
                | "SqsManagedSseEnabled"
                | "KmsMasterKeyId"
                | "FifoQueue"
                | "ContentBasedDeduplication"
                | "DeduplicationScope"
                | "FifoThroughputLimit"
        )
}

/// Checks attributes that a caller sets.
pub(super) fn check(attributes: &BTreeMap<String, String>) -> Result<(), SqsError> {
    for (name, value) in attributes {
        check_one(name, value)?;
    }
    Ok(())
}

fn check_one(name: &str, value: &str) -> Result<(), SqsError> {
    let invalid = || Err(SqsError::InvalidAttributeValue(name.to_owned()));
    if let Some(number) = QueueNumber::ALL.into_iter().find(|number| number.name() == name) {
        let good = value.parse::<i64>().is_ok_and(|value| number.range().contains(&value));
        return if good { Ok(()) } else { invalid() };
    }
    match name {
        "Policy" if value.is_empty() || PolicyDocument::parse(PolicyKind::Resource, value).is_ok() => Ok(()),
        "RedrivePolicy" if value.is_empty() || Redrive::parse(value).is_some() => Ok(()),
        "RedriveAllowPolicy"
            if value.is_empty()
                || serde_json::from_str::<serde_json::Value>(value).is_ok_and(|v| v.is_object()) =>
        {
            Ok(())
        }
        "SqsManagedSseEnabled" if matches!(value, "true" | "false") => Ok(()),
        "Policy" | "RedrivePolicy" | "RedriveAllowPolicy" | "SqsManagedSseEnabled" => invalid(),
        "KmsMasterKeyId" => Err(SqsError::Unsupported("Queues encrypted under a key of yours")),
        "FifoQueue" if value == "true" => Err(SqsError::Unsupported("FIFO queues")),
        name => Err(SqsError::InvalidAttributeName(name.to_owned())),
    }
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redrive {
    pub(super) target: QueueName,
    pub(super) receives_max: u32,
}

impl Redrive {
    /// `{"deadLetterTargetArn":…,"maxReceiveCount":…}`, the count as a number or as text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let policy: serde_json::Value = serde_json::from_str(text).ok()?;
        let target = QueueName::from_arn(policy.get("deadLetterTargetArn")?.as_str()?)?;
        let count = policy.get("maxReceiveCount")?;
        let count = count.as_i64().or_else(|| count.as_str()?.parse().ok())?;
        let receives_max = u32::try_from(count).ok().filter(|_| RECEIVES_MAX.contains(&count))?;
        Some(Self { target, receives_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_one_of(name: &str, value: &str, want: Option<&str>) {
        let got = check_one(name, value).err().and_then(|error| keywatch_api::WireError::message(&error));
        assert_eq!(got.as_deref(), want, "{name} {value}");
    }

    #[test]
    fn values_of_attributes() {
        check_one_of("VisibilityTimeout", "43200", None);
        check_one_of(
            "VisibilityTimeout",
            "43201",
            Some("Invalid value for the parameter VisibilityTimeout."),
        );
        check_one_of("DelaySeconds", "x", Some("Invalid value for the parameter DelaySeconds."));
        check_one_of("FifoQueue", "false", Some("Unknown Attribute FifoQueue."));
        check_one_of("FifoQueue", "true", Some("FIFO queues are not supported here."));
        check_one_of("QueueArn", "x", Some("Unknown Attribute QueueArn."));
        check_one_of("Policy", "{", Some("Invalid value for the parameter Policy."));
        let dead = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:d","maxReceiveCount":"3"}"#;
        check_one_of("RedrivePolicy", dead, None);
        assert_eq!(Redrive::parse(dead).unwrap().receives_max, 3);
        assert_eq!(Redrive::parse(&dead.replace("\"3\"", "0")), None);
    }
}
