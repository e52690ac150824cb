//! What every handle of a store sees without asking the database: the head and the newest entries of the log,
//! generations, and a bounded cache of rows (absence included).
//!
//! **Invariant:** the committer publishes a group here after it is durable and before it answers anybody, so a caller
//! reads its own writes. A reader that fetched a row from the database may only cache it when no commit touched the
//! row's shard meanwhile; otherwise a slow reader could put back what was just replaced.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use quick_cache::{DefaultHashBuilder, Equivalent, Weighter, sync::Cache};
use tokio::sync::watch;

use crate::{
    Append, Kind, LogEntry, Seq, Version,
    figures::Counters,
    group::RowName,
    tail::{Found, Tail},
    touched::{Followed, TouchedKeys},
};

/// Memory the cached rows may take, by their own weight.
const CACHE_BYTES: u64 = 32 << 20;
/// Larger values are read from the database each time, so that one of them cannot empty the cache.
const CACHED_VALUE_BYTES_MAX: usize = 128 << 10;
const CACHE_ITEMS_EXPECTED: usize = 4096;
const SHARDS: usize = 64;
/// Kinds share counters by hash; a collision only makes a generation grow too often.
const GENERATIONS: usize = 256;

/// A cached answer: the row, or the knowledge that there is none.
pub(crate) type CachedRow = Option<(Version, Bytes)>;

#[derive(PartialEq, Eq, Hash)]
struct RowRef<'a> {
    kind: Kind,
    key: &'a str,
}

impl Equivalent<RowName> for RowRef<'_> {
    fn equivalent(&self, name: &RowName) -> bool {
        self.kind == name.kind && self.key == name.key
    }
}

#[derive(Clone)]
struct RowWeight;

impl Weighter<RowName, CachedRow> for RowWeight {
    fn weight(&self, name: &RowName, row: &CachedRow) -> u64 {
        (name.key.len() + row.as_ref().map_or(0, |(_, bytes)| bytes.len()) + 128) as u64
    }
}

/// A reader's claim that it saw a shard at some epoch.
#[derive(Clone, Copy)]
pub(crate) struct FillTicket {
    shard: usize,
    epoch: u64,
}

pub(crate) struct Published {
    cache: Cache<RowName, CachedRow, RowWeight>,
    hasher: DefaultHashBuilder,
    epochs: [Mutex<u64>; SHARDS],
    generations: [AtomicU64; GENERATIONS],
    followed: Followed,
    tail: Mutex<Tail>,
    head: watch::Sender<Seq>,
    pub(crate) counters: Counters,
}

impl Published {
    pub(crate) fn new(head: Seq) -> Self {
        Self {
            cache: Cache::with_weighter(CACHE_ITEMS_EXPECTED, CACHE_BYTES, RowWeight),
            hasher: DefaultHashBuilder::default(),
            epochs: std::array::from_fn(|_| Mutex::new(0)),
            generations: std::array::from_fn(|_| AtomicU64::new(0)),
            followed: Followed::default(),
            tail: Mutex::new(Tail::default()),
            head: watch::Sender::new(head),
            counters: Counters::default(),
        }
    }

    pub(crate) fn head(&self) -> Seq {
        *self.head.borrow()
    }

    pub(crate) fn watch_head(&self) -> watch::Receiver<Seq> {
        self.head.subscribe()
    }

    pub(crate) fn generation(&self, kind: Kind) -> u64 {
        self.generation_of(kind).load(Ordering::Acquire)
    }

    pub(crate) fn touched_keys(&self, kind: Kind) -> TouchedKeys {
        self.followed.follow(kind)
    }

    /// The cached answer for a row, or a ticket to fill it in after asking the database.
    pub(crate) fn lookup(&self, kind: Kind, key: &str) -> Result<CachedRow, FillTicket> {
        if let Some(row) = self.cache.get(&RowRef { kind, key }) {
            return Ok(row);
        }
        let shard = self.shard_of(kind, key);
        Err(FillTicket { shard, epoch: *self.epoch(shard) })
    }

    /// Caches what a reader found, unless a commit came between.
    pub(crate) fn fill(&self, ticket: FillTicket, kind: Kind, key: &str, row: &CachedRow) {
        if !cacheable(row) {
            return;
        }
        let epoch = self.epoch(ticket.shard);
        if *epoch == ticket.epoch {
            self.cache.insert(RowName { kind, key: key.to_owned() }, row.clone());
        }
    }

    /// The entries after `after`, if the tail goes back that far.
    pub(crate) fn read_tail(&self, after: Seq, max_bytes: usize) -> Option<Vec<LogEntry>> {
        let found = self.lock_tail().find(after, max_bytes);
        found.map(Found::entries)
    }

    /// Makes a durable group visible: rows, then generations, then entries, then the head.
    pub(crate) fn publish(
        &self,
        changes: HashMap<RowName, Option<Bytes>>,
        appends: Vec<Append>,
        version: Version,
        head: Seq,
    ) {
        let mut touched: Vec<Kind> = Vec::new();
        for (name, change) in changes {
            if !touched.contains(&name.kind) {
                touched.push(name.kind);
            }
            let row = change.map(|bytes| (version, bytes));
            let followed = self.followed.has(name.kind).then(|| (name.kind, name.key.clone()));
            let mut epoch = self.epoch(self.shard_of(name.kind, &name.key));
            *epoch += 1;
            if cacheable(&row) {
                self.cache.insert(name, row);
            } else {
                self.cache.remove(&name);
            }
            if let Some((kind, key)) = followed {
                self.followed.note(kind, &key);
            }
        }
        for kind in touched {
            self.generation_of(kind).fetch_add(1, Ordering::AcqRel);
        }
        if !appends.is_empty() {
            self.lock_tail().push(head + 1 - appends.len() as Seq, appends);
            self.head.send_replace(head);
        }
    }

    fn lock_tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation_of(&self, kind: Kind) -> &AtomicU64 {
        &self.generations[self.hasher.hash_one(kind) as usize % GENERATIONS]
    }

    fn shard_of(&self, kind: Kind, key: &str) -> usize {
        self.hasher.hash_one(RowRef { kind, key }) as usize % SHARDS
    }

    fn epoch(&self, shard: usize) -> MutexGuard<'_, u64> {
        // A number cannot be left half changed by a panic.
        self.epochs[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cacheable(row: &CachedRow) -> bool {
    row.as_ref().is_none_or(|(_, bytes)| bytes.len() <= CACHED_VALUE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::EntryKind;

    const KIND: Kind = Kind("t");

    fn change(key: &str, value: Option<&'static str>) -> HashMap<RowName, Option<Bytes>> {
        HashMap::from([(
            RowName { kind: KIND, key: key.into() },
            value.map(|v| Bytes::from_static(v.as_bytes())),
        )])
    }

    #[test]
    fn a_late_reader_does_not_bring_back_the_past() {
        let published = Published::new(0);
        let Err(ticket) = published.lookup(KIND, "k") else { panic!("nothing is cached yet") };
        published.publish(change("k", Some("new")), Vec::new(), 2, 0);
        published.fill(ticket, KIND, "k", &Some((1, Bytes::from_static(b"old"))));
        assert_eq!(published.lookup(KIND, "k").ok(), Some(Some((2, Bytes::from_static(b"new")))));
    }

    #[test]
    fn absence_is_cached_and_replaced() {
        let published = Published::new(0);
        let Err(ticket) = published.lookup(KIND, "k") else { panic!("nothing is cached yet") };
        published.fill(ticket, KIND, "k", &None);
        assert_eq!(published.lookup(KIND, "k").ok(), Some(None));
        published.publish(change("k", Some("v")), Vec::new(), 1, 0);
        assert_eq!(published.lookup(KIND, "k").ok(), Some(Some((1, Bytes::from_static(b"v")))));
        published.publish(change("k", None), Vec::new(), 2, 0);
        assert_eq!(published.lookup(KIND, "k").ok(), Some(None));
    }

    #[test]
    fn generations_and_head_grow() {
        let published = Published::new(7);
        let before = published.generation(KIND);
        let append = Append {
            kind: EntryKind::Record,
            time: Timestamp::UNIX_EPOCH,
            partition: "1/a".into(),
            bytes: Bytes::new(),
        };
        published.publish(HashMap::new(), vec![append; 2], 1, 9);
        assert_eq!((published.generation(KIND), published.head()), (before, 9));
        assert!(published.read_tail(6, 1).is_none());
        assert_eq!(published.read_tail(8, 1).unwrap()[0].seq, 9);
        published.publish(change("k", Some("v")), Vec::new(), 2, 9);
        assert!(published.generation(KIND) > before);
    }
}
