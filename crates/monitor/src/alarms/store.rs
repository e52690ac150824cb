//! # Where alarms and their history are kept
//! An alarm is a row under account, Region and name. A **history item** is a row whose key falls as time rises, so that a scan
//! gives the newest first.
//! **Not here:** what a change writes (`change.rs`).

use jiff::{SignedDuration, Timestamp};
use keywatch_api::cloudwatch::{HistoryItemType, StateValue};
use keywatch_store::{CommitError, Kind, Scan, Store, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::alarm::Alarm;

/// Key = account / Region / name.
pub const ALARM: Kind = Kind("cloudwatch.alarm");
/// Key = account / Region / time counted down / id.
pub const HISTORY: Kind = Kind("cloudwatch.alarm-history");
/// History is kept this long, also that of deleted alarms.
///
/// Source: CloudWatch API Reference, `DescribeAlarmHistory`.
pub const HISTORY_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Alarms of one account and Region at most; AWS has no such limit per Region, memory has.
pub const ALARMS_MAX: usize = 100_000;

impl Versioned for Alarm {
    const MARKER: &'static str = "cloudwatch.alarm/1";
}

/// Something that happened to an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryItem {
    pub alarm: String,
    pub at: Timestamp,
    pub kind: HistoryItemType,
    pub summary: String,
    /// JSON text.
    pub data: String,
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

/// Every alarm, for whoever evaluates them all, by pages.
pub async fn all_alarms(store: &Store) -> Result<Vec<(String, u64, Alarm)>, StoreError> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let rows = store.scan(ALARM, Scan { prefix: "", after: after.as_deref(), limit: 1_000 }).await?;
        let Some(last) = rows.last() else { return Ok(all) };
        after = Some(last.key.clone());
        for row in rows {
            all.push((row.key, row.version, keywatch_store::decode(&row.bytes)?));
        }
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
        let rows = store.scan(HISTORY, Scan { prefix: &prefix, after: Some(&after), limit: 10_000 }).await?;
        let mut transaction = Transaction::new(store);
        for row in &rows {
            transaction.delete(HISTORY, &row.key);
        }
        gone += rows.len();
        if !rows.is_empty() {
            match transaction.commit().await {
                // Whoever deleted the same rows meanwhile did the work.
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error),
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
