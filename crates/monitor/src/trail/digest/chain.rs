//! What is stored of a chain, and when its next digest ends. Pure.

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use super::document::{ListedFile, Numbers};

/// Chains, under [`chain_key`].
pub(crate) const CHAIN: Kind = Kind("trail.chain");
/// Log files that no digest lists yet, under [`file_key`].
pub(crate) const DIGEST_FILE: Kind = Kind("trail.chain.file");
/// AWS: "every hour".
const PERIOD: SignedDuration = SignedDuration::from_hours(1);

/// Where the chain of a trail in one Region stands. It outlives the trail, so that a later one of the same name goes on with its
/// numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainRecord {
    /// When the trail whose files are digested started logging; absent while none are.
    pub(crate) session: Option<Timestamp>,
    /// Where the time that the next digest covers begins, a whole second.
    pub(crate) since: Timestamp,
    /// The digest that the next one names; absent before a starting digest.
    pub(crate) previous: Option<Previous>,
    /// Numbers given so far; those of files and records go beyond what is digested.
    pub(crate) digests: u64,
    pub(crate) files: u64,
    pub(crate) records: u64,
    /// The head of the newest digest, its signature, and whose it is.
    pub(crate) head: Option<String>,
}

/// A digest as the next one names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Previous {
    pub(crate) bucket: String,
    pub(crate) object: String,
    pub(crate) hash: String,
    pub(crate) signature: String,
}

impl Versioned for ChainRecord {
    const MARKER: &'static str = "trail.chain/1";
}

/// A log file that waits for its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) listed: ListedFile,
}

impl Versioned for FileRecord {
    const MARKER: &'static str = "trail.chain.file/1";
}

/// The row of a chain: that of its trail, and the Region.
pub(crate) fn chain_key(trail_row: &str, region: &str) -> String {
    format!("{trail_row}/{region}")
}

/// The row of a file; rows come in the order of their numbers.
pub(crate) fn file_key(chain: &str, number: u64) -> String {
    format!("{chain}/{number:020}")
}

impl ChainRecord {
    /// When the next digest is due.
    pub(crate) fn due(&self) -> Timestamp {
        self.since + PERIOD
    }

    /// The numbers of the next file, which holds so many records.
    pub(crate) fn number(&mut self, records: u64) -> Numbers {
        let first_record = self.records + 1;
        self.files += 1;
        self.records += records;
        Numbers { file: self.files, first_record, last_record: self.records }
    }
}

/// Where the digest that is made at `now` ends, if one is due. Hours that a stopped server missed and in which nothing was
/// delivered share one digest; a chain that `ends` has its last one at once.
pub(crate) fn period_end(since: Timestamp, now: Timestamp, has_files: bool, ends: bool) -> Option<Timestamp> {
    let hour = since + PERIOD;
    if ends {
        return Some(whole_second(now).max(since));
    }
    if now < hour {
        return None;
    }
    let hours = now.duration_since(since).as_hours();
    Some(if has_files { hour } else { since + SignedDuration::from_hours(hours) })
}

/// The second that a time lies in.
pub(crate) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_digests_end() {
        check("08:00:01", "08:59:00", true, false, None);
        check("08:00:01", "09:00:00.9", true, false, None);
        check("08:00:01", "09:00:01", false, false, Some("09:00:01"));
        check("08:00:01", "09:59:59", true, false, Some("09:00:01"));
        check("08:00:01", "11:30:00", true, false, Some("09:00:01"));
        check("08:00:01", "11:30:00", false, false, Some("11:00:01"));
        check("08:00:01", "08:10:00.7", true, true, Some("08:10:00"));
        check("08:00:01", "08:00:00.5", true, true, Some("08:00:01"));

        #[track_caller]
        fn check(since: &str, now: &str, has_files: bool, ends: bool, want: Option<&str>) {
            let time = |text: &str| format!("2026-11-02T{text}Z").parse::<Timestamp>().unwrap();
            assert_eq!(period_end(time(since), time(now), has_files, ends), want.map(time));
        }
    }

    #[test]
    fn files_and_records_are_numbered_without_gaps() {
        let mut chain = ChainRecord::default();
        assert_eq!(chain.number(3), Numbers { file: 1, first_record: 1, last_record: 3 });
        assert_eq!(chain.number(1), Numbers { file: 2, first_record: 4, last_record: 4 });
        let key = chain_key("000000000000/us-east-1/t", "eu-west-1");
        assert_eq!(file_key(&key, 2), "000000000000/us-east-1/t/eu-west-1/00000000000000000002");
    }
}
