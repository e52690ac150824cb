//! # Stored series: what survives a restart
//! The trail is the truth; these rows only save replaying all of it. A **definition** row per series holds its names and
//! countdowns, a **day** row holds packed points. Every row carries the log position it includes, so rows may be written in
//! several commits: replaying from an older position adds nothing twice.
//! **Invariants:** definitions are written in the order of their numbers, so that what was written before a crash has no gaps; a day
//! that aged is deleted in the commit that writes its coarser one, so that no point is there twice.
//! **Not here:** when a snapshot is taken (`follower.rs`).

use keywatch_store::{Batch, Kind, Scan, Seq, Store, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

use super::{
    Second, Unit,
    packed::Packed,
    ramp::Ramp,
    series::{Described, MetricRef, SeriesId, SeriesStore},
    stream::{Day, DayName, Resolution},
};

/// Key = the series' number in hexadecimal.
const SERIES: Kind = Kind("metrics.series");
/// Key = series / unit / resolution / day.
const DAYS: Kind = Kind("metrics.day");
/// First byte of a day's row, and that of rows of earlier versions.
const DAY_FORM: u8 = 2;
const FIRST_DAY_FORM: u8 = 1;
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
    #[serde(default)]
    used: f64,
    newest: Option<Second>,
    #[serde(default)]
    came_late: Option<Second>,
    through: Seq,
}

impl Versioned for Definition {
    const MARKER: &'static str = "metrics.series/1";
}

/// What of a snapshot is still to be written; slices of it are made and committed one after the other, so that neither the series
/// stand still nor memory holds all rows at once.
#[derive(Debug)]
pub struct Snapshot {
    ids: std::vec::IntoIter<SeriesId>,
    /// The moment for which all series age, once a day.
    ages: Option<Second>,
}

impl Snapshot {
    /// Everything that is not stored; with `ages` also lets every series grow coarser by its age.
    pub fn begin(series: &mut SeriesStore, ages: Option<Second>) -> Self {
        let unstored = series.take_unstored();
        let ids = if ages.is_some() { series.ids_after(None).collect() } else { unstored };
        Self { ids: ids.into_iter(), ages }
    }

    /// The rows of some series, all of each, in a commit of bearable size; `None` when nothing is left. `through` is the position the
    /// series are at now.
    pub fn next_slice(
        &mut self,
        series: &mut SeriesStore,
        through: Seq,
    ) -> Result<Option<Batch>, StoreError> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.puts.len() + batch.deletes.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            let Some(id) = self.ids.next() else {
                return Ok((!batch.is_empty()).then_some(batch));
            };
            if let Some(definition) = definition(series, id, through) {
                batch.puts.push((SERIES, series_key(id), encode(&definition)?));
            }
            let removed = self.ages.map_or_else(Vec::new, |now| series.age(id, now));
            batch.deletes.extend(removed.into_iter().map(|day| (DAYS, day_key(id, day))));
            for day in series.series_mut(id).days_mut() {
                let key = day_key(id, day.name());
                if let Some(points) = day.bytes_to_store() {
                    let mut row = Vec::with_capacity(9 + points.len());
                    row.push(DAY_FORM);
                    row.extend_from_slice(&through.to_le_bytes());
                    row.extend_from_slice(&points);
                    bytes += row.len();
                    batch.puts.push((DAYS, key, row.into()));
                }
            }
        }
        Ok(Some(batch))
    }
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
    let Described { ramps, used, newest, came_late } = series.series_mut(id).definition_to_store()?;
    let known = |time: Second| Some(time).filter(|time| *time != Second::MIN);
    let (ramps, newest, came_late) = (ramps.to_vec(), known(newest), known(came_late));
    let metric = series.metric(id);
    Some(Definition {
        partition: metric.partition().to_owned(),
        namespace: metric.namespace().to_owned(),
        name: metric.name().to_owned(),
        dimensions: metric.dimensions().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ramps,
        used,
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
    let described = Described { ramps: &stored.ramps, used: stored.used, newest, came_late };
    series.load_definition(id, described, stored.through);
    Ok(())
}

fn load_day(series: &mut SeriesStore, key: &str, row: &[u8]) -> Option<()> {
    let mut parts = key.split('/');
    let id = u32::from_str_radix(parts.next()?, 16).ok()?;
    let name = DayName {
        unit: *Unit::ALL.get(parts.next()?.parse::<usize>().ok()?)?,
        resolution: Resolution::from_seconds(parts.next()?.parse().ok()?)?,
        number: parts.next()?.parse().ok()?,
    };
    let (&form, row) = row.split_first()?;
    let (through, points) = row.split_first_chunk()?;
    if id as usize >= series.len() {
        return None;
    }
    let packed = match form {
        DAY_FORM => Packed::from_bytes(points.to_vec()).ok()?,
        FIRST_DAY_FORM => Packed::from_first_form(points).ok()?,
        _ => return None,
    };
    series.load_day(SeriesId(id), Day::load(name, Seq::from_le_bytes(*through), packed));
    Some(())
}

fn series_key(id: SeriesId) -> String {
    format!("{:08x}", id.0)
}

/// Units are numbered in the order of the API reference, which only grows at its end.
fn day_key(id: SeriesId, DayName { unit, resolution, number }: DayName) -> String {
    let unit = Unit::ALL.iter().position(|of| *of == unit).unwrap_or_default();
    format!("{:08x}/{unit:02}/{}/{number}", id.0, resolution.seconds())
}
