//! Reading from SQLite: a small pool of read-only connections used on blocking threads.

use std::{
    ops::RangeInclusive,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use tokio::sync::Semaphore;

use super::schema;
use crate::{
    EntryKind, Kind, LogEntry, LogPage, Row, Scan, Seq, StoreError, Version,
    batch::prefix_end,
    entry::{Block, decode_block},
    newest::NewestReading,
};

/// Connections, and so blocking threads, that read at the same time.
const READERS_MAX: usize = 4;

pub(crate) struct Readers {
    dir: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Readers {
    pub(super) fn new(dir: PathBuf) -> Arc<Self> {
        Arc::new(Self { dir, idle: Mutex::new(Vec::new()), permits: Semaphore::new(READERS_MAX) })
    }

    pub(crate) async fn get(
        self: &Arc<Self>,
        kind: Kind,
        key: &str,
    ) -> Result<Option<(Version, Bytes)>, StoreError> {
        let key = key.to_owned();
        self.read("read a row", move |conn| get(conn, kind, &key)).await?
    }

    pub(crate) async fn scan(self: &Arc<Self>, kind: Kind, scan: Scan<'_>) -> Result<Vec<Row>, StoreError> {
        let (prefix, after, limit) = (scan.prefix.to_owned(), scan.after.map(str::to_owned), scan.limit);
        self.read("list rows", move |conn| list(conn, kind, &prefix, after.as_deref(), limit)).await?
    }

    pub(crate) async fn read_log(
        self: &Arc<Self>,
        after: Seq,
        max_bytes: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        self.read("read the log", move |conn| read_log(conn, after, max_bytes)).await?
    }

    pub(crate) async fn read_log_newest(
        self: &Arc<Self>,
        range: RangeInclusive<Timestamp>,
        kinds: &[EntryKind],
        page: Option<LogPage>,
    ) -> Result<(Vec<LogEntry>, Option<LogPage>), StoreError> {
        let reading = NewestReading::new(range, kinds, page);
        self.read("read the log", move |conn| read_newest(conn, reading)).await?
    }

    /// Waits for running reads and refuses later ones.
    pub(crate) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(READERS_MAX as u32).await {
            self.permits.close();
            drop(all);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Runs `work` with a connection on a blocking thread. A panic there, or a runtime that is going away, reads as
    /// [`StoreError::Closed`].
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, ReadFailed> + Send + 'static,
    ) -> Result<Result<T, StoreError>, StoreError> {
        let _permit = self.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let run = move || {
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match idle {
                Some(conn) => conn,
                None => schema::open_reader(&readers.dir)?,
            };
            let result = work(&conn);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            result.map_err(|failure| match failure {
                ReadFailed::Sqlite(cause) => schema::failed(doing, cause),
                ReadFailed::Store(error) => error,
            })
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| StoreError::Closed)
    }
}

/// A failed read, before it is told what was being tried.
enum ReadFailed {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for ReadFailed {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

impl From<StoreError> for ReadFailed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn get(conn: &Connection, kind: Kind, key: &str) -> Result<Option<(Version, Bytes)>, ReadFailed> {
    let mut query = conn.prepare_cached("SELECT version, value FROM state WHERE kind = ?1 AND key = ?2")?;
    let row = query.query_row(params![kind.0, key], |row| {
        Ok((row.get::<_, i64>(0)? as Version, Bytes::from(row.get::<_, Vec<u8>>(1)?)))
    });
    Ok(row.optional()?)
}

fn list(
    conn: &Connection,
    kind: Kind,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Row>, ReadFailed> {
    // Without an upper end there is no greater string of the prefix's length: U+10FFFF repeated, which only a prefix of
    // such characters can reach, so the filter below is what decides there.
    let end = prefix_end(prefix);
    let mut query = conn.prepare_cached(
        "SELECT key, version, value FROM state
         WHERE kind = ?1 AND key >= ?2 AND (?3 IS NULL OR key > ?3) AND (?4 IS NULL OR key < ?4)
         ORDER BY key LIMIT ?5",
    )?;
    // The greater of the two lower ends is where the index is entered.
    let start = after.filter(|after| *after > prefix).unwrap_or(prefix);
    let rows = query.query_map(params![kind.0, start, after, end, limit as i64], |row| {
        Ok(Row {
            key: row.get(0)?,
            version: row.get::<_, i64>(1)? as Version,
            bytes: row.get::<_, Vec<u8>>(2)?.into(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

const BLOCK_COLUMNS: &str = "first_seq, last_seq, time_min, time_max, kinds, format, bytes";

fn block(row: &SqlRow<'_>) -> rusqlite::Result<Block> {
    Ok(Block {
        first_seq: row.get::<_, i64>(0)? as Seq,
        last_seq: row.get::<_, i64>(1)? as Seq,
        time_min: row.get(2)?,
        time_max: row.get(3)?,
        kinds: row.get(4)?,
        format: row.get(5)?,
        bytes: row.get(6)?,
    })
}

fn read_log(conn: &Connection, after: Seq, max_bytes: usize) -> Result<Vec<LogEntry>, ReadFailed> {
    // The block that holds the next entry is the last one that starts at or before it.
    let mut query = conn.prepare_cached(&format!(
        "SELECT {BLOCK_COLUMNS} FROM log
         WHERE first_seq >= coalesce((SELECT max(first_seq) FROM log WHERE first_seq <= ?1), 0) AND last_seq >= ?1
         ORDER BY first_seq"
    ))?;
    let mut rows = query.query(params![after as i64 + 1])?;
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let start = entries.len();
        decode_block(&block(row)?, &mut entries)?;
        bytes += entries[start..].iter().map(|entry| entry.bytes.len()).sum::<usize>();
        if bytes >= max_bytes {
            break;
        }
    }
    entries.retain(|entry| entry.seq > after);
    Ok(entries)
}

fn read_newest(
    conn: &Connection,
    mut reading: NewestReading,
) -> Result<(Vec<LogEntry>, Option<LogPage>), ReadFailed> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT {BLOCK_COLUMNS} FROM log
         WHERE time_max >= ?1 AND time_min <= ?2 AND kinds & ?3 != 0 AND time_max <= ?4
           AND (time_max < ?4 OR first_seq <= ?5)
         ORDER BY time_max DESC, first_seq DESC"
    ))?;
    let bounds = reading.bounds();
    let mut rows = query.query(params![
        bounds.time_from,
        bounds.time_to,
        bounds.kinds,
        bounds.newest_time,
        bounds.newest_seq
    ])?;
    while let Some(row) = rows.next()? {
        let block = block(row)?;
        if reading.is_full() {
            return Ok(reading.finish(Some(&block))?);
        }
        reading.take(&block)?;
    }
    Ok(reading.finish(None)?)
}
