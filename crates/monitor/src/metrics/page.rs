//! # Pages: a span of points of neighbouring series
//! Series are stored by **blocks** of 64 with following numbers. A **page** is what a block has in one span: a **part** for each series
//! and unit that has points there, packed. Its bytes are what is stored and what is kept in memory.
//! ```text
//! form, count of parts (2), for each part: place in the block, unit, where its bytes end (4); the bytes of all
//! ```
//! **Invariants:** parts are ordered by place and unit; a page is never changed, a later one takes its place.
//! **Not here:** which pages there are (`pages.rs`), when they are written (`flush.rs`).

use super::{
    Unit,
    packed::{Corrupt, Packed, Points},
    series::SeriesId,
    span::SpanName,
    statistic_set::StatisticSet,
};

/// How many series share a page.
pub const BLOCK_SERIES: u32 = 64;
/// The first byte of a stored page.
const FORM: u8 = 1;
const HEAD_BYTES: usize = 3;
const ENTRY_BYTES: usize = 6;

/// The number of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(pub u32);

impl Block {
    pub fn of(id: SeriesId) -> Self {
        Self(id.0 / BLOCK_SERIES)
    }

    /// Where in its block a series is.
    pub fn place(id: SeriesId) -> u8 {
        (id.0 % BLOCK_SERIES) as u8
    }

    pub fn series(self, place: u8) -> SeriesId {
        SeriesId(self.0 * BLOCK_SERIES + u32::from(place))
    }

    pub fn key(self) -> String {
        format!("{:06x}", self.0)
    }

    pub fn from_key(key: &str) -> Option<Self> {
        u32::from_str_radix(key, 16).ok().map(Self)
    }
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageName {
    pub span: SpanName,
    pub block: Block,
}

impl PageName {
    pub fn key(self) -> String {
        format!("{}/{}", self.span.key(), self.block.key())
    }

    pub fn from_key(key: &str) -> Option<Self> {
        let (span, block) = key.rsplit_once('/')?;
        Some(Self { span: SpanName::from_key(span)?, block: Block::from_key(block)? })
    }
}

/// The points of a block in a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    bytes: Box<[u8]>,
}

/// The points of one series in one unit.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    pub place: u8,
    pub unit: Unit,
    pub packed: &'a [u8],
}

impl<'a> Part<'a> {
    /// Oldest first.
    pub fn points(&self) -> Points<'a> {
        Points::over(self.packed)
    }

    pub fn last_slot(&self) -> Option<u32> {
        self.points().last().map(|point| point.slot)
    }
}

impl Page {
    /// Takes stored bytes back and reads them once, so that what is wrong is found here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let page = Self { bytes: bytes.into() };
        if bytes.first() != Some(&FORM) || bytes.len() < HEAD_BYTES || bytes.len() < page.body() {
            return Err(Corrupt);
        }
        let mut before = (None, page.body());
        for at in 0..page.len() {
            let (place, unit, end) = page.entry(at);
            let rises = before.0.is_none_or(|known| known < (place, unit));
            let is_known = u32::from(place) < BLOCK_SERIES && usize::from(unit) < Unit::ALL.len();
            if !rises || !is_known || end < before.1 || end > bytes.len() {
                return Err(Corrupt);
            }
            Points::check(&bytes[before.1..end])?;
            before = (Some((place, unit)), end);
        }
        if before.1 == bytes.len() { Ok(page) } else { Err(Corrupt) }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many parts there are.
    fn len(&self) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[1], self.bytes[2]]))
    }

    /// Where the parts' bytes begin.
    fn body(&self) -> usize {
        HEAD_BYTES + ENTRY_BYTES * self.len()
    }

    /// Place, unit and end of a part.
    fn entry(&self, at: usize) -> (u8, u8, usize) {
        let entry = &self.bytes[HEAD_BYTES + ENTRY_BYTES * at..][..ENTRY_BYTES];
        let end = u32::from_le_bytes([entry[2], entry[3], entry[4], entry[5]]);
        (entry[0], entry[1], end as usize)
    }

    fn part(&self, at: usize) -> Part<'_> {
        let start = at.checked_sub(1).map_or_else(|| self.body(), |before| self.entry(before).2);
        let (place, unit, end) = self.entry(at);
        Part { place, unit: Unit::ALL[usize::from(unit)], packed: &self.bytes[start..end] }
    }

    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        (0..self.len()).map(|at| self.part(at))
    }

    /// The parts of one series.
    pub fn parts_of(&self, place: u8) -> impl Iterator<Item = Part<'_>> {
        let of = |at: usize| self.entry(at).0;
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if of(middle) < place { low = middle + 1 } else { high = middle }
        }
        (low..self.len()).take_while(move |at| of(*at) == place).map(|at| self.part(at))
    }
}

/// Writes a page, part by part in their order.
#[derive(Debug, Default)]
pub struct PageWriter {
    parts: Vec<(u8, Unit, usize)>,
    body: Vec<u8>,
}

impl PageWriter {
    pub fn push(&mut self, place: u8, unit: Unit, packed: &[u8]) {
        self.body.extend_from_slice(packed);
        self.parts.push((place, unit, self.body.len()));
    }

    pub fn finish(self) -> Page {
        let head = HEAD_BYTES + ENTRY_BYTES * self.parts.len();
        let mut bytes = Vec::with_capacity(head + self.body.len());
        bytes.push(FORM);
        bytes.extend_from_slice(&(self.parts.len() as u16).to_le_bytes());
        for (place, unit, end) in &self.parts {
            bytes.extend_from_slice(&[*place, *unit as u8]);
            bytes.extend_from_slice(&((head + end) as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&self.body);
        Page { bytes: bytes.into() }
    }
}

/// A part's points with more points, which are in the order of their slots.
pub fn with_points(part: Option<Part<'_>>, points: Vec<(u32, StatisticSet)>) -> Result<Packed, Corrupt> {
    let mut packed = match part {
        Some(part) => Packed::from_bytes(part.packed.to_vec())?,
        None => Packed::default(),
    };
    let is_behind = |(slot, _): &(u32, StatisticSet)| packed.last_slot().is_none_or(|last| *slot > last);
    if points.first().is_none_or(is_behind) {
        points.iter().for_each(|(slot, set)| packed.push(*slot, set));
        return Ok(packed);
    }
    let mut all: Vec<_> = packed.points().map(|point| (point.slot, point.to_set())).collect();
    for (slot, set) in points {
        merge_into(&mut all, slot, set);
    }
    let mut packed = Packed::default();
    all.iter().for_each(|(slot, set)| packed.push(*slot, set));
    Ok(packed)
}

/// Adds a point to points that are in the order of their slots.
pub fn merge_into(points: &mut Vec<(u32, StatisticSet)>, slot: u32, set: StatisticSet) {
    match points.binary_search_by_key(&slot, |(known, _)| *known) {
        Ok(at) => points[at].1.merge(&set),
        Err(at) => points.insert(at, (slot, set)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(slots: &[u32]) -> Vec<u8> {
        let points = slots.iter().map(|slot| (*slot, StatisticSet::uniform(1.0, 2.0))).collect();
        with_points(None, points).unwrap().into_bytes()
    }

    fn page() -> Page {
        let mut writer = PageWriter::default();
        writer.push(0, Unit::Count, &packed(&[1, 2]));
        writer.push(3, Unit::Seconds, &packed(&[5]));
        writer.push(3, Unit::Count, &packed(&[7]));
        writer.push(63, Unit::None, &packed(&[0, 59]));
        writer.finish()
    }

    #[test]
    fn parts_are_found() {
        let page = Page::from_bytes(page().as_bytes()).unwrap();
        let found = |place| {
            page.parts_of(place)
                .map(|part| (part.unit, part.points().map(|point| point.slot).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        assert_eq!(found(0), [(Unit::Count, vec![1, 2])]);
        assert_eq!(found(1), []);
        assert_eq!(found(3), [(Unit::Seconds, vec![5]), (Unit::Count, vec![7])]);
        assert_eq!(found(63), [(Unit::None, vec![0, 59])]);
        assert_eq!(page.parts().count(), 4);
    }

    #[test]
    fn damage_is_found() {
        let good = page().as_bytes().to_vec();
        for length in 0..good.len() {
            assert_eq!(Page::from_bytes(&good[..length]), Err(Corrupt), "{length}");
        }
        for (at, byte) in [(0, 9), (HEAD_BYTES, 5), (HEAD_BYTES + 1, 200), (HEAD_BYTES + 3, 9)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(Page::from_bytes(&bad), Err(Corrupt), "{at}");
        }
    }

    #[test]
    fn points_are_added_in_any_order() {
        for (there, more, want) in [
            (&[1, 2][..], &[3][..], vec![(1, 2.0), (2, 2.0), (3, 2.0)]),
            (&[1, 5], &[0, 5], vec![(0, 2.0), (1, 2.0), (5, 4.0)]),
        ] {
            let bytes = packed(there);
            let part = Part { place: 0, unit: Unit::None, packed: &bytes };
            let more = more.iter().map(|slot| (*slot, StatisticSet::uniform(1.0, 2.0))).collect();
            let all = with_points(Some(part), more).unwrap();
            let all: Vec<_> = all.points().map(|point| (point.slot, point.figures.count)).collect();
            assert_eq!(all, want);
        }
    }

    #[test]
    fn names_read_back() {
        let name = PageName {
            span: SpanName::holding(crate::metrics::span::Resolution::Hour, 1 << 30),
            block: Block(77),
        };
        assert_eq!(PageName::from_key(&name.key()), Some(name));
        assert_eq!(
            (Block::of(SeriesId(129)), Block::place(SeriesId(129)), Block(2).series(1)),
            (Block(2), 1, SeriesId(129))
        );
    }
}
