//! Archives and replays as they are kept
//!
//! An archive's events lie under its **id**, so that a name that is used again begins empty; what a deleted archive leaves behind is
//! **garbage** until the keeper has cleared it. Events are in the order of the moments they came to the bus.

use jiff::Timestamp;
use keywatch_api::{
    Arn,
    events::{ArchiveState, ReplayState, ShownDestination},
};
use keywatch_iam::Call;
use keywatch_store::{Kind, Partition, Seq, Versioned};
use serde::{Deserialize, Serialize};

use super::error::EventsError;
use crate::notify::moment;

/// `account/region/name`
pub(crate) const ARCHIVE: Kind = Kind("events.archive");
/// `archive id/moment/number`; written by the follower only.
pub(crate) const ARCHIVED: Kind = Kind("events.archived");
/// `archive id`; written by the follower only.
pub(crate) const TOTALS: Kind = Kind("events.archive-totals");
/// `archive id` of deleted archives.
pub(crate) const GARBAGE: Kind = Kind("events.archive-garbage");
/// `account/region/name`
pub(crate) const REPLAY: Kind = Kind("events.replay");
/// `account/region/name` of replays that are under way.
pub(crate) const UNDER_WAY: Kind = Kind("events.replay-under-way");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchiveRecord {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) bus: String,
    pub(crate) event_pattern: Option<String>,
    pub(crate) description: Option<String>,
    /// 0 means for ever.
    pub(crate) retention_days: i32,
    pub(crate) created: Timestamp,
    /// The log's head when the archive was made: only later events go into it.
    pub(crate) since: Seq,
}

impl Versioned for ArchiveRecord {
    const MARKER: &'static str = "events.archive/1";
}

impl ArchiveRecord {
    /// An archive takes in from the moment it is there.
    pub(crate) const STATE: ArchiveState = ArchiveState::Enabled;
}

/// What an archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

impl Versioned for Totals {
    const MARKER: &'static str = "events.archive-totals/1";
}

/// An event in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchivedEvent {
    pub(crate) envelope: String,
}

impl Versioned for ArchivedEvent {
    const MARKER: &'static str = "events.archived/1";
}

/// The value of a row whose key says all.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Mark {}

impl Versioned for Mark {
    const MARKER: &'static str = "events.mark/1";
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplayRecord {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) archive: String,
    pub(crate) archive_id: String,
    pub(crate) destination: ShownDestination,
    pub(crate) bus: String,
    /// Events that came from then on.
    pub(crate) from: Timestamp,
    /// Events that came before then.
    pub(crate) to: Timestamp,
    pub(crate) state: ReplayState,
    pub(crate) reason: Option<String>,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) last_replayed: Option<Timestamp>,
    /// The row of the last event that was replayed.
    pub(crate) cursor: Option<String>,
}

impl Versioned for ReplayRecord {
    const MARKER: &'static str = "events.replay/1";
}

pub(crate) fn key(partition: &Partition, name: &str) -> String {
    format!("{partition}/{name}")
}

pub(crate) fn archive_arn(partition: &Partition, name: &str) -> String {
    Arn::new("events", partition.region(), partition.account(), format!("archive/{name}")).to_string()
}

pub(crate) fn replay_arn(partition: &Partition, name: &str) -> String {
    Arn::new("events", partition.region(), partition.account(), format!("replay/{name}")).to_string()
}

/// Where the events begin that came to an archive's bus at a moment or later.
pub(crate) fn archived_from(id: &str, from: Timestamp) -> String {
    format!("{id}/{}", moment(from))
}

/// The row of an event: the `index`-th of those that the entry `seq` gave.
pub(crate) fn archived_key(id: &str, came: Timestamp, seq: Seq, index: usize) -> String {
    format!("{}/{seq:020}-{index:03}", archived_from(id, came))
}

/// When the event of a row came to its bus.
pub(crate) fn came(key: &str) -> Option<Timestamp> {
    crate::notify::due_of(key.split_once('/')?.1)
}

/// The archive of a name.
pub(crate) async fn archive(call: &mut Call<'_>, name: &str) -> Result<ArchiveRecord, EventsError> {
    let key = key(&call.partition(), name);
    let missing = || EventsError::NotFound(format!("Archive {name} does not exist.").into());
    call.tx.get(ARCHIVE, &key).await?.ok_or_else(missing)
}

/// The replay of a name.
pub(crate) async fn replay(call: &mut Call<'_>, name: &str) -> Result<ReplayRecord, EventsError> {
    let key = key(&call.partition(), name);
    let missing = || EventsError::NotFound(format!("Replay {name} does not exist.").into());
    call.tx.get(REPLAY, &key).await?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_in_the_order_they_came() {
        let (early, late): (Timestamp, Timestamp) =
            ("2026-09-14T11:00:00Z".parse().unwrap(), "2026-09-14T11:00:00.5Z".parse().unwrap());
        let keys = [
            archived_from("id", early),
            archived_key("id", early, 9, 0),
            archived_key("id", early, 10, 0),
            archived_key("id", early, 10, 1),
            archived_from("id", late),
            archived_key("id", late, 2, 0),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(came(&keys[2]), Some(early));
        assert_eq!(came("id"), None);
    }
}
