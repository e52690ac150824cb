//! Records that were read and are not counted yet: their event IDs are looked up many at a time, so that the
//! waits for memory overlap.
//!
//! **Invariant:** records are counted as if each had been looked up when it was read; what is more than a plain
//! fact, or has an unusual event ID, lets those before it be counted first and then is at once.
//! **Not here:** which events were seen (`seen`), and how facts are counted (`tally`).

use super::record::Record;
use super::seen::{EventId, Seen, SourceNumber};
use super::tally::{Fact, Tally};

/// How many records wait at most. They come from one source.
const PENDING_MAX: usize = 1_024;

/// The records of one thread that wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    ids: Vec<EventId>,
    facts: Vec<Fact>,
    are_new: Vec<bool>,
}

impl Pending {
    /// Takes a record of `source`, to count it in `tally` if it is new.
    #[inline]
    pub(super) fn add(&mut self, record: &Record<'_>, source: SourceNumber, seen: &Seen, tally: &mut Tally) {
        let event_id = record.event_id();
        let plain_id = event_id.as_deref().and_then(|id| seen.plain_id(id));
        if let Some(id) = plain_id
            && let Some(fact) = tally.fact(record)
        {
            self.ids.push(id);
            self.facts.push(fact);
            if self.ids.len() == PENDING_MAX {
                self.count(source, seen, tally);
            }
            return;
        }
        self.count(source, seen, tally);
        if event_id.is_none_or(|id| seen.is_new(&id, source)) {
            tally.add(record);
        }
    }

    /// Counts what waits. To be called when a source is over.
    pub(super) fn count(&mut self, source: SourceNumber, seen: &Seen, tally: &mut Tally) {
        seen.are_new(&self.ids, source, &mut self.are_new);
        self.ids.clear();
        for (fact, is_new) in self.facts.drain(..).zip(&self.are_new) {
            if *is_new {
                tally.count(&fact);
            }
        }
    }
}
