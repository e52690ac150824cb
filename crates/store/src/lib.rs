//! # Store: bytes under names, and one log
//!
//! **State** is rows: (`Kind`, key) to versioned bytes, ordered by key. The **log** is one totally ordered, durable sequence
//! of typed entries. A [`Batch`] changes rows and appends entries together; a **group commit** makes many waiting
//! batches durable with one sync. A [`Transaction`] collects a batch from optimistic reads, and [`Versioned`] records
//! carry the version of their own form.
//!
//! Two backends keep one contract: a directory with SQLite, and PostgreSQL by URL.
//!
//! **Invariants:** a commit that was answered survives a crash; sequence numbers have neither gaps nor doubles, though the
//! front of the log may be forgotten; a conflict fails its own batch only; what `commit` answered can be read by everybody
//! from then on.
//! **Not here:** what a key or a record is beyond bytes.

mod batch;
#[cfg(test)]
mod contract;
mod embedded;
mod entry;
mod error;
mod figures;
mod group;
mod newest;
mod postgres;
mod published;
mod queue;
mod tail;
mod touched;
mod transaction;
mod versioned;

use std::{fmt, ops::RangeInclusive, path::Path, sync::Arc};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

pub use crate::{
    batch::{BATCH_BYTES_MAX, Batch, Committed, Expect, KEY_BYTES_MAX, Kind, Row, Scan, Seq, Version},
    entry::{Append, EntryKind, LogEntry, LogPage, Partition},
    error::{CommitError, StoreError},
    figures::{CommitFigures, GROUP_SIZES},
    touched::{Touched, TouchedKeys},
    transaction::Transaction,
    versioned::{Stored, Versioned, decode, encode},
};
use crate::{
    embedded::Embedded,
    postgres::Postgres,
    published::{CachedRow, Published},
    queue::Job,
};

/// A handle on an open store; cheap to clone. Dropping the last one lets what is queued finish and gives up the place;
/// [`Store::close`] does so in order and waits for it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// Fields drop in order: the committer stops when the queue is gone, and the backend waits for that.
struct Inner {
    queue: mpsc::Sender<Job>,
    published: Arc<Published>,
    backend: Backend,
}

enum Backend {
    Embedded(Embedded),
    Postgres(Box<Postgres>),
}

impl Store {
    /// Opens, or creates with mode 0700, the store in `dir`. Fails with [`StoreError::InUse`] while another process
    /// has it open.
    pub async fn open_embedded(dir: &Path) -> Result<Store, StoreError> {
        let opened = Embedded::open(dir).await?;
        let inner = Inner {
            queue: opened.queue,
            published: opened.published,
            backend: Backend::Embedded(opened.embedded),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Opens, or creates the tables of, the store in the PostgreSQL schema that comes first in the search path of `url`
    /// (`postgres://user:password@host:port/database?options=-csearch_path%3Dname`). The server is version 15 or newer.
    /// Fails with [`StoreError::InUse`] while another server has the schema, after waiting two seconds for it. The
    /// committer runs as a task on the calling runtime.
    pub async fn open_postgres(url: &str) -> Result<Store, StoreError> {
        let opened = Postgres::open(url).await?;
        let inner = Inner {
            queue: opened.queue,
            published: opened.published,
            backend: Backend::Postgres(Box::new(opened.postgres)),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Reads one row.
    pub async fn get(&self, kind: Kind, key: &str) -> Result<Option<Row>, StoreError> {
        let row = self.get_cached(kind, key).await?;
        Ok(row.map(|(version, bytes)| Row { key: key.to_owned(), version, bytes }))
    }

    async fn get_cached(&self, kind: Kind, key: &str) -> Result<CachedRow, StoreError> {
        let ticket = match self.inner.published.lookup(kind, key) {
            Ok(row) => return Ok(row),
            Err(ticket) => ticket,
        };
        let row = match &self.inner.backend {
            Backend::Embedded(embedded) => embedded.readers().get(kind, key).await?,
            Backend::Postgres(postgres) => postgres.readers().get(kind, key).await?,
        };
        self.inner.published.fill(ticket, kind, key, &row);
        Ok(row)
    }

    /// Lists rows in the byte order of their keys. The caller owns the limit.
    pub async fn scan(&self, kind: Kind, scan: Scan<'_>) -> Result<Vec<Row>, StoreError> {
        match &self.inner.backend {
            Backend::Embedded(embedded) => embedded.readers().scan(kind, scan).await,
            Backend::Postgres(postgres) => postgres.readers().scan(kind, scan).await,
        }
    }

    /// Applies a batch whole or not at all; durable, readable by everybody and counted by
    /// [`Store::generation`] when it returns. Dropping the future does not take the batch back.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        queue::commit(&self.inner.queue, batch).await
    }

    /// Grows with every commit that touches the kind, and now and then without: an unchanged value means unchanged
    /// rows. Counts from the opening of this handle's store, not across restarts.
    pub fn generation(&self, kind: Kind) -> u64 {
        self.inner.published.generation(kind)
    }

    /// Follows which rows of a kind commits touch from now on.
    pub fn touched_keys(&self, kind: Kind) -> TouchedKeys {
        self.inner.published.touched_keys(kind)
    }

    /// What was committed since the store was opened.
    pub fn figures(&self) -> CommitFigures {
        self.inner.published.counters.read()
    }

    /// The sequence number of the last entry in the log; 0 when it is empty.
    pub fn head(&self) -> Seq {
        self.inner.published.head()
    }

    /// Follows [`Store::head`].
    pub fn watch_head(&self) -> watch::Receiver<Seq> {
        self.inner.published.watch_head()
    }

    /// Reads entries in order, from the one after `after`, until their bytes reach `max_bytes`. Entries come by whole
    /// stored blocks, so the sum may be larger, and is never nothing while there is something. A reading from before
    /// what [`Batch::forget`] took away starts with the oldest entry that is left.
    pub async fn read_log(&self, after: Seq, max_bytes: usize) -> Result<Vec<LogEntry>, StoreError> {
        if after >= self.head() {
            return Ok(Vec::new());
        }
        if let Some(entries) = self.inner.published.read_tail(after, max_bytes) {
            return Ok(entries);
        }
        match &self.inner.backend {
            Backend::Embedded(embedded) => embedded.readers().read_log(after, max_bytes).await,
            Backend::Postgres(postgres) => postgres.readers().read_log(after, max_bytes).await,
        }
    }

    /// Reads entries whose time lies in `range` and whose kind is one of `kinds` (any kind when empty), by pages. Within
    /// a page they are ordered newest first. Stored blocks overlap in time, so the next page may hold entries newer than
    /// the oldest of this one, but none newer than the returned [`LogPage::time_max`]: hold back what is older than that.
    /// A page may be empty and still be followed by another.
    pub async fn read_log_newest(
        &self,
        range: RangeInclusive<Timestamp>,
        kinds: &[EntryKind],
        page: Option<LogPage>,
    ) -> Result<(Vec<LogEntry>, Option<LogPage>), StoreError> {
        match &self.inner.backend {
            Backend::Embedded(embedded) => embedded.readers().read_log_newest(range, kinds, page).await,
            Backend::Postgres(postgres) => postgres.readers().read_log_newest(range, kinds, page).await,
        }
    }

    /// Finishes what is queued, checkpoints, and lets go of the place. From then on every commit, and every read that the
    /// cache cannot answer, fails with [`StoreError::Closed`].
    pub async fn close(&self) {
        // When the committer is already gone there is nobody to tell.
        let _ = self.inner.queue.send(Job::Close).await;
        match &self.inner.backend {
            Backend::Embedded(embedded) => embedded.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("head", &self.head()).finish_non_exhaustive()
    }
}
