//! What is stored of groups, streams and filters
//!
//! Groups and filters lie under the account and Region; streams under the **id** of their group and events under the
//! id of their stream, so that a name that is used again begins empty. What a deletion leaves behind is listed as
//! **garbage** and cleared in small steps (`sweep`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::logs::{LogGroupClass, StandardUnit};
use keywatch_store::{Kind, Partition, Seq, Versioned};
use serde::{Deserialize, Serialize};

/// `account/region/name`
pub(crate) const GROUP: Kind = Kind("logs.group");
/// `group id:stream name`
pub(crate) const STREAM: Kind = Kind("logs.stream");
/// `group id:stream id`; written by the follower only.
pub(crate) const STATS: Kind = Kind("logs.stats");
/// `stream id:position`; written by the follower only.
pub(crate) const CHUNK: Kind = Kind("logs.chunk");
/// `account/region/group:filter`
pub(crate) const FILTER: Kind = Kind("logs.filter");
/// `group/id` or `stream/id`, cleared by the follower.
pub(crate) const GARBAGE: Kind = Kind("logs.garbage");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) class: LogGroupClass,
    pub(crate) retention_days: Option<i32>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: BTreeMap<String, String>,
    /// The log's head when the group was made: entries up to there are about another group of this name.
    pub(crate) since: Seq,
}

impl Versioned for GroupRecord {
    const MARKER: &'static str = "logs.group/1";
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// As in [`GroupRecord`].
    pub(crate) since: Seq,
}

impl Versioned for StreamRecord {
    const MARKER: &'static str = "logs.stream/1";
}

/// What is known of a stream's events without reading them. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamStats {
    pub(crate) first_event: i64,
    pub(crate) last_event: i64,
    pub(crate) last_ingestion: i64,
    /// Bytes of messages, with 26 for each event as AWS counts.
    pub(crate) bytes: i64,
}

impl Versioned for StreamStats {
    const MARKER: &'static str = "logs.stats/1";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FilterRecord {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) pattern: String,
    pub(crate) created: Timestamp,
    pub(crate) apply_on_transformed_logs: bool,
    pub(crate) transformation: Transformation,
    /// The log's head when the filter was put: only later events count.
    pub(crate) since: Seq,
}

impl Versioned for FilterRecord {
    const MARKER: &'static str = "logs.filter/1";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transformation {
    pub(crate) metric_name: String,
    pub(crate) metric_namespace: String,
    pub(crate) metric_value: String,
    pub(crate) default_value: Option<f64>,
    pub(crate) dimensions: BTreeMap<String, String>,
    pub(crate) unit: Option<StandardUnit>,
}

/// Something deleted whose rows are still to be cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Garbage {
    Group { id: String },
    Stream { id: String, group_id: String },
}

impl Versioned for Garbage {
    const MARKER: &'static str = "logs.garbage/1";
}

impl Garbage {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Group { id } => format!("group/{id}"),
            Self::Stream { id, .. } => format!("stream/{id}"),
        }
    }
}

pub(crate) fn group_key(partition: &Partition, group: &str) -> String {
    format!("{partition}/{group}")
}

pub(crate) fn filter_key(partition: &Partition, group: &str, filter: &str) -> String {
    format!("{partition}/{group}:{filter}")
}

pub(crate) fn stream_key(group_id: &str, stream: &str) -> String {
    format!("{group_id}:{stream}")
}

pub(crate) fn stats_key(group_id: &str, stream_id: &str) -> String {
    format!("{group_id}:{stream_id}")
}
