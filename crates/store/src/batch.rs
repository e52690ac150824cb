//! The nouns of state: rows, scans, and the batch of checks, changes and log entries that is committed as one.
//!
//! **Invariant:** a batch is applied whole or not at all. **Not here:** how a batch is made from reads
//! ([`crate::Transaction`]) or what the bytes mean ([`crate::Versioned`]).

use bytes::Bytes;

use crate::{Append, StoreError};

/// A family of state rows that share one key space, for example `Kind("kms.key")`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Kind(pub &'static str);

/// The number of the commit that last wrote a row. Grows with every commit that changes state; never reused, so an
/// equal version means an unchanged row.
pub type Version = u64;

/// A position in the log. The first entry is 1; there are no gaps and no doubles. 0 is "before the first".
pub type Seq = u64;

/// Longest key in bytes.
pub const KEY_BYTES_MAX: usize = 4096;
/// Largest sum of keys, values and entry bytes in one batch.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// One stored row as read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    pub key: String,
    pub version: Version,
    pub bytes: Bytes,
}

/// Which rows of a kind to list: keys that start with `prefix`, strictly after `after`, in byte order, at most `limit`.
/// Fewer rows than `limit` means the end was reached.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    pub prefix: &'a str,
    pub after: Option<&'a str>,
    pub limit: usize,
}

/// What a batch demands of a row before it may be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    Absent,
    Version(Version),
}

/// Changes that become durable together. `checks` are tested first; then `deletes` are applied, then `puts`, then
/// `appends` go to the log in their order, and at last what `forget` names leaves the log.
#[derive(Clone, Default, Debug)]
pub struct Batch {
    pub checks: Vec<(Kind, String, Expect)>,
    pub puts: Vec<(Kind, String, Bytes)>,
    pub deletes: Vec<(Kind, String)>,
    pub appends: Vec<Append>,
    /// Entries up to this one leave the log, by whole blocks: a block that also holds a later one stays, and so does the
    /// newest block. Whoever asks for it has put them elsewhere in the same batch.
    pub forget: Option<Seq>,
}

impl Batch {
    /// True when committing would neither change nor append anything.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty() && self.appends.is_empty() && self.forget.is_none()
    }

    /// Bytes of keys, values and entries: what a group commit counts against its bound.
    pub fn weight(&self) -> usize {
        let puts: usize = self.puts.iter().map(|(_, key, bytes)| key.len() + bytes.len()).sum();
        let deletes: usize = self.deletes.iter().map(|(_, key)| key.len()).sum();
        let appends: usize = self.appends.iter().map(|append| append.bytes.len()).sum();
        puts + deletes + appends
    }

    /// Refuses what no backend stores. Every commit passes here before it queues.
    pub(crate) fn validate(&self) -> Result<(), StoreError> {
        let bytes = self.weight();
        if bytes > BATCH_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "a batch", bytes, limit: BATCH_BYTES_MAX });
        }
        let keys = self.puts.iter().map(|(_, key, _)| key).chain(self.deletes.iter().map(|(_, key)| key));
        match keys.map(String::len).max() {
            Some(bytes) if bytes > KEY_BYTES_MAX => {
                Err(StoreError::TooLarge { what: "a key", bytes, limit: KEY_BYTES_MAX })
            }
            _ => Ok(()),
        }
    }
}

/// What a commit did. `version` is the version every row put by it now has; the sequence numbers are those of the
/// batch's own entries, absent when it appended none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    pub version: Version,
    pub first_seq: Option<Seq>,
    pub last_seq: Option<Seq>,
}

/// The least string greater than every string that starts with `prefix`, in byte order; `None` when there is none.
/// UTF-8 keeps code point order in bytes, so the successor is found by raising the last character that can be raised.
pub(crate) fn prefix_end(prefix: &str) -> Option<String> {
    let mut head = prefix.to_owned();
    while let Some(last) = head.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(other as u32 + 1),
        };
        if let Some(next) = next {
            head.push(next);
            return Some(head);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_end(prefix: &str, want: Option<&str>) {
        let end = prefix_end(prefix);
        assert_eq!(end.as_deref(), want);
        if let Some(end) = end {
            assert!(end.as_bytes() > format!("{prefix}\u{10FFFF}").as_bytes());
        }
    }

    #[test]
    fn prefix_ends() {
        check_end("", None);
        check_end("a", Some("b"));
        check_end("alias/", Some("alias0"));
        check_end("a\u{10FFFF}", Some("b"));
        check_end("\u{10FFFF}", None);
        check_end("\u{D7FF}", Some("\u{E000}"));
        check_end("é\0", Some("é\u{1}"));
    }

    #[test]
    fn limits_are_errors() {
        let key = "k".repeat(KEY_BYTES_MAX);
        let fits = Batch { puts: vec![(Kind("t"), key.clone(), Bytes::new())], ..Batch::default() };
        assert!(fits.validate().is_ok());
        let long = Batch { deletes: vec![(Kind("t"), key + "k")], ..Batch::default() };
        assert!(matches!(long.validate(), Err(StoreError::TooLarge { what: "a key", .. })));
        let value = Bytes::from(vec![0; BATCH_BYTES_MAX]);
        let big = Batch { puts: vec![(Kind("t"), "k".into(), value)], ..Batch::default() };
        assert!(matches!(big.validate(), Err(StoreError::TooLarge { what: "a batch", .. })));
    }
}
