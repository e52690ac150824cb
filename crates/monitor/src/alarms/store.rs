//! # Where alarms and their history are kept
//! An alarm is a row under account, Region and name. A **history item** is a row whose key falls as time rises, so that a scan
//! gives the newest first.
//! **Not here:** what a change writes (`change.rs`).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::cloudwatch::{AlarmType, HistoryItemType, StateValue};
use keywatch_store::{CommitError, Kind, Row, Scan, Store, StoreError, Stored, Transaction, Versioned};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{alarm::Alarm, v1};

/// Key = account / Region / name.
pub const ALARM: Kind = Kind("cloudwatch.alarm");
/// Key = account / Region / time counted down / id.
pub const HISTORY: Kind = Kind("cloudwatch.alarm-history");
/// History is kept this long, also that of deleted alarms.
///
/// Source: CloudWatch API Reference, `DescribeAlarmHistory`.
pub const HISTORY_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Items of history that are deleted in one commit.
const FORGOTTEN_AT_ONCE: usize = 5_000;
/// Alarms of one account and Region at most; AWS has no such limit per Region, memory has.
pub const ALARMS_MAX: usize = 100_000;

impl Versioned for Alarm {
    const MARKER: &'static str = "cloudwatch.alarm/2";

    fn upgrade(older: Stored<'_>) -> Result<Self, StoreError> {
        older.decode::<v1::Alarm>().map(Self::from)
    }
}

/// Something that happened to an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryItem {
    pub alarm: String,
    #[serde(default = "metric_alarm")]
    pub alarm_type: AlarmType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<ContributorRef>,
    pub at: Timestamp,
    pub kind: HistoryItemType,
    pub summary: String,
    /// JSON text.
    pub data: String,
}

/// The contributor that an item is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContributorRef {
    pub id: String,
    pub attributes: BTreeMap<String, String>,
}

/// The only type there was before items named theirs.
fn metric_alarm() -> AlarmType {
    AlarmType::MetricAlarm
}

impl Versioned for HistoryItem {
    const MARKER: &'static str = "cloudwatch.alarm-history/1";
}

/// `000000000000/us-east-1/name`
pub fn alarm_key(partition: &str, name: &str) -> String {
    format!("{partition}/{name}")
}

/// A key that no other item has; of two items the newer has the lesser key, and of one moment the effect the lesser than the cause.
pub fn history_key(partition: &str, at: Timestamp, kind: HistoryItemType, id: Uuid) -> String {
    let rank = match kind {
        HistoryItemType::Action | HistoryItemType::AlarmContributorAction => 0,
        HistoryItemType::StateUpdate | HistoryItemType::AlarmContributorStateUpdate => 1,
        HistoryItemType::ConfigurationUpdate => 2,
    };
    format!("{}/{rank}/{}", history_prefix(partition, at), id.simple())
}

/// All items at `at` have this prefix, and all newer ones lesser keys.
pub fn history_prefix(partition: &str, at: Timestamp) -> String {
    let countdown = i64::MAX - at.as_millisecond();
    format!("{partition}/{countdown:019}")
}

/// The rows of a kind, of every account and Region, by pages.
pub async fn all_rows(store: &Store, kind: Kind) -> Result<Vec<Row>, StoreError> {
    let mut all: Vec<Row> = Vec::new();
    loop {
        let after = all.last().map(|row| row.key.clone());
        let rows = store.scan(kind, Scan { prefix: "", after: after.as_deref(), limit: 1_000 }).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        all.extend(rows);
    }
}

/// Deletes history past its keeping. Looks at rows of one account and Region at a time; returns how many went.
pub async fn forget_old_history(
    store: &Store,
    now: Timestamp,
    partitions: &[String],
) -> Result<usize, StoreError> {
    let Ok(oldest) = now.checked_sub(HISTORY_KEPT) else { return Ok(0) };
    let mut gone = 0;
    for partition in partitions {
        let after = history_prefix(partition, oldest);
        let prefix = format!("{partition}/");
        loop {
            let scan = Scan { prefix: &prefix, after: Some(&after), limit: FORGOTTEN_AT_ONCE };
            let rows = store.scan(HISTORY, scan).await?;
            if rows.is_empty() {
                break;
            }
            let mut transaction = Transaction::new(store);
            for row in &rows {
                transaction.delete(HISTORY, &row.key);
            }
            match transaction.commit().await {
                // Whoever deleted the same rows meanwhile did the work.
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
            gone += rows.len();
            if rows.len() < FORGOTTEN_AT_ONCE {
                break;
            }
        }
    }
    Ok(gone)
}

/// `Alarm updated from OK to ALARM`
pub fn state_summary(old: StateValue, new: StateValue) -> String {
    format!("Alarm updated from {old} to {new}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_items_come_first() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let old =
            history_key("p", at("2026-01-01T00:00:00Z"), HistoryItemType::StateUpdate, Uuid::from_u128(1));
        let new = history_key(
            "p",
            at("2026-01-01T00:00:00.001Z"),
            HistoryItemType::StateUpdate,
            Uuid::from_u128(2),
        );
        let effect =
            history_key("p", at("2026-01-01T00:00:00Z"), HistoryItemType::Action, Uuid::from_u128(3));
        assert!(new < effect && effect < old);
        assert!(history_prefix("p", at("2025-12-31T00:00:00Z")) > old);
        assert!(old > history_prefix("p", at("2026-01-01T00:00:00Z")));
    }
}
