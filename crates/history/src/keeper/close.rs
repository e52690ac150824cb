//! Closing: the oldest entries of the log become a segment.

use std::ops::RangeInclusive;

use keywatch_store::{Batch, LogEntry, Seq, encode};

use super::{Keeper, KeeperOptions};
use crate::HistoryError;
use crate::catalogue::{CLOSED, LOOSE, SEGMENT, Segment, THROUGH, closed, closed_bytes};
use crate::search::blocking;
use crate::segment;

/// Bytes of log read at once.
const READ_BYTES_MAX: usize = 4 << 20;
/// Bytes of entries after which a segment is large enough, however few they are.
const SEGMENT_BYTES_MAX: usize = 24 << 20;

impl Keeper {
    /// Closes one segment's worth of log, if there is one.
    pub(super) async fn close(&mut self) -> Result<bool, HistoryError> {
        let store = self.history.store().clone();
        let (closed, expect) = closed(&store).await?;
        let followed = (self.followed_to)(store.clone()).await?;
        let Some(range) = closing(closed, store.head(), followed, &self.options) else { return Ok(false) };
        let entries = self.read(range).await?;
        let Some(last_seq) = entries.last().map(|entry| entry.seq) else { return Ok(false) };
        let (bytes, written) = blocking(move || segment::encode(entries)).await?.map_err(unwritten)?;
        let mut batch = Batch {
            checks: vec![(CLOSED, THROUGH.to_owned(), expect)],
            puts: vec![(CLOSED, THROUGH.to_owned(), closed_bytes(last_seq))],
            forget: Some(last_seq),
            ..Batch::default()
        };
        if written.records > 0 {
            self.pass()?;
            let name = self.announce().await?;
            self.pass()?;
            let size = bytes.len() as u64;
            let mut file = self.history.place().create(&name).await?;
            file.write(bytes).await?;
            self.pass()?;
            file.finish().await?;
            let segment = Segment {
                name: name.clone(),
                bytes: size,
                first_seq: closed + 1,
                last_seq,
                records: written.records,
                time_min: written.time_min,
                time_max: written.time_max,
                level: 0,
            };
            batch.deletes.push((LOOSE, name));
            batch.puts.push((SEGMENT, segment.key(), encode(&segment)?));
        }
        self.pass()?;
        store.commit(batch).await?;
        tracing::debug!(
            through = last_seq,
            records = written.records,
            "Closed the log through entry {last_seq}"
        );
        Ok(true)
    }

    /// Entries from the start of `range` on: up to its end, or as many bytes as make a segment.
    async fn read(&self, range: RangeInclusive<Seq>) -> Result<Vec<LogEntry>, HistoryError> {
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut bytes = 0;
        let mut position = range.start() - 1;
        while position < *range.end() && bytes < SEGMENT_BYTES_MAX {
            let read = self.history.store().read_log(position, READ_BYTES_MAX).await?;
            let Some(last) = read.last() else { break };
            position = last.seq;
            for entry in read.into_iter().filter(|entry| range.contains(&entry.seq)) {
                bytes += entry.bytes.len();
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

/// Which entries are closed next. Pure. Nothing of the newest `keep_entries` and nothing that a follower lacks.
pub(crate) fn closing(
    closed: Seq,
    head: Seq,
    followed: Seq,
    options: &KeeperOptions,
) -> Option<RangeInclusive<Seq>> {
    let end = head.saturating_sub(options.keep_entries).min(followed);
    let last = closed + options.close_entries.max(1);
    (end >= last).then_some(closed + 1..=last)
}

/// What was written is held in memory, so that only a mistake of ours can fail.
pub(super) fn unwritten(cause: parquet::errors::ParquetError) -> HistoryError {
    HistoryError::Segment { name: "(being written)".to_owned(), cause }
}
