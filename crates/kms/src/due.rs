//! # What falls due by the clock
//! Scheduled deletions, expiring imported material and automatic rotations: found through an index ordered by time, done one
//! key at a time, each in one batch with its record of type `AwsServiceEvent`.
//!
//! **Invariant:** what is due of a key is a pure function of the key ([`next`], [`act`]); a missed wake-up costs time and never
//! correctness. **Not here:** when to look (`keywatch_monitor::engine`).

mod delete_key;
mod expire_material;
pub(crate) mod rotate_key;
mod service_record;
mod settle;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywatch_monitor::engine::Follower;
use keywatch_store::{CommitError, LogEntry, Scan, Seq, Store, StoreError, Transaction};

pub(crate) use service_record::append_service_record;

use crate::Kms;
use crate::error::KmsError;
use crate::key::{KEYS, Key, State};
use crate::rows::{self, DUE};

/// Due rows taken at once.
const DUE_ROWS: usize = 100;
/// Tries at one key before the engine is told, which will come back.
const TRIES_MAX: u32 = 16;

/// What is done to a key because of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DueAct {
    Delete,
    /// The id of a material.
    Expire(String),
    Rotate,
    /// A replica is there, or the primary has moved.
    Settle,
}

/// The moment `days` days of 24 hours after `from`.
pub(crate) fn days_after(from: Timestamp, days: i32) -> Timestamp {
    from.checked_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}

/// When something is next due of `key`.
pub(crate) fn next(key: &Key) -> Option<Timestamp> {
    let expiry = key.materials.iter().filter_map(|material| material.expiry()).min();
    let other = match key.state {
        State::PendingDeletion { due } => Some(due),
        State::Creating { until } | State::Updating { until } => Some(until),
        // A key that is disabled keeps its plan and is rotated as soon as it is enabled.
        State::Enabled => key.own_rotation().map(|rotation| rotation.next),
        State::Disabled | State::PendingImport | State::PendingReplicaDeletion { .. } => None,
    };
    [expiry, other].into_iter().flatten().min()
}

/// What is due of `key` by `now`, first things first.
pub(crate) fn act(key: &Key, now: Timestamp) -> Option<DueAct> {
    match key.state {
        State::PendingDeletion { due } if due <= now => return Some(DueAct::Delete),
        State::Creating { until } | State::Updating { until } if until <= now => return Some(DueAct::Settle),
        _ => {}
    }
    if let Some(expired) = key.expired_material(now) {
        return Some(DueAct::Expire(expired.id.clone()));
    }
    let rotates =
        key.state == State::Enabled && key.own_rotation().is_some_and(|rotation| rotation.next <= now);
    rotates.then_some(DueAct::Rotate)
}

/// The follower `kms.due`: takes nothing in, and does what is due.
#[derive(Debug)]
pub struct DueKeys {
    store: Store,
    kms: Arc<Kms>,
    position: Seq,
    /// The generation of [`DUE`] that was looked at, and the first moment in it.
    looked: Option<(u64, Option<Timestamp>)>,
}

impl DueKeys {
    pub fn new(store: Store, kms: Arc<Kms>) -> Self {
        // Nothing is derived from the log, so there is nothing to catch up with.
        let position = store.head();
        DueKeys { store, kms, position, looked: None }
    }

    async fn first_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let generation = self.store.generation(DUE);
        if let Some((looked, first)) = self.looked
            && looked == generation
        {
            return Ok(first);
        }
        let rows = self.store.scan(DUE, Scan { prefix: "", after: None, limit: 1 }).await?;
        let first = match rows.first() {
            Some(row) => Some(split(&row.key)?.0),
            None => None,
        };
        self.looked = Some((generation, first));
        Ok(first)
    }

    async fn do_due(&mut self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let rows = self.store.scan(DUE, Scan { prefix: "", after: None, limit: DUE_ROWS }).await?;
            let mut done = false;
            for row in &rows {
                let (due, key) = split(&row.key)?;
                if due > now {
                    return Ok(());
                }
                self.settle_key(&row.key, key, now).await?;
                done = true;
            }
            if !done {
                return Ok(());
            }
        }
    }

    /// Does the first thing due of one key; what else is due of it has a new row in the index.
    async fn settle_key(&self, due_row: &str, key_row: &str, now: Timestamp) -> Result<(), StoreError> {
        for _ in 0..TRIES_MAX {
            let mut tx = Transaction::new(&self.store);
            let done = step(&mut tx, &self.kms, due_row, key_row, now).await;
            let done =
                done.map_err(|error| StoreError::corrupt(format!("the due key {key_row}: {error}")))?;
            match tx.commit().await {
                Ok(_) => {
                    log(key_row, done.as_ref());
                    return Ok(());
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
        // Somebody keeps changing the key; the row is still there and is taken up again.
        Ok(())
    }
}

fn split(row: &str) -> Result<(Timestamp, &str), StoreError> {
    rows::split_due_row(row).ok_or_else(|| StoreError::corrupt(format!("the due row {row}")))
}

async fn step(
    tx: &mut Transaction<'_>,
    kms: &Kms,
    due_row: &str,
    key_row: &str,
    now: Timestamp,
) -> Result<Option<DueAct>, KmsError> {
    let key = tx.get::<Key>(KEYS, key_row).await?;
    let Some(key) = key.filter(|key| rows::due_row(key).as_deref() == Some(due_row)) else {
        // The key moved on between the look at the index and now.
        tx.require_unchanged(KEYS, key_row);
        tx.delete(DUE, due_row);
        return Ok(None);
    };
    let due = act(&key, now);
    match &due {
        Some(DueAct::Delete) => {
            let gone = delete_key::delete_key(tx, &key, now).await?;
            // While it is not, its row in the index is still there, and the rest follows at once.
            return Ok(due.filter(|_| gone));
        }
        Some(DueAct::Expire(material)) => expire_material::expire_material(tx, key, material, now)?,
        Some(DueAct::Rotate) => rotate_key::rotate_key(tx, kms, key, now).await?,
        Some(DueAct::Settle) => settle::settle(tx, key, now)?,
        None => {}
    }
    Ok(due)
}

fn log(key_row: &str, done: Option<&DueAct>) {
    let id = key_row.rsplit('/').next().unwrap_or(key_row);
    match done {
        Some(DueAct::Delete) => tracing::info!(key.id = %id, "Deleted key `{id}` at its date"),
        Some(DueAct::Expire(_)) => tracing::info!(key.id = %id, "Deleted expired material of key `{id}`"),
        Some(DueAct::Rotate) => tracing::info!(key.id = %id, "Rotated key `{id}`"),
        Some(DueAct::Settle) => tracing::info!(key.id = %id, "Multi-Region key `{id}` has settled"),
        None => {}
    }
}

impl Follower for DueKeys {
    fn name(&self) -> &'static str {
        "kms.due"
    }

    fn position(&self) -> Seq {
        self.position
    }

    fn stores_position(&self) -> bool {
        false
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        if let Some(last) = entries.last() {
            self.position = last.seq;
        }
        Box::pin(async { Ok(()) })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.first_due())
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.do_due(now))
    }
}

#[cfg(test)]
mod tests;
