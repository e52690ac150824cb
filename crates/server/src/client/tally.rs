//! What an import came to, in three lines.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use keywatch_logfiles::RawRecord;

/// Accounts and Regions are listed up to here.
const PLACES_MAX: usize = 1_000;

/// What was sent and what came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) imported: u64,
    pub(super) duplicates: u64,
    pub(super) skipped: u64,
    pub(super) has_problems: bool,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// `111122223333/eu-west-1`
    pub(super) places: BTreeSet<String>,
}

impl Tally {
    pub(super) fn see(&mut self, record: &RawRecord<'_>) {
        self.see_time(record.event_time);
        if let (Some(account), Some(region)) = (&record.account, &record.region) {
            self.see_place(format!("{account}/{region}"));
        }
    }

    pub(super) fn see_time(&mut self, time: Timestamp) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    pub(super) fn see_place(&mut self, place: String) {
        if self.places.len() < PLACES_MAX {
            self.places.insert(place);
        }
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        self.files += other.files;
        self.imported += other.imported;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.has_problems |= other.has_problems;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
        other.places.into_iter().for_each(|place| self.see_place(place));
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, imported, duplicates, skipped, .. } = self;
        write!(
            f,
            "{files} files: {imported} records imported, {duplicates} were there already, {skipped} skipped"
        )?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            write!(f, "\nfrom {first} to {last}")?;
        }
        if !self.places.is_empty() {
            let places: Vec<&str> = self.places.iter().map(String::as_str).collect();
            write!(f, "\nof {}", places.join(", "))?;
        }
        Ok(())
    }
}
