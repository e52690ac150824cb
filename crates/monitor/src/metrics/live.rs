//! # Live series: the series in memory, kept at the head of the trail
//! The follower feeds them, and a query that must see what was written before it brings them up to the head itself.
//! Looking at points may need pages that are not in memory: then what was seen is thrown away, the pages are loaded, and it is looked
//! again. So no reader holds anything up while it waits for the store.
//! **Invariants:** every entry up to [`LiveSeries::position`] is in, none beyond it; what a reader sees is complete.
//! **Not here:** what a record means (`derive.rs`), persistence (`stored.rs`).

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use keywatch_store::{Batch, CommitError, EntryKind, LogEntry, Seq, Store, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    Second, Unit,
    derive::{Derived, derive, sample, services},
    flush::{Flush, Step},
    index::FamilyId,
    page::PageName,
    pages::CACHE_BYTES_MAX,
    series::{Datum, MetricRef, SeriesStore},
    statistic_set::StatisticSet,
    stored,
};
use crate::{
    engine::{commit_position, stored_position},
    entry::{
        Body, LogEvents, Message, PointValue,
        points::{self, PointRef},
    },
};

/// Names the position that stored series include.
pub const FOLLOWER: &str = "metrics";
/// Bytes of log a query takes in at once.
const READ_BYTES_MAX: usize = 4 << 20;
/// A reader that needs more old pages than this is refused.
const READ_PAGES_BYTES_MAX: usize = 512 << 20;

/// The series of a server. Shared by the follower, the alarms and the queries.
#[derive(Debug)]
pub struct LiveSeries {
    store: Store,
    inner: RwLock<Inner>,
    /// Held by a query while it reads the log, so that queries do not read it side by side.
    catching_up: Mutex<()>,
    /// Held while old pages are read, moved or made anew, so that nobody sees half of it.
    paging: Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    series: SeriesStore,
    position: Seq,
}

impl LiveSeries {
    /// The stored series, at the position they were stored at.
    pub async fn load(store: &Store) -> Result<Arc<Self>, StoreError> {
        let position = stored_position(store, FOLLOWER).await?;
        let inner = RwLock::new(Inner { series: stored::load(store).await?, position });
        let (catching_up, paging) = (Mutex::new(()), Mutex::new(()));
        Ok(Arc::new(Self { store: store.clone(), inner, catching_up, paging }))
    }

    /// The last log entry that is in.
    pub fn position(&self) -> Seq {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).position
    }

    /// Looks at the series as they are, but not at their points, of which only the newest are in memory.
    pub fn look<R>(&self, look: impl FnOnce(&SeriesStore) -> R) -> R {
        look(&self.inner.read().unwrap_or_else(PoisonError::into_inner).series)
    }

    /// Looks at the series and their points. `look` is called again where points are needed that are not in memory; only its last answer
    /// counts. Fails when the store does, and when more old points are needed than one reader may have.
    pub async fn read<R>(&self, mut look: impl FnMut(&SeriesStore) -> R) -> Result<R, StoreError> {
        if let Some(seen) = self.try_read(&mut look) {
            return Ok(seen);
        }
        // One such reader at a time, so that the bound is one of all of them.
        let _paging = self.paging.lock().await;
        loop {
            if let Some(seen) = self.try_read(&mut look) {
                self.change(|series, _| series.pages.trim(CACHE_BYTES_MAX));
                return Ok(seen);
            }
            let loaded = self.load_wanted().await;
            if loaded.is_err() {
                self.change(|series, _| series.pages.trim(CACHE_BYTES_MAX));
            }
            loaded?;
        }
    }

    /// What was seen, if everything that was looked at was in memory.
    fn try_read<R>(&self, look: &mut impl FnMut(&SeriesStore) -> R) -> Option<R> {
        self.look(|series| {
            let before = series.pages.misses();
            let seen = look(series);
            (series.pages.misses() == before).then_some(seen)
        })
    }

    async fn load_wanted(&self) -> Result<(), StoreError> {
        let (wanted, held) = self.look(|series| (series.pages.take_wanted(), series.pages.cached_bytes()));
        self.load_pages(&wanted, READ_PAGES_BYTES_MAX.saturating_sub(held)).await
    }

    async fn load_pages(&self, names: &BTreeSet<PageName>, bytes_max: usize) -> Result<(), StoreError> {
        let pages = stored::load_pages(&self.store, names, bytes_max).await?;
        if pages.len() < names.len() {
            return Err(StoreError::corrupt("metric pages that the directory names".to_owned()));
        }
        self.change(|series, _| pages.into_iter().for_each(|(name, page)| series.pages.load(name, page)));
        Ok(())
    }

    /// For who moves pages or makes them anew: nobody else does, nor reads old ones, until it is given back.
    pub(super) async fn paging(&self) -> MutexGuard<'_, ()> {
        self.paging.lock().await
    }

    /// Makes pages of all new points and stores them, and the position that the store then includes. Spans that end before `hot_from` need
    /// not stay in memory.
    pub(super) async fn flush(&self, hot_from: Second) -> Result<Seq, StoreError> {
        let _paging = self.paging().await;
        let (mut flush, position) =
            self.change(|series, position| (Flush::begin(series, hot_from), position));
        while self.flush_some(&mut flush).await? {}
        let hot_from = self.look(|series| series.pages.hot_from());
        commit_position(&self.store, FOLLOWER, position, stored::hot_row(hot_from))
            .await
            .map_err(unchecked)?;
        Ok(position)
    }

    /// One step of a flush; whether there are more.
    pub(super) async fn flush_some(&self, flush: &mut Flush) -> Result<bool, StoreError> {
        let (step, batch) = self.change(|series, through| {
            let step = flush.step(series)?;
            let batch = match &step {
                Step::Commit(slice) => stored::rows(series, slice, through)?,
                _ => Batch::default(),
            };
            Ok::<_, StoreError>((step, batch))
        })?;
        match step {
            Step::Done => return Ok(false),
            Step::Load(names) => self.load_pages(&names, usize::MAX).await?,
            Step::Commit(slice) => {
                let committed = self.store.commit(batch).await.map_err(unchecked);
                self.change(|series, _| {
                    match &committed {
                        Ok(_) => slice.committed(series),
                        Err(_) => slice.failed(series),
                    }
                    series.pages.trim(CACHE_BYTES_MAX);
                });
                committed?;
            }
        }
        Ok(true)
    }

    /// Changes the series, other than by entries; says which position they are at meanwhile.
    pub fn change<R>(&self, change: impl FnOnce(&mut SeriesStore, Seq) -> R) -> R {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let position = inner.position;
        change(&mut inner.series, position)
    }

    /// Takes in entries; those that are in already are skipped.
    pub fn apply(&self, entries: &[LogEntry], now: Timestamp) -> Result<(), StoreError> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let new = &entries[entries.partition_point(|entry| entry.seq <= inner.position)..];
        for entry in new {
            apply_entry(&mut inner.series, entry, now)?;
            inner.position = entry.seq;
        }
        Ok(())
    }

    /// Takes in everything that was in the log when this was called, so that a query sees what was written before it.
    pub async fn catch_up(&self, now: Timestamp) -> Result<(), StoreError> {
        let head = self.store.head();
        while self.position() < head {
            let _turn = self.catching_up.lock().await;
            let position = self.position();
            if position >= head {
                break;
            }
            let entries = self.store.read_log(position, READ_BYTES_MAX).await?;
            if entries.is_empty() {
                break;
            }
            self.apply(&entries, now)?;
        }
        Ok(())
    }
}

/// Rows of series are written by one follower alone, so a conflict cannot be.
pub(super) fn unchecked(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict { kind, key } => {
            StoreError::corrupt(format!("an unchecked row conflicts: {kind:?} {key}"))
        }
    }
}

/// Takes one entry into `series`.
pub(crate) fn apply_entry(
    series: &mut SeriesStore,
    entry: &LogEntry,
    now: Timestamp,
) -> Result<(), StoreError> {
    match entry.kind {
        EntryKind::Record | EntryKind::ImportedRecord => {
            let mut dropped = 0;
            let is_imported = entry.kind == EntryKind::ImportedRecord;
            let importer = is_imported.then(|| entry.partition.account());
            derive(&entry.bytes, importer, |derived| {
                dropped += u32::from(apply_derived(series, entry.seq, &derived, now).is_err())
            });
            if dropped > 0 {
                tracing::warn!(
                    entry.seq = entry.seq,
                    dropped,
                    "Dropped {dropped} metric points: too many metrics"
                );
            }
            Ok(())
        }
        EntryKind::Points => {
            let mut batch = PutBatch { entry, families: Vec::new(), dropped: 0 };
            points::for_each(entry, |namespace, point| batch.put(series, namespace, point, now))?;
            let dropped = batch.dropped;
            if dropped > 0 {
                tracing::warn!(
                    entry.seq = entry.seq,
                    dropped,
                    "Dropped {dropped} metric points: too many metrics"
                );
            }
            Ok(())
        }
        EntryKind::LogEvents => {
            let events = LogEvents::read(entry)?;
            services::of_log_events(&events, entry.partition.as_str(), |derived| {
                apply_or_drop(series, entry.seq, &derived, now);
            });
            Ok(())
        }
        EntryKind::Message => {
            let message = Message::read(entry)?;
            services::of_message(&message, entry.partition.as_str(), entry.time, |derived| {
                apply_or_drop(series, entry.seq, &derived, now);
            });
            Ok(())
        }
        _ => Ok(()),
    }
}

fn apply_or_drop(series: &mut SeriesStore, seq: Seq, derived: &Derived<'_>, now: Timestamp) {
    if apply_derived(series, seq, derived, now).is_err() {
        tracing::warn!(entry.seq = seq, "Dropped a metric point: too many metrics");
    }
}

fn apply_derived(
    series: &mut SeriesStore,
    seq: Seq,
    derived: &Derived<'_>,
    now: Timestamp,
) -> Result<(), super::series::TooManySeries> {
    match derived {
        Derived::Point { metric, time, unit, value } => {
            let datum = Datum {
                metric: *metric,
                time: *time,
                unit: *unit,
                high_resolution: false,
                set: &sample(*value),
            };
            series.add(seq, &datum, now.as_second())
        }
        Derived::Used { metric, time, uses, most } => {
            let used_up = series.use_up(seq, metric, *uses)? / most * 100.0;
            let datum = Datum {
                metric: *metric,
                time: *time,
                unit: Unit::Percent,
                high_resolution: false,
                set: &sample(used_up),
            };
            series.add(seq, &datum, now.as_second())
        }
        Derived::CountdownStarted { metric, subject, from, expires } => {
            series.start_countdown(seq, metric, subject, *from, *expires)
        }
        Derived::CountdownEnded { metric, subject, at } => {
            series.end_countdown(seq, metric, *subject, *at);
            Ok(())
        }
    }
}

/// The points of one entry on their way in.
struct PutBatch<'e> {
    entry: &'e LogEntry,
    /// The families seen so far: a request has few metric names and many points.
    families: Vec<(String, FamilyId)>,
    dropped: u32,
}

/// More names than this are looked up each time.
const FAMILIES_MAX: usize = 16;

impl PutBatch<'_> {
    fn put(&mut self, series: &mut SeriesStore, namespace: &str, point: &PointRef<'_>, now: Timestamp) {
        let set = match &point.value {
            PointValue::One(value) => Some(StatisticSet::uniform(*value, 1.0)),
            PointValue::Many(values) => StatisticSet::of_values(values.iter().copied()),
            PointValue::Statistics { count, sum, minimum, maximum } => {
                (*count > 0.0).then(|| StatisticSet::summary(*count, *sum, *minimum, *maximum))
            }
        };
        let Some(set) = set else { return };
        let partition = self.entry.partition.as_str();
        let family = self.family(series, partition, namespace, point.metric_name);
        let datum = Datum {
            metric: MetricRef { partition, namespace, name: point.metric_name, dimensions: point.dimensions },
            time: point.time.as_second(),
            unit: point.unit,
            high_resolution: point.high_resolution,
            set: &set,
        };
        self.dropped += u32::from(series.add_to(self.entry.seq, family, &datum, now.as_second()).is_err());
    }

    fn family(&mut self, series: &mut SeriesStore, partition: &str, namespace: &str, name: &str) -> FamilyId {
        if let Some((_, family)) = self.families.iter().find(|(known, _)| known == name) {
            return *family;
        }
        let family = series.family(partition, namespace, name);
        if self.families.len() < FAMILIES_MAX {
            self.families.push((name.to_owned(), family));
        }
        family
    }
}

#[cfg(test)]
mod tests;
