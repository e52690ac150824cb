//! What the log's entries hold besides CloudTrail records: the values that travel between the services of this crate.
//! Stored as JSON, but for points, which are many. A member may be added with `#[serde(default)]`; none is renamed or given another meaning.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use keywatch_store::{Append, EntryKind, LogEntry, Partition, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub mod points;

pub use points::{Point, PointValue, Points};

/// A kind of entry with a body of its own.
pub trait Body: Serialize + DeserializeOwned {
    const KIND: EntryKind;

    /// The entry, ready to append.
    fn append(&self, partition: Partition, time: Timestamp) -> Append {
        let bytes = serde_json::to_vec(self).expect("entry bodies have text keys");
        Append { kind: Self::KIND, time, partition, bytes: Bytes::from(bytes) }
    }

    /// Reads an entry of this kind.
    fn read(entry: &LogEntry) -> Result<Self, StoreError> {
        serde_json::from_slice(&entry.bytes)
            .map_err(|_| StoreError::corrupt(format!("log entry {}", entry.seq)))
    }
}

/// Log events that were put into one stream, in order of their time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvents {
    pub group: String,
    pub stream: String,
    pub ingested: Timestamp,
    pub events: Vec<LogEvent>,
    /// A stream that is missing is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub makes_stream: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    pub time: Timestamp,
    pub message: String,
}

/// An event on a bus of the entry's account and Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The whole envelope (`{"version":"0","id":…,"detail-type":…}`) as JSON text.
    pub envelope: String,
    /// The bus's name; absent for the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus: Option<String>,
    #[serde(default, skip_serializing_if = "Reach::is_matching")]
    pub reach: Reach,
    /// ARNs of the buses it came through, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// It comes from an archive, and goes into none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
}

impl Event {
    pub fn on_default_bus(envelope: String) -> Self {
        Self { envelope, bus: None, reach: Reach::Matching, path: Vec::new(), replayed: false }
    }
}

/// Which rules of its bus an event is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Those whose pattern it matches.
    #[default]
    Matching,
    /// This one, by name, whatever its pattern: its schedule sent the event.
    Rule(String),
    /// Those of these ARNs whose pattern it matches.
    Among(Vec<String>),
}

impl Reach {
    fn is_matching(&self) -> bool {
        *self == Self::Matching
    }
}

/// A message on its way to a topic's subscribers or into a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub target: Target,
    /// A UUID.
    pub id: String,
    pub subject: Option<String>,
    pub body: String,
    /// `MessageStructure=json`: the body is an object of texts by protocol.
    #[serde(default)]
    pub by_protocol: bool,
    /// Where it stands among others, for topics and queues that keep an order.
    #[serde(default)]
    pub order: Option<Order>,
    #[serde(default)]
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The ARN of the event rule that called the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The change of an alarm that the message tells of; nobody who publishes can claim one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Box<AlarmNotice>>,
}

/// An alarm that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmNotice {
    pub account: String,
    pub region: String,
    pub name: String,
    pub description: Option<String>,
    pub state: StateValue,
    pub previous: StateValue,
    pub reason: String,
    pub at: Timestamp,
    /// The key whose metric is watched, where it is one key's.
    pub key_arn: Option<String>,
}

/// The group a message belongs to, and what tells it from others there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub group: String,
    /// A message with the same id within five minutes is the same message.
    pub deduplication: Option<String>,
    /// Twenty digits that grow within the group; only messages of topics have one.
    pub sequence: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A topic's ARN.
    Topic(String),
    /// A queue's ARN.
    Queue(String),
    /// The ARN of what no service here is: a function, a scaling policy. Kept in the outbox for whoever looks there.
    Elsewhere(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary`, `String.Array`, …
    pub data_type: String,
    /// Text, or base64 of a binary value.
    pub value: String,
}

impl Body for LogEvents {
    const KIND: EntryKind = EntryKind::LogEvents;
}
impl Body for Event {
    const KIND: EntryKind = EntryKind::Event;
}
impl Body for Message {
    const KIND: EntryKind = EntryKind::Message;
}
