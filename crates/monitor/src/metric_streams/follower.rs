//! The follower that turns what entries touch into batches.
//!
//! A minute is read from the series when it has ended, so a batch holds what the minute is then, whole, however many entries brought it.
//! **Invariant:** the stored position lies before the first entry whose minute is not in a batch.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{Batch, CommitError, EntryKind, LogEntry, Scan, Seq, StoreError, decode};

use super::Inner;
use super::batch::{BatchRecord, WAITING_MAX};
use super::filter::sends;
use super::format::Writer;
use super::record::{STREAM, StreamRecord};
use super::touched::{Named, Touched};
use crate::engine::{Follower, commit_position, stored_position};
use crate::entry::{Body, LogEvents, Message, points};
use crate::metrics::derive::{Derived, derive, services};
use crate::metrics::live::LiveSeries;
use crate::metrics::series::{Bucket, MetricRef, Window};
use crate::metrics::{Second, series::SeriesStore};

const NAME: &str = "metric-streams";
/// Entries that a restart may take in again although nothing of them waits.
const UNSTORED_MAX: Seq = 10_000;
/// Metrics in minutes that have not ended; beyond this they are sent before their time and again afterwards.
const TOUCHED_MAX: usize = 500_000;
/// Metrics that are read while the series stand still for it.
const READ_AT_ONCE: usize = 1_000;
/// Rows of one commit.
const ROWS_AT_ONCE: usize = 32;
const STREAMS_PAGE: usize = 500;
/// How long an advance of a test clock waits for destinations.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// Follows the log for the streams.
#[derive(Debug)]
pub struct StreamsFollower {
    inner: Arc<Inner>,
    live: Arc<LiveSeries>,
    streams: Vec<StreamRecord>,
    /// That of the streams' rows when they were read.
    generation: Option<u64>,
    touched: Touched,
    taken: Seq,
    stored: Seq,
}

impl StreamsFollower {
    pub(super) async fn open(inner: Arc<Inner>, live: Arc<LiveSeries>) -> Result<Self, StoreError> {
        let stored = stored_position(&inner.store, NAME).await?;
        let (streams, touched) = (Vec::new(), Touched::default());
        Ok(Self { inner, live, streams, generation: None, touched, taken: stored, stored })
    }

    /// The last entry that needs not be taken in again.
    fn safe(&self) -> Seq {
        self.touched.oldest().map_or(self.taken, |oldest| oldest - 1)
    }

    /// Reads the streams again if there may be others; what was taken in under the old ones is not judged by the new ones later.
    async fn refresh(&mut self) -> Result<(), StoreError> {
        let generation = self.inner.store.generation(STREAM);
        if self.generation == Some(generation) {
            return Ok(());
        }
        self.keep().await?;
        let (mut streams, mut after) = (Vec::new(), None::<String>);
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: STREAMS_PAGE };
            let rows = self.inner.store.scan(STREAM, scan).await?;
            for row in &rows {
                streams.push(decode::<StreamRecord>(&row.bytes)?);
            }
            match rows.last() {
                Some(last) if rows.len() == STREAMS_PAGE => after = Some(last.key.clone()),
                _ => break,
            }
        }
        self.streams = streams;
        self.generation = Some(generation);
        Ok(())
    }

    /// Stores the position.
    async fn keep(&mut self) -> Result<(), StoreError> {
        let safe = self.safe();
        if safe <= self.stored {
            return Ok(());
        }
        store_error(commit_position(&self.inner.store, NAME, safe, Batch::default()).await)?;
        self.stored = safe;
        Ok(())
    }

    fn take(&mut self, entry: &LogEntry, now: Second) -> Result<(), StoreError> {
        let (touched, streams) = (&mut self.touched, &self.streams);
        let mut touch = |metric: &MetricRef<'_>, time: Second| {
            let wanted = |stream: &StreamRecord| {
                is_of(stream, metric.partition) && sends(stream, metric.namespace, metric.name)
            };
            touched.touch(entry.seq, metric, (time, now), || streams.iter().any(wanted));
        };
        let mut touch_derived = |derived: Derived<'_>| match &derived {
            Derived::Point { metric, time, .. } | Derived::Used { metric, time, .. } => touch(metric, *time),
            Derived::CountdownStarted { .. } | Derived::CountdownEnded { .. } => {}
        };
        let partition = entry.partition.as_str();
        match entry.kind {
            EntryKind::Record => derive(&entry.bytes, None, touch_derived),
            EntryKind::ImportedRecord => {
                derive(&entry.bytes, Some(entry.partition.account()), touch_derived);
            }
            EntryKind::LogEvents => {
                services::of_log_events(&LogEvents::read(entry)?, partition, &mut touch_derived);
            }
            EntryKind::Message => {
                services::of_message(&Message::read(entry)?, partition, entry.time, &mut touch_derived);
            }
            EntryKind::Points => points::for_each(entry, |namespace, point| {
                let metric =
                    MetricRef { partition, namespace, name: point.metric_name, dimensions: point.dimensions };
                touch(&metric, point.time.as_second());
            })?,
            _ => {}
        }
        Ok(())
    }

    /// Stores batches of the minutes that are due at `due`.
    async fn flush(&mut self, due: Second, now: Timestamp) -> Result<(), StoreError> {
        let mut minutes = Vec::new();
        let mut rows =
            Rows { inner: &self.inner, now, number: 0, batch: Batch::default(), added: Vec::new() };
        for (at, minute) in self.touched.due(due) {
            minutes.push(at);
            for stream in &self.streams {
                let mut writer = Writer::new(stream);
                let metrics: Vec<&Named> = minute
                    .metrics
                    .iter()
                    .filter(|metric| is_of(stream, &metric.partition))
                    .filter(|metric| sends(stream, &metric.namespace, &metric.name))
                    .collect();
                for metrics in metrics.chunks(READ_AT_ONCE) {
                    let minutes = self.live.read(|series| {
                        let minute = |metric: &&Named| minute_of(series, metric, at, now.as_second());
                        metrics.iter().map(minute).collect::<Vec<_>>()
                    });
                    for (metric, buckets) in metrics.iter().zip(minutes.await?) {
                        buckets.iter().for_each(|bucket| writer.add(metric, bucket));
                    }
                    rows.add(stream, std::mem::take(&mut writer.full)).await?;
                }
                writer.finish();
                rows.add(stream, std::mem::take(&mut writer.full)).await?;
            }
        }
        rows.store().await?;
        self.touched.forget(&minutes);
        self.keep().await
    }
}

/// What a metric had in a minute, by unit.
fn minute_of(series: &SeriesStore, metric: &Named, minute: Second, now: Second) -> Vec<Bucket> {
    let dimensions: Vec<(&str, &str)> =
        metric.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let metric = MetricRef {
        partition: &metric.partition,
        namespace: &metric.namespace,
        name: &metric.name,
        dimensions: &dimensions,
    };
    let window = Window { start: minute, period: 60, count: 1 };
    series.find(&metric).map(|id| series.read(id, None, &window, now)).unwrap_or_default()
}

/// Whether a stream is of that account and Region, without making a text of its own.
fn is_of(stream: &StreamRecord, partition: &str) -> bool {
    partition.split_once('/') == Some((&stream.account, &stream.region))
}

/// Rows on their way into the store.
struct Rows<'i> {
    inner: &'i Inner,
    now: Timestamp,
    number: usize,
    batch: Batch,
    /// The lanes of its rows.
    added: Vec<usize>,
}

impl Rows<'_> {
    /// Adds records of a stream; those that find no room are lost.
    async fn add(&mut self, stream: &StreamRecord, records: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let is_its = |lane: &super::Lane| {
            lane.destination.account == stream.account && lane.destination.name == stream.firehose()
        };
        let Some(at) = self.inner.lanes.iter().position(is_its) else {
            if !records.is_empty() {
                tracing::warn!(stream = %stream.name, "A metric stream leads nowhere: no --firehose names its delivery stream");
            }
            return Ok(());
        };
        let lane = &self.inner.lanes[at];
        for data in records {
            let not_told = self.added.iter().filter(|lane| **lane == at).count() as u64;
            if lane.state.borrow().waiting + not_told >= WAITING_MAX {
                tracing::error!(stream = %stream.name, "A metric stream lost a batch: too many wait for its destination");
                continue;
            }
            self.number += 1;
            let made = (self.now, self.number);
            self.batch.puts.push(BatchRecord::row(&lane.destination, &stream.firehose_arn, made, &data)?);
            self.added.push(at);
        }
        if self.batch.puts.len() >= ROWS_AT_ONCE { self.store().await } else { Ok(()) }
    }

    /// Commits what there is and tells the deliverers.
    async fn store(&mut self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        store_error(self.inner.store.commit(std::mem::take(&mut self.batch)).await.map(drop))?;
        for lane in std::mem::take(&mut self.added) {
            self.inner.lanes[lane].state.send_modify(|state| state.waiting += 1);
        }
        Ok(())
    }
}

/// Nothing here demands anything that could conflict.
fn store_error(outcome: Result<(), CommitError>) -> Result<(), StoreError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
        Err(conflict) => Err(StoreError::corrupt(conflict.to_string())),
    }
}

impl Follower for StreamsFollower {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.taken
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh().await?;
            if !self.streams.is_empty() {
                for entry in entries {
                    self.take(entry, now.as_second())?;
                }
            }
            self.taken = entries.last().map_or(self.taken, |entry| entry.seq);
            if self.touched.count() > TOUCHED_MAX {
                self.flush(Second::MAX, now).await?;
            }
            if self.safe().saturating_sub(self.stored) > UNSTORED_MAX {
                self.keep().await?;
            }
            Ok(())
        })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let due = self.touched.next_due().and_then(|due| Timestamp::from_second(due).ok());
        Box::pin(async move { Ok(due) })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh().await?;
            self.flush(now.as_second(), now).await
        })
    }

    fn settle(&mut self, _now: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let rest = async {
                for lane in &self.inner.lanes {
                    // A destination that is away is not waited for.
                    let _ =
                        lane.state.subscribe().wait_for(|state| state.waiting == 0 || state.failing).await;
                }
            };
            let _ = tokio::time::timeout(SETTLE_MAX, rest).await;
        })
    }
}
