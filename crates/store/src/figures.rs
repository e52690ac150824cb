//! What the committer counts while it works: relaxed atomic adds by one thread, read by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::group::Outcome;

/// Upper bounds of group sizes that are counted together.
pub const GROUP_SIZES: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// Counts since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitFigures {
    /// Batches that were made durable.
    pub batches: u64,
    /// Batches that met changes by others.
    pub conflicts: u64,
    /// Groups that the database refused or lost.
    pub failed_groups: u64,
    /// Durable groups with at most so many batches as [`GROUP_SIZES`] says, each in the first bucket it fits.
    pub groups: [u64; GROUP_SIZES.len()],
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    batches: AtomicU64,
    conflicts: AtomicU64,
    failed_groups: AtomicU64,
    groups: [AtomicU64; GROUP_SIZES.len()],
}

impl Counters {
    /// Counts a group after the database had it.
    pub(crate) fn count<E>(&self, outcomes: &Result<Vec<Outcome>, E>) {
        let Ok(outcomes) = outcomes else {
            self.failed_groups.fetch_add(1, Relaxed);
            return;
        };
        let durable = outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
        self.conflicts.fetch_add(outcomes.len() as u64 - durable, Relaxed);
        if durable > 0 {
            self.batches.fetch_add(durable, Relaxed);
            let at = GROUP_SIZES.iter().position(|most| durable <= *most).unwrap_or(GROUP_SIZES.len() - 1);
            self.groups[at].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read(&self) -> CommitFigures {
        CommitFigures {
            batches: self.batches.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            failed_groups: self.failed_groups.load(Relaxed),
            groups: std::array::from_fn(|at| self.groups[at].load(Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Committed, Kind, group::RowName};

    #[test]
    fn groups_are_counted_by_their_size() {
        let counters = Counters::default();
        let done = || Ok(Committed { version: 1, first_seq: None, last_seq: None });
        let lost = || Err(RowName { kind: Kind("t"), key: "a".into() });
        counters.count::<()>(&Ok(vec![done()]));
        counters.count::<()>(&Ok(vec![done(), done(), done(), lost()]));
        counters.count::<()>(&Ok(vec![lost()]));
        counters.count(&Err(()));
        let mut groups = [0; GROUP_SIZES.len()];
        (groups[0], groups[2]) = (1, 1);
        assert_eq!(counters.read(), CommitFigures { batches: 4, conflicts: 2, failed_groups: 1, groups });
    }
}
