//! Which records go into which files. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{EntryKind, LogEntry, Seq};

use super::served::Served;
use crate::trail::selectors::Facts;

/// What one file will hold.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) first: Seq,
    pub(super) records: Vec<Bytes>,
    pub(super) newest: Timestamp,
    pub(super) oldest: Timestamp,
}

/// Drafts by the index of their trail and by Region.
pub(super) type Drafts = BTreeMap<(usize, String), Draft>;

/// Sorts records into files. Of the trails with one row, which follow each other in time, only the first takes a record.
pub(super) fn drafts(trails: &[Served], entries: &[LogEntry]) -> Drafts {
    let asked = trails.iter().any(|served| served.trail.has_selectors());
    let mut drafts = Drafts::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Record) {
        let facts = if asked { Facts::of(&entry.bytes) } else { Facts::default() };
        let mut taken_by: Option<&str> = None;
        for (index, served) in trails.iter().enumerate() {
            if taken_by == Some(served.row.as_str()) || !served.takes(&entry.partition, entry.time, entry.seq)
            {
                continue;
            }
            taken_by = Some(&served.row);
            if !served.trail.selects(&facts) {
                continue;
            }
            let draft = drafts.entry((index, entry.partition.region().to_owned())).or_insert_with(|| Draft {
                first: entry.seq,
                records: Vec::new(),
                newest: entry.time,
                oldest: entry.time,
            });
            draft.records.push(entry.bytes.clone());
            draft.newest = draft.newest.max(entry.time);
            draft.oldest = draft.oldest.min(entry.time);
        }
    }
    drafts
}
