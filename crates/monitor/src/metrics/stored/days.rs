//! Rows of earlier versions: one for each series, and one for each of its days, become blocks and pages when the store is opened.
//!
//! A block is converted in one commit with the deletion of the rows it was made of, so that a crash leaves each block in one form. Rows of
//! series are deleted in the order of their blocks, which therefore are found again from where it stopped.

use std::collections::BTreeMap;

use super::{Definition, MARKS, NAMES, Names, PAGES, hot_row, marks, span_row};
use crate::metrics::{
    Second, Unit,
    live::unchecked,
    packed::Packed,
    page::{BLOCK_SERIES, Block, PageName, PageWriter, merge_into},
    pages::Blocks,
    ramp::Ramp,
    series::SeriesId,
    span::{DAY_SECONDS, Resolution, SpanName},
    statistic_set::StatisticSet,
};
use keywatch_store::{Batch, Kind, Row, Scan, Seq, Store, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

/// Key = the series' number in hexadecimal.
const SERIES: Kind = Kind("metrics.series");
/// Key = series / unit / resolution in seconds / day; the form, the log position it includes (8 bytes), packed points.
const DAYS: Kind = Kind("metrics.day");
const DAY_FORM: u8 = 2;
const FIRST_DAY_FORM: u8 = 1;
/// The day rows of one series: ten years of days in some units would be more.
const DAYS_OF_SERIES_MAX: usize = 100_000;
/// Points this old were not hot.
const HOT_SECONDS: Second = 4 * 3_600;

#[derive(Debug, Serialize, Deserialize)]
struct SeriesRow {
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

impl Versioned for SeriesRow {
    const MARKER: &'static str = "metrics.series/1";
}

/// Points of a block, by span, place and unit.
type Spans = BTreeMap<SpanName, BTreeMap<(u8, u8), Vec<(u32, StatisticSet)>>>;

/// Converts what there is.
pub(super) async fn convert(store: &Store) -> Result<(), StoreError> {
    let mut directory: BTreeMap<SpanName, Blocks> = BTreeMap::new();
    let mut newest = Second::MIN;
    loop {
        let scan = Scan { prefix: "", after: None, limit: BLOCK_SERIES as usize };
        let rows = store.scan(SERIES, scan).await?;
        let Some(first) = rows.first() else { break };
        if directory.is_empty() {
            tracing::info!("Metrics are stored in an earlier form and will be written anew");
            super::each_row(store, super::SPANS, "", |row| {
                let blocks = row.bytes.split_first().and_then(|(_, bytes)| Blocks::from_bytes(bytes));
                let span = SpanName::from_key(&row.key).zip(blocks);
                directory.extend(Some(span.ok_or_else(|| super::corrupt(super::SPANS, &row.key))?));
                Ok(())
            })
            .await?;
        }
        let block = Block::of(number(&first.key)?);
        let rows: Vec<Row> =
            rows.into_iter().filter(|row| number(&row.key).is_ok_and(|id| Block::of(id) == block)).collect();
        let batch = convert_block(store, block, &rows, &mut directory, &mut newest).await?;
        store.commit(batch).await.map_err(unchecked)?;
    }
    if newest != Second::MIN {
        store.commit(hot_row(newest - HOT_SECONDS)).await.map_err(unchecked)?;
    }
    Ok(())
}

async fn convert_block(
    store: &Store,
    block: Block,
    rows: &[Row],
    directory: &mut BTreeMap<SpanName, Blocks>,
    newest: &mut Second,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    let (mut names, mut standing) = (Names { series: Vec::new() }, Vec::new());
    let mut spans = Spans::new();
    for row in rows {
        let stored: SeriesRow = decode(&row.bytes)?;
        let scan = Scan { prefix: &format!("{}/", row.key), after: None, limit: DAYS_OF_SERIES_MAX };
        // All rows of a series that changed were written together, so the newest says what is included.
        let (mut through, mut last) = (stored.through, stored.newest.unwrap_or(Second::MIN));
        for day in store.scan(DAYS, scan).await? {
            let (included, end) = take_day(&mut spans, Block::place(number(&row.key)?), &day)
                .ok_or_else(|| super::corrupt(DAYS, &day.key))?;
            (through, last) = (through.max(included), last.max(end));
            batch.deletes.push((DAYS, day.key));
        }
        *newest = last.max(*newest);
        standing.push((through, last));
        batch.deletes.push((SERIES, row.key.clone()));
        let SeriesRow { partition, namespace, name, dimensions, ramps, used, came_late, .. } = stored;
        names.series.push(Definition { partition, namespace, name, dimensions, ramps, used, came_late });
    }
    batch.puts.push((NAMES, block.key(), encode(&names)?));
    batch.puts.push((MARKS, block.key(), marks(standing.into_iter())));
    for (span, parts) in spans {
        let mut writer = PageWriter::default();
        for ((place, unit), points) in parts {
            let mut packed = Packed::default();
            points.iter().for_each(|(slot, set)| packed.push(*slot, set));
            writer.push(place, Unit::ALL[usize::from(unit)], packed.as_bytes());
        }
        let name = PageName { span, block };
        batch.puts.push((PAGES, name.key(), writer.finish().as_bytes().to_vec().into()));
        let blocks = directory.entry(span).or_default();
        blocks.insert(block);
        batch.puts.push(span_row(span, blocks));
    }
    Ok(batch)
}

/// Cuts a day into spans; gives the log position it includes and when its newest point is.
fn take_day(spans: &mut Spans, place: u8, row: &Row) -> Option<(Seq, Second)> {
    let mut parts = row.key.split('/').skip(1);
    let unit = parts.next()?.parse::<u8>().ok().filter(|unit| usize::from(*unit) < Unit::ALL.len())?;
    let resolution = Resolution::from_seconds(parts.next()?.parse().ok()?)?;
    let start = parts.next()?.parse::<Second>().ok()?.checked_mul(DAY_SECONDS)?;
    let (&form, bytes) = row.bytes.split_first()?;
    let (through, points) = bytes.split_first_chunk()?;
    let through = Seq::from_le_bytes(*through);
    let packed = match form {
        DAY_FORM => Packed::from_bytes(points.to_vec()).ok()?,
        FIRST_DAY_FORM => Packed::from_first_form(points).ok()?,
        _ => return None,
    };
    let mut newest = Second::MIN;
    for point in packed.points() {
        let time = start.checked_add(Second::from(point.slot).checked_mul(resolution.seconds())?)?;
        let span = SpanName::holding(resolution, time);
        let points = spans.entry(span).or_default().entry((place, unit)).or_default();
        merge_into(points, span.slot(time), point.to_set());
        newest = newest.max(time);
    }
    Some((through, newest))
}

fn number(key: &str) -> Result<SeriesId, StoreError> {
    u32::from_str_radix(key, 16).map(SeriesId).map_err(|_| super::corrupt(SERIES, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        series::{Bucket, MetricRef, SeriesStore, Window},
        stored::load,
    };

    const DAY: Second = 20_000;

    fn day_row(form: u8, through: Seq, slots: &[u32]) -> bytes::Bytes {
        let mut packed = Packed::default();
        slots.iter().for_each(|slot| packed.push(*slot, &StatisticSet::uniform(1.0, 2.0)));
        [&[form], &through.to_le_bytes()[..], packed.as_bytes()].concat().into()
    }

    /// Rows as they were written before there were pages: 70 series with a day of minutes, the second also with hours.
    async fn written_before(store: &Store) {
        let mut batch = Batch::default();
        for number in 0..70u32 {
            let row = SeriesRow {
                partition: "000000000000/us-east-1".into(),
                namespace: "N".into(),
                name: "m".into(),
                dimensions: vec![("A".into(), number.to_string())],
                ramps: Vec::new(),
                used: if number == 3 { 7.0 } else { 0.0 },
                newest: None,
                came_late: None,
                through: 1,
            };
            batch.puts.push((SERIES, format!("{number:08x}"), encode(&row).unwrap()));
            let key = |unit: u8, seconds: u32, day: Second| format!("{number:08x}/{unit:02}/{seconds}/{day}");
            batch.puts.push((DAYS, key(13, 60, DAY), day_row(DAY_FORM, 5, &[0, 59, 60, 1_439])));
            if number == 1 {
                batch.puts.push((DAYS, key(0, 3_600, DAY - 100), day_row(DAY_FORM, 4, &[0, 23])));
                batch.puts.push((DAYS, key(0, 3_600, DAY - 99), day_row(DAY_FORM, 4, &[0])));
            }
        }
        store.commit(batch).await.unwrap();
    }

    async fn read(store: &Store, series: &mut SeriesStore, number: u32) -> Vec<Bucket> {
        let value = number.to_string();
        let dimensions = [("A", value.as_str())];
        let (partition, namespace) = ("000000000000/us-east-1", "N");
        let metric = MetricRef { partition, namespace, name: "m", dimensions: &dimensions };
        let id = series.find(&metric).unwrap();
        let window = Window::covering((DAY - 100) * DAY_SECONDS, (DAY + 1) * DAY_SECONDS, 3_600);
        series.read(id, None, &window, window.end());
        let wanted = series.pages.take_wanted();
        let pages = super::super::load_pages(store, &wanted, usize::MAX).await.unwrap();
        pages.into_iter().for_each(|(name, page)| series.pages.load(name, page));
        series.read(id, None, &window, window.end())
    }

    #[tokio::test]
    async fn days_become_pages() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        written_before(&store).await;
        let (day, before) = (DAY * DAY_SECONDS, (DAY - 100) * DAY_SECONDS);
        for _ in 0..2 {
            let mut series = load(&store).await.unwrap();
            assert_eq!(series.len(), 70);
            let times = |buckets: Vec<Bucket>| {
                buckets.iter().map(|bucket| (bucket.time, bucket.set.count)).collect::<Vec<_>>()
            };
            let minutes = [(day, 4.0), (day + 3_600, 2.0), (day + 23 * 3_600, 2.0)];
            assert_eq!(times(read(&store, &mut series, 69).await), minutes);
            let hours = [(before, 2.0), (before + 23 * 3_600, 2.0), (before + DAY_SECONDS, 2.0)];
            assert_eq!(times(read(&store, &mut series, 1).await), [&hours[..], &minutes].concat());
            assert_eq!(series.described(SeriesId(3)).used, 7.0);
            assert_eq!(series.described(SeriesId(3)).newest, day + 1_439 * 60);
            for kind in [SERIES, DAYS] {
                let scan = Scan { prefix: "", after: None, limit: 1 };
                assert_eq!(store.scan(kind, scan).await.unwrap(), []);
            }
        }
    }

    #[tokio::test]
    async fn what_is_included_is_not_added_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        written_before(&store).await;
        let mut series = load(&store).await.unwrap();
        let metric = series.metric(SeriesId(0));
        let value: Vec<String> = metric.dimensions().map(|(_, value)| value.to_owned()).collect();
        let dimensions = [("A", value[0].as_str())];
        let metric = MetricRef {
            partition: "000000000000/us-east-1",
            namespace: "N",
            name: "m",
            dimensions: &dimensions,
        };
        let set = StatisticSet::uniform(1.0, 1.0);
        let time = DAY * DAY_SECONDS + 7_200;
        for (seq, want) in [(5, 8.0), (6, 9.0)] {
            let datum = crate::metrics::series::Datum {
                metric,
                time,
                unit: Unit::Count,
                high_resolution: false,
                set: &set,
            };
            series.add(seq, &datum, time).unwrap();
            let buckets = read(&store, &mut series, 0).await;
            assert_eq!(buckets.iter().map(|bucket| bucket.set.count).sum::<f64>(), want, "{seq}");
        }
    }
}
