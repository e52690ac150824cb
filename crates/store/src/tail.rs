//! The newest entries in memory: followers near the head read what was just committed without asking the database or
//! decompressing it, as many of them as there are.
//!
//! **Invariant:** the tail is a gapless end of the log, the same entries a reading of the database gives.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    Append, LogEntry, Seq,
    entry::{micros, time_of_micros},
};

/// Bytes of entries that are kept; a larger group is not kept at all.
const TAIL_BYTES: usize = 8 << 20;

#[derive(Default)]
pub(crate) struct Tail {
    groups: VecDeque<Group>,
    bytes: usize,
}

struct Group {
    first: Seq,
    bytes: usize,
    entries: Arc<[LogEntry]>,
}

/// Groups that together answer a reading; taken under a lock, copied from outside of it.
pub(crate) struct Found {
    groups: Vec<Arc<[LogEntry]>>,
    after: Seq,
}

impl Tail {
    /// Adds a group that is durable; `first` follows the last entry of the group before.
    pub(crate) fn push(&mut self, first: Seq, appends: Vec<Append>) {
        let bytes = appends.iter().map(|append| append.bytes.len()).sum();
        let entry = |(append, seq): (Append, Seq)| LogEntry {
            seq,
            kind: append.kind,
            // What the database keeps of it.
            time: time_of_micros(micros(append.time)).unwrap_or(append.time),
            partition: append.partition,
            bytes: append.bytes,
        };
        let entries = appends.into_iter().zip(first..).map(entry).collect();
        self.groups.push_back(Group { first, bytes, entries });
        self.bytes += bytes;
        while self.bytes > TAIL_BYTES
            && let Some(oldest) = self.groups.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    /// The entries after `after` until `max_bytes` are reached, if the tail goes back that far.
    pub(crate) fn find(&self, after: Seq, max_bytes: usize) -> Option<Found> {
        let start = self.groups.partition_point(|group| group.first <= after + 1).checked_sub(1)?;
        let mut groups = Vec::new();
        let mut bytes = 0;
        for group in self.groups.range(start..) {
            groups.push(Arc::clone(&group.entries));
            bytes += group.bytes;
            if bytes >= max_bytes {
                break;
            }
        }
        Some(Found { groups, after })
    }
}

impl Found {
    pub(crate) fn entries(self) -> Vec<LogEntry> {
        let all = self.groups.iter().flat_map(|group| group.iter());
        all.skip_while(|entry| entry.seq <= self.after).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::EntryKind;

    fn appends(count: usize, bytes: usize) -> Vec<Append> {
        let append = Append {
            kind: EntryKind::Record,
            time: Timestamp::UNIX_EPOCH,
            partition: "1/a".into(),
            bytes: vec![0; bytes].into(),
        };
        vec![append; count]
    }

    /// Entries 11..=12, 13, 14..=16 of 10 bytes each; `want` is the first and last found.
    #[track_caller]
    fn check(after: Seq, max_bytes: usize, want: Option<(Seq, Seq)>) {
        let mut tail = Tail::default();
        tail.push(11, appends(2, 10));
        tail.push(13, appends(1, 10));
        tail.push(14, appends(3, 10));
        let found = tail.find(after, max_bytes).map(Found::entries);
        let ends = |entries: Vec<LogEntry>| Some((entries.first()?.seq, entries.last()?.seq));
        assert_eq!(found.and_then(ends), want);
    }

    #[test]
    fn reads_whole_groups_from_where_it_reaches_back() {
        check(9, 1000, None);
        check(10, 1000, Some((11, 16)));
        check(10, 0, Some((11, 12)));
        check(10, 20, Some((11, 12)));
        check(10, 21, Some((11, 13)));
        check(11, 0, Some((12, 12)));
        check(12, 0, Some((13, 13)));
        check(14, 1000, Some((15, 16)));
        check(16, 1000, None);
    }

    #[test]
    fn forgets_the_oldest_groups() {
        let mut tail = Tail::default();
        tail.push(1, appends(1, TAIL_BYTES / 2));
        tail.push(2, appends(1, TAIL_BYTES / 2));
        assert!(tail.find(0, 0).is_some());
        tail.push(3, appends(1, 1));
        assert!(tail.find(0, 0).is_none());
        assert_eq!(tail.find(1, TAIL_BYTES).map(|found| found.entries().len()), Some(2));
        tail.push(4, appends(1, TAIL_BYTES + 1));
        assert!(tail.find(3, 0).is_none(), "a group that does not fit is not kept");
        assert_eq!(tail.bytes, 0);
    }
}
