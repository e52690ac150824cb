//! # Flush: new points become pages
//! Block after block the runs of its series are merged into its pages, in memory at once and in the store with the slice's commit. Between
//! slices the log goes on being taken in; each block says itself what it includes.
//! **Invariants:** all pages of a block that change are written together, with the directory's bits of them; what was not committed is in
//! the next flush.
//! **Not here:** the form of rows (`stored.rs`), when there is a flush (`follower.rs`).

use std::collections::{BTreeMap, BTreeSet};

use keywatch_store::StoreError;

use super::{
    Second, Unit,
    packed::{Corrupt, Packed},
    page::{Block, Page, PageName, PageWriter, Part, with_points},
    series::{SeriesStore, Unstored},
    span::SpanName,
    statistic_set::StatisticSet,
};

/// About this many bytes of pages are committed at once.
const SLICE_BYTES: usize = 2 << 20;
/// So many pages are waited for at once.
const LOADS_MAX: usize = 256;

/// A flush under way.
#[derive(Debug)]
pub struct Flush {
    blocks: std::iter::Peekable<std::vec::IntoIter<Block>>,
}

/// What comes next in a flush.
#[derive(Debug)]
pub enum Step {
    /// These pages must be in memory first.
    Load(BTreeSet<PageName>),
    Commit(Slice),
    Done,
}

/// Blocks that are to be committed together.
#[derive(Debug, Default)]
pub struct Slice {
    pub(super) blocks: Vec<(Block, Unstored)>,
    pub pages: Vec<PageName>,
    /// Spans whose row of the directory changed.
    pub spans: BTreeSet<SpanName>,
}

impl Flush {
    /// Everything that is not stored. From now on what ends before `hot_from` is not hot.
    pub fn begin(series: &mut SeriesStore, hot_from: Second) -> Self {
        series.pages.cool(hot_from);
        series.added = 0;
        let blocks = series.unstored.iter().enumerate().filter(|(_, unstored)| unstored.anything);
        let blocks: Vec<Block> = blocks.map(|(at, _)| Block(at as u32)).collect();
        Self { blocks: blocks.into_iter().peekable() }
    }

    /// Makes pages of some blocks.
    pub fn step(&mut self, series: &mut SeriesStore) -> Result<Step, StoreError> {
        let mut slice = Slice::default();
        let mut bytes = 0;
        while bytes < SLICE_BYTES
            && let Some(block) = self.blocks.peek().copied()
        {
            let missing: BTreeSet<PageName> = spans_of(series, block)
                .map(|span| PageName { span, block })
                .filter(|name| series.pages.is_missing(*name))
                .collect();
            if !missing.is_empty() {
                // What is ready goes first.
                return Ok(if slice.blocks.is_empty() {
                    Step::Load(self.missing(series, missing))
                } else {
                    Step::Commit(slice)
                });
            }
            self.blocks.next();
            let unstored = std::mem::take(&mut series.unstored[block.0 as usize]);
            merge_block(series, block, &mut slice)
                .map_err(|_| StoreError::corrupt(format!("metric pages of block {}", block.0)))?;
            let pages = series.pages.unstored(block);
            bytes += pages
                .iter()
                .filter_map(|name| series.pages.resident(*name))
                .map(|page| page.as_bytes().len())
                .sum::<usize>();
            slice.spans.extend(pages.iter().map(|name| name.span));
            slice.pages.extend(pages);
            slice.blocks.push((block, unstored));
            bytes += 512;
        }
        Ok(if slice.blocks.is_empty() { Step::Done } else { Step::Commit(slice) })
    }

    /// What is missing of the next block and of those after it, up to a bound.
    fn missing(&self, series: &SeriesStore, mut missing: BTreeSet<PageName>) -> BTreeSet<PageName> {
        for block in self.blocks.clone().skip(1).take(LOADS_MAX) {
            if missing.len() >= LOADS_MAX {
                break;
            }
            let names = spans_of(series, block).map(|span| PageName { span, block });
            missing.extend(names.filter(|name| series.pages.is_missing(*name)));
        }
        missing
    }
}

impl Slice {
    /// It is in the store.
    pub fn committed(&self, series: &mut SeriesStore) {
        self.pages.iter().for_each(|name| series.pages.settle(*name));
    }

    /// It is not, and has to be in the next flush.
    pub fn failed(&self, series: &mut SeriesStore) {
        for (block, unstored) in &self.blocks {
            let now = &mut series.unstored[block.0 as usize];
            now.anything = true;
            now.definitions |= unstored.definitions;
        }
    }
}

fn spans_of(series: &SeriesStore, block: Block) -> impl Iterator<Item = SpanName> {
    series.of_block(block).flat_map(|id| series.stream(id).runs()).map(|run| run.name().span)
}

/// The new points of a span, by place and unit.
type New = BTreeMap<(u8, u8), Vec<(u32, StatisticSet)>>;

fn merge_block(series: &mut SeriesStore, block: Block, slice: &mut Slice) -> Result<(), Corrupt> {
    let mut spans: BTreeMap<SpanName, New> = BTreeMap::new();
    for id in series.of_block(block) {
        for run in series.stream_mut(id).take() {
            let name = run.name();
            let of_span = spans.entry(name.span).or_default();
            of_span.insert((Block::place(id), name.unit as u8), run.into_points());
        }
    }
    for (span, new) in spans {
        let name = PageName { span, block };
        let page = merged(series.pages.resident(name), new)?;
        if series.pages.replace(name, page) {
            slice.spans.insert(span);
        }
    }
    Ok(())
}

/// A page with new points.
pub(super) fn merged(page: Option<&Page>, mut new: New) -> Result<Page, Corrupt> {
    let mut parts: BTreeMap<(u8, u8), Packed> = BTreeMap::new();
    let mut kept: BTreeMap<(u8, u8), Part<'_>> = BTreeMap::new();
    for part in page.iter().flat_map(|page| page.parts()) {
        let key = (part.place, part.unit as u8);
        match new.remove(&key) {
            Some(points) => {
                parts.insert(key, with_points(Some(part), points)?);
            }
            None => {
                kept.insert(key, part);
            }
        }
    }
    for (key, points) in new {
        parts.insert(key, with_points(None, points)?);
    }
    let mut writer = PageWriter::default();
    let mut kept = kept.into_iter().peekable();
    for ((place, unit), packed) in parts {
        while let Some((_, part)) = kept.next_if(|(key, _)| *key < (place, unit)) {
            writer.push(part.place, part.unit, part.packed);
        }
        writer.push(place, Unit::ALL[usize::from(unit)], packed.as_bytes());
    }
    kept.for_each(|(_, part)| writer.push(part.place, part.unit, part.packed));
    Ok(writer.finish())
}
