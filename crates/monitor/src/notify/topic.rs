//! Topics and subscriptions as they are kept, and the names they go by.
//!
//! Keys: a topic is `account/region/name`; its subscriptions `account/region/name/id`, so that one scan lists a topic's, or an
//! account's, in a stable order. An endpoint row finds a subscription by protocol and endpoint, so that nobody is subscribed twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::{AccountId, Arn, Region};
use keywatch_crypto::digest::sha256_of;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use super::delivery::moment;
use super::queue::deduplication::Memory;
use super::sns::SnsError;

pub(crate) const TOPIC: Kind = Kind("sns.topic");
pub(crate) const SUBSCRIPTION: Kind = Kind("sns.subscription");
/// (topic, protocol, endpoint) → subscription id.
pub(crate) const ENDPOINT: Kind = Kind("sns.endpoint");

const NAME_CHARS_MAX: usize = 256;
const FIFO_SUFFIX: &str = ".fifo";
const ARN_ELEMENTS: usize = 6;

/// What a topic is called, everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl TopicName {
    /// Reads the ARN given as `parameter`.
    pub(crate) fn parse(arn: &str, parameter: &str) -> Result<Self, SnsError> {
        let invalid = || SnsError::parameter(parameter);
        let parsed = parse_arn(arn, parameter)?;
        if parsed.service != "sns" || !is_topic_name(&parsed.resource) {
            return Err(invalid());
        }
        Ok(Self {
            account: parsed.account.parse().map_err(|_| invalid())?,
            region: parsed.region.parse().map_err(|_| invalid())?,
            name: parsed.resource,
        })
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("sns", self.region.as_str(), self.account.as_str(), self.name.as_str())
    }

    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    /// Topics in order say so by their name.
    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(FIFO_SUFFIX)
    }

    pub(crate) fn subscription_key(&self, id: &str) -> String {
        format!("{}/{id}", self.key())
    }

    pub(crate) fn endpoint_key(&self, protocol: &str, endpoint: &str) -> String {
        let digest = sha256_of(&[protocol.as_bytes(), b"\0", endpoint.as_bytes()]);
        format!("{}/{}", self.key(), hex::encode(digest))
    }
}

/// Letters, digits, `-` and `_`, and `.fifo` behind them if the topic is one in order; 1 to 256 characters.
pub(crate) fn is_topic_name(name: &str) -> bool {
    let plain = name.strip_suffix(FIFO_SUFFIX).unwrap_or(name);
    name.len() <= NAME_CHARS_MAX
        && !plain.is_empty()
        && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn parse_arn(arn: &str, parameter: &str) -> Result<Arn, SnsError> {
    let elements = arn.split(':').count();
    if elements < ARN_ELEMENTS {
        return Err(SnsError::parameter_because(
            parameter,
            &format!("An ARN must have at least {ARN_ELEMENTS} elements, not {elements}"),
        ));
    }
    arn.parse().map_err(|_| SnsError::parameter(parameter))
}

/// A subscription's ARN taken apart: its topic, a colon, a UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubscriptionName {
    pub(crate) topic: TopicName,
    pub(crate) id: String,
}

impl SubscriptionName {
    /// Reads the ARN given as `SubscriptionArn`.
    pub(crate) fn parse(arn: &str) -> Result<Self, SnsError> {
        if arn.is_empty() {
            return Err(SnsError::parameter_because("SubscriptionArn", "no value for required parameter"));
        }
        parse_arn(arn, "SubscriptionArn")?;
        let (topic, id) = arn.rsplit_once(':').ok_or_else(|| SnsError::parameter("SubscriptionId"))?;
        if topic.split(':').count() < ARN_ELEMENTS || uuid::Uuid::try_parse(id).is_err() {
            return Err(SnsError::parameter("SubscriptionId"));
        }
        Ok(Self { topic: TopicName::parse(topic, "SubscriptionArn")?, id: id.to_owned() })
    }

    pub(crate) fn key(&self) -> String {
        self.topic.subscription_key(&self.id)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TopicRecord {
    /// Attributes that were set, by AWS's names: `DisplayName`, `Policy`, `SignatureVersion`, …
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created: Timestamp,
    /// `SubscriptionsDeleted`
    #[serde(default)]
    pub(crate) subscriptions_deleted: u64,
}

impl Versioned for TopicRecord {
    const MARKER: &'static str = "sns.topic/1";
}

impl TopicRecord {
    pub(crate) fn display_name(&self) -> &str {
        self.attributes.get("DisplayName").map_or("", String::as_str)
    }

    /// Where a topic in order remembers what was published; another topic of the same name remembers nothing of it.
    pub(crate) fn memory(&self, name: &TopicName) -> Memory {
        let scope = self.attributes.get("FifoThroughputScope");
        let place = format!("{}/{}", name.key(), moment(self.created));
        Memory { place, by_group: scope.is_some_and(|scope| scope == "MessageGroup") }
    }

    /// `1` (SHA-1) unless the topic says `2` (SHA-256).
    pub(crate) fn signature_version(&self) -> SignatureVersion {
        match self.attributes.get("SignatureVersion").map(String::as_str) {
            Some("2") => SignatureVersion::Sha256,
            _ => SignatureVersion::Sha1,
        }
    }
}

/// How messages of a topic are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum SignatureVersion {
    Sha1,
    Sha256,
}

impl SignatureVersion {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "1",
            Self::Sha256 => "2",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
    Sqs,
}

impl Protocol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sqs => "sqs",
        }
    }

    /// The protocols that are served here.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Http, Self::Https, Self::Email, Self::EmailJson, Self::Sqs]
            .into_iter()
            .find(|protocol| protocol.as_str() == name)
    }

    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    /// A UUID.
    pub(crate) id: String,
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    /// The account that subscribed.
    pub(crate) owner: String,
    /// The ARN of who subscribed.
    pub(crate) principal: String,
    pub(crate) confirmed: bool,
    /// Confirmed by a signed call of the owner: `ConfirmationWasAuthenticated`.
    pub(crate) authenticated: bool,
    /// `AuthenticateOnUnsubscribe`: the link in messages does not unsubscribe.
    pub(crate) unsubscribe_needs_authentication: bool,
    /// Attributes that were set: `RawMessageDelivery`, `FilterPolicy`, `RedrivePolicy`, …
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) created: Timestamp,
}

impl Versioned for SubscriptionRecord {
    const MARKER: &'static str = "sns.subscription/1";
}

impl SubscriptionRecord {
    pub(crate) fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw.eq_ignore_ascii_case("true"))
    }
}

/// The value of an endpoint row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EndpointRecord {
    pub(crate) subscription: String,
}

impl Versioned for EndpointRecord {
    const MARKER: &'static str = "sns.endpoint/1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arn: &str, want: Result<&str, &str>) {
        let got = SubscriptionName::parse(arn).map(|name| name.key());
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(got), Err(want)) => assert_eq!(got.text(), want),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn names_of_subscriptions() {
        let id = "6b0e71bd-7e97-4d97-80ce-4a0994e55286";
        check(
            &format!("arn:aws:sns:us-east-1:111122223333:topic:{id}"),
            Ok(&format!("111122223333/us-east-1/topic/{id}")),
        );
        let elements =
            "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not ";
        check("random", Err(&format!("{elements}1")));
        check("arn:aws:sns:us-east-1:topic", Err(&format!("{elements}5")));
        check("arn:aws:sns:us-east-1:111122223333:topic:none", Err("Invalid parameter: SubscriptionId"));
        check(&format!("arn:aws:sns:us-east-1:111122223333:{id}"), Err("Invalid parameter: SubscriptionId"));
        check("", Err("Invalid parameter: SubscriptionArn Reason: no value for required parameter"));
    }
}
