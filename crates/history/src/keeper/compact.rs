//! Merging: neighbouring small segments become one larger one, ordered by time as a whole.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_store::{Batch, Expect, LogEntry, encode};

use super::Keeper;
use super::close::unwritten;
use crate::HistoryError;
use crate::catalogue::{LOOSE, Loose, SEGMENT, Segment};
use crate::search::blocking;
use crate::segment::{SegmentStream, SegmentWriter, Written};

/// Segments of this level are not merged: about a million records with the default options.
const LEVEL_MAX: u8 = 2;
/// Bytes handed to the file at once: parts of an upload are at least this large.
const PART_BYTES: usize = 8 << 20;

impl Keeper {
    /// Merges one run of segments, if there is one.
    pub(super) async fn merge(&mut self, now: Timestamp) -> Result<bool, HistoryError> {
        let catalogue = self.history.catalogue().await?;
        let Some(run) = merging(&catalogue.segments, self.options.fanout) else { return Ok(false) };
        let store = self.history.store().clone();
        let mut checks = Vec::with_capacity(run.len());
        for segment in run {
            let row = store.get(SEGMENT, &segment.key()).await?.ok_or(HistoryError::Unsettled)?;
            checks.push((SEGMENT, row.key, Expect::Version(row.version)));
        }
        self.pass()?;
        let name = self.announce().await?;
        self.pass()?;
        let (size, written) = self.write_merged(run, &name).await?;
        self.pass()?;
        let merged = Segment {
            name: name.clone(),
            bytes: size,
            first_seq: run[0].first_seq,
            last_seq: run[run.len() - 1].last_seq,
            records: written.records,
            time_min: written.time_min,
            time_max: written.time_max,
            level: run[0].level + 1,
        };
        let mut batch = Batch { checks, deletes: vec![(LOOSE, name)], ..Batch::default() };
        for segment in run {
            batch.deletes.push((SEGMENT, segment.key()));
            batch.puts.push((LOOSE, segment.name.clone(), encode(&Loose { since: now })?));
        }
        // Its key is that of the first, which is deleted before it is put.
        batch.puts.push((SEGMENT, merged.key(), encode(&merged)?));
        store.commit(batch).await?;
        tracing::debug!(
            segments = run.len(),
            records = merged.records,
            "Merged {} history segments",
            run.len()
        );
        Ok(true)
    }

    async fn write_merged(
        &mut self,
        run: &[Arc<Segment>],
        name: &str,
    ) -> Result<(u64, Written), HistoryError> {
        let mut streams = Vec::with_capacity(run.len());
        for segment in run {
            streams.push(SegmentStream::new(self.history.open(segment).await?));
        }
        let mut file = self.history.place().create(name).await?;
        let mut merge = Merge::new(streams)?;
        let mut size = 0;
        loop {
            let (back, bytes, written) = blocking(move || merge.part()).await??;
            size += bytes.len() as u64;
            if !bytes.is_empty() {
                file.write(bytes).await?;
            }
            match back {
                Some(back) => merge = back,
                None => {
                    self.pass()?;
                    file.finish().await?;
                    return Ok((size, written));
                }
            }
        }
    }
}

/// A merge under way.
struct Merge {
    streams: Vec<SegmentStream>,
    /// The next row of each stream.
    heads: Vec<Option<LogEntry>>,
    writer: SegmentWriter,
}

impl Merge {
    fn new(streams: Vec<SegmentStream>) -> Result<Self, HistoryError> {
        let heads = streams.iter().map(|_| None).collect();
        Ok(Self { streams, heads, writer: SegmentWriter::new().map_err(unwritten)? })
    }

    /// Merges until a part of the file is full. Gives itself back unless the file has ended.
    fn part(mut self) -> Result<(Option<Self>, bytes::Bytes, Written), HistoryError> {
        loop {
            for (head, stream) in self.heads.iter_mut().zip(&mut self.streams) {
                if head.is_none() {
                    *head = stream.next()?;
                }
            }
            let order = |head: &&mut Option<LogEntry>| head.as_ref().map(|entry| (entry.time, entry.seq));
            let first = self.heads.iter_mut().filter(|head| head.is_some()).min_by_key(order);
            let Some(entry) = first.and_then(Option::take) else {
                let (bytes, written) = self.writer.finish().map_err(unwritten)?;
                return Ok((None, bytes, written));
            };
            self.writer.push(entry).map_err(unwritten)?;
            if self.writer.ready() >= PART_BYTES {
                let (bytes, written) = (self.writer.take_ready(), self.writer.written());
                return Ok((Some(self), bytes, written));
            }
        }
    }
}

/// The first run of `fanout` neighbours that are of one level, the least first. Pure.
pub(crate) fn merging(segments: &[Arc<Segment>], fanout: usize) -> Option<&[Arc<Segment>]> {
    let fanout = fanout.max(2);
    (0..LEVEL_MAX).find_map(|level| segments.windows(fanout).find(|run| run.iter().all(|s| s.level == level)))
}
