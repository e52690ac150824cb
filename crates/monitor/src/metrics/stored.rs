//! # Stored series: what survives a restart
//! The trail is the truth; these rows only save replaying all of it. By block there are its series' **names** and countdowns, and what
//! stands of each (its **mark**): which log position it includes, and the time of its newest point. By span there is a row of the
//! **directory**; and there are the **pages**. As each series says what it includes, blocks may be written in several commits: replaying from
//! an older position adds nothing twice.
//! **Invariants:** blocks are written in the order of their numbers, so that what was written before a crash has no gaps; the marks of a block
//! are written together with its pages.
//! **Not here:** what is in a page (`page.rs`), when there is a flush (`follower.rs`), rows of earlier versions (`stored/days.rs`).

mod days;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use keywatch_store::{Batch, Kind, Row, Scan, Seq, Store, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

use super::{
    Second,
    flush::Slice,
    page::{BLOCK_SERIES, Block, Page, PageName},
    pages::Blocks,
    ramp::Ramp,
    series::{Described, MetricRef, SeriesId, SeriesStore},
    span::SpanName,
};

/// Key = span / block.
const PAGES: Kind = Kind("metrics.page");
/// Key = span; the blocks that have a page in it, as bits after [`FORM`].
const SPANS: Kind = Kind("metrics.span");
/// Key = block.
const NAMES: Kind = Kind("metrics.names");
/// Key = block; for each series the log position it includes (8 bytes) and the time of its newest point (8), after [`FORM`].
const MARKS: Kind = Kind("metrics.marks");
/// One row: spans that end after this time were hot when they were written, and are when they are read.
const HOT: Kind = Kind("metrics.hot");
const HOT_KEY: &str = "from";

const FORM: u8 = 1;
/// Rows read at once; those of a block are large.
const ROWS_AT_ONCE: usize = 500;
/// From so many pages of a span on its rows are read one after the other.
const PAGES_FOR_A_SCAN: usize = 64;

/// What there is of the series of a block besides points.
#[derive(Debug, Serialize, Deserialize)]
struct Names {
    series: Vec<Definition>,
}

impl Versioned for Names {
    const MARKER: &'static str = "metrics.names/1";
}

#[derive(Debug, Serialize, Deserialize)]
struct Definition {
    partition: String,
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ramps: Vec<Ramp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    used: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    came_late: Option<Second>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(used: &f64) -> bool {
    *used == 0.0
}

/// From when on spans are hot.
pub fn hot_row(hot_from: Second) -> Batch {
    let put = (HOT, HOT_KEY.to_owned(), hot_from.to_string().into());
    Batch { puts: vec![put], ..Batch::default() }
}

/// The rows of a slice of a flush, whose series include the log up to `through`.
pub fn rows(series: &SeriesStore, slice: &Slice, through: Seq) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    for (block, unstored) in &slice.blocks {
        if unstored.definitions {
            batch.puts.push((NAMES, block.key(), encode(&names(series, *block))?));
        }
        let newest = series.of_block(*block).map(|id| series.described(id).newest);
        batch.puts.push((MARKS, block.key(), marks(newest.map(|newest| (through, newest)))));
    }
    for name in &slice.pages {
        let Some(page) = series.pages.resident(*name) else { continue };
        batch.puts.push((PAGES, name.key(), page.as_bytes().to_vec().into()));
    }
    for span in &slice.spans {
        let blocks = series.pages.blocks(*span).cloned().unwrap_or_default();
        batch.puts.push(span_row(*span, &blocks));
    }
    Ok(batch)
}

/// The changes to rows that move the points of some pages into another, or out of what is kept.
#[derive(Debug, Default)]
pub struct Moved {
    pub gone: Vec<PageName>,
    pub made: Option<(PageName, Page)>,
}

/// The rows of pages that moved; `spans` are the directory's rows as they are afterwards, `None` where nothing is left.
pub fn moved_rows(moved: &[Moved], spans: &BTreeMap<SpanName, Option<Blocks>>) -> Batch {
    let mut batch = Batch::default();
    for Moved { gone, made } in moved {
        batch.deletes.extend(gone.iter().map(|name| (PAGES, name.key())));
        let Some((name, page)) = made else { continue };
        batch.puts.push((PAGES, name.key(), page.as_bytes().to_vec().into()));
    }
    for (span, blocks) in spans {
        match blocks {
            Some(blocks) => batch.puts.push(span_row(*span, blocks)),
            None => batch.deletes.push((SPANS, span.key())),
        }
    }
    batch
}

fn span_row(span: SpanName, blocks: &Blocks) -> (Kind, String, Bytes) {
    let mut row = vec![FORM];
    row.extend(blocks.to_bytes());
    (SPANS, span.key(), row.into())
}

fn names(series: &SeriesStore, block: Block) -> Names {
    let definition = |id: SeriesId| {
        let Described { ramps, used, came_late, .. } = series.described(id);
        let metric = series.metric(id);
        Definition {
            partition: metric.partition().to_owned(),
            namespace: metric.namespace().to_owned(),
            name: metric.name().to_owned(),
            dimensions: metric
                .dimensions()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            ramps: ramps.to_vec(),
            used,
            came_late: Some(came_late).filter(|time| *time != Second::MIN),
        }
    };
    Names { series: series.of_block(block).map(definition).collect() }
}

fn marks(of_series: impl Iterator<Item = (Seq, Second)>) -> Bytes {
    let mut row = Vec::with_capacity(1 + 16 * BLOCK_SERIES as usize);
    row.push(FORM);
    for (through, newest) in of_series {
        row.extend_from_slice(&through.to_le_bytes());
        row.extend_from_slice(&newest.to_le_bytes());
    }
    row.into()
}

/// Every series and the pages of the last hours.
pub async fn load(store: &Store) -> Result<SeriesStore, StoreError> {
    days::convert(store).await?;
    let mut series = SeriesStore::default();
    each_row(store, NAMES, "", |row| load_names(&mut series, &row)).await?;
    each_row(store, MARKS, "", |row| load_marks(&mut series, &row)).await?;
    // What was read back needs no writing.
    series.settle();
    let hot_from = match store.get(HOT, HOT_KEY).await? {
        None => Second::MIN,
        Some(row) => {
            let text = std::str::from_utf8(&row.bytes).ok().and_then(|text| text.parse().ok());
            text.ok_or_else(|| corrupt(HOT, HOT_KEY))?
        }
    };
    series.cool(hot_from);
    let mut hot = Vec::new();
    each_row(store, SPANS, "", |row| {
        let blocks = row.bytes.split_first().filter(|(form, _)| **form == FORM);
        let blocks = blocks.and_then(|(_, bytes)| Blocks::from_bytes(bytes));
        let span = SpanName::from_key(&row.key);
        let (span, blocks) = span.zip(blocks).ok_or_else(|| corrupt(SPANS, &row.key))?;
        if span.end() > hot_from {
            hot.push(span);
        }
        series.pages.load_blocks(span, blocks);
        Ok(())
    })
    .await?;
    for span in hot {
        each_row(store, PAGES, &format!("{}/", span.key()), |row| {
            let (name, page) = page_of(&row)?;
            series.load_page(name, page);
            Ok(())
        })
        .await?;
    }
    Ok(series)
}

/// Some pages, as far as there are rows of them. Fails when they have more than `bytes_max`.
pub async fn load_pages(
    store: &Store,
    names: &BTreeSet<PageName>,
    bytes_max: usize,
) -> Result<Vec<(PageName, Page)>, StoreError> {
    let mut pages = Vec::with_capacity(names.len());
    let mut bytes = 0;
    let mut take = |row: &Row| {
        bytes += row.bytes.len();
        if bytes > bytes_max {
            return Err(StoreError::TooLarge {
                what: "the old points of one query",
                bytes,
                limit: bytes_max,
            });
        }
        pages.push(page_of(row)?);
        Ok(())
    };
    let names: Vec<PageName> = names.iter().copied().collect();
    for of_span in names.chunk_by(|a, b| a.span == b.span) {
        if of_span.len() < PAGES_FOR_A_SCAN {
            for name in of_span {
                if let Some(row) = store.get(PAGES, &name.key()).await? {
                    take(&row)?;
                }
            }
            continue;
        }
        let wanted: BTreeSet<String> = of_span.iter().map(|name| name.key()).collect();
        each_row(store, PAGES, &format!("{}/", of_span[0].span.key()), |row| {
            if wanted.contains(&row.key) { take(&row) } else { Ok(()) }
        })
        .await?;
    }
    Ok(pages)
}

fn page_of(row: &Row) -> Result<(PageName, Page), StoreError> {
    let page = Page::from_bytes(&row.bytes).ok();
    PageName::from_key(&row.key).zip(page).ok_or_else(|| corrupt(PAGES, &row.key))
}

fn load_names(series: &mut SeriesStore, row: &Row) -> Result<(), StoreError> {
    let Names { series: all } = decode(&row.bytes)?;
    let block = Block::from_key(&row.key).ok_or_else(|| corrupt(NAMES, &row.key))?;
    if block.series(0).0 as usize != series.len() {
        return Err(corrupt(NAMES, &row.key));
    }
    for stored in all {
        let dimensions: Vec<(&str, &str)> =
            stored.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let metric = MetricRef {
            partition: &stored.partition,
            namespace: &stored.namespace,
            name: &stored.name,
            dimensions: &dimensions,
        };
        let id = series.intern(&metric).map_err(|_| StoreError::corrupt("more metrics than can be kept"))?;
        let came_late = stored.came_late.unwrap_or(Second::MIN);
        let described = Described { ramps: &stored.ramps, used: stored.used, newest: Second::MIN, came_late };
        series.load_definition(id, described);
    }
    Ok(())
}

fn load_marks(series: &mut SeriesStore, row: &Row) -> Result<(), StoreError> {
    let parts = || {
        let (form, bytes) = row.bytes.split_first()?;
        let (numbers, rest) = bytes.as_chunks::<16>();
        (*form == FORM && rest.is_empty()).then_some((Block::from_key(&row.key)?, numbers))
    };
    let (block, numbers) = parts().ok_or_else(|| corrupt(MARKS, &row.key))?;
    for (id, numbers) in series.of_block(block).zip(numbers) {
        let (through, newest) = numbers.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        series.load_mark(id, number(through), number(newest) as Second);
    }
    Ok(())
}

async fn each_row(
    store: &Store,
    kind: Kind,
    prefix: &str,
    mut each: impl FnMut(Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after: Option<String> = None;
    loop {
        let scan = Scan { prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = store.scan(kind, scan).await?;
        let is_last = rows.len() < ROWS_AT_ONCE;
        after = rows.last().map(|row| row.key.clone());
        rows.into_iter().try_for_each(&mut each)?;
        if is_last {
            return Ok(());
        }
    }
}

fn corrupt(kind: Kind, key: &str) -> StoreError {
    StoreError::corrupt(format!("{} {key}", kind.0))
}
