//! Clearing what was deleted and what is past its retention, in small steps
//!
//! A reconciler over stored state: a missed run costs time and never correctness. Reads hide expired events already,
//! so a sweep a day is enough for retention.

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Batch, CommitError, Kind, Scan, Store, StoreError, Transaction, decode};

use super::{
    chunk,
    follower::EVENT_OVERHEAD_BYTES,
    record::{
        CHUNK, GARBAGE, GROUP, Garbage, GroupRecord, STATS, STREAM, StreamRecord, StreamStats, stats_key,
    },
};

/// Rows removed in one commit.
const ROWS_AT_ONCE: usize = 256;
const RETENTION_EVERY: SignedDuration = SignedDuration::from_hours(24);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Debug)]
pub(crate) struct Sweep {
    store: Store,
    /// What was found at which generation, so that asking what is due costs nothing while nothing changes.
    garbage: Option<(u64, bool)>,
    retention: Option<(u64, bool)>,
    retention_due: Option<Timestamp>,
}

/// The time before which events of a group are past their retention, in milliseconds since the epoch.
pub(crate) fn cutoff(retention_days: Option<i32>, now: Timestamp) -> i64 {
    retention_days.map_or(0, |days| now.as_millisecond() - i64::from(days) * DAY_MS)
}

impl Sweep {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, garbage: None, retention: None, retention_due: None }
    }

    pub(crate) async fn next_due(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        if self.has_garbage().await? {
            return Ok(Some(now));
        }
        if self.has_retention().await? {
            return Ok(Some(*self.retention_due.get_or_insert(now + RETENTION_EVERY)));
        }
        Ok(None)
    }

    pub(crate) async fn run(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.has_garbage().await? {
            self.clear_garbage().await?;
        }
        if self.retention_due.is_some_and(|due| due <= now) {
            self.expire(now).await?;
            self.retention_due = Some(now + RETENTION_EVERY);
        }
        Ok(())
    }

    async fn has_garbage(&mut self) -> Result<bool, StoreError> {
        let generation = self.store.generation(GARBAGE);
        match self.garbage {
            Some((seen, found)) if seen == generation => Ok(found),
            _ => {
                let found =
                    !self.store.scan(GARBAGE, Scan { prefix: "", after: None, limit: 1 }).await?.is_empty();
                self.garbage = Some((generation, found));
                Ok(found)
            }
        }
    }

    async fn has_retention(&mut self) -> Result<bool, StoreError> {
        let generation = self.store.generation(GROUP);
        match self.retention {
            Some((seen, found)) if seen == generation => Ok(found),
            _ => {
                let found = self.groups().await?.iter().any(|group| group.retention_days.is_some());
                self.retention = Some((generation, found));
                Ok(found)
            }
        }
    }

    async fn groups(&self) -> Result<Vec<GroupRecord>, StoreError> {
        let mut groups = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
            let rows = self.store.scan(GROUP, scan).await?;
            for row in &rows {
                groups.push(decode(&row.bytes)?);
            }
            match rows.into_iter().nth(ROWS_AT_ONCE - 1) {
                Some(last) => after = Some(last.key),
                None => return Ok(groups),
            }
        }
    }

    async fn clear_garbage(&self) -> Result<(), StoreError> {
        loop {
            let rows =
                self.store.scan(GARBAGE, Scan { prefix: "", after: None, limit: ROWS_AT_ONCE }).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                match decode::<Garbage>(&row.bytes)? {
                    Garbage::Stream { id, group_id } => {
                        self.remove_all(CHUNK, &format!("{id}:")).await?;
                        self.remove(vec![(STATS, stats_key(&group_id, &id)), (GARBAGE, row.key)]).await?;
                    }
                    Garbage::Group { id } => self.clear_group(&id, row.key).await?,
                }
            }
        }
    }

    async fn clear_group(&self, group_id: &str, garbage: String) -> Result<(), StoreError> {
        let prefix = format!("{group_id}:");
        loop {
            let rows =
                self.store.scan(STREAM, Scan { prefix: &prefix, after: None, limit: ROWS_AT_ONCE }).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let stream: StreamRecord = decode(&row.bytes)?;
                self.remove_all(CHUNK, &format!("{}:", stream.id)).await?;
                self.remove(vec![(STREAM, row.key)]).await?;
            }
        }
        self.remove_all(STATS, &prefix).await?;
        self.remove(vec![(GARBAGE, garbage)]).await
    }

    async fn remove_all(&self, kind: Kind, prefix: &str) -> Result<(), StoreError> {
        loop {
            let rows = self.store.scan(kind, Scan { prefix, after: None, limit: ROWS_AT_ONCE }).await?;
            if rows.is_empty() {
                return Ok(());
            }
            self.remove(rows.into_iter().map(|row| (kind, row.key)).collect()).await?;
        }
    }

    async fn remove(&self, deletes: Vec<(Kind, String)>) -> Result<(), StoreError> {
        let batch = Batch { deletes, ..Batch::default() };
        self.store.commit(batch).await.map(drop).map_err(unexpected)
    }

    async fn expire(&self, now: Timestamp) -> Result<(), StoreError> {
        for group in self.groups().await? {
            if group.retention_days.is_none() {
                continue;
            }
            let cutoff = cutoff(group.retention_days, now);
            let prefix = format!("{}:", group.id);
            let mut after: Option<String> = None;
            loop {
                let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
                let rows = self.store.scan(STREAM, scan).await?;
                for row in &rows {
                    let stream: StreamRecord = decode(&row.bytes)?;
                    while self.expire_some(&group.id, &stream.id, cutoff).await? {}
                }
                match rows.into_iter().nth(ROWS_AT_ONCE - 1) {
                    Some(last) => after = Some(last.key),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Removes some chunks that end before `cutoff`; answers whether there may be more.
    async fn expire_some(&self, group_id: &str, stream_id: &str, cutoff: i64) -> Result<bool, StoreError> {
        let prefix = format!("{stream_id}:");
        let rows = self.store.scan(CHUNK, Scan { prefix: &prefix, after: None, limit: ROWS_AT_ONCE }).await?;
        let full = rows.len() == ROWS_AT_ONCE;
        let mut tx = Transaction::new(&self.store);
        let mut bytes = 0_usize;
        let mut removed = 0;
        for row in rows {
            let begins = chunk::position_of(&row.key)?.time;
            if begins / chunk::SPAN_MS * chunk::SPAN_MS + chunk::SPAN_MS > cutoff {
                break;
            }
            bytes += chunk::unpack(&row.bytes)?
                .iter()
                .map(|e| e.message.len() + EVENT_OVERHEAD_BYTES)
                .sum::<usize>();
            tx.delete(CHUNK, &row.key);
            removed += 1;
        }
        if removed == 0 {
            return Ok(false);
        }
        let key = stats_key(group_id, stream_id);
        if let Some(stats) = tx.get::<StreamStats>(STATS, &key).await? {
            let bytes = stats.bytes.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX)).max(0);
            tx.put(STATS, &key, &StreamStats { bytes, ..stats })?;
        }
        tx.commit().await.map(drop).map_err(unexpected)?;
        Ok(full && removed == ROWS_AT_ONCE)
    }
}

/// Only the follower writes these rows, and it runs in one task with the sweep.
fn unexpected(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict { kind, .. } => {
            StoreError::corrupt(format!("rows of {} changed under the sweep", kind.0))
        }
    }
}
