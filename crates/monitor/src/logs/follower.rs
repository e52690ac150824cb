//! The logs follower: from the trail into streams and metric points
//!
//! Takes in put log events and, for each trail with a log group, CloudTrail records, imported ones too while they are not
//! older than what may be put; writes them as chunks, keeps each
//! stream's statistics, and appends the points that metric filters make of them. Everything one run derives is
//! committed with the position. **Invariant:** an event belongs to the group and stream that bore the names when it was
//! put: one made later under the same name has a `since` behind the event.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{
    Batch, CommitError, EntryKind, LogEntry, Partition, Scan, Seq, Store, StoreError, Transaction, decode,
};

use super::{
    chunk::{self, Position, StoredEvent},
    metric_filter::{CompiledFilter, Samples},
    record::{
        self, CHUNK, FILTER, FilterRecord, GROUP, GroupRecord, STATS, STREAM, StreamRecord, StreamStats,
    },
    sweep::Sweep,
};
use crate::{
    engine::{Follower, Standing},
    entry::{Body, LogEvents},
    metrics::derive::services::delivered,
    trail::{
        import::reaches_log_groups,
        record::{TRAIL, TrailRecord},
        selectors::Facts,
    },
};

const NAME: &str = "logs";
/// What AWS counts for each event besides its message.
pub(crate) const EVENT_OVERHEAD_BYTES: usize = 26;
/// Larger records are not sent to log groups.
const RECORD_BYTES_MAX: usize = 256 * 1024;
/// Runs after which rows that keep changing must be a mistake of ours.
const ATTEMPTS_MAX: u32 = 100;
const ROWS_AT_ONCE: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub struct LogsFollower {
    store: Store,
    standing: Standing,
    trails: Vec<TrailRecord>,
    trails_generation: Option<u64>,
    /// By the row keys of their groups.
    filters: HashMap<String, Arc<Vec<CompiledFilter>>>,
    filters_generation: Option<u64>,
    sweep: Sweep,
}

/// What one run takes in.
#[derive(Default)]
struct Intake {
    /// By the row key of the group and the name of the stream; `None` where there is no such stream. Each is looked up
    /// once in a run: a burst of records goes to one.
    places: HashMap<(String, String), Option<usize>>,
    streams: Vec<StreamIntake>,
    samples: Samples,
}

/// The new events of one stream.
struct StreamIntake {
    group: String,
    group_id: String,
    stream_id: String,
    partition: Partition,
    filters: Arc<Vec<CompiledFilter>>,
    /// Entries up to here are about another group or stream of the same name.
    since: Seq,
    events: Vec<StoredEvent>,
    /// Events and bytes that trails delivered; those that were put are counted where they came in.
    delivered: (usize, usize),
}

impl LogsFollower {
    /// A follower that resumes where the store says it stopped.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let standing = Standing::open(&store, NAME).await?;
        Ok(Self {
            sweep: Sweep::new(store.clone()),
            store,
            standing,
            trails: Vec::new(),
            trails_generation: None,
            filters: HashMap::new(),
            filters_generation: None,
        })
    }

    async fn derive(&mut self, entries: &[LogEntry], now: Timestamp) -> Result<Batch, StoreError> {
        self.refresh().await?;
        let store = self.store.clone();
        let mut tx = Transaction::new(&store);
        let mut intake = Intake::default();
        for entry in entries {
            match entry.kind {
                EntryKind::LogEvents => self.take_put(&mut tx, &mut intake, entry).await?,
                EntryKind::Record if !self.trails.is_empty() => {
                    self.take_record(&mut tx, &mut intake, entry, now).await?;
                }
                EntryKind::ImportedRecord
                    if !self.trails.is_empty() && reaches_log_groups(entry.time, now) =>
                {
                    self.take_record(&mut tx, &mut intake, entry, now).await?;
                }
                _ => {}
            }
        }
        for stream in &mut intake.streams {
            stream.events.sort_unstable();
            write_stream(&mut tx, stream).await?;
            let (events, bytes) = stream.delivered;
            if events > 0 {
                let points = delivered(&stream.group, events, bytes, now);
                tx.append(points.append(stream.partition.clone(), now));
            }
        }
        for points in intake.samples.into_appends(now) {
            tx.append(points);
        }
        Ok(tx.into_batch())
    }

    async fn take_put(
        &mut self,
        tx: &mut Transaction<'_>,
        intake: &mut Intake,
        entry: &LogEntry,
    ) -> Result<(), StoreError> {
        let put = LogEvents::read(entry)?;
        let group_key = record::group_key(&entry.partition, &put.group);
        let made = put.makes_stream.then_some((entry.seq, put.ingested));
        let Some(place) = self.place(tx, intake, group_key, &entry.partition, put.stream, made).await? else {
            return Ok(());
        };
        let ingested = put.ingested.as_millisecond();
        for (index, event) in (0..).zip(put.events) {
            let position = Position { time: event.time.as_millisecond(), seq: entry.seq, index };
            take(intake, place, StoredEvent { position, ingested, message: event.message });
        }
        Ok(())
    }

    async fn take_record(
        &mut self,
        tx: &mut Transaction<'_>,
        intake: &mut Intake,
        entry: &LogEntry,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Ok(message) = std::str::from_utf8(&entry.bytes) else { return Ok(()) };
        if message.len() > RECORD_BYTES_MAX {
            return Ok(());
        }
        let asked = self.trails.iter().any(TrailRecord::has_selectors);
        let facts = if asked { Facts::of(message.as_bytes()) } else { Facts::default() };
        let destinations: Vec<(Partition, String, String)> = self
            .trails
            .iter()
            .filter(|trail| match entry.kind {
                EntryKind::ImportedRecord => trail.takes_imported(&entry.partition),
                _ => trail.takes(&entry.partition, entry.time, entry.seq),
            })
            .filter(|trail| trail.selects(&facts))
            .filter_map(|trail| {
                let arn = trail.cloud_watch_logs_log_group_arn.as_deref()?;
                let group = super::access::group_of_arn(arn)?;
                let home = Partition::new(&trail.account, &trail.home_region);
                let stream = format!("{}_CloudTrail_{}", trail.account, trail.home_region);
                Some((home.clone(), record::group_key(&home, group), stream))
            })
            .collect();
        for (index, (home, group_key, stream)) in (0..).zip(destinations) {
            let made = Some((entry.seq, now));
            let Some(place) = self.place(tx, intake, group_key, &home, stream, made).await? else { continue };
            let position = Position { time: entry.time.as_millisecond(), seq: entry.seq, index };
            let ingested = now.as_millisecond();
            let bytes = message.len();
            if take(intake, place, StoredEvent { position, ingested, message: message.to_owned() }) {
                let delivered = &mut intake.streams[place].delivered;
                *delivered = (delivered.0 + 1, delivered.1 + bytes);
            }
        }
        Ok(())
    }

    /// Finds where events of a stream go. With `made`, a missing stream is made by the entry of that number, then.
    async fn place(
        &mut self,
        tx: &mut Transaction<'_>,
        intake: &mut Intake,
        group_key: String,
        partition: &Partition,
        stream: String,
        made: Option<(Seq, Timestamp)>,
    ) -> Result<Option<usize>, StoreError> {
        let name = (group_key, stream);
        if let Some(place) = intake.places.get(&name) {
            return Ok(*place);
        }
        let (group_key, stream) = &name;
        let found = match tx.get::<GroupRecord>(GROUP, group_key).await? {
            Some(group) => find_stream(tx, &group, stream, made).await?.map(|stream| (group, stream)),
            None => None,
        };
        let place = match found {
            None => None,
            Some((group, stream)) => {
                intake.streams.push(StreamIntake {
                    since: group.since.max(stream.since),
                    group: group.name,
                    group_id: group.id,
                    stream_id: stream.id,
                    partition: partition.clone(),
                    filters: self.filters_of(group_key).await?,
                    events: Vec::new(),
                    delivered: (0, 0),
                });
                Some(intake.streams.len() - 1)
            }
        };
        intake.places.insert(name, place);
        Ok(place)
    }

    async fn filters_of(&mut self, group_key: &str) -> Result<Arc<Vec<CompiledFilter>>, StoreError> {
        if let Some(filters) = self.filters.get(group_key) {
            return Ok(Arc::clone(filters));
        }
        let filters = Arc::new(load_filters(&self.store, group_key).await?);
        self.filters.insert(group_key.to_owned(), Arc::clone(&filters));
        Ok(filters)
    }

    /// Reads trails anew, and forgets filters, when some were written.
    async fn refresh(&mut self) -> Result<(), StoreError> {
        let generation = Some(self.store.generation(FILTER));
        if self.filters_generation != generation {
            self.standing.keep(&self.store).await?;
            self.filters.clear();
            self.filters_generation = generation;
        }
        let generation = Some(self.store.generation(TRAIL));
        if self.trails_generation != generation {
            self.standing.keep(&self.store).await?;
            self.trails.clear();
            let mut after: Option<String> = None;
            loop {
                let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
                let rows = self.store.scan(TRAIL, scan).await?;
                for row in &rows {
                    let trail: TrailRecord = decode(&row.bytes)?;
                    if trail.cloud_watch_logs_log_group_arn.is_some() {
                        self.trails.push(trail);
                    }
                }
                match rows.into_iter().nth(ROWS_AT_ONCE - 1) {
                    Some(last) => after = Some(last.key),
                    None => break,
                }
            }
            self.trails_generation = generation;
        }
        Ok(())
    }
}

impl Follower for LogsFollower {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.standing.position()
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(last) = entries.last() else { return Ok(()) };
            for _ in 0..ATTEMPTS_MAX {
                let batch = self.derive(entries, now).await?;
                match self.standing.advance(&self.store, last.seq, batch).await {
                    Ok(()) => return Ok(()),
                    // A group or stream was deleted meanwhile: look again.
                    Err(CommitError::Conflict { .. }) => {}
                    Err(CommitError::Store(error)) => return Err(error),
                }
            }
            Err(StoreError::corrupt("log streams that keep changing"))
        })
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.sweep.next_due(now))
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.sweep.run(now))
    }
}

/// Adds an event to its stream and looks at it with the filters of its group; false when it is of an earlier stream of the name.
fn take(intake: &mut Intake, place: usize, event: StoredEvent) -> bool {
    let stream = &mut intake.streams[place];
    if event.position.seq <= stream.since {
        return false;
    }
    for filter in stream.filters.iter().filter(|filter| filter.since < event.position.seq) {
        intake.samples.add(filter, &stream.partition, event.position.time, &event.message);
    }
    stream.events.push(event);
    true
}

/// A stream, made when it is missing if `made` says so.
async fn find_stream(
    tx: &mut Transaction<'_>,
    group: &GroupRecord,
    name: &str,
    made: Option<(Seq, Timestamp)>,
) -> Result<Option<StreamRecord>, StoreError> {
    let key = record::stream_key(&group.id, name);
    if let Some(stream) = tx.get::<StreamRecord>(STREAM, &key).await? {
        tx.require_unchanged(STREAM, &key);
        return Ok(Some(stream));
    }
    let Some((seq, now)) = made.filter(|(seq, _)| *seq > group.since) else { return Ok(None) };
    let stream = StreamRecord {
        id: format!("{}-{seq}", group.id),
        name: name.to_owned(),
        created: now,
        since: seq.saturating_sub(1),
    };
    // Read as absent above, so the commit demands that it still is.
    tx.put(STREAM, &key, &stream)?;
    Ok(Some(stream))
}

async fn write_stream(tx: &mut Transaction<'_>, stream: &StreamIntake) -> Result<(), StoreError> {
    let events = stream.events.as_slice();
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
    for chunk in chunk::cut(events) {
        tx.put_bytes(CHUNK, &chunk::key(&stream.stream_id, chunk[0].position), chunk::pack(chunk)?);
    }
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_OVERHEAD_BYTES).sum();
    let ingested = events.iter().map(|event| event.ingested).max().unwrap_or_default();
    let row = record::stats_key(&stream.group_id, &stream.stream_id);
    let before = tx.get::<StreamStats>(STATS, &row).await?;
    let before = before.unwrap_or(StreamStats {
        first_event: first.position.time,
        last_event: last.position.time,
        last_ingestion: ingested,
        bytes: 0,
    });
    let stats = StreamStats {
        first_event: before.first_event.min(first.position.time),
        last_event: before.last_event.max(last.position.time),
        last_ingestion: before.last_ingestion.max(ingested),
        bytes: before.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX)),
    };
    tx.put(STATS, &row, &stats)
}

async fn load_filters(store: &Store, group_key: &str) -> Result<Vec<CompiledFilter>, StoreError> {
    let prefix = format!("{group_key}:");
    let rows = store.scan(FILTER, Scan { prefix: &prefix, after: None, limit: ROWS_AT_ONCE }).await?;
    rows.iter()
        .map(|row| {
            let record: FilterRecord = decode(&row.bytes)?;
            CompiledFilter::new(&record)
                .map_err(|_| StoreError::corrupt(format!("the pattern of metric filter `{}`", record.name)))
        })
        .collect()
}
