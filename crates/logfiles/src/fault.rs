//! What can be wrong with a log file. A **fault** is told to the user and never stops the other files.

use super::record::NotARecord;
use super::splitter::RECORD_BYTES_MAX;
use std::fmt;

/// One thing wrong with a file or with a record in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("empty file")]
    Empty,
    #[error("not JSON")]
    NotJson,
    #[error("not a CloudTrail log file: no \"Records\" in it")]
    NotCloudTrail,
    #[error("truncated: the JSON ends in the middle")]
    Truncated,
    #[error("truncated: the gzip data ends in the middle")]
    TruncatedGzip,
    #[error("corrupt gzip data")]
    CorruptGzip,
    #[error("malformed JSON at byte {at}")]
    Malformed { at: u64 },
    #[error("larger than {} uncompressed", Size(*.limit_bytes))]
    TooLarge { limit_bytes: u64 },
    #[error("a record is longer than {}", Size(RECORD_BYTES_MAX as u64))]
    RecordTooLong,
    #[error(transparent)]
    Record(#[from] NotARecord),
}

/// A count of bytes in the largest unit that divides it.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.into_iter().find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{} {name}", self.0 / unit),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// The faults of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Why the file, or the rest of it, was not read.
    pub ended_by: Option<Fault>,
    /// Elements of `Records` that were passed over.
    pub records_skipped: u64,
    /// The first of them: what was wrong, and the offset of its first byte in the uncompressed text.
    pub first_skipped: Option<(Fault, u64)>,
}

impl Faults {
    pub(super) fn end(&mut self, fault: Fault) {
        self.ended_by.get_or_insert(fault);
    }

    pub(super) fn skip_record(&mut self, fault: Fault, at: u64) {
        self.records_skipped += 1;
        self.first_skipped.get_or_insert((fault, at));
    }
}
