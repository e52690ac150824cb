//! The newest records that a query asks for, page by page, from the log and from segments alike.
//!
//! Parts of history, pages of the log and row groups of segments, wait in the order of their newest possible record; the
//! one that may hold the newest is read next, until no part that is left can hold anything newer than what was found. The
//! next page goes on after the last record shown, so records that arrive meanwhile neither shift nor repeat it.
//!
//! A page is read from one catalogue, whose files stay while it is held. What leaves the log while it is read is looked for
//! afterwards, in the segments it went into: once, since nothing of what the log held then can leave any more.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{LogEntry, LogPage, Seq, Store};
use quick_cache::{Weighter, sync::Cache};

use crate::catalogue::{Catalogue, CatalogueCache, Segment, closed};
use crate::segment::OpenSegment;
use crate::{HistoryError, Mark, Place, Query};

/// Parts of history read for one page; beyond it the page is shorter and can be continued.
const PARTS_MAX: usize = 8_192;
/// Bytes of records in one page, if it has more than one.
const PAGE_BYTES_MAX: usize = 16 << 20;
/// Memory for footers of segments.
const FOOTERS_BYTES: u64 = 32 << 20;
const FOOTERS_EXPECTED: usize = 64;

/// Reads history; cheap to clone.
#[derive(Clone, Debug)]
pub struct History {
    inner: Arc<Inner>,
    retention: Option<SignedDuration>,
}

struct Inner {
    store: Store,
    place: Place,
    catalogue: CatalogueCache,
    footers: Cache<String, Arc<OpenSegment>, FooterWeight>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("place", &self.place).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct FooterWeight;

impl Weighter<String, Arc<OpenSegment>> for FooterWeight {
    fn weight(&self, name: &String, open: &Arc<OpenSegment>) -> u64 {
        name.len() as u64 + open.weight()
    }
}

/// A page of records, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub entries: Vec<LogEntry>,
    /// What to ask with for the next page; `None` after the last.
    pub more: Option<Mark>,
}

impl History {
    pub fn new(store: Store, place: Place) -> Self {
        let footers = Cache::with_weighter(FOOTERS_EXPECTED, FOOTERS_BYTES, FooterWeight);
        let inner = Inner { store, place, catalogue: CatalogueCache::default(), footers };
        Self { inner: Arc::new(inner), retention: None }
    }

    /// The same history, from which records of this age may be removed.
    #[must_use]
    pub fn with_retention(self, retention: Option<SignedDuration>) -> Self {
        Self { retention, ..self }
    }

    /// The age from which records may have been removed; `None` when none ever are.
    pub fn retention(&self) -> Option<SignedDuration> {
        self.retention
    }

    /// At most `limit` records, the newest of those that `query` asks for and that come after `after`.
    pub async fn search(
        &self,
        query: &Arc<Query>,
        after: Option<Mark>,
        limit: usize,
    ) -> Result<Found, HistoryError> {
        let newest = after.map_or(*query.range.end(), |after| after.time.min(*query.range.end()));
        let mut best = Best { after, limit, entries: Vec::new(), bytes: 0, cut: false };
        if *query.range.start() > newest {
            return Ok(best.finish(None));
        }
        let query = Arc::new(Query { range: *query.range.start()..=newest, ..(**query).clone() });
        let catalogue = self.catalogue().await?;
        let log = Part { time_max: Timestamp::MAX, source: PartSource::Log(None) };
        let mut rest;
        (best, rest) = self.read(&catalogue, 0, vec![log], &query, best).await?;
        // What left the log while it was read is in segments by now, beside what was found before it left.
        let (through, _) = closed(self.store()).await?;
        if through > catalogue.closed {
            let later = self.catalogue_through(through).await?;
            let unread;
            (best, unread) = self.read(&later, catalogue.closed, Vec::new(), &query, best).await?;
            rest = rest.max(unread);
        }
        Ok(best.finish(rest))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn place(&self) -> &Place {
        &self.inner.place
    }

    pub(crate) async fn catalogue(&self) -> Result<Arc<Catalogue>, HistoryError> {
        self.catalogue_through(0).await
    }

    /// A catalogue in which the log is closed through `through` at least.
    pub(crate) async fn catalogue_through(&self, through: Seq) -> Result<Arc<Catalogue>, HistoryError> {
        Ok(self.inner.catalogue.load(&self.inner.store, through).await?)
    }

    /// The files of the catalogues that somebody reads from.
    pub(crate) fn held(&self) -> HashSet<String> {
        self.inner.catalogue.held()
    }

    /// A segment with its footer, which is kept in memory while there is room.
    pub(crate) async fn open(&self, segment: &Arc<Segment>) -> Result<Arc<OpenSegment>, HistoryError> {
        if let Some(open) = self.inner.footers.get(&segment.name) {
            return Ok(open);
        }
        let (place, of) = (self.inner.place.clone(), segment.clone());
        let open = Arc::new(blocking(move || OpenSegment::open(&place, of)).await??);
        self.inner.footers.insert(segment.name.clone(), open.clone());
        Ok(open)
    }

    pub(crate) fn forget(&self, name: &str) {
        self.inner.footers.remove(name);
    }

    /// Reads segments of a catalogue, without what was logged up to `after_seq`, and `more` parts. Gives the best with what was found,
    /// and where parts begin that were not read.
    async fn read(
        &self,
        catalogue: &Catalogue,
        after_seq: Seq,
        more: Vec<Part>,
        query: &Arc<Query>,
        mut best: Best,
    ) -> Result<(Best, Option<Mark>), HistoryError> {
        let mut parts = BinaryHeap::from(more);
        let overlaps =
            |min: Timestamp, max: Timestamp| min <= *query.range.end() && max >= *query.range.start();
        let segments = catalogue.segments.iter().filter(|segment| segment.last_seq > after_seq);
        for segment in segments.filter(|segment| overlaps(segment.time_min, segment.time_max)) {
            parts.push(Part { time_max: segment.time_max, source: PartSource::Segment(segment.clone()) });
        }
        for _ in 0..PARTS_MAX {
            if parts.peek().is_none_or(|part| best.is_settled_down_to(part.time_max)) {
                return Ok((best, None));
            }
            let Some(part) = parts.pop() else { break };
            match part.source {
                PartSource::Log(page) => {
                    let (entries, next) =
                        self.store().read_log_newest(query.range.clone(), &Query::KINDS, page).await?;
                    if let Some(next) = next {
                        parts.push(Part { time_max: next.time_max, source: PartSource::Log(Some(next)) });
                    }
                    best.take_from_log(entries, query, catalogue.closed);
                }
                PartSource::Segment(segment) => {
                    let open = self.open(&segment).await?;
                    for group in 0..open.groups() {
                        let (min, max) = open.times(group);
                        if overlaps(min, max) {
                            parts
                                .push(Part { time_max: max, source: PartSource::Group(open.clone(), group) });
                        }
                    }
                }
                PartSource::Group(open, group) => {
                    let query = query.clone();
                    best = blocking(move || search_group(&open, group, &query, after_seq, best)).await??;
                }
            }
        }
        let rest = parts.peek().map(|part| Mark { time: part.time_max, seq: Seq::MAX });
        Ok((best, rest))
    }
}

/// A part of history that was not read yet.
struct Part {
    /// None of its records is newer.
    time_max: Timestamp,
    source: PartSource,
}

enum PartSource {
    Log(Option<LogPage>),
    Segment(Arc<Segment>),
    Group(Arc<OpenSegment>, usize),
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        self.time_max.cmp(&other.time_max)
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.time_max == other.time_max
    }
}

impl Eq for Part {}

/// The newest records found so far, newest first; one more than are shown.
struct Best {
    after: Option<Mark>,
    limit: usize,
    entries: Vec<LogEntry>,
    bytes: usize,
    /// Something was dropped because of its size.
    cut: bool,
}

impl Best {
    /// Whether a record of this mark would be among the best.
    fn wants(&self, mark: Mark) -> bool {
        let full = self.cut || self.entries.len() > self.limit;
        self.after.is_none_or(|after| mark < after)
            && !(full && self.entries.last().is_some_and(|last| entry_mark(last) > mark))
    }

    fn take_from_log(&mut self, entries: Vec<LogEntry>, query: &Query, closed: Seq) {
        for entry in entries.into_iter().filter(|entry| entry.seq > closed && query.reaches(entry)) {
            if self.wants(entry_mark(&entry)) && query.accept(&entry.bytes).is_some() {
                self.insert(entry);
            }
        }
    }

    fn insert(&mut self, entry: LogEntry) {
        let mark = entry_mark(&entry);
        let at = self.entries.partition_point(|known| entry_mark(known) > mark);
        // Found in the log, and again in the segment into which it went meanwhile.
        if self.entries.get(at).is_some_and(|known| entry_mark(known) == mark) {
            return;
        }
        self.bytes += entry.bytes.len();
        self.entries.insert(at, entry);
        while self.entries.len() > self.limit + 1 || (self.bytes > PAGE_BYTES_MAX && self.entries.len() > 1) {
            let Some(dropped) = self.entries.pop() else { break };
            self.bytes -= dropped.bytes.len();
            self.cut |= self.entries.len() <= self.limit;
        }
    }

    /// Whether nothing of parts that begin at `time` can be among the best.
    fn is_settled_down_to(&self, time: Timestamp) -> bool {
        (self.cut || self.entries.len() > self.limit)
            && self.entries.last().is_some_and(|last| last.time > time)
    }

    /// `rest` is where parts begin that were not read.
    fn finish(mut self, rest: Option<Mark>) -> Found {
        if let Some(rest) = rest {
            let settled = self.entries.partition_point(|entry| entry.time > rest.time);
            self.entries.truncate(settled);
        }
        let more = self.cut || self.entries.len() > self.limit;
        self.entries.truncate(self.limit);
        let last = self.entries.last().map(entry_mark).filter(|_| more);
        Found { more: last.or(rest), entries: self.entries }
    }
}

fn entry_mark(entry: &LogEntry) -> Mark {
    Mark { time: entry.time, seq: entry.seq }
}

/// Records are fetched from the newest down, as many at a time as are still missing.
fn search_group(
    open: &OpenSegment,
    group: usize,
    query: &Query,
    after_seq: Seq,
    mut best: Best,
) -> Result<Best, HistoryError> {
    let mut wanted = open.wanted(group, query, after_seq)?;
    while let Some(last) = wanted.last() {
        if best.after.is_some_and(|after| last.mark >= after) {
            wanted.pop();
            continue;
        }
        if !best.wants(last.mark) {
            break;
        }
        let missing = (best.limit + 1).saturating_sub(best.entries.len()).max(1);
        let these = wanted.split_off(wanted.len() - missing.min(wanted.len()));
        for entry in open.entries(group, &these)?.into_iter().rev() {
            if best.wants(entry_mark(&entry)) {
                best.insert(entry);
            }
        }
    }
    Ok(best)
}

/// Runs what blocks its thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HistoryError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| HistoryError::Stopping)
}
