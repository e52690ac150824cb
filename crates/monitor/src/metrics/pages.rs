//! # Pages in memory and in the store
//! The **directory** says of each span which blocks have a page. Pages of the last hours are in memory (**hot**); of the older ones only
//! those that were asked for, in a bounded cache. Reading is never waiting: what is not in memory is **wanted**, and whoever looks loads
//! it and looks again (`live.rs`).
//! **Invariants:** a page that differs from its row stays in memory until it is stored; what is in memory is what a reader sees.
//! **Not here:** making pages (`flush.rs`), the rows (`stored.rs`).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    mem::take,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::fast::RandomState;

use super::{
    Second,
    page::{Block, Page, PageName, Part},
    series::SeriesId,
    span::{Resolution, SpanName},
    stream::RunName,
};

/// Bytes of older pages that stay in memory between readings.
pub const CACHE_BYTES_MAX: usize = 64 << 20;

/// Which blocks have a page, as bits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Blocks(Vec<u64>);

impl Blocks {
    pub fn contains(&self, Block(block): Block) -> bool {
        self.0.get(block as usize / 64).is_some_and(|word| word >> (block % 64) & 1 == 1)
    }

    pub fn insert(&mut self, Block(block): Block) -> bool {
        let (at, bit) = (block as usize / 64, 1 << (block % 64));
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        let is_new = self.0[at] & bit == 0;
        self.0[at] |= bit;
        is_new
    }

    pub fn remove(&mut self, Block(block): Block) {
        if let Some(word) = self.0.get_mut(block as usize / 64) {
            *word &= !(1 << (block % 64));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = Block> {
        let bits = |(at, word): (usize, &u64)| {
            let word = *word;
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| Block((at * 64 + bit) as u32))
        };
        self.0.iter().enumerate().flat_map(bits)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks();
        rest.is_empty().then(|| Self(words.iter().map(|word| u64::from_le_bytes(*word)).collect()))
    }
}

#[derive(Debug)]
struct Resident {
    page: Page,
    /// It differs from its row.
    unstored: bool,
}

/// What there is of a span.
#[derive(Debug, Default)]
struct Span {
    there: Blocks,
    resident: HashMap<Block, Resident, RandomState>,
}

/// Every page.
#[derive(Debug)]
pub struct Pages {
    spans: BTreeMap<SpanName, Span>,
    /// Spans that end after this are hot.
    hot_from: Second,
    /// Pages in memory that are not hot, oldest first, and their bytes.
    cached: VecDeque<PageName>,
    cached_bytes: usize,
    wanted: Mutex<BTreeSet<PageName>>,
    misses: AtomicU64,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            spans: BTreeMap::new(),
            hot_from: Second::MIN,
            cached: VecDeque::new(),
            cached_bytes: 0,
            wanted: Mutex::default(),
            misses: AtomicU64::new(0),
        }
    }
}

impl Pages {
    /// The spans that reach into a window: of seconds when `fine`, otherwise the coarser ones.
    fn between(&self, start: Second, end: Second, fine: bool) -> impl Iterator<Item = (SpanName, &Span)> {
        let resolutions = if fine { &Resolution::ALL[..1] } else { &Resolution::ALL[1..] };
        resolutions.iter().flat_map(move |resolution| {
            let first = SpanName::holding(*resolution, start);
            let last = SpanName::holding(*resolution, end.max(start));
            let spans = self.spans.range(first..=last).map(|(name, span)| (*name, span));
            spans.filter(move |(name, _)| name.start() < end)
        })
    }

    /// Calls `each` with what pages have of a series in a window; what is not in memory is wanted.
    pub fn for_each_part<'p>(
        &'p self,
        id: SeriesId,
        (start, end): (Second, Second),
        fine: bool,
        mut each: impl FnMut(SpanName, Part<'p>),
    ) {
        let (block, place) = (Block::of(id), Block::place(id));
        for (name, span) in self.between(start, end, fine) {
            match span.resident.get(&block) {
                Some(resident) => resident.page.parts_of(place).for_each(|part| each(name, part)),
                None if span.there.contains(block) => self.want(PageName { span: name, block }),
                None => {}
            }
        }
    }

    fn want(&self, name: PageName) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// Grows whenever a reader wanted what is not there.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    pub fn take_wanted(&self) -> BTreeSet<PageName> {
        take(&mut self.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn part(&self, RunName { span, unit }: RunName, id: SeriesId) -> Option<Part<'_>> {
        let resident = self.spans.get(&span)?.resident.get(&Block::of(id))?;
        resident.page.parts_of(Block::place(id)).find(|part| part.unit == unit)
    }

    /// Up to which slot a page may hold samples of a series.
    pub fn last_slot(&self, name: RunName, id: SeriesId) -> Option<u32> {
        let span = self.spans.get(&name.span)?;
        if span.resident.contains_key(&Block::of(id)) {
            return self.part(name, id)?.last_slot();
        }
        span.there.contains(Block::of(id)).then_some(u32::MAX)
    }

    /// The page, if it is in memory.
    pub fn resident(&self, name: PageName) -> Option<&Page> {
        Some(&self.spans.get(&name.span)?.resident.get(&name.block)?.page)
    }

    pub fn is_missing(&self, name: PageName) -> bool {
        self.spans
            .get(&name.span)
            .is_some_and(|span| span.there.contains(name.block) && !span.resident.contains_key(&name.block))
    }

    fn is_hot(&self, span: SpanName) -> bool {
        span.end() > self.hot_from
    }

    pub fn hot_from(&self) -> Second {
        self.hot_from
    }

    /// Takes a span's blocks from the directory's row.
    pub fn load_blocks(&mut self, span: SpanName, blocks: Blocks) {
        self.spans.entry(span).or_default().there = blocks;
    }

    /// Takes a stored page in, unless there is one in memory, which is as new or newer.
    pub fn load(&mut self, name: PageName, page: Page) {
        let span = self.spans.entry(name.span).or_default();
        span.there.insert(name.block);
        if let std::collections::hash_map::Entry::Vacant(place) = span.resident.entry(name.block) {
            let bytes = page.as_bytes().len();
            place.insert(Resident { page, unstored: false });
            self.cache(name, bytes);
        }
    }

    fn cache(&mut self, name: PageName, bytes: usize) {
        if !self.is_hot(name.span) {
            self.cached.push_back(name);
            self.cached_bytes += bytes;
        }
    }

    /// Puts a page in the place of the one before, to be stored. Tells whether the directory changed.
    pub fn replace(&mut self, name: PageName, page: Page) -> bool {
        let bytes = page.as_bytes().len();
        let span = self.spans.entry(name.span).or_default();
        let is_new = span.there.insert(name.block);
        let before = span.resident.insert(name.block, Resident { page, unstored: true });
        match before {
            None => self.cache(name, bytes),
            Some(before) if !self.is_hot(name.span) => {
                self.cached_bytes = (self.cached_bytes + bytes).saturating_sub(before.page.as_bytes().len());
            }
            Some(_) => {}
        }
        is_new
    }

    /// The pages of a block that differ from their rows. Only spans with something unstored are looked at.
    pub fn unstored(&self, block: Block) -> Vec<PageName> {
        let differs = |(span, of): (&SpanName, &Span)| {
            let unstored = of.resident.get(&block).is_some_and(|resident| resident.unstored);
            unstored.then_some(PageName { span: *span, block })
        };
        self.spans.iter().filter_map(differs).collect()
    }

    /// A page is stored as it is.
    pub fn settle(&mut self, name: PageName) {
        let resident = self.spans.get_mut(&name.span).and_then(|span| span.resident.get_mut(&name.block));
        if let Some(resident) = resident {
            resident.unstored = false;
        }
    }

    /// From now on only spans that end after this are hot.
    pub fn cool(&mut self, hot_from: Second) {
        let before = self.hot_from;
        let hot_from = hot_from.max(before);
        self.hot_from = hot_from;
        let mut cached = Vec::new();
        for (name, span) in &mut self.spans {
            if name.end() > before && name.end() <= hot_from {
                // What is not stored yet leaves with the cache.
                span.resident.retain(|_, resident| resident.unstored);
                span.resident.shrink_to_fit();
                let names = span.resident.iter();
                cached.extend(names.map(|(block, resident)| {
                    (PageName { span: *name, block: *block }, resident.page.as_bytes().len())
                }));
            }
        }
        cached.into_iter().for_each(|(name, bytes)| self.cache(name, bytes));
    }

    /// Bytes of the pages in memory that are not hot.
    pub fn cached_bytes(&self) -> usize {
        self.cached_bytes
    }

    /// Bytes of all pages in memory.
    pub fn bytes(&self) -> usize {
        let of = |span: &Span| {
            span.resident.values().map(|resident| resident.page.as_bytes().len()).sum::<usize>()
        };
        self.spans.values().map(of).sum()
    }

    /// Lets go of what was loaded first until so many bytes are left.
    pub fn trim(&mut self, bytes_max: usize) {
        let mut kept = Vec::new();
        while self.cached_bytes > bytes_max
            && let Some(name) = self.cached.pop_front()
        {
            let Some(span) = self.spans.get_mut(&name.span) else { continue };
            match span.resident.get(&name.block) {
                Some(resident) if resident.unstored => kept.push(name),
                Some(_) => {
                    let gone = span.resident.remove(&name.block);
                    let bytes = gone.map_or(0, |resident| resident.page.as_bytes().len());
                    self.cached_bytes = self.cached_bytes.saturating_sub(bytes);
                }
                None => {}
            }
        }
        kept.into_iter().for_each(|name| self.cached.push_front(name));
    }

    /// A page was stored that is not in memory.
    pub fn stored_elsewhere(&mut self, name: PageName) {
        self.remove(name);
        self.spans.entry(name.span).or_default().there.insert(name.block);
    }

    /// Every span there is, with its blocks.
    pub fn spans(&self) -> impl Iterator<Item = (SpanName, &Blocks)> {
        self.spans.iter().map(|(name, span)| (*name, &span.there))
    }

    /// The blocks of a span; none when it does not exist.
    pub fn blocks(&self, span: SpanName) -> Option<&Blocks> {
        self.spans.get(&span).map(|span| &span.there)
    }

    /// A page is not in the store any more, nor may it be read.
    pub fn remove(&mut self, name: PageName) {
        let Some(span) = self.spans.get_mut(&name.span) else { return };
        span.there.remove(name.block);
        let gone = span.resident.remove(&name.block).map_or(0, |resident| resident.page.as_bytes().len());
        let is_gone = span.there.is_empty() && span.resident.is_empty();
        if is_gone {
            self.spans.remove(&name.span);
        }
        if !self.is_hot(name.span) {
            self.cached_bytes = self.cached_bytes.saturating_sub(gone);
        }
    }
}
