//! What is stored of sources. Rows of a source's work begin with its id, which a source of the same name made later does not share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::AccountId;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use super::layout::object_tail;
use super::listed::CONTRADICTED;
use super::location::Location;
use crate::trail::verify::DigestFile;

/// Settings, under [`source_key`].
pub(in super::super) const SOURCE: Kind = Kind("import.source");
/// When the next poll is due and how the last one went, under the same key.
pub(in super::super) const SCHEDULE: Kind = Kind("import.source.schedule");
/// What came of all polls, under the source's id.
pub(in super::super) const PROGRESS: Kind = Kind("import.source.progress");
/// Where each folder of a bucket was read to, under [`part_key`].
pub(in super::super) const CURSOR: Kind = Kind("import.source.cursor");
/// Files of a directory that were read, under [`part_key`]: empty rows.
pub(super) const SEEN: Kind = Kind("import.source.seen");
/// Log files that a digest names, or that wait for theirs, under [`part_key`].
pub(super) const LISTED: Kind = Kind("import.source.listed");
/// The newest digest of each chain, under [`part_key`].
pub(super) const CHAIN: Kind = Kind("import.source.chain");
/// Ids of sources that were deleted and whose rows are still to be removed: empty rows.
pub(in super::super) const GONE: Kind = Kind("import.source.gone");

/// Findings kept of a source.
const FINDINGS_MAX: usize = 50;
/// Accounts and Regions counted apart; records of further ones are counted in sum.
const PLACES_MAX: usize = 2_000;
const FINDING_BYTES_MAX: usize = 1_024;
/// When a source that is polled once is polled again.
pub(in super::super) const NEVER: Timestamp = Timestamp::MAX;
/// The longest wait after failures.
const BACKOFF_MAX: SignedDuration = SignedDuration::from_hours(1);
const BACKOFF_DOUBLINGS_MAX: u32 = 12;

/// Rows of an account's sources begin so.
pub(in super::super) fn account_prefix(account: &AccountId) -> String {
    format!("{}/", account.as_str())
}

pub(in super::super) fn source_key(account: &AccountId, name: &str) -> String {
    format!("{}/{name}", account.as_str())
}

/// A row of a source's work.
pub(in super::super) fn part_key(id: &str, part: &str) -> String {
    format!("{id}/{part}")
}

/// A source as it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct SourceRecord {
    /// A UUID.
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) account: AccountId,
    pub(in super::super) location: Location,
    pub(in super::super) endpoint: Option<String>,
    pub(in super::super) region: Option<String>,
    pub(in super::super) access_key_id: Option<String>,
    /// Secret access key and session token, sealed, in base64.
    pub(in super::super) sealed: Option<String>,
    pub(in super::super) queue_url: Option<String>,
    pub(in super::super) poll_seconds: i64,
    pub(in super::super) look_back_seconds: i64,
    pub(in super::super) validate_digests: bool,
    pub(in super::super) fetch_public_keys: bool,
    /// PKCS#1 in base64.
    pub(in super::super) public_keys: Vec<String>,
    pub(in super::super) created: Timestamp,
    pub(in super::super) created_by: String,
    /// Polled once, and not again before it is asked for anew.
    #[serde(default)]
    pub(in super::super) once: bool,
}

impl Versioned for SourceRecord {
    const MARKER: &'static str = "import.source/1";
}

impl SourceRecord {
    pub(in super::super) fn key(&self) -> String {
        source_key(&self.account, &self.name)
    }

    pub(super) fn look_back(&self) -> SignedDuration {
        SignedDuration::from_secs(self.look_back_seconds)
    }

    /// The Region that requests are signed for when nothing says otherwise.
    pub(super) fn region(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }
}

/// When polls are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct ScheduleRecord {
    pub(in super::super) due: Timestamp,
    pub(in super::super) last_poll: Option<Timestamp>,
    pub(in super::super) last_success: Option<Timestamp>,
    pub(in super::super) last_error: Option<String>,
    pub(in super::super) failures: u32,
}

impl Versioned for ScheduleRecord {
    const MARKER: &'static str = "import.source.schedule/1";
}

impl ScheduleRecord {
    pub(in super::super) fn first(now: Timestamp) -> Self {
        Self { due: now, last_poll: None, last_success: None, last_error: None, failures: 0 }
    }

    /// After a poll that ended at `now`, well or with `error`: failures double the wait, up to an hour. Without `every` it was the only one.
    pub(super) fn after(self, now: Timestamp, every: Option<SignedDuration>, error: Option<String>) -> Self {
        let failures = if error.is_some() { self.failures.saturating_add(1) } else { 0 };
        let wait = |every: SignedDuration| {
            let doubled = every * 2_i32.pow(failures.min(BACKOFF_DOUBLINGS_MAX));
            doubled.min(BACKOFF_MAX.max(every))
        };
        Self {
            due: every.map_or(NEVER, |every| now + wait(every)),
            last_poll: Some(now),
            last_success: if error.is_none() { Some(now) } else { self.last_success },
            last_error: error.map(|text| shortened(&text)),
            failures,
        }
    }
}

/// Counts; see `ImportSourceDescription`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in super::super) struct ProgressRecord {
    pub(in super::super) files: u64,
    pub(in super::super) refused: u64,
    pub(in super::super) unusable: u64,
    pub(in super::super) records: u64,
    pub(in super::super) imported: u64,
    pub(in super::super) duplicates: u64,
    pub(in super::super) skipped: u64,
    pub(in super::super) notices: u64,
    pub(in super::super) malformed: u64,
    pub(in super::super) digests_valid: u64,
    pub(in super::super) digests_invalid: u64,
    pub(in super::super) digests_unproven: u64,
    pub(in super::super) digests_missing: u64,
    pub(in super::super) files_matching: u64,
    pub(in super::super) files_changed: u64,
    pub(in super::super) files_missing: u64,
    /// Files that came, or were replaced, after they were told of.
    #[serde(default)]
    pub(in super::super) restored: u64,
    /// By `account/region`.
    pub(in super::super) places: BTreeMap<String, PlaceCount>,
    pub(in super::super) findings: VecDeque<FindingRecord>,
    /// Those of this transaction.
    #[serde(skip)]
    pub(super) fresh: VecDeque<FindingRecord>,
    /// Public keys that the source's CloudTrail named, PKCS#1 in base64.
    pub(in super::super) fetched_keys: BTreeSet<String>,
}

impl Versioned for ProgressRecord {
    const MARKER: &'static str = "import.source.progress/1";
}

/// Records of one account and Region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct PlaceCount {
    pub(in super::super) imported: u64,
    pub(in super::super) duplicates: u64,
    pub(in super::super) first: Timestamp,
    pub(in super::super) last: Timestamp,
}

/// Something wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct FindingRecord {
    pub(in super::super) time: Timestamp,
    pub(in super::super) place: String,
    pub(in super::super) reason: String,
}

impl ProgressRecord {
    /// Notes a finding, the newest first.
    pub(super) fn find(&mut self, time: Timestamp, place: &str, reason: &str) {
        let finding = FindingRecord { time, place: shortened(place), reason: shortened(reason) };
        self.fresh.push_back(finding.clone());
        self.fresh.truncate(FINDINGS_MAX);
        self.findings.push_front(finding);
        self.findings.truncate(FINDINGS_MAX);
    }

    /// Takes back what was found of a file that is now as its digest says; what was imported of it before stays contradicted.
    pub(super) fn settle(&mut self, name: &str) {
        let name = shortened(name);
        let is_over = |finding: &FindingRecord| {
            object_tail(&finding.place) == object_tail(&name) && !finding.reason.starts_with(CONTRADICTED)
        };
        self.findings.retain(|finding| !is_over(finding));
    }

    /// Counts a record of a place.
    pub(super) fn see(&mut self, place: &str, time: Timestamp, is_new: bool) {
        if !self.places.contains_key(place) && self.places.len() >= PLACES_MAX {
            return;
        }
        let fresh = PlaceCount { imported: 0, duplicates: 0, first: time, last: time };
        let count = self.places.entry(place.to_owned()).or_insert(fresh);
        if is_new {
            count.imported += 1;
        } else {
            count.duplicates += 1;
        }
        count.first = count.first.min(time);
        count.last = count.last.max(time);
    }
}

/// Where a folder was read to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct CursorRecord {
    /// The newest time in a name.
    pub(in super::super) newest: Option<Timestamp>,
    /// Keys within the look-back that were read, without the folder.
    pub(super) recent: BTreeSet<String>,
}

impl Versioned for CursorRecord {
    const MARKER: &'static str = "import.source.cursor/1";
}

/// A log file, seen from its digest or from its import, whichever came first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ListedRecord {
    /// A digest names it with this hash, and it was not taken in; whether it is told of as missing, refused, unusable or contradicted,
    /// and the tag of the object that was none of it.
    Named {
        hash: String,
        since: Timestamp,
        told: bool,
        #[serde(default)]
        not_taken: Option<String>,
    },
    /// Imported with this hash; it brought so many new records.
    Imported {
        hash: String,
        since: Timestamp,
        #[serde(default)]
        tag: Option<String>,
        #[serde(default)]
        records: u64,
    },
}

impl Versioned for ListedRecord {
    const MARKER: &'static str = "import.source.listed/1";
}

/// The newest digest of a chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChainRecord {
    pub(super) newest: DigestFile,
}

impl Versioned for ChainRecord {
    const MARKER: &'static str = "import.source.chain/1";
}

/// The beginning of a text that is longer than is kept.
fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(FINDING_BYTES_MAX.min(text.len()))].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_double_the_wait_up_to_an_hour() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let every = SignedDuration::from_secs(60);
        let mut schedule = ScheduleRecord::first(now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            schedule = schedule.after(now, Some(every), Some("gone".into()));
            waits.push(schedule.due.duration_since(now).as_secs());
        }
        assert_eq!(waits, [120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!((schedule.failures, schedule.last_error.as_deref()), (8, Some("gone")));
        let well = schedule.after(now, Some(every), None);
        assert_eq!((well.failures, well.last_error, well.due), (0, None, now + every));
        let rare =
            ScheduleRecord::first(now).after(now, Some(SignedDuration::from_hours(5)), Some("gone".into()));
        assert_eq!(rare.due, now + SignedDuration::from_hours(5), "never sooner than without failures");
        for error in [None, Some("gone".to_owned())] {
            assert_eq!(ScheduleRecord::first(now).after(now, None, error).due, NEVER, "once");
        }
    }

    #[test]
    fn old_findings_are_forgotten() {
        let mut progress = ProgressRecord::default();
        for number in 0..80 {
            progress.find(Timestamp::UNIX_EPOCH, &number.to_string(), &"é".repeat(2_000));
        }
        assert_eq!(progress.findings.len(), FINDINGS_MAX);
        assert_eq!(progress.findings[0].place, "79");
        assert!(progress.findings.iter().all(|finding| finding.reason.len() <= FINDING_BYTES_MAX));
    }

    #[test]
    fn a_file_that_came_is_no_finding_any_more() {
        let mut progress = ProgressRecord::default();
        let contradicted = format!("{CONTRADICTED}: 3 records");
        for (place, reason) in [
            ("AWSLogs/a", "missing"),
            ("p/AWSLogs/a", "refused"),
            ("p/AWSLogs/a", &contradicted),
            ("p/AWSLogs/b", "refused"),
        ] {
            progress.find(Timestamp::UNIX_EPOCH, place, reason);
        }
        progress.settle("p/AWSLogs/a");
        let left: Vec<&str> = progress.findings.iter().map(|finding| &*finding.reason).collect();
        assert_eq!(left, ["refused", &contradicted]);
    }
}
