//! The nouns of the log: what an entry is and how many entries become one stored block.
//!
//! The log is a sequence of **entries**; all entries of one group commit are stored together as one **block**:
//! a length, then a zstd frame over heads (kind, partition, time, length) followed by the bodies. Heads first lets a
//! reader slice bodies out of one allocation. **Invariant:** a block of an unknown format is an error, an entry of an
//! unknown kind is not: it is handed on as [`EntryKind::Unknown`] so that an older program can step over it.

use std::{collections::HashMap, fmt, ops::RangeInclusive, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{Seq, StoreError};

/// What the bytes of an entry are. The codes are stored: never renumber.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum EntryKind {
    /// A CloudTrail record of a call this server answered.
    Record = 1,
    /// A CloudTrail record read from another account's log files.
    ImportedRecord = 2,
    /// Metric points that were put.
    Points = 3,
    /// Log events that were put.
    LogEvents = 4,
    /// An event for the event bus.
    Event = 5,
    /// A published message on its way to subscribers.
    Message = 6,
    /// Written by a newer program: kept, and skipped by every follower.
    Unknown(u8) = 255,
}

impl EntryKind {
    /// The stored code.
    pub fn code(self) -> u8 {
        match self {
            Self::Record => 1,
            Self::ImportedRecord => 2,
            Self::Points => 3,
            Self::LogEvents => 4,
            Self::Event => 5,
            Self::Message => 6,
            Self::Unknown(code) => code,
        }
    }

    /// The kind of a stored code.
    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Record,
            2 => Self::ImportedRecord,
            3 => Self::Points,
            4 => Self::LogEvents,
            5 => Self::Event,
            6 => Self::Message,
            other => Self::Unknown(other),
        }
    }

    /// The bit of this kind in a block's mask; codes from 62 up share one so that the mask stays a positive i64.
    pub(crate) fn bit(self) -> i64 {
        1 << self.code().min(62)
    }
}

/// The account and region an entry belongs to, written `000000000000/us-east-1`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Arc<str>);

impl Partition {
    pub fn new(account: &str, region: &str) -> Self {
        Self([account, "/", region].concat().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `/`.
    pub fn account(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(account, _)| account)
    }

    /// The part after the first `/`; empty when there is none.
    pub fn region(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, region)| region)
    }
}

impl From<&str> for Partition {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// An entry on its way into the log. `time` is when the thing happened, kept to the microsecond (earlier fractions are
/// cut); it need not grow with the sequence number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    pub kind: EntryKind,
    pub time: Timestamp,
    pub partition: Partition,
    pub bytes: Bytes,
}

/// An entry as read. `bytes` shares the allocation of its whole block: copy it before keeping it for long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    pub seq: Seq,
    pub kind: EntryKind,
    pub time: Timestamp,
    pub partition: Partition,
    pub bytes: Bytes,
}

/// Where a newest-first reading of the log continues: with the block of greatest entry time `time_max` that starts at
/// `first_seq`. No entry that is still to come is later than `time_max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogPage {
    pub time_max: Timestamp,
    pub first_seq: Seq,
}

/// The format this program writes; stored beside each block.
pub(crate) const BLOCK_FORMAT: i64 = 1;
/// Decoded bytes of one block beyond which a block is taken for damage: a group's bound plus room for the heads.
const BLOCK_DECODED_MAX: usize = 256 << 20;
const ZSTD_LEVEL: i32 = 1;
/// Bytes of a buffer that are kept for the next group.
const BUFFER_KEPT_MAX: usize = 1 << 20;

/// One row of the log table.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) first_seq: Seq,
    pub(crate) last_seq: Seq,
    /// Microseconds since the epoch.
    pub(crate) time_min: i64,
    pub(crate) time_max: i64,
    pub(crate) kinds: i64,
    pub(crate) format: i64,
    pub(crate) bytes: Vec<u8>,
}

/// Turns appends into blocks; keeps its compression context and buffer between groups.
pub(crate) struct BlockWriter {
    zstd: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
    packed: Vec<u8>,
}

impl BlockWriter {
    pub(crate) fn new() -> Result<Self, StoreError> {
        let failed = |cause| StoreError::database("prepare compression", cause);
        let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(failed)?;
        zstd.include_checksum(true).map_err(failed)?;
        Ok(Self { zstd, raw: Vec::new(), packed: Vec::new() })
    }

    /// Encodes `appends`, which is not empty, as the block that starts at `first_seq`.
    pub(crate) fn encode(&mut self, first_seq: Seq, appends: &[Append]) -> Result<Block, StoreError> {
        let time_min = appends.iter().map(|a| micros(a.time)).min().unwrap_or_default();
        let time_max = appends.iter().map(|a| micros(a.time)).max().unwrap_or_default();
        self.raw.clear();
        write_heads(&mut self.raw, time_min, appends);
        for append in appends {
            self.raw.extend_from_slice(&append.bytes);
        }
        let failed = |cause| StoreError::database("compress log entries", cause);
        let length = u32::try_from(self.raw.len())
            .map_err(|cause| StoreError::database("compress log entries", cause))?;
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        self.zstd.compress_to_buffer(&self.raw, &mut self.packed).map_err(failed)?;
        let bytes = [&length.to_le_bytes()[..], &self.packed].concat();
        self.raw.shrink_to(BUFFER_KEPT_MAX);
        self.packed.shrink_to(BUFFER_KEPT_MAX);
        Ok(Block {
            first_seq,
            last_seq: first_seq + appends.len() as Seq - 1,
            time_min,
            time_max,
            kinds: appends.iter().fold(0, |mask, append| mask | append.kind.bit()),
            format: BLOCK_FORMAT,
            bytes,
        })
    }
}

/// A time as stored. jiff takes no microseconds after the last whole second of its range, so those are cut.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
        .clamp(Timestamp::MIN.as_second() * 1_000_000, Timestamp::MAX.as_second() * 1_000_000)
}

/// The time of stored microseconds; `None` when [`micros`] cannot have given them.
pub(crate) fn time_of_micros(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

fn write_heads(raw: &mut Vec<u8>, time_min: i64, appends: &[Append]) {
    let mut partitions: Vec<&Partition> = Vec::new();
    let mut known: HashMap<&Partition, usize> = HashMap::new();
    let mut indexes: Vec<usize> = Vec::with_capacity(appends.len());
    for append in appends {
        let index = match indexes.last() {
            // Neighbours mostly share their partition: that spares the hashing.
            Some(last) if *partitions[*last] == append.partition => *last,
            _ => *known.entry(&append.partition).or_insert_with(|| {
                partitions.push(&append.partition);
                partitions.len() - 1
            }),
        };
        indexes.push(index);
    }
    write_varint(raw, partitions.len() as u64);
    for partition in partitions {
        write_varint(raw, partition.as_str().len() as u64);
        raw.extend_from_slice(partition.as_str().as_bytes());
    }
    write_varint(raw, appends.len() as u64);
    for (append, index) in appends.iter().zip(indexes) {
        raw.push(append.kind.code());
        write_varint(raw, index as u64);
        write_varint(raw, micros(append.time).abs_diff(time_min));
        write_varint(raw, append.bytes.len() as u64);
    }
}

/// Decodes a block and appends its entries to `entries`, oldest sequence number first.
pub(crate) fn decode_block(block: &Block, entries: &mut Vec<LogEntry>) -> Result<(), StoreError> {
    let damaged = || StoreError::corrupt(format!("log block {}..={}", block.first_seq, block.last_seq));
    if block.format != BLOCK_FORMAT {
        return Err(StoreError::corrupt(format!(
            "log block {} has format {}",
            block.first_seq, block.format
        )));
    }
    let (length, frame) = block.bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > BLOCK_DECODED_MAX {
        return Err(damaged());
    }
    let raw = zstd::bulk::decompress(frame, length).map_err(|_| damaged())?;
    if raw.len() != length {
        return Err(damaged());
    }
    let before = entries.len();
    let complete = read_entries(&Bytes::from(raw), block, entries);
    if complete.is_none() {
        entries.truncate(before);
        return Err(damaged());
    }
    Ok(())
}

fn read_entries(raw: &Bytes, block: &Block, entries: &mut Vec<LogEntry>) -> Option<()> {
    let mut rest: &[u8] = raw;
    let mut partitions = Vec::new();
    for _ in 0..read_varint(&mut rest)? {
        let length = usize::try_from(read_varint(&mut rest)?).ok()?;
        let text = rest.split_off(..length)?;
        partitions.push(Partition::from(std::str::from_utf8(text).ok()?));
    }
    let count = read_varint(&mut rest)?;
    if count != block.last_seq.checked_sub(block.first_seq)? + 1 {
        return None;
    }
    let mut lengths = Vec::new();
    for seq in block.first_seq..=block.last_seq {
        let kind = EntryKind::from_code(*rest.split_off_first()?);
        let partition = partitions.get(usize::try_from(read_varint(&mut rest)?).ok()?)?.clone();
        let micros = block.time_min.checked_add_unsigned(read_varint(&mut rest)?)?;
        let time = time_of_micros(micros)?;
        lengths.push(usize::try_from(read_varint(&mut rest)?).ok()?);
        entries.push(LogEntry { seq, kind, time, partition, bytes: Bytes::new() });
    }
    let mut start = raw.len() - rest.len();
    let added = entries.len() - lengths.len();
    for (entry, length) in entries[added..].iter_mut().zip(lengths) {
        let end = start.checked_add(length).filter(|end| *end <= raw.len())?;
        entry.bytes = raw.slice(start..end);
        start = end;
    }
    (start == raw.len()).then_some(())
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The entries of `block` a history look-up asked for: inside `range`, of one of `kinds` (every kind when empty).
pub(crate) fn select_entries(
    block: &Block,
    range: &RangeInclusive<Timestamp>,
    kinds: &[EntryKind],
    selected: &mut Vec<LogEntry>,
) -> Result<(), StoreError> {
    let mut entries = Vec::new();
    decode_block(block, &mut entries)?;
    entries.retain(|entry| range.contains(&entry.time) && (kinds.is_empty() || kinds.contains(&entry.kind)));
    selected.append(&mut entries);
    Ok(())
}

/// The mask of blocks that may hold one of `kinds`; every block when empty.
pub(crate) fn kinds_mask(kinds: &[EntryKind]) -> i64 {
    if kinds.is_empty() { i64::MAX } else { kinds.iter().fold(0, |mask, kind| mask | kind.bit()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(code: u8, micros: i64, partition: &str, bytes: &[u8]) -> Append {
        Append {
            kind: EntryKind::from_code(code),
            time: Timestamp::from_microsecond(micros).unwrap(),
            partition: partition.into(),
            bytes: Bytes::copy_from_slice(bytes),
        }
    }

    #[track_caller]
    fn check(appends: &[Append]) {
        let block = BlockWriter::new().unwrap().encode(41, appends).unwrap();
        let mut entries = Vec::new();
        decode_block(&block, &mut entries).unwrap();
        assert_eq!(entries.len(), appends.len());
        for (offset, (entry, append)) in entries.iter().zip(appends).enumerate() {
            assert_eq!(entry.seq, 41 + offset as Seq);
            assert_eq!((entry.kind, entry.time), (append.kind, append.time));
            assert_eq!((&entry.partition, &entry.bytes), (&append.partition, &append.bytes));
        }
        for cut in 0..block.bytes.len().min(200) {
            let mut damaged = block.clone();
            damaged.bytes.truncate(cut);
            assert!(decode_block(&damaged, &mut Vec::new()).is_err(), "cut at {cut}");
            let mut damaged = block.clone();
            damaged.bytes[cut] ^= 0x10;
            let mut read = Vec::new();
            // A flipped bit may fall where zstd ignores it, but can never yield other entries.
            assert!(decode_block(&damaged, &mut read).is_err() || read == entries, "flip at {cut}");
        }
    }

    #[test]
    fn one() {
        check(&[append(1, 1_795_000_000_000_000, "000000000000/us-east-1", b"{}")]);
    }

    #[test]
    fn many_kinds_partitions_and_times() {
        check(&[
            append(1, 5, "1/a", b"first"),
            append(200, -7, "2/b", b""),
            append(6, 3, "1/a", &[0xff; 10_000]),
            append(255, 0, "", b"last"),
        ]);
    }

    #[test]
    fn extreme_times() {
        check(&[
            append(1, Timestamp::MIN.as_second() * 1_000_000, "1/a", b"x"),
            append(1, Timestamp::MAX.as_second() * 1_000_000, "1/a", b"y"),
        ]);
    }

    #[test]
    fn the_last_instant_can_be_stored() {
        let last = Append { time: Timestamp::MAX, ..append(1, 0, "1/a", b"x") };
        let block = BlockWriter::new().unwrap().encode(1, &[last]).unwrap();
        let mut entries = Vec::new();
        decode_block(&block, &mut entries).unwrap();
        assert_eq!(entries[0].time.as_second(), Timestamp::MAX.as_second());
    }

    #[test]
    fn partition_parts() {
        let partition = Partition::new("000000000000", "eu-west-1");
        assert_eq!((partition.account(), partition.region()), ("000000000000", "eu-west-1"));
        assert_eq!(partition.to_string(), "000000000000/eu-west-1");
    }

    #[test]
    fn every_code_survives() {
        for code in 0..=u8::MAX {
            assert_eq!(EntryKind::from_code(code).code(), code);
            assert!(EntryKind::from_code(code).bit() > 0);
        }
    }
}
