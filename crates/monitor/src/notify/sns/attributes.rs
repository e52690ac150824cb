//! Attributes of topics and subscriptions: which there are, what values they take, and what they are when nobody set them.

use std::collections::BTreeMap;

use keywatch_iam::policy::{PolicyDocument, PolicyKind};
use serde_json::json;

use super::SnsError;
use super::filter;
use crate::notify::delivery_policy::{SubscriptionPolicy, TopicPolicy};
use crate::notify::queue::QueueName;
use crate::notify::topic::TopicName;

const DISPLAY_NAME_CHARS_MAX: usize = 100;

/// Checks one attribute of a topic; which there are depends on whether it keeps an order.
pub(super) fn check_topic(name: &str, value: &str, at_creation: bool, is_fifo: bool) -> Result<(), SnsError> {
    let invalid = |reason: &str| Err(SnsError::attribute(at_creation, reason));
    match name {
        "DisplayName"
            if value.chars().count() > DISPLAY_NAME_CHARS_MAX || value.chars().any(char::is_control) =>
        {
            invalid("DisplayName")
        }
        "DisplayName" => Ok(()),
        "Policy" => match PolicyDocument::parse(PolicyKind::Resource, value) {
            Ok(_) => Ok(()),
            Err(error) => invalid(&format!("Policy Error: {error}")),
        },
        "FifoTopic" if at_creation && matches!(value, "true" | "false") => Ok(()),
        "FifoTopic" if !at_creation => Err(SnsError::parameter("AttributeName")),
        "ContentBasedDeduplication" if is_fifo && matches!(value, "true" | "false") => Ok(()),
        "FifoThroughputScope" if is_fifo && matches!(value, "Topic" | "MessageGroup") => Ok(()),
        "FifoTopic" | "ContentBasedDeduplication" | "FifoThroughputScope" => invalid(name),
        // Traces are passed on and nothing more.
        "TracingConfig" if value == "PassThrough" => Ok(()),
        "TracingConfig" => invalid("TracingConfig: only PassThrough is supported here"),
        "SignatureVersion" if matches!(value, "1" | "2") => Ok(()),
        "SignatureVersion" => invalid("SignatureVersion"),
        // Without a role nothing is logged of any share of deliveries.
        _ if is_feedback(name, "SuccessFeedbackSampleRate") => match value.parse::<u8>() {
            Ok(0..=100) => Ok(()),
            _ => invalid(name),
        },
        _ if is_feedback(name, "SuccessFeedbackRoleArn") || is_feedback(name, "FailureFeedbackRoleArn") => {
            invalid(&format!("{name}: this attribute is not supported here"))
        }
        "DeliveryPolicy" => match TopicPolicy::parse(value) {
            Ok(_) => Ok(()),
            Err(reason) => invalid(&format!("DeliveryPolicy: {reason}")),
        },
        "KmsMasterKeyId" | "ArchivePolicy" => {
            invalid(&format!("{name}: this attribute is not supported here"))
        }
        _ => Err(SnsError::parameter("AttributeName")),
    }
}

/// Whether this is that attribute of delivery status logging, for any of its protocols.
fn is_feedback(name: &str, attribute: &str) -> bool {
    name.strip_suffix(attribute)
        .is_some_and(|protocol| matches!(protocol, "HTTP" | "Lambda" | "SQS" | "Firehose" | "Application"))
}

/// Checks one attribute of a subscription.
pub(super) fn check_subscription(
    topic: &TopicName,
    name: &str,
    value: &str,
    at_creation: bool,
) -> Result<(), SnsError> {
    let invalid = |reason: &str| Err(SnsError::attribute(at_creation, reason));
    match name {
        "RawMessageDelivery" if ["true", "false"].iter().any(|b| value.eq_ignore_ascii_case(b)) => Ok(()),
        "RawMessageDelivery" => {
            invalid(&format!("RawMessageDelivery: Invalid value [{value}]. Must be true or false."))
        }
        "FilterPolicy" => match filter::check(value) {
            Ok(()) => Ok(()),
            Err(reason) => invalid(&format!("FilterPolicy: {reason}")),
        },
        "FilterPolicyScope" if matches!(value, "MessageAttributes" | "MessageBody") => Ok(()),
        "FilterPolicyScope" => Err(SnsError::InvalidParameter(format!(
            "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
        ))),
        "RedrivePolicy" => {
            check_redrive(topic, value).or_else(|reason| invalid(&format!("RedrivePolicy: {reason}")))
        }
        "DeliveryPolicy" => match SubscriptionPolicy::parse(value) {
            Ok(_) => Ok(()),
            Err(reason) => invalid(&format!("DeliveryPolicy: {reason}")),
        },
        "SubscriptionRoleArn" | "ReplayPolicy" => {
            invalid(&format!("{name}: this attribute is not supported here"))
        }
        _ => Err(SnsError::parameter("AttributeName")),
    }
}

/// The queue a subscription's redrive policy names.
pub(crate) fn dead_letter_queue(redrive_policy: &str) -> Option<QueueName> {
    let policy: serde_json::Value = serde_json::from_str(redrive_policy).ok()?;
    QueueName::from_arn(policy.get("deadLetterTargetArn")?.as_str()?)
}

fn check_redrive(topic: &TopicName, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    let policy: serde_json::Value =
        serde_json::from_str(value).map_err(|error| format!("failed to parse JSON. {error}"))?;
    let invalid = || "deadLetterTargetArn is an invalid arn".to_owned();
    let arn = policy.get("deadLetterTargetArn").and_then(|arn| arn.as_str()).ok_or_else(invalid)?;
    let queue = QueueName::from_arn(arn).ok_or_else(invalid)?;
    if queue.region != topic.region {
        return Err(invalid());
    }
    match (topic.is_fifo(), queue.is_fifo()) {
        (true, false) => {
            Err("must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.".to_owned())
        }
        (false, true) => {
            Err("must use a standard queue as DLQ for a subscription to a standard Topic.".to_owned())
        }
        _ => Ok(()),
    }
}

/// `Policy` of a topic nobody gave one.
pub(super) fn default_policy(name: &TopicName) -> String {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ]
    .map(|action| format!("\"{action}\""))
    .join(",");
    let (arn, account) = (name.arn(), &name.account);
    // Written out, for the order of members is AWS's.
    format!(
        r#"{{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":[{actions}],"Resource":"{arn}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{account}"}}}}}}]}}"#
    )
}

/// Whether two sets of attributes mean the same: JSON is compared as such, `{}` and the empty text are the same as nothing.
pub(super) fn same_meaning(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> bool {
    let meaning = |attributes: &BTreeMap<String, String>| {
        attributes
            .iter()
            .filter(|(_, value)| !value.is_empty() && value.as_str() != "{}")
            .map(|(name, value)| {
                let lower = value.to_ascii_lowercase();
                let parsed = serde_json::from_str(value).or_else(|_| serde_json::from_str(&lower));
                let value = parsed.unwrap_or_else(|_| json!(lower));
                (name.clone(), value)
            })
            .collect::<BTreeMap<String, serde_json::Value>>()
    };
    meaning(left) == meaning(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, at_creation: bool, want: Option<&str>) {
        let topic = TopicName::parse("arn:aws:sns:us-east-1:111122223333:t", "TopicArn").unwrap();
        let got = check_subscription(&topic, name, value, at_creation).err();
        assert_eq!(got.as_ref().map(|error| error.text()).as_deref(), want, "{name} {value}");
    }

    #[test]
    fn attributes_of_subscriptions() {
        check("RawMessageDelivery", "true", true, None);
        check("RawMessageDelivery", "False", false, None);
        check(
            "RawMessageDelivery",
            "wrongvalue",
            true,
            Some(
                "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false.",
            ),
        );
        check(
            "RawMessageDelivery",
            "",
            false,
            Some("Invalid parameter: RawMessageDelivery: Invalid value []. Must be true or false."),
        );
        check("Other", "", false, Some("Invalid parameter: AttributeName"));
        check(
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"x"}"#,
            false,
            Some("Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn"),
        );
        check(
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:q"}"#,
            false,
            None,
        );
        check(
            "FilterPolicyScope",
            "RandomValue",
            false,
            Some(
                "Invalid parameter: FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes",
            ),
        );
    }

    #[test]
    fn attributes_with_the_same_meaning() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        assert!(same_meaning(&of(&[("A", "")]), &of(&[("B", "{}")])));
        assert!(same_meaning(&of(&[("A", "{\"a\": 1}")]), &of(&[("A", "{\"a\":1}")])));
        assert!(same_meaning(&of(&[("A", "True")]), &of(&[("A", "true")])));
        assert!(!same_meaning(&of(&[("A", "x")]), &of(&[])));
    }

    #[test]
    fn the_default_policy_is_json() {
        let topic = TopicName::parse("arn:aws:sns:us-east-1:111122223333:t", "TopicArn").unwrap();
        let policy = default_policy(&topic);
        assert!(serde_json::from_str::<serde_json::Value>(&policy).is_ok(), "{policy}");
    }
}
