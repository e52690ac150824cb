//! Which segments there are: one row each, and one for how far the log is closed.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{Expect, Kind, Scan, Seq, Store, StoreError, Versioned, decode};
use serde::{Deserialize, Serialize};

/// Segments, under [`Segment::key`].
pub(crate) const SEGMENT: Kind = Kind("history.segment");
/// Key `through`: the last sequence number that left the log, in decimal. It stays when its segment expires.
pub(crate) const CLOSED: Kind = Kind("history.closed");
pub(crate) const THROUGH: &str = "through";
/// Files that no segment names, under their names: [`Loose`].
pub(crate) const LOOSE: Kind = Kind("history.loose");
const ROWS_AT_ONCE: usize = 1_000;

/// A closed run of sequence numbers. A number in it may have no record: other kinds of entries are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// The file's name in its place.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) first_seq: Seq,
    pub(crate) last_seq: Seq,
    pub(crate) records: u64,
    pub(crate) time_min: Timestamp,
    pub(crate) time_max: Timestamp,
    /// How often its records were merged with those of others.
    pub(crate) level: u8,
}

impl Versioned for Segment {
    const MARKER: &'static str = "history.segment/1";
}

impl Segment {
    pub(crate) fn key(&self) -> String {
        format!("{:020}", self.first_seq)
    }
}

/// A file that is to be removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Loose {
    /// When it became loose: readers that began before may still want it for a while.
    pub(crate) since: Timestamp,
}

impl Versioned for Loose {
    const MARKER: &'static str = "history.loose/1";
}

/// The catalogue at one moment, in the order of sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Entries up to this one are not looked for in the log.
    pub(crate) closed: Seq,
}

/// The stored `closed`, and what a commit that moves it demands. Asks the database and not the cache, which learns of a
/// commit a moment after the log has lost its entries.
pub(crate) async fn closed(store: &Store) -> Result<(Seq, Expect), StoreError> {
    let scan = Scan { prefix: THROUGH, after: None, limit: 1 };
    let Some(row) = store.scan(CLOSED, scan).await?.pop() else { return Ok((0, Expect::Absent)) };
    let text = std::str::from_utf8(&row.bytes).ok();
    let through = text.and_then(|text| text.parse().ok());
    let through = through.ok_or_else(|| StoreError::corrupt("how far the log is closed"))?;
    Ok((through, Expect::Version(row.version)))
}

pub(crate) fn closed_bytes(through: Seq) -> Bytes {
    through.to_string().into()
}

/// Keeps the catalogue in memory as long as it does not change.
#[derive(Debug, Default)]
pub(crate) struct CatalogueCache(Mutex<Option<(u64, Arc<Catalogue>)>>);

impl CatalogueCache {
    /// The catalogue. `closed` is read first: a segment that the log has still is no harm, since who reads the log
    /// afterwards does not find its entries there.
    pub(crate) async fn load(&self, store: &Store) -> Result<Arc<Catalogue>, StoreError> {
        loop {
            let generation = store.generation(SEGMENT);
            if let Some((of, known)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
                && *of == generation
            {
                return Ok(known.clone());
            }
            let (closed, _) = closed(store).await?;
            let catalogue = Catalogue { segments: segments(store).await?, closed };
            if store.generation(SEGMENT) == generation {
                let catalogue = Arc::new(catalogue);
                let known = Some((generation, catalogue.clone()));
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
                return Ok(catalogue);
            }
        }
    }
}

async fn segments(store: &Store) -> Result<Vec<Arc<Segment>>, StoreError> {
    let mut found: Vec<Arc<Segment>> = Vec::new();
    loop {
        let after = found.last().map(|segment| segment.key());
        let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = store.scan(SEGMENT, scan).await?;
        let complete = rows.len() < ROWS_AT_ONCE;
        for row in rows {
            found.push(Arc::new(decode(&row.bytes)?));
        }
        if complete {
            return Ok(found);
        }
    }
}
