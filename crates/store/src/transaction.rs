//! A unit of work over a store: reads remember what they saw, writes wait, and the whole becomes one [`Batch`].
//!
//! **Optimistic:** nothing is locked. A row that was read and is written must still be as it was read when the batch is
//! committed; otherwise the commit is a [`CommitError::Conflict`] and the work is run again from its start. A row that
//! was only read is not checked unless [`Transaction::require_unchanged`] says so. **Invariant:** reads see the
//! transaction's own writes. **Not here:** retries, which belong to whoever can run the work again.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    Append, Batch, CommitError, Committed, Expect, Kind, Row, Scan, Store, StoreError, Version, Versioned,
    decode, encode,
};

type RowKey = (Kind, String);

/// A transaction in the making. Everything it would commit is in public fields; they are filled by the methods.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub store: &'a Store,
    /// The version each row had when it was first seen, `None` for an absent row.
    pub reads: BTreeMap<RowKey, Option<Version>>,
    /// Rows that must be so at commit, whether they are written or not.
    pub required: BTreeMap<RowKey, Expect>,
    /// New bytes of each written row, `None` for a deletion.
    pub writes: BTreeMap<RowKey, Option<Bytes>>,
    pub appends: Vec<Append>,
}

impl<'a> Transaction<'a> {
    pub fn new(store: &'a Store) -> Self {
        Self {
            store,
            reads: BTreeMap::new(),
            required: BTreeMap::new(),
            writes: BTreeMap::new(),
            appends: Vec::new(),
        }
    }

    /// Reads a record; absent rows read as `None`.
    pub async fn get<T: Versioned>(&mut self, kind: Kind, key: &str) -> Result<Option<T>, StoreError> {
        self.get_bytes(kind, key).await?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Reads a row whose bytes are not a [`Versioned`] record.
    pub async fn get_bytes(&mut self, kind: Kind, key: &str) -> Result<Option<Bytes>, StoreError> {
        let name = (kind, key.to_owned());
        if let Some(written) = self.writes.get(&name) {
            return Ok(written.clone());
        }
        let row = self.store.get(kind, key).await?;
        // The first sight counts: if a second differs, the commit shall conflict.
        self.reads.entry(name).or_insert(row.as_ref().map(|row| row.version));
        Ok(row.map(|row| row.bytes))
    }

    /// Lists records in key order with this transaction's writes in place. Rows seen so are checked if they are later
    /// written; rows that others add to the range meanwhile are not noticed.
    pub async fn scan<T: Versioned>(
        &mut self,
        kind: Kind,
        scan: Scan<'_>,
    ) -> Result<Vec<(String, T)>, StoreError> {
        // Each deleted row may hide one that was fetched.
        let hidden = self.written_in(kind, scan).filter(|(_, write)| write.is_none()).count();
        let fetched = Scan { limit: scan.limit.saturating_add(hidden), ..scan };
        let rows = self.store.scan(kind, fetched).await?;
        let complete = rows.len() < fetched.limit;
        let mut merged: BTreeMap<String, Bytes> = BTreeMap::new();
        let last = rows.last().map(|row| row.key.clone());
        for Row { key, version, bytes } in rows {
            self.reads.entry((kind, key.clone())).or_insert(Some(version));
            merged.insert(key, bytes);
        }
        for (key, write) in self.written_in(kind, scan) {
            // Beyond the last fetched row others may come between, unless nothing is left to fetch.
            if complete || last.as_deref().is_some_and(|last| key <= last) {
                match write {
                    Some(bytes) => merged.insert(key.to_owned(), bytes.clone()),
                    None => merged.remove(key),
                };
            }
        }
        merged.into_iter().take(scan.limit).map(|(key, bytes)| Ok((key, decode(&bytes)?))).collect()
    }

    fn written_in(&self, kind: Kind, scan: Scan<'_>) -> impl Iterator<Item = (&str, &Option<Bytes>)> {
        self.writes
            .iter()
            .filter(move |((of, key), _)| {
                *of == kind
                    && key.starts_with(scan.prefix)
                    && scan.after.is_none_or(|after| key.as_str() > after)
            })
            .map(|((_, key), write)| (key.as_str(), write))
    }

    /// Writes a record, over whatever is there; if the row was read before, only over what was read.
    pub fn put<T: Versioned>(&mut self, kind: Kind, key: &str, record: &T) -> Result<(), StoreError> {
        self.put_bytes(kind, key, encode(record)?);
        Ok(())
    }

    /// Writes a row whose bytes are not a [`Versioned`] record.
    pub fn put_bytes(&mut self, kind: Kind, key: &str, bytes: Bytes) {
        self.writes.insert((kind, key.to_owned()), Some(bytes));
    }

    /// Writes a record that must not exist yet: a row made by somebody else meanwhile is a conflict. Whether it exists
    /// already is for the caller to find out by [`Transaction::get`], for the answer differs from a lost race.
    pub fn insert<T: Versioned>(&mut self, kind: Kind, key: &str, record: &T) -> Result<(), StoreError> {
        let name = (kind, key.to_owned());
        // A row this transaction itself deleted is checked as it was first seen.
        if !self.writes.contains_key(&name) {
            self.required.insert(name, Expect::Absent);
        }
        self.put(kind, key, record)
    }

    /// Deletes a row; an absent row stays absent.
    pub fn delete(&mut self, kind: Kind, key: &str) {
        self.writes.insert((kind, key.to_owned()), None);
    }

    /// Adds an entry to the log.
    pub fn append(&mut self, append: Append) {
        self.appends.push(append);
    }

    /// Demands that a row that was read is unchanged at commit although it is not written. A row that was not read is
    /// left alone: there is nothing to compare it with.
    pub fn require_unchanged(&mut self, kind: Kind, key: &str) {
        let name = (kind, key.to_owned());
        if let Some(seen) = self.reads.get(&name) {
            let expect = expectation(*seen);
            self.required.insert(name, expect);
        }
    }

    /// True when committing would neither change nor append anything.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.appends.is_empty()
    }

    /// The batch that applies this transaction.
    pub fn into_batch(self) -> Batch {
        let mut checks = self.required;
        for name in self.writes.keys() {
            if let Some(seen) = self.reads.get(name) {
                checks.entry(name.clone()).or_insert(expectation(*seen));
            }
        }
        let mut batch = Batch {
            checks: checks.into_iter().map(|((kind, key), expect)| (kind, key, expect)).collect(),
            appends: self.appends,
            ..Batch::default()
        };
        for ((kind, key), write) in self.writes {
            match write {
                Some(bytes) => batch.puts.push((kind, key, bytes)),
                None => batch.deletes.push((kind, key)),
            }
        }
        batch
    }

    /// Commits; a transaction that only read commits nothing but its requirements.
    pub async fn commit(self) -> Result<Committed, CommitError> {
        let store = self.store;
        store.commit(self.into_batch()).await
    }
}

fn expectation(seen: Option<Version>) -> Expect {
    seen.map_or(Expect::Absent, Expect::Version)
}
