//! # Aging: pages grow coarser and go
//! Minutes of two weeks ago become five minutes, those become hours, and at the end of retention points are gone. The points of some pages
//! of a block move into one page of a coarser span, in one commit; counts, sums and extremes stay what they are.
//! **Invariant:** a reader sees points before they moved or after, never twice: pages move while nobody reads old ones.
//! **Not here:** which age asks for what (`span.rs`).

use std::collections::{BTreeMap, BTreeSet};

use keywatch_store::{Store, StoreError};

use super::{
    Second,
    flush::merged,
    live::{LiveSeries, unchecked},
    packed::Corrupt,
    page::{Block, Page, PageName, merge_into},
    pages::{Blocks, Pages},
    span::SpanName,
    statistic_set::StatisticSet,
    stored::{self, Moved},
};

/// Blocks whose pages move in one commit.
const BLOCKS_AT_ONCE: usize = 64;

/// Spans whose points move together, and where they move to.
#[derive(Debug)]
struct Move {
    from: Vec<SpanName>,
    into: Option<SpanName>,
    blocks: Vec<Block>,
}

/// Forgets what is past retention.
pub(super) async fn expire(store: &Store, live: &LiveSeries, now: Second) -> Result<(), StoreError> {
    let gone = |span: &SpanName| span.is_expired(now);
    let moves = live.look(|series| {
        let spans: Vec<SpanName> = series.pages.spans().map(|(span, _)| span).filter(gone).collect();
        spans.into_iter().map(|span| Move::of(&series.pages, vec![span], None)).collect::<Vec<_>>()
    });
    run(store, live, &moves).await
}

/// Makes pages as coarse as their age allows.
pub(super) async fn age(store: &Store, live: &LiveSeries, now: Second) -> Result<(), StoreError> {
    let moves = live.look(|series| {
        let mut targets: BTreeMap<SpanName, Vec<SpanName>> = BTreeMap::new();
        for (span, _) in series.pages.spans() {
            if let Some(target) = span.ages_into(now) {
                targets.entry(target).or_default().push(span);
            }
        }
        let moves = targets.into_iter().map(|(into, from)| Move::of(&series.pages, from, Some(into)));
        moves.collect::<Vec<_>>()
    });
    run(store, live, &moves).await
}

impl Move {
    fn of(pages: &Pages, from: Vec<SpanName>, into: Option<SpanName>) -> Self {
        let blocks: BTreeSet<Block> =
            from.iter().filter_map(|span| pages.blocks(*span)).flat_map(Blocks::iter).collect();
        Self { from, into, blocks: blocks.into_iter().collect() }
    }
}

async fn run(store: &Store, live: &LiveSeries, moves: &[Move]) -> Result<(), StoreError> {
    for of in moves {
        for blocks in of.blocks.chunks(BLOCKS_AT_ONCE) {
            let _paging = live.paging().await;
            let (there, mut pages) = live.look(|series| sources(&series.pages, of, blocks));
            let unread: BTreeSet<PageName> =
                there.difference(&pages.keys().copied().collect()).copied().collect();
            pages.extend(stored::load_pages(store, &unread, usize::MAX).await?);
            let moved: Vec<Moved> = blocks
                .iter()
                .map(|block| move_block(of, *block, &pages, &there))
                .collect::<Result<_, Corrupt>>()
                .map_err(|_| StoreError::corrupt("metric pages that age".to_owned()))?;
            let spans = live.look(|series| directory_after(&series.pages, &moved));
            let batch = stored::moved_rows(&moved, &spans);
            store.commit(batch).await.map_err(unchecked)?;
            live.change(|series, _| {
                for Moved { gone, made } in moved {
                    gone.into_iter().for_each(|name| series.pages.remove(name));
                    made.into_iter().for_each(|(name, _)| series.pages.stored_elsewhere(name));
                }
            });
        }
    }
    Ok(())
}

/// The pages that take part in a move, and those of them that are in memory. What only goes need not be read.
fn sources(pages: &Pages, of: &Move, blocks: &[Block]) -> (BTreeSet<PageName>, BTreeMap<PageName, Page>) {
    let spans = of.from.iter().chain(&of.into);
    let names = spans.flat_map(|span| blocks.iter().map(|block| PageName { span: *span, block: *block }));
    let is_there =
        |name: &PageName| pages.blocks(name.span).is_some_and(|blocks| blocks.contains(name.block));
    let there: BTreeSet<PageName> = names.filter(|name| of.into.is_some() && is_there(name)).collect();
    let resident = there.iter().filter_map(|name| Some((*name, pages.resident(*name)?.clone()))).collect();
    (there, resident)
}

fn move_block(
    of: &Move,
    block: Block,
    pages: &BTreeMap<PageName, Page>,
    there: &BTreeSet<PageName>,
) -> Result<Moved, Corrupt> {
    let names = of.from.iter().map(|span| PageName { span: *span, block });
    let Some(into) = of.into else { return Ok(Moved { gone: names.collect(), made: None }) };
    let gone: Vec<PageName> = names.filter(|name| there.contains(name)).collect();
    let target = PageName { span: into, block };
    let mut points: BTreeMap<(u8, u8), Vec<(u32, StatisticSet)>> = BTreeMap::new();
    for (name, page) in gone.iter().filter_map(|name| Some((name, pages.get(name)?))) {
        for part in page.parts() {
            let of_part = points.entry((part.place, part.unit as u8)).or_default();
            for point in part.points() {
                merge_into(of_part, into.slot(name.span.time(point.slot)), point.to_set());
            }
        }
    }
    let made = merged(pages.get(&target), points)?;
    Ok(Moved { gone, made: Some((target, made)) })
}

/// The directory's rows that a move changes; `None` where a span has no page any more.
fn directory_after(pages: &Pages, moved: &[Moved]) -> BTreeMap<SpanName, Option<Blocks>> {
    let mut spans: BTreeMap<SpanName, Blocks> = BTreeMap::new();
    let now = |span: SpanName| pages.blocks(span).cloned().unwrap_or_default();
    for Moved { gone, made } in moved {
        for name in gone {
            spans.entry(name.span).or_insert_with(|| now(name.span)).remove(name.block);
        }
        if let Some((name, _)) = made {
            spans.entry(name.span).or_insert_with(|| now(name.span)).insert(name.block);
        }
    }
    spans.into_iter().map(|(span, blocks)| (span, (!blocks.is_empty()).then_some(blocks))).collect()
}
