//! Reading from PostgreSQL: a small pool of sessions beside the writing one.

use std::{future::Future, ops::RangeInclusive, time::Duration};

use bytes::Bytes;
use deadpool_postgres::{
    Client, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::{NoTls, Row as SqlRow};

use super::session::{STATEMENT_TIMEOUT, Target};
use crate::{
    EntryKind, Kind, LogEntry, LogPage, Row, Scan, Seq, StoreError, Version,
    batch::prefix_end,
    entry::{Block, decode_block},
    newest::{NewestReading, PAGE_BLOCKS_MAX},
};

/// Sessions that read at the same time.
const READERS_MAX: usize = 8;
const WAIT: Duration = Duration::from_secs(10);
/// Log blocks fetched at once; the byte bound of a reading may need several fetches or part of one.
const BLOCKS_FETCHED: i64 = 64;

pub(crate) struct Readers {
    target: Target,
    pool: Pool,
}

impl Readers {
    pub(super) fn new(target: Target) -> Result<Self, StoreError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(target.config.clone(), NoTls, recycling);
        let limits = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) };
        let pool = Pool::builder(manager)
            .max_size(READERS_MAX)
            .timeouts(limits)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|cause| StoreError::database("prepare the pool of readers", cause))?;
        Ok(Self { target, pool })
    }

    pub(crate) async fn get(&self, kind: Kind, key: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        self.read("read a row", async |client| {
            let query = client
                .prepare_cached("SELECT version, value FROM state WHERE kind = $1 AND key = $2")
                .await?;
            let row = client.query_opt(&query, &[&kind.0, &key.as_bytes()]).await?;
            Ok(row.map(|row| (row.get::<_, i64>(0) as Version, Bytes::copy_from_slice(row.get(1)))))
        })
        .await
    }

    pub(crate) async fn scan(&self, kind: Kind, scan: Scan<'_>) -> Result<Vec<Row>, StoreError> {
        let end = prefix_end(scan.prefix);
        let (prefix, after) = (scan.prefix.as_bytes(), scan.after.map(str::as_bytes));
        let limit = i64::try_from(scan.limit).unwrap_or(i64::MAX);
        let rows = self
            .read("list rows", async |client| {
                let query = client
                    .prepare_cached(
                        "SELECT key, version, value FROM state
                         WHERE kind = $1 AND key >= $2 AND ($3::bytea IS NULL OR key > $3)
                           AND ($4::bytea IS NULL OR key < $4)
                         ORDER BY key LIMIT $5",
                    )
                    .await?;
                // The greater of the two lower ends is where the index is entered.
                let start = after.filter(|after| *after > prefix).unwrap_or(prefix);
                let end = end.as_deref().map(str::as_bytes);
                client.query(&query, &[&kind.0, &start, &after, &end, &limit]).await
            })
            .await?;
        let row = |row: &SqlRow| {
            let key = String::from_utf8(row.get(0)).map_err(|_| StoreError::corrupt("a key is not UTF-8"))?;
            let version = row.get::<_, i64>(1) as Version;
            Ok(Row { key, version, bytes: Bytes::copy_from_slice(row.get(2)) })
        };
        rows.iter().map(row).collect()
    }

    pub(crate) async fn read_log(&self, after: Seq, max_bytes: usize) -> Result<Vec<LogEntry>, StoreError> {
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut bytes = 0;
        let mut next = after as i64 + 1;
        loop {
            let rows = self
                .read("read the log", async |client| {
                    let query = client
                        .prepare_cached(
                            "SELECT first_seq, last_seq, time_min, time_max, kinds, format, bytes FROM log
                             WHERE first_seq >= coalesce((SELECT max(first_seq) FROM log WHERE first_seq <= $1), 0)
                               AND last_seq >= $1
                             ORDER BY first_seq LIMIT $2",
                        )
                        .await?;
                    client.query(&query, &[&next, &BLOCKS_FETCHED]).await
                })
                .await?;
            for row in &rows {
                let start = entries.len();
                let block = block(row);
                decode_block(&block, &mut entries)?;
                bytes += entries[start..].iter().map(|entry| entry.bytes.len()).sum::<usize>();
                next = block.last_seq as i64 + 1;
                if bytes >= max_bytes {
                    break;
                }
            }
            if bytes >= max_bytes || (rows.len() as i64) < BLOCKS_FETCHED {
                entries.retain(|entry| entry.seq > after);
                return Ok(entries);
            }
        }
    }

    pub(crate) async fn read_log_newest(
        &self,
        range: RangeInclusive<Timestamp>,
        kinds: &[EntryKind],
        page: Option<LogPage>,
    ) -> Result<(Vec<LogEntry>, Option<LogPage>), StoreError> {
        let mut reading = NewestReading::new(range, kinds, page);
        let bounds = reading.bounds();
        let limit = PAGE_BLOCKS_MAX as i64 + 1;
        let rows = self
            .read("read the log", async |client| {
                let query = client
                    .prepare_cached(
                        "SELECT first_seq, last_seq, time_min, time_max, kinds, format, bytes FROM log
                         WHERE time_max >= $1 AND time_min <= $2 AND kinds & $3 <> 0 AND time_max <= $4
                           AND (time_max < $4 OR first_seq <= $5)
                         ORDER BY time_max DESC, first_seq DESC LIMIT $6",
                    )
                    .await?;
                client
                    .query(
                        &query,
                        &[
                            &bounds.time_from,
                            &bounds.time_to,
                            &bounds.kinds,
                            &bounds.newest_time,
                            &bounds.newest_seq,
                            &limit,
                        ],
                    )
                    .await
            })
            .await?;
        for row in &rows {
            let block = block(row);
            if reading.is_full() {
                return reading.finish(Some(&block));
            }
            reading.take(&block)?;
        }
        reading.finish(None)
    }

    /// Refuses later reads.
    pub(super) fn close(&self) {
        self.pool.close();
    }

    /// Runs `work` on a session. A session that turns out to be dead is replaced once: reads can be repeated.
    async fn read<T, F: Future<Output = Result<T, tokio_postgres::Error>> + Send>(
        &self,
        doing: &'static str,
        work: impl Fn(Client) -> F,
    ) -> Result<T, StoreError> {
        let mut replaced = false;
        loop {
            let client = self.pool.get().await.map_err(|cause| match cause {
                PoolError::Closed => StoreError::Closed,
                cause => self.target.unreachable(cause),
            })?;
            match timeout(STATEMENT_TIMEOUT, work(client)).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(cause)) if cause.is_closed() && !replaced => replaced = true,
                Ok(Err(cause)) if cause.as_db_error().is_none() => {
                    return Err(self.target.unreachable(cause));
                }
                Ok(Err(cause)) => return Err(StoreError::database(doing, cause)),
                Err(elapsed) => return Err(self.target.unreachable(elapsed)),
            }
        }
    }
}

fn block(row: &SqlRow) -> Block {
    Block {
        first_seq: row.get::<_, i64>(0) as Seq,
        last_seq: row.get::<_, i64>(1) as Seq,
        time_min: row.get(2),
        time_max: row.get(3),
        kinds: row.get(4),
        format: row.get(5),
        bytes: row.get(6),
    }
}
