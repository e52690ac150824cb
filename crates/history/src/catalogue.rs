//! Which segments there are: one row each, and one for how far the log is closed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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

/// Keeps the catalogue in memory as long as it does not change, and knows which older ones are still read from.
#[derive(Debug, Default)]
pub(crate) struct CatalogueCache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The newest catalogue, and the generation of its rows.
    newest: Option<(u64, Arc<Catalogue>)>,
    /// All that were given out. One that nobody holds any more is dropped.
    given: Vec<Weak<Catalogue>>,
}

impl CatalogueCache {
    /// A catalogue of one moment, in which the log is closed through `through` at least. Its files stay as long as it is held.
    pub(crate) async fn load(&self, store: &Store, through: Seq) -> Result<Arc<Catalogue>, StoreError> {
        loop {
            let generation = store.generation(SEGMENT);
            if let Some((of, known)) = &self.known().newest
                && *of == generation
                && known.closed >= through
            {
                return Ok(known.clone());
            }
            let (closed, _) = closed(store).await?;
            let catalogue = Arc::new(Catalogue { segments: segments(store).await?, closed });
            // Given out before it is known to be the newest: whoever replaces it then sees that it is held.
            self.known().given.push(Arc::downgrade(&catalogue));
            // A commit shows in the database a moment before it counts as a generation.
            let is_whole = catalogue.segments.last().is_none_or(|last| last.last_seq <= closed);
            if is_whole && store.generation(SEGMENT) == generation {
                self.known().newest = Some((generation, catalogue.clone()));
                return Ok(catalogue);
            }
        }
    }

    /// The files that somebody may still read.
    pub(crate) fn held(&self) -> HashSet<String> {
        let mut known = self.known();
        known.given.retain(|catalogue| catalogue.strong_count() > 0);
        let held = known.given.iter().filter_map(Weak::upgrade);
        held.flat_map(|catalogue| catalogue.segments.iter().map(|s| s.name.clone()).collect::<Vec<_>>())
            .collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
