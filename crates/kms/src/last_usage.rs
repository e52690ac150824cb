//! # When a key was last used
//! A pure function of the records: the last successful cryptographic operation on each key, with the ids by which it is found
//! again. A follower keeps up with the log and writes down what it saw now and then; a question looks at what was written, at
//! what was seen since, and at what the follower has not seen yet, so the answer is exact at once.
//!
//! **Invariants:** the stored position never runs ahead of the stored usages; refused calls and dry runs are no usage.
//! Source: API reference, `GetKeyLastUsage`. **Not here:** records of other accounts that were imported.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_api::kms::KEY_USES;
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
        for entry in entries {
            note(&mut recent.usages, entry);
        }
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
            for entry in &entries {
                note(&mut later, entry);
            }
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

fn note(usages: &mut HashMap<String, Usage>, entry: &LogEntry) {
    if entry.kind != EntryKind::Record {
        return;
    }
    if let Some((usage, rows)) = usage_of(&entry.bytes) {
        for row in rows {
            usages.insert(row, usage.clone());
        }
    }
}

/// The members of a record that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_source: String,
    event_name: String,
    event_time: Timestamp,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(default, rename = "requestID")]
    request_id: Option<String>,
    #[serde(default)]
    resources: Option<Vec<Resource>>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "ARN")]
    arn: String,
}

/// The usage a record tells of, and the rows of the keys it is one of.
fn usage_of(record: &[u8]) -> Option<(Usage, Vec<String>)> {
    let record: Record = serde_json::from_slice(record).ok()?;
    let counts = record.event_source == "kms.amazonaws.com"
        && record.error_code.is_none()
        && KEY_USES.contains(&record.event_name.as_str());
    if !counts {
        return None;
    }
    let rows =
        record.resources.unwrap_or_default().iter().filter_map(|resource| row_of(&resource.arn)).collect();
    let usage = Usage {
        operation: record.event_name,
        at: record.event_time,
        event_id: record.event_id,
        request_id: record.request_id.unwrap_or_default(),
    };
    Some((usage, rows))
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
        let got = usage_of(record(name, error, arns).as_bytes()).map(|(_, rows)| rows);
        assert_eq!(got, want.map(|rows| rows.iter().map(|row| (*row).to_owned()).collect()), "{name}");
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
        assert_eq!(usage_of(b"{}"), None);
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
