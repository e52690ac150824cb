//! The one writer of the SQLite file: a thread that turns whatever waits in the queue into one transaction.
//!
//! **Invariant:** nobody else writes, so versions and sequence numbers are counted in memory and only read from the
//! file when it is opened. Answers leave after the transaction is synced and published.

use std::{collections::hash_map::Entry, fs::File, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::mpsc;

use super::schema::{Position, failed};
use crate::{
    Batch, Kind, StoreError, Version,
    entry::{Block, BlockWriter},
    group::{Outcome, Plan, RowName, Versions, checked_rows, plan},
    published::Published,
    queue::{Job, answer, split_groups},
};

pub(super) struct Committer {
    conn: Connection,
    blocks: BlockWriter,
    published: Arc<Published>,
    position: Position,
    /// Released after the connection is closed: fields drop in order.
    _lock: Arc<File>,
}

impl Committer {
    pub(super) fn new(
        conn: Connection,
        position: Position,
        published: Arc<Published>,
        lock: Arc<File>,
    ) -> Result<Self, StoreError> {
        Ok(Self { conn, blocks: BlockWriter::new()?, published, position, _lock: lock })
    }

    /// Runs until the queue is closed and empty, then checkpoints.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, crate::queue::GROUP_JOBS_MAX) > 0 {
            for group in split_groups(&mut jobs) {
                if group.close {
                    queue.close();
                }
                let outcomes = self.commit(group.batches);
                self.published.counters.count(&outcomes);
                answer(group.replies, outcomes);
            }
        }
        self.checkpoint();
    }

    fn commit(&mut self, batches: Vec<Batch>) -> Result<Vec<Outcome>, StoreError> {
        let versions = self.versions(&batches)?;
        let plan = plan(batches, &versions, self.position.version, self.position.head);
        if plan.is_empty() {
            return Ok(plan.outcomes);
        }
        let block = match plan.appends.as_slice() {
            [] => None,
            appends => Some(self.blocks.encode(self.position.head + 1, appends)?),
        };
        if let Err(cause) = self.write(&plan, block.as_ref()) {
            if !self.conn.is_autocommit() {
                // When even this fails the next group's BEGIN fails and says so.
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            return Err(failed("commit", cause));
        }
        self.position = Position { version: plan.version, head: plan.head };
        self.published.publish(plan.changes, plan.appends, plan.version, plan.head);
        Ok(plan.outcomes)
    }

    /// The stored versions of the rows the batches check, from the cache where it knows them.
    fn versions(&self, batches: &[Batch]) -> Result<Versions, StoreError> {
        let mut versions = Versions::new();
        for (kind, key) in checked_rows(batches) {
            if let Entry::Vacant(unknown) = versions.entry(RowName { kind, key: key.to_owned() })
                && let Some(version) = self.version(kind, key)?
            {
                unknown.insert(version);
            }
        }
        Ok(versions)
    }

    fn version(&self, kind: Kind, key: &str) -> Result<Option<Version>, StoreError> {
        if let Ok(row) = self.published.lookup(kind, key) {
            return Ok(row.map(|(version, _)| version));
        }
        let query = || {
            self.conn
                .prepare_cached("SELECT version FROM state WHERE kind = ?1 AND key = ?2")?
                .query_row(params![kind.0, key], |row| Ok(row.get::<_, i64>(0)? as Version))
                .optional()
        };
        query().map_err(|cause| failed("read a version", cause))
    }

    fn write(&self, plan: &Plan, block: Option<&Block>) -> rusqlite::Result<()> {
        if plan.changes.is_empty()
            && plan.forget.is_none()
            && let Some(block) = block
        {
            // One statement is its own transaction.
            return self.insert_block(block, plan.version);
        }
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (name, change) in &plan.changes {
            match change {
                Some(bytes) => self
                    .conn
                    .prepare_cached(
                        "INSERT INTO state (kind, key, version, value) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, value = excluded.value",
                    )?
                    .execute(params![name.kind.0, name.key, plan.version as i64, &bytes[..]])?,
                None => self
                    .conn
                    .prepare_cached("DELETE FROM state WHERE kind = ?1 AND key = ?2")?
                    .execute(params![name.kind.0, name.key])?,
            };
        }
        match block {
            // The block carries the version; without one the counter has its own row.
            Some(block) => self.insert_block(block, plan.version)?,
            None => {
                self.conn
                    .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'version'")?
                    .execute([plan.version as i64])?;
            }
        }
        if let Some(through) = plan.forget {
            // The newest block stays: the head is read from it when the store is opened.
            self.conn
                .prepare_cached(
                    "DELETE FROM log
                     WHERE first_seq <= ?1 AND last_seq <= ?1 AND first_seq < (SELECT max(first_seq) FROM log)",
                )?
                .execute([through as i64])?;
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn insert_block(&self, block: &Block, version: Version) -> rusqlite::Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO log (first_seq, last_seq, version, time_min, time_max, kinds, format, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        insert.execute(params![
            block.first_seq as i64,
            block.last_seq as i64,
            version as i64,
            block.time_min,
            block.time_max,
            block.kinds,
            block.format,
            block.bytes
        ])?;
        Ok(())
    }

    /// Moves the write-ahead log into the database file so that the next start has nothing to recover. Failing only
    /// leaves that to the next start.
    fn checkpoint(&self) {
        if let Err(cause) = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(error = %cause, "Could not checkpoint the database while closing: {cause}");
        }
    }
}
