//! Reading the log newest first, as far as both backends agree: which blocks are wanted, how many make a page, and
//! the order of the answer. Pure; the backends only fetch blocks.

use std::{cmp::Reverse, ops::RangeInclusive};

use jiff::Timestamp;

use crate::{
    EntryKind, LogEntry, LogPage, StoreError,
    entry::{Block, kinds_mask, select_entries},
};

/// Blocks in one page, whatever they hold.
pub(crate) const PAGE_BLOCKS_MAX: usize = 64;
/// Bytes of selected entries after which a page is full.
const PAGE_BYTES: usize = 1 << 20;

/// What to ask the database: blocks with `time_max` ≥ `time_from`, `time_min` ≤ `time_to` and a bit of `kinds`, from
/// (`newest_time`, `newest_seq`) down. Times in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) time_from: i64,
    pub(crate) time_to: i64,
    pub(crate) kinds: i64,
    pub(crate) newest_time: i64,
    pub(crate) newest_seq: i64,
}

/// One page in the making.
#[derive(Debug)]
pub(crate) struct NewestReading {
    range: RangeInclusive<Timestamp>,
    kinds: Vec<EntryKind>,
    page: Option<LogPage>,
    entries: Vec<LogEntry>,
    blocks: usize,
    bytes: usize,
}

impl NewestReading {
    pub(crate) fn new(range: RangeInclusive<Timestamp>, kinds: &[EntryKind], page: Option<LogPage>) -> Self {
        Self { range, kinds: kinds.to_vec(), page, entries: Vec::new(), blocks: 0, bytes: 0 }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            time_from: self.range.start().as_microsecond(),
            time_to: self.range.end().as_microsecond(),
            kinds: kinds_mask(&self.kinds),
            newest_time: self.page.map_or(i64::MAX, |page| page.time_max.as_microsecond()),
            newest_seq: self.page.map_or(i64::MAX, |page| page.first_seq as i64),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.blocks >= PAGE_BLOCKS_MAX || self.bytes >= PAGE_BYTES
    }

    pub(crate) fn take(&mut self, block: &Block) -> Result<(), StoreError> {
        let start = self.entries.len();
        select_entries(block, &self.range, &self.kinds, &mut self.entries)?;
        self.bytes += self.entries[start..].iter().map(|entry| entry.bytes.len()).sum::<usize>();
        self.blocks += 1;
        Ok(())
    }

    /// Closes the page; `next` is the first block that did not fit.
    pub(crate) fn finish(
        mut self,
        next: Option<&Block>,
    ) -> Result<(Vec<LogEntry>, Option<LogPage>), StoreError> {
        self.entries.sort_unstable_by_key(|entry| Reverse((entry.time, entry.seq)));
        let page = next.map(|block| {
            let time_max = Timestamp::from_microsecond(block.time_max)
                .map_err(|_| StoreError::corrupt(format!("time of log block {}", block.first_seq)))?;
            Ok(LogPage { time_max, first_seq: block.first_seq })
        });
        Ok((self.entries, page.transpose()?))
    }
}
