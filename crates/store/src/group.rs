//! The decision of a group commit: which of many waiting batches may be applied, in their order, and what the database
//! then has to write. Pure: versions in, plan out; both backends act on the same plan.
//!
//! **Invariant:** a batch is checked against the state as left by the accepted batches before it, and a conflict fails
//! its own batch only.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{Append, Batch, Committed, Expect, Kind, Seq, Version};

/// The full name of a row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RowName {
    pub(crate) kind: Kind,
    pub(crate) key: String,
}

/// The stored version of every row some batch has an expectation of; absent rows are absent here.
pub(crate) type Versions = HashMap<RowName, Version>;

/// What became of one batch; a conflict names the row.
pub(crate) type Outcome = Result<Committed, RowName>;

/// What a group writes.
#[derive(Debug)]
pub(crate) struct Plan {
    /// One per batch, in their order.
    pub(crate) outcomes: Vec<Outcome>,
    /// The last state of each touched row: bytes, or `None` for a deleted row.
    pub(crate) changes: HashMap<RowName, Option<Bytes>>,
    /// All entries of accepted batches; the first gets the sequence number after the head.
    pub(crate) appends: Vec<Append>,
    /// Entries up to this one leave the log.
    pub(crate) forget: Option<Seq>,
    /// The version that changed rows get.
    pub(crate) version: Version,
    /// The sequence number of the last entry after this group.
    pub(crate) head: Seq,
}

/// The rows whose versions `plan` needs to know.
pub(crate) fn checked_rows(batches: &[Batch]) -> impl Iterator<Item = (Kind, &str)> {
    batches.iter().flat_map(|batch| batch.checks.iter().map(|(kind, key, _)| (*kind, key.as_str())))
}

/// Decides a group on top of the last committed `version` and `head`.
pub(crate) fn plan(batches: Vec<Batch>, stored: &Versions, version: Version, head: Seq) -> Plan {
    let mut plan = Plan {
        outcomes: Vec::with_capacity(batches.len()),
        changes: HashMap::new(),
        appends: Vec::with_capacity(batches.iter().map(|batch| batch.appends.len()).sum()),
        forget: None,
        version: version + 1,
        head,
    };
    for batch in batches {
        let outcome = plan.admit(batch, stored);
        plan.outcomes.push(outcome);
    }
    plan
}

impl Plan {
    /// True when the database has nothing to do: every batch conflicted or was empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.appends.is_empty() && self.forget.is_none()
    }

    fn admit(&mut self, batch: Batch, stored: &Versions) -> Outcome {
        for (kind, key, expect) in batch.checks {
            let name = RowName { kind, key };
            if !self.holds(&name, expect, stored) {
                return Err(name);
            }
        }
        for (kind, key) in batch.deletes {
            self.changes.insert(RowName { kind, key }, None);
        }
        for (kind, key, bytes) in batch.puts {
            self.changes.insert(RowName { kind, key }, Some(bytes));
        }
        let first_seq = (!batch.appends.is_empty()).then_some(self.head + 1);
        self.head += batch.appends.len() as Seq;
        self.appends.extend(batch.appends);
        self.forget = self.forget.max(batch.forget);
        Ok(Committed { version: self.version, first_seq, last_seq: first_seq.map(|_| self.head) })
    }

    fn holds(&self, name: &RowName, expect: Expect, stored: &Versions) -> bool {
        match (self.changes.get(name), expect) {
            (Some(change), Expect::Absent) => change.is_none(),
            // Whoever expects a version read it before this group began.
            (Some(_), Expect::Version(_)) => false,
            (None, Expect::Absent) => !stored.contains_key(name),
            (None, Expect::Version(version)) => stored.get(name) == Some(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::EntryKind;

    const KIND: Kind = Kind("t");

    fn put(key: &str, expect: Option<Expect>, entries: usize) -> Batch {
        Batch {
            checks: expect.map(|expect| (KIND, key.to_owned(), expect)).into_iter().collect(),
            puts: vec![(KIND, key.to_owned(), Bytes::from_static(b"v"))],
            deletes: Vec::new(),
            appends: vec![
                Append {
                    kind: EntryKind::Record,
                    time: Timestamp::UNIX_EPOCH,
                    partition: "1/a".into(),
                    bytes: Bytes::new()
                };
                entries
            ],
            ..Batch::default()
        }
    }

    fn delete(key: &str, expect: Expect) -> Batch {
        Batch {
            checks: vec![(KIND, key.to_owned(), expect)],
            deletes: vec![(KIND, key.to_owned())],
            ..Batch::default()
        }
    }

    /// `stored` holds row "a" at version 5; `want` is the batch's first and last sequence number, or a conflict.
    #[track_caller]
    fn check(batches: Vec<Batch>, want: &[Option<(Option<Seq>, Option<Seq>)>]) {
        let stored = Versions::from([(RowName { kind: KIND, key: "a".into() }, 5)]);
        let plan = plan(batches, &stored, 9, 100);
        let got: Vec<_> =
            plan.outcomes.iter().map(|o| o.as_ref().ok().map(|c| (c.first_seq, c.last_seq))).collect();
        assert_eq!(got, want);
        assert_eq!(plan.version, 10);
        assert_eq!(plan.head, 100 + plan.appends.len() as Seq);
    }

    #[test]
    fn appends_number_on() {
        check(
            vec![put("x", None, 2), put("y", None, 0), put("z", None, 1)],
            &[Some((Some(101), Some(102))), Some((None, None)), Some((Some(103), Some(103)))],
        );
    }

    #[test]
    fn stored_versions_decide() {
        check(vec![put("a", Some(Expect::Version(5)), 0)], &[Some((None, None))]);
        check(vec![put("a", Some(Expect::Version(4)), 0)], &[None]);
        check(vec![put("a", Some(Expect::Absent), 0)], &[None]);
        check(vec![put("b", Some(Expect::Absent), 0)], &[Some((None, None))]);
        check(vec![put("b", Some(Expect::Version(5)), 0)], &[None]);
    }

    #[test]
    fn the_first_of_a_group_wins_and_a_loser_leaves_nothing() {
        check(
            vec![
                put("a", Some(Expect::Version(5)), 1),
                put("a", Some(Expect::Version(5)), 7),
                put("b", Some(Expect::Absent), 1),
                put("b", Some(Expect::Absent), 7),
            ],
            &[Some((Some(101), Some(101))), None, Some((Some(102), Some(102))), None],
        );
    }

    #[test]
    fn only_accepted_batches_forget() {
        let forget = |expect, through| Batch { forget: Some(through), ..put("a", Some(expect), 0) };
        let stored = Versions::from([(RowName { kind: KIND, key: "a".into() }, 5)]);
        let batches =
            vec![forget(Expect::Absent, 90), forget(Expect::Version(5), 80), forget(Expect::Absent, 99)];
        assert_eq!(plan(batches, &stored, 9, 100).forget, Some(80));
    }

    #[test]
    fn a_delete_makes_room() {
        check(
            vec![
                delete("a", Expect::Version(5)),
                put("a", Some(Expect::Absent), 0),
                delete("a", Expect::Version(5)),
            ],
            &[Some((None, None)), Some((None, None)), None],
        );
    }
}
