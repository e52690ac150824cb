//! Queues and their messages as they are kept.
//!
//! The messages of a queue belong to its **incarnation**, which changes when it is purged, so that purging is one change and the old
//! messages are removed at leisure. How they lie in rows: [`rows`]; the groups of queues in order (FIFO): [`fifo`]; what must not be
//! put twice: [`deduplication`]; who waits for a message: [`waiters`].
//!
//! Here are also the sums a client checks: MD5 of bodies and attributes (SQS developer guide, "Calculating the MD5 message digest
//! for message attributes").

pub(crate) mod deduplication;
pub(crate) mod fifo;
pub(crate) mod retention;
pub(crate) mod rows;
pub(crate) mod tasks;
pub(crate) mod waiters;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_api::{AccountId, Arn, Region};
use keywatch_store::{Kind, Versioned};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::entry::MessageAttribute;

pub(crate) const QUEUE: Kind = Kind("sqs.queue");

const FIFO_SUFFIX: &str = ".fifo";
const NAME_CHARS_MAX: usize = 80;
/// `SenderId` of messages that services put.
const SERVICE_SENDER_ID: &str = "AIDAIT2UOQQY3AUEKVGXU";

const RECEIVES_MAX: std::ops::RangeInclusive<i64> = 1..=1_000;

/// What a queue is called, everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl QueueName {
    /// Reads an ARN; `None` when it names no queue.
    pub(crate) fn from_arn(arn: &str) -> Option<Self> {
        let arn: Arn = arn.parse().ok()?;
        if arn.service != "sqs" || !is_queue_name(&arn.resource) {
            return None;
        }
        Some(Self {
            account: arn.account.parse().ok()?,
            region: arn.region.parse().ok()?,
            name: arn.resource,
        })
    }

    /// Reads the URL of a queue, whatever its host: the last two steps of its path are account and name.
    pub(crate) fn from_url(url: &str, region: &Region) -> Option<Self> {
        let (rest, name) = url.rsplit_once('/')?;
        let account = rest.rsplit('/').next()?;
        if !is_queue_name(name) {
            return None;
        }
        Some(Self { account: account.parse().ok()?, region: region.clone(), name: name.to_owned() })
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("sqs", self.region.as_str(), self.account.as_str(), self.name.as_str())
    }

    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    /// Reads [`key`](Self::key).
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, '/');
        let (account, region, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { account: account.parse().ok()?, region: region.parse().ok()?, name: name.to_owned() })
    }

    /// Queues in order say so by their name.
    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(FIFO_SUFFIX)
    }

    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("{endpoint}/{}/{}", self.account, self.name)
    }
}

/// Letters, digits, `-` and `_`, and `.fifo` behind them if the queue is one in order; 1 to 80 characters.
pub(crate) fn is_queue_name(name: &str) -> bool {
    let plain = name.strip_suffix(FIFO_SUFFIX).unwrap_or(name);
    name.len() <= NAME_CHARS_MAX
        && !plain.is_empty()
        && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct QueueRecord {
    /// A UUID.
    pub(crate) incarnation: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) purged: Option<Timestamp>,
    /// Attributes that were set, by AWS's names.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Versioned for QueueRecord {
    const MARKER: &'static str = "sqs.queue/1";
}

impl QueueRecord {
    pub(crate) fn new(
        attributes: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Self {
        let incarnation = uuid::Uuid::new_v4().to_string();
        Self { incarnation, created: now, modified: now, purged: None, attributes, tags }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.is_set("FifoQueue")
    }

    /// An attribute that is `true` or `false`; unset ones are `false`.
    pub(crate) fn is_set(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value == "true")
    }

    /// Where messages go that were received too often.
    pub(crate) fn redrive(&self) -> Option<Redrive> {
        Redrive::parse(self.attributes.get("RedrivePolicy")?)
    }

    /// A numeric attribute, as set or by default.
    pub(crate) fn number(&self, attribute: QueueNumber) -> i64 {
        let set = self.attributes.get(attribute.name()).and_then(|text| text.parse().ok());
        set.unwrap_or(attribute.default())
    }

    pub(crate) fn seconds(&self, attribute: QueueNumber) -> SignedDuration {
        SignedDuration::from_secs(self.number(attribute))
    }

    /// When a message sent at `sent` is dropped.
    pub(crate) fn expires(&self, sent: Timestamp) -> Timestamp {
        sent + self.seconds(QueueNumber::MessageRetentionPeriod)
    }
}

/// Numeric attributes of queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueNumber {
    VisibilityTimeout,
    DelaySeconds,
    MessageRetentionPeriod,
    MaximumMessageSize,
    ReceiveMessageWaitTimeSeconds,
    KmsDataKeyReusePeriodSeconds,
}

impl QueueNumber {
    pub(crate) const ALL: [Self; 6] = [
        Self::VisibilityTimeout,
        Self::DelaySeconds,
        Self::MessageRetentionPeriod,
        Self::MaximumMessageSize,
        Self::ReceiveMessageWaitTimeSeconds,
        Self::KmsDataKeyReusePeriodSeconds,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VisibilityTimeout => "VisibilityTimeout",
            Self::DelaySeconds => "DelaySeconds",
            Self::MessageRetentionPeriod => "MessageRetentionPeriod",
            Self::MaximumMessageSize => "MaximumMessageSize",
            Self::ReceiveMessageWaitTimeSeconds => "ReceiveMessageWaitTimeSeconds",
            Self::KmsDataKeyReusePeriodSeconds => "KmsDataKeyReusePeriodSeconds",
        }
    }

    pub(crate) fn default(self) -> i64 {
        match self {
            Self::VisibilityTimeout => 30,
            Self::DelaySeconds | Self::ReceiveMessageWaitTimeSeconds => 0,
            Self::MessageRetentionPeriod => 345_600,
            Self::MaximumMessageSize => 1_048_576,
            Self::KmsDataKeyReusePeriodSeconds => 300,
        }
    }

    pub(crate) fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::VisibilityTimeout => 0..=43_200,
            Self::DelaySeconds => 0..=900,
            Self::MessageRetentionPeriod => 60..=1_209_600,
            Self::MaximumMessageSize => 1_024..=1_048_576,
            Self::ReceiveMessageWaitTimeSeconds => 0..=20,
            Self::KmsDataKeyReusePeriodSeconds => 60..=86_400,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueuedMessage {
    /// A UUID.
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, MessageAttribute>,
    /// `AWSTraceHeader`
    pub(crate) trace_header: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) sender_id: String,
    pub(crate) sent: Timestamp,
    pub(crate) visible: Timestamp,
    pub(crate) receives: u32,
    pub(crate) first_received: Option<Timestamp>,
    /// The ARN of the queue this dead letter came from.
    pub(crate) dead_letter_source: Option<String>,
    #[serde(default)]
    pub(crate) deduplication: Option<String>,
    /// `SequenceNumber`: twenty digits that grow within a group. Only of queues in order.
    #[serde(default)]
    pub(crate) sequence: Option<String>,
    /// When it was received last.
    #[serde(default)]
    pub(crate) received: Option<Timestamp>,
}

impl Versioned for QueuedMessage {
    const MARKER: &'static str = "sqs.message/1";
}

impl QueuedMessage {
    /// A message that a service puts into a queue.
    pub(crate) fn from_service(
        body: String,
        attributes: BTreeMap<String, MessageAttribute>,
        sent: Timestamp,
        visible: Timestamp,
    ) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            body,
            attributes,
            trace_header: None,
            group: None,
            sender_id: SERVICE_SENDER_ID.to_owned(),
            sent,
            visible,
            receives: 0,
            first_received: None,
            dead_letter_source: None,
            deduplication: None,
            sequence: None,
            received: None,
        }
    }
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target: QueueName,
    pub(crate) receives_max: u32,
}

impl Redrive {
    /// `{"deadLetterTargetArn":…,"maxReceiveCount":…}`, the count as a number or as text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let policy: serde_json::Value = serde_json::from_str(text).ok()?;
        let target = QueueName::from_arn(policy.get("deadLetterTargetArn")?.as_str()?)?;
        let count = policy.get("maxReceiveCount")?;
        let count = count.as_i64().or_else(|| count.as_str()?.parse().ok())?;
        let receives_max = u32::try_from(count).ok().filter(|_| RECEIVES_MAX.contains(&count))?;
        Some(Self { target, receives_max })
    }
}

/// What a receipt handle says: opaque to callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) incarnation: String,
    pub(crate) locator: String,
    /// How often the message had been received then; unknown in handles of older releases.
    pub(crate) receives: Option<u32>,
}

impl Receipt {
    pub(crate) fn handle(&self) -> String {
        let receives = self.receives.unwrap_or_default();
        BASE64.encode(format!("1 {} {} {receives}", self.incarnation, self.locator))
    }

    pub(crate) fn read(handle: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64.decode(handle).ok()?).ok()?;
        let mut parts = text.split(' ');
        let (version, incarnation, locator) = (parts.next()?, parts.next()?, parts.next()?);
        let receives = parts.next()?.parse().ok();
        let whole = version == "1" && parts.next().is_none();
        whole.then(|| Self { incarnation: incarnation.to_owned(), locator: locator.to_owned(), receives })
    }
}

/// MD5 of a body, hexadecimal.
pub(crate) fn md5_of_text(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

/// MD5 of attributes, hexadecimal; `None` without any.
pub(crate) fn md5_of_attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    let mut sum = Md5::new();
    let mut any = false;
    let add = |sum: &mut Md5, bytes: &[u8]| {
        sum.update((bytes.len() as u32).to_be_bytes());
        sum.update(bytes);
    };
    // Maps are in the order of their names, as the sum wants it.
    for (name, attribute) in attributes {
        any = true;
        add(&mut sum, name.as_bytes());
        add(&mut sum, attribute.data_type.as_bytes());
        if attribute.data_type.starts_with("Binary") {
            sum.update([2]);
            add(&mut sum, &BASE64.decode(&attribute.value).unwrap_or_default());
        } else {
            sum.update([1]);
            add(&mut sum, attribute.value.as_bytes());
        }
    }
    any.then(|| hex::encode(sum.finalize()))
}

/// The characters a message may have: those of XML 1.0.
pub(crate) fn is_message_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_urls_and_arns() {
        let region: Region = "us-east-1".parse().unwrap();
        let name = QueueName::from_url("http://127.0.0.1:4599/111122223333/q", &region).unwrap();
        assert_eq!(name.arn().to_string(), "arn:aws:sqs:us-east-1:111122223333:q");
        assert_eq!(QueueName::from_arn(&name.arn().to_string()), Some(name));
        for good in ["https://sqs.us-east-1.amazonaws.com/111122223333/q.fifo", "/111122223333/q.fifo"] {
            assert!(QueueName::from_url(good, &region).unwrap().is_fifo(), "{good}");
        }
        for bad in [
            "",
            "q",
            "/q",
            "http://h/111122223333/.fifo",
            "http://h/q",
            "http://h/111122223333/",
            "http://h/111122223333/a.b",
        ] {
            assert_eq!(QueueName::from_url(bad, &region), None, "{bad}");
        }
    }

    #[test]
    fn receipts_name_their_message() {
        let receipt = Receipt { incarnation: "inc".into(), locator: "6161/1".into(), receives: Some(2) };
        assert_eq!(Receipt::read(&receipt.handle()), Some(receipt));
        let older = Receipt::read(&BASE64.encode("1 inc id 7d444840-9dc0-11d1-b245-5ffdce74fad2")).unwrap();
        assert_eq!((older.locator.as_str(), older.receives), ("id", None));
        for bad in ["", "x", "MSBh", "AAAA"] {
            assert_eq!(Receipt::read(bad), None, "{bad}");
        }
    }

    /// The sums were computed by another implementation of the published algorithm.
    #[test]
    fn sums_that_clients_check() {
        assert_eq!(md5_of_text("hello"), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(md5_of_attributes(&BTreeMap::new()), None);
        let attributes = BTreeMap::from([
            ("a".to_owned(), MessageAttribute { data_type: "String".into(), value: "x".into() }),
            ("b".to_owned(), MessageAttribute { data_type: "Binary".into(), value: "AgME".into() }),
        ]);
        assert_eq!(md5_of_attributes(&attributes).as_deref(), Some("de2a9a6d3c02916e66bb9be2b38e1f56"));
    }

    #[test]
    fn texts_are_what_xml_can_hold() {
        for (text, good) in [("a\n\t\r😀", true), ("\u{0}", false), ("\u{1f}", false), ("\u{ffff}", false)]
        {
            assert_eq!(is_message_text(text), good, "{text:?}");
        }
    }
}
