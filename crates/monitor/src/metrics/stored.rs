//! # Stored series: what survives a restart
//! The trail is the truth; these rows only save replaying all of it. A **definition** row per series holds its names and
//! countdowns, a **day** row holds packed points. Every row carries the log position it includes, so rows may be written in
//! several commits: replaying from an older position adds nothing twice.
//! **Invariant:** definitions are written in the order of their numbers, so that what was written before a crash has no gaps.
//! **Not here:** when a snapshot is taken (`follower.rs`).

use bytes::Bytes;
use keywatch_store::{Batch, CommitError, Kind, Scan, Seq, Store, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

use super::{
    Second, Unit,
    ramp::Ramp,
    series::{MetricRef, SeriesId, SeriesStore},
    stream::{DAY_SECONDS, Day, Removed, Resolution},
};

/// Key = the series' number in hexadecimal.
const SERIES: Kind = Kind("metrics.series");
/// Key = series / unit / resolution / day.
const DAYS: Kind = Kind("metrics.day");
/// First byte of a day's row.
const DAY_FORM: u8 = 1;
/// Rows read or written at once.
const ROWS_AT_ONCE: usize = 5_000;
const BYTES_AT_ONCE: usize = 2 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Definition {
    partition: String,
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
    ramps: Vec<Ramp>,
    newest: Option<Second>,
    #[serde(default)]
    came_late: Option<Second>,
    through: Seq,
}

impl Versioned for Definition {
    const MARKER: &'static str = "metrics.series/1";
}

/// Rows to write, by commits of bearable size; the last one belongs together with the follower's position.
pub fn snapshot(
    series: &mut SeriesStore,
    removed: &[(SeriesId, Unit, Removed)],
    through: Seq,
) -> Result<Vec<Batch>, StoreError> {
    let mut batches = vec![Batch::default()];
    let mut bytes = 0;
    let mut unstored = series.take_unstored();
    unstored.sort_unstable();
    let mut put = |batches: &mut Vec<Batch>, kind, key, row: Bytes| {
        let full =
            batches.last().is_none_or(|batch| batch.puts.len() >= ROWS_AT_ONCE) || bytes >= BYTES_AT_ONCE;
        if full {
            batches.push(Batch::default());
            bytes = 0;
        }
        bytes += row.len();
        if let Some(batch) = batches.last_mut() {
            batch.puts.push((kind, key, row));
        }
    };
    for &id in &unstored {
        if let Some(definition) = definition(series, id, through) {
            put(&mut batches, SERIES, series_key(id), encode(&definition)?);
        }
    }
    for &id in &unstored {
        for (unit, stream) in series.series_mut(id).streams_mut() {
            for day in stream.days_mut() {
                let key = day_key(id, unit, day.resolution, day.number);
                if let Some(points) = day.bytes_to_store() {
                    let mut row = Vec::with_capacity(9 + points.len());
                    row.push(DAY_FORM);
                    row.extend_from_slice(&through.to_le_bytes());
                    row.extend_from_slice(points);
                    put(&mut batches, DAYS, key, row.into());
                }
            }
        }
    }
    if let Some(last) = batches.last_mut() {
        let key =
            |(id, unit, day): &(SeriesId, Unit, Removed)| day_key(*id, *unit, day.resolution, day.number);
        last.deletes.extend(removed.iter().map(|removed| (DAYS, key(removed))));
    }
    Ok(batches)
}

/// Writes all but the last batch and gives that one back, for the caller to commit with its position.
pub async fn write_all_but_last(store: &Store, mut batches: Vec<Batch>) -> Result<Batch, CommitError> {
    let last = batches.pop().unwrap_or_default();
    for batch in batches {
        store.commit(batch).await?;
    }
    Ok(last)
}

/// Every stored series.
pub async fn load(store: &Store) -> Result<SeriesStore, StoreError> {
    let mut series = SeriesStore::default();
    let mut after: Option<String> = None;
    loop {
        let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = store.scan(SERIES, scan).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.key.clone());
        for row in rows {
            load_definition(&mut series, &row.key, decode(&row.bytes)?)?;
        }
    }
    after = None;
    loop {
        let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = store.scan(DAYS, scan).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.key.clone());
        for row in rows {
            load_day(&mut series, &row.key, &row.bytes)
                .ok_or_else(|| StoreError::corrupt(format!("metric day {}", row.key)))?;
        }
    }
    // What was just read needs no writing.
    series.take_unstored();
    Ok(series)
}

fn definition(series: &mut SeriesStore, id: SeriesId, through: Seq) -> Option<Definition> {
    let (ramps, newest, came_late) = series.series_mut(id).definition_to_store()?;
    let known = |time: Second| Some(time).filter(|time| *time != Second::MIN);
    let (ramps, newest, came_late) = (ramps.to_vec(), known(newest), known(came_late));
    let metric = series.metric(id);
    Some(Definition {
        partition: metric.partition().to_owned(),
        namespace: metric.namespace().to_owned(),
        name: metric.name().to_owned(),
        dimensions: metric.dimensions().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ramps,
        newest,
        came_late,
        through,
    })
}

fn load_definition(series: &mut SeriesStore, key: &str, stored: Definition) -> Result<(), StoreError> {
    let dimensions: Vec<(&str, &str)> =
        stored.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let metric = MetricRef {
        partition: &stored.partition,
        namespace: &stored.namespace,
        name: &stored.name,
        dimensions: &dimensions,
    };
    let id = series.intern(&metric).map_err(|_| StoreError::corrupt("more metrics than can be kept"))?;
    if series_key(id) != key {
        return Err(StoreError::corrupt(format!("metric series {key}")));
    }
    let [newest, came_late] = [stored.newest, stored.came_late].map(|time| time.unwrap_or(Second::MIN));
    series.series_mut(id).load_definition(stored.ramps, newest, came_late, stored.through);
    Ok(())
}

fn load_day(series: &mut SeriesStore, key: &str, row: &[u8]) -> Option<()> {
    let mut parts = key.split('/');
    let id = u32::from_str_radix(parts.next()?, 16).ok()?;
    let unit = *Unit::ALL.get(parts.next()?.parse::<usize>().ok()?)?;
    let resolution = Resolution::from_seconds(parts.next()?.parse().ok()?)?;
    let number: i64 = parts.next()?.parse().ok()?;
    let (&form, row) = row.split_first()?;
    let (through, points) = row.split_first_chunk()?;
    if form != DAY_FORM || id as usize >= series.len() {
        return None;
    }
    let day = Day::load(resolution, number, Seq::from_le_bytes(*through), points.to_vec()).ok()?;
    let series = series.series_mut(SeriesId(id));
    if let Some(newest) = day.newest() {
        series.seen(newest.min((number + 1) * DAY_SECONDS));
    }
    series.stream_mut(unit).load(day);
    Some(())
}

fn series_key(id: SeriesId) -> String {
    format!("{:08x}", id.0)
}

/// Units are numbered in the order of the API reference, which only grows at its end.
fn day_key(id: SeriesId, unit: Unit, resolution: Resolution, number: i64) -> String {
    let unit = Unit::ALL.iter().position(|of| *of == unit).unwrap_or_default();
    format!("{:08x}/{unit:02}/{}/{number}", id.0, resolution.seconds())
}
