//! # When a key was last used
//! A pure function of the records: the last successful cryptographic operation on each key, with the ids by which it is found
//! again. A follower keeps up with the log and writes down what it saw now and then; a question looks at what was written, at
//! what was seen since, and at what the follower has not seen yet, so the answer is exact at once.
//!
//! **Invariants:** the stored position never runs ahead of the stored usages; refused calls and dry runs are no usage.
//! Source: API reference, `GetKeyLastUsage`. **Not here:** records of other accounts that were imported.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_api::kms::KEY_USES;
use keywatch_iam::record::OwnRecord;
use keywatch_store::{Batch, EntryKind, Kind, LogEntry, Seq, Store, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

use crate::error::KmsError;
use crate::key::Key;

mod follower;

pub use follower::KeyUsageFollower;

/// Last usages: `account/region/id`.
pub(crate) const LAST_USAGES: Kind = Kind("kms.last_usage");
/// Bytes of the log that are read at once.
const LOG_BYTES: usize = 4 << 20;
const SECONDS_A_DAY: i64 = 86_400;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) operation: String,
    /// Whole seconds, as its record has it.
    pub(crate) at: Timestamp,
    pub(crate) event_id: String,
    pub(crate) request_id: String,
}

impl Versioned for Usage {
    const MARKER: &'static str = "kms.last_usage/1";
}

/// What the follower saw and has not written down.
#[derive(Debug, Default)]
pub(crate) struct LastUsages(Mutex<Recent>);

#[derive(Clone, Debug, Default)]
struct Recent {
    /// All entries up to this one were seen.
    position: Seq,
    /// By `account/region/id`.
    usages: HashMap<String, Usage>,
}

impl LastUsages {
    /// A panic elsewhere leaves at worst an older usage, which the next one replaces.
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in entries that follow those already seen.
    fn apply(&self, entries: &[LogEntry]) {
        let mut recent = self.recent();
        note(&mut recent.usages, entries);
        if let Some(last) = entries.last() {
            recent.position = recent.position.max(last.seq);
        }
    }

    /// The last usage of `key` as of now; `None` when it was never used.
    pub(crate) async fn of(&self, store: &Store, key: &Key) -> Result<Option<Usage>, KmsError> {
        let row = key.row();
        let head = store.head();
        let (mut position, mut usage) = {
            let recent = self.recent();
            (recent.position, recent.usages.get(&row).cloned())
        };
        if usage.is_none() {
            let stored = store.get(LAST_USAGES, &row).await?;
            usage = stored.map(|stored| decode(&stored.bytes)).transpose()?;
        }
        let mut later = HashMap::new();
        while position < head {
            let entries = store.read_log(position, LOG_BYTES).await?;
            let Some(last) = entries.last() else { break };
            position = last.seq;
            note(&mut later, &entries);
        }
        let usage = later.remove(&row).or(usage);
        // A key of the same id that was here before is not this one.
        Ok(usage.filter(|usage| usage.at.as_second() >= key.created.as_second()))
    }

    /// What was seen, as rows, with the position they stand for.
    fn batch(&self) -> Result<(Batch, Recent), StoreError> {
        let recent = self.recent().clone();
        let mut batch = Batch::default();
        for (row, usage) in &recent.usages {
            batch.puts.push((LAST_USAGES, row.clone(), encode(usage)?));
        }
        Ok((batch, recent))
    }

    /// Forgets what is written now, but not what was seen since.
    fn written(&self, written: &Recent) {
        let mut recent = self.recent();
        recent.usages.retain(|row, usage| written.usages.get(row) != Some(usage));
    }
}

/// Whole days without a use of a key that was created then and last used then.
pub(crate) fn days_without(used: Option<Timestamp>, created: Timestamp, now: Timestamp) -> i64 {
    let since = used.unwrap_or(created);
    (now.as_second() - since.as_second()).max(0) / SECONDS_A_DAY
}

/// Notes the last usage of each key, so that of many usages of one only one is copied.
fn note(usages: &mut HashMap<String, Usage>, entries: &[LogEntry]) {
    let mut noted: HashSet<String> = HashSet::new();
    for entry in entries.iter().rev().filter(|entry| entry.kind == EntryKind::Record) {
        let Some(record) = Record::read(&entry.bytes) else { continue };
        for Resource { arn } in &record.resources {
            if noted.contains(&**arn) {
                continue;
            }
            noted.insert(arn.to_string());
            if let (Some(row), Some(usage)) = (row_of(arn), record.usage()) {
                usages.insert(row, usage);
            }
        }
    }
}

/// The members that matter here of the record of a usage.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    event_source: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow)]
    event_time: Cow<'a, str>,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(borrow, rename = "eventID")]
    event_id: Cow<'a, str>,
    #[serde(borrow, default, rename = "requestID")]
    request_id: Cow<'a, str>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, rename = "ARN")]
    arn: Cow<'a, str>,
}

impl<'a> Record<'a> {
    /// Reads the record of a successful use of keys; `None` for others.
    fn read(record: &'a [u8]) -> Option<Self> {
        let counts = |source: &str, name: &str, failed: bool| {
            !failed && source == "kms.amazonaws.com" && KEY_USES.contains(&name)
        };
        let Some(own) = OwnRecord::of(record) else {
            let record: Self = serde_json::from_slice(record).ok()?;
            let failed = record.error_code.is_some();
            return counts(&record.event_source, &record.event_name, failed).then_some(record);
        };
        if !counts(own.event_source, own.event_name, own.failed) {
            return None;
        }
        Some(Self {
            event_source: own.event_source.into(),
            event_name: own.event_name.into(),
            event_time: own.event_time.into(),
            error_code: None,
            event_id: own.event_id.into(),
            request_id: own.request_id.into(),
            resources: own.resource_arns().map(|arn| Resource { arn: arn.into() }).collect(),
        })
    }

    fn usage(&self) -> Option<Usage> {
        Some(Usage {
            operation: self.event_name.to_string(),
            at: self.event_time.parse().ok()?,
            event_id: self.event_id.to_string(),
            request_id: self.request_id.to_string(),
        })
    }
}

fn row_of(arn: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    let id = arn.resource.strip_prefix("key/")?;
    Some(format!("{}/{}/{id}", arn.account, arn.region))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, error: &str, arns: &[&str]) -> String {
        let resources: Vec<String> = arns.iter().map(|arn| format!("{{\"ARN\":\"{arn}\"}}")).collect();
        format!(
            r#"{{"eventSource":"kms.amazonaws.com","eventName":"{name}","eventTime":"2026-11-22T10:00:00Z",{error}"eventID":"e","requestID":"r","resources":[{}]}}"#,
            resources.join(",")
        )
    }

    #[track_caller]
    fn check(name: &str, error: &str, arns: &[&str], want: Option<&[&str]>) {
        let record = record(name, error, arns);
        let rows = Record::read(record.as_bytes()).map(|record| {
            record.resources.iter().filter_map(|resource| row_of(&resource.arn)).collect::<Vec<_>>()
        });
        let want = want.map(|rows| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>());
        assert_eq!(rows, want, "{name}");
    }

    const ONE: &str = "arn:aws:kms:eu-west-1:111122223333:key/k1";
    const TWO: &str = "arn:aws:kms:eu-west-1:111122223333:key/k2";

    #[test]
    fn what_counts_as_usage() {
        check("Encrypt", "", &[ONE], Some(&["111122223333/eu-west-1/k1"]));
        check(
            "ReEncrypt",
            "",
            &[ONE, TWO],
            Some(&["111122223333/eu-west-1/k1", "111122223333/eu-west-1/k2"]),
        );
        check("Encrypt", r#""errorCode":"AccessDenied","#, &[ONE], None);
        check("DescribeKey", "", &[ONE], None);
        check("GenerateRandom", "", &[], None);
        check("Sign", "", &["arn:aws:kms:eu-west-1:111122223333:alias/a"], Some(&[]));
        assert!(Record::read(b"{}").is_none());
    }

    #[test]
    fn days_are_whole() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (created, now) = (at("2026-11-01T12:00:00Z"), at("2026-11-11T11:59:59Z"));
        assert_eq!(days_without(None, created, now), 9);
        assert_eq!(days_without(Some(at("2026-11-10T12:00:00Z")), created, now), 0);
        assert_eq!(days_without(Some(now), created, at("2026-11-11T00:00:00Z")), 0);
    }
}
