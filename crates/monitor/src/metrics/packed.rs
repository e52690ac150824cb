//! # Packed points: many points of one metric in few bytes
//! Points of a span in rising order of their **slot** (the number of the period within the span), each with its statistic set.
//! The common point (equal samples, the value of the point before) takes one to three bytes: the distance in slots and the
//! count, which is left out when it is that of the point before; of another value only the bytes that differ are kept. The bytes
//! are also what is stored.
//! **Invariant:** slots rise strictly; unpacking gives back exactly what was packed.
//! **Not here:** which span and which resolution (`span.rs`).

use super::statistic_set::{Distribution, StatisticSet};

/// The bytes ended early or held something this version does not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packed metric points are corrupt")]
pub struct Corrupt;

/// The four figures of a set, without its distribution: enough for the five simple statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub count: f64,
    pub sum: f64,
    pub minimum: f64,
    pub maximum: f64,
}

impl From<&StatisticSet> for Figures {
    fn from(set: &StatisticSet) -> Self {
        Self { count: set.count, sum: set.sum, minimum: set.minimum, maximum: set.maximum }
    }
}

/// A run of packed points that only grows at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Packed {
    bytes: Vec<u8>,
    last: Last,
}

/// What the next point is encoded against.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Last {
    value: f64,
    /// [`NO_SLOT`] before the first point.
    slot: u32,
    /// The count of the newest point of equal samples; 0 when it does not fit.
    count: u32,
}

impl Default for Last {
    fn default() -> Self {
        Self { value: 0.0, slot: NO_SLOT, count: 1 }
    }
}

impl Last {
    fn slot(&self) -> Option<u32> {
        (self.slot != NO_SLOT).then_some(self.slot)
    }

    /// How many slots were passed over to reach this one.
    fn gap(&self, slot: u32) -> u32 {
        self.slot().map_or(slot, |last| {
            assert!(slot > last, "packed points rise");
            slot - last - 1
        })
    }

    /// The slot after so many that were passed over.
    fn slot_after(&self, gap: u32) -> Result<u32, Corrupt> {
        let slot = match self.slot() {
            None => Some(gap),
            Some(last) => last.checked_add(gap).and_then(|slot| slot.checked_add(1)),
        };
        slot.filter(|slot| *slot != NO_SLOT).ok_or(Corrupt)
    }

    fn count_of(count: f64) -> u32 {
        if count <= f64::from(u32::MAX) { count as u32 } else { 0 }
    }
}

const NO_SLOT: u32 = u32::MAX;

/// The low bits of a point's header say how it is written.
const TAG_BITS: u32 = 3;
const TAGS: u64 = (1 << TAG_BITS) - 1;
const SAME_VALUE: u64 = 0;
const SAME_VALUE_AND_COUNT: u64 = 1;
const EQUAL_SAMPLES: u64 = 2;
const EQUAL_SAMPLES_AND_COUNT: u64 = 3;
const FIGURES_ONLY: u64 = 4;
const WITH_SAMPLES: u64 = 5;

const NO_DISTRIBUTION: u64 = 0;
const EXACT: u64 = 1;
const BUCKETS: u64 = 2;

/// Counts up to here are kept as whole numbers without loss.
const WHOLE_COUNT_MAX: f64 = 9_007_199_254_740_992.0;
/// The common point takes less.
const POINT_BYTES: usize = 12;

impl Packed {
    /// Takes stored bytes back, reading them once to know where the next point goes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Corrupt> {
        let mut points = Points::over(&bytes);
        while points.next_point()?.is_some() {}
        let last = points.last;
        Ok(Self { bytes, last })
    }

    /// Takes bytes back that the first form of this module wrote.
    pub fn from_first_form(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut packed = Self::default();
        let mut rest = bytes;
        let mut value = 0.0;
        while !rest.is_empty() {
            let header = read_varint(&mut rest)?;
            let gap = u32::try_from(header >> 2).map_err(|_| Corrupt)?;
            let slot = packed.last.slot_after(gap)?;
            let set = match header & 3 {
                tag @ (0 | 1) => {
                    if tag == 1 {
                        value = read_f64(&mut rest)?;
                    }
                    StatisticSet::uniform(value, read_varint(&mut rest)? as f64)
                }
                tag => {
                    let Figures { count, sum, minimum, maximum } = read_figures(&mut rest)?;
                    let known = if tag == 2 {
                        Some(Distribution::Exact(Vec::new()))
                    } else {
                        read_distribution(&mut rest)?
                    };
                    StatisticSet { count, sum, minimum, maximum, distribution: known.map(Box::new) }
                }
            };
            packed.push(slot, &set);
        }
        Ok(packed)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The slot of the newest packed point.
    pub fn last_slot(&self) -> Option<u32> {
        self.last.slot()
    }

    /// Adds a point.
    ///
    /// # Panics
    /// When `slot` is not after the newest packed slot: the caller keeps the order.
    pub fn push(&mut self, slot: u32, set: &StatisticSet) {
        let gap = self.last.gap(slot);
        // A million runs that each doubled would waste a quarter of their memory.
        if self.bytes.capacity() - self.bytes.len() < POINT_BYTES {
            self.bytes.reserve_exact(2 * POINT_BYTES + self.bytes.len() / 8);
        }
        let header = |tag: u64| u64::from(gap) << TAG_BITS | tag;
        let whole =
            set.count.fract() == 0.0 && set.count < WHOLE_COUNT_MAX && set.sum == set.minimum * set.count;
        match set.distribution.as_deref() {
            None if whole => self.push_equal(header, set.minimum, set.count),
            Some(Distribution::Exact(values)) if values.is_empty() => {
                write_varint(&mut self.bytes, header(FIGURES_ONLY));
                self.write_figures(set);
            }
            distribution => {
                write_varint(&mut self.bytes, header(WITH_SAMPLES));
                self.write_figures(set);
                write_distribution(&mut self.bytes, distribution);
            }
        }
        self.last.slot = slot;
    }

    fn push_equal(&mut self, header: impl Fn(u64) -> u64, value: f64, count: f64) {
        let same_value = self.last.value.to_bits() == value.to_bits();
        let same_count = self.last.count != 0 && f64::from(self.last.count) == count;
        let tag = match (same_value, same_count) {
            (true, true) => SAME_VALUE_AND_COUNT,
            (true, false) => SAME_VALUE,
            (false, true) => EQUAL_SAMPLES_AND_COUNT,
            (false, false) => EQUAL_SAMPLES,
        };
        write_varint(&mut self.bytes, header(tag));
        if !same_value {
            write_difference(&mut self.bytes, self.last.value, value);
        }
        if !same_count {
            write_varint(&mut self.bytes, count as u64);
        }
        (self.last.value, self.last.count) = (value, Last::count_of(count));
    }

    /// All points, oldest first.
    pub fn points(&self) -> Points<'_> {
        Points::over(&self.bytes)
    }

    fn write_figures(&mut self, set: &StatisticSet) {
        for figure in [set.count, set.sum, set.minimum, set.maximum] {
            write_f64(&mut self.bytes, figure);
        }
    }
}

/// A reader over packed points. Its bytes were checked when they were taken in, so it simply ends at anything odd.
#[derive(Debug, Clone)]
pub struct Points<'a> {
    rest: &'a [u8],
    last: Last,
}

/// One packed point; the distribution stays packed until asked for.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    pub slot: u32,
    pub figures: Figures,
    samples: Samples<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Samples<'a> {
    Equal,
    Unknown,
    Packed(&'a [u8]),
}

impl Point<'_> {
    /// The whole statistic set.
    pub fn to_set(self) -> StatisticSet {
        let Figures { count, sum, minimum, maximum } = self.figures;
        let distribution = match self.samples {
            Samples::Equal => None,
            Samples::Unknown => Some(Box::new(Distribution::Exact(Vec::new()))),
            Samples::Packed(mut bytes) => read_distribution(&mut bytes).ok().flatten().map(Box::new),
        };
        StatisticSet { count, sum, minimum, maximum, distribution }
    }
}

impl<'a> Iterator for Points<'a> {
    type Item = Point<'a>;

    fn next(&mut self) -> Option<Point<'a>> {
        self.next_point().ok().flatten()
    }
}

impl<'a> Points<'a> {
    /// The points in bytes that were checked.
    pub fn over(bytes: &'a [u8]) -> Self {
        Points { rest: bytes, last: Last::default() }
    }

    /// Whether bytes hold points and nothing else.
    pub fn check(bytes: &[u8]) -> Result<(), Corrupt> {
        let mut points = Points::over(bytes);
        while points.next_point()?.is_some() {}
        Ok(())
    }

    fn next_point(&mut self) -> Result<Option<Point<'a>>, Corrupt> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let header = read_varint(&mut self.rest)?;
        let gap = u32::try_from(header >> TAG_BITS).map_err(|_| Corrupt)?;
        let slot = self.last.slot_after(gap)?;
        let tag = header & TAGS;
        let (figures, samples) = match tag {
            SAME_VALUE | SAME_VALUE_AND_COUNT | EQUAL_SAMPLES | EQUAL_SAMPLES_AND_COUNT => {
                (self.equal(tag)?, Samples::Equal)
            }
            FIGURES_ONLY => (read_figures(&mut self.rest)?, Samples::Unknown),
            WITH_SAMPLES => {
                let figures = read_figures(&mut self.rest)?;
                let start = self.rest;
                read_distribution(&mut self.rest)?;
                (figures, Samples::Packed(&start[..start.len() - self.rest.len()]))
            }
            _ => return Err(Corrupt),
        };
        self.last.slot = slot;
        Ok(Some(Point { slot, figures, samples }))
    }

    fn equal(&mut self, tag: u64) -> Result<Figures, Corrupt> {
        if matches!(tag, EQUAL_SAMPLES | EQUAL_SAMPLES_AND_COUNT) {
            self.last.value = read_difference(&mut self.rest, self.last.value)?;
        }
        let count = if matches!(tag, SAME_VALUE | EQUAL_SAMPLES) {
            let count = read_varint(&mut self.rest)? as f64;
            self.last.count = Last::count_of(count);
            count
        } else {
            f64::from(self.last.count)
        };
        let value = self.last.value;
        Ok(Figures { count, sum: value * count, minimum: value, maximum: value })
    }
}

fn read_figures(bytes: &mut &[u8]) -> Result<Figures, Corrupt> {
    let mut next = || read_f64(bytes);
    Ok(Figures { count: next()?, sum: next()?, minimum: next()?, maximum: next()? })
}

/// The bytes of a value that differ from those of the value before, after how many come before and how many there are: nearby whole
/// numbers share their exponent and their last bytes.
fn write_difference(out: &mut Vec<u8>, before: f64, value: f64) {
    let difference = before.to_bits() ^ value.to_bits();
    let skipped = (difference.leading_zeros() / 8).min(7);
    let zeros = (difference.trailing_zeros() / 8).min(7 - skipped);
    let length = 8 - skipped - zeros;
    out.push((skipped << 4 | length) as u8);
    let bytes = difference.to_be_bytes();
    out.extend_from_slice(&bytes[skipped as usize..(skipped + length) as usize]);
}

fn read_difference(bytes: &mut &[u8], before: f64) -> Result<f64, Corrupt> {
    let [form] = take(bytes)?;
    let (skipped, length) = (usize::from(form >> 4), usize::from(form & 15));
    if skipped + length > 8 {
        return Err(Corrupt);
    }
    let (kept, rest) = bytes.split_at_checked(length).ok_or(Corrupt)?;
    *bytes = rest;
    let mut difference = [0; 8];
    difference[skipped..skipped + length].copy_from_slice(kept);
    Ok(f64::from_bits(before.to_bits() ^ u64::from_be_bytes(difference)))
}

fn write_distribution(out: &mut Vec<u8>, distribution: Option<&Distribution>) {
    match distribution {
        None => write_varint(out, NO_DISTRIBUTION),
        Some(Distribution::Exact(values)) => {
            write_varint(out, EXACT);
            write_varint(out, values.len() as u64);
            for &(value, count) in values {
                write_f64(out, value);
                write_f64(out, count);
            }
        }
        Some(Distribution::Buckets(buckets)) => {
            write_varint(out, BUCKETS);
            write_varint(out, buckets.len() as u64);
            for &(bucket, count) in buckets {
                out.extend_from_slice(&bucket.to_le_bytes());
                write_f64(out, count);
            }
        }
    }
}

fn read_distribution(bytes: &mut &[u8]) -> Result<Option<Distribution>, Corrupt> {
    let kind = read_varint(bytes)?;
    if kind == NO_DISTRIBUTION {
        return Ok(None);
    }
    let length = usize::try_from(read_varint(bytes)?).map_err(|_| Corrupt)?;
    // Every entry takes at least ten bytes, so a length beyond that is a lie and must not size an allocation.
    if length > bytes.len() / 10 {
        return Err(Corrupt);
    }
    match kind {
        EXACT => {
            let value = |bytes: &mut &[u8]| Ok((read_f64(bytes)?, read_f64(bytes)?));
            (0..length).map(|_| value(bytes)).collect::<Result<_, _>>().map(Distribution::Exact).map(Some)
        }
        BUCKETS => {
            let bucket = |bytes: &mut &[u8]| Ok((i16::from_le_bytes(take(bytes)?), read_f64(bytes)?));
            (0..length).map(|_| bucket(bytes)).collect::<Result<_, _>>().map(Distribution::Buckets).map(Some)
        }
        _ => Err(Corrupt),
    }
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Result<u64, Corrupt> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Corrupt)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Corrupt)
}

fn write_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn read_f64(bytes: &mut &[u8]) -> Result<f64, Corrupt> {
    take(bytes).map(f64::from_le_bytes)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Corrupt> {
    let (head, rest) = bytes.split_first_chunk().ok_or(Corrupt)?;
    *bytes = rest;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<(u32, StatisticSet)> {
        vec![
            (0, StatisticSet::uniform(1.0, 5.0)),
            (1, StatisticSet::uniform(1.0, 700.0)),
            (7, StatisticSet::uniform(2.5, 1.0)),
            (8, StatisticSet::uniform(2.5, 0.5)),
            (9, StatisticSet::summary(4.0, 10.0, 1.0, 5.0)),
            (500, StatisticSet::of_values([(1.0, 1.0), (2.0, 3.5)]).unwrap()),
            (501, StatisticSet::of_values((0..100).map(|n| (f64::from(n), 1.0))).unwrap()),
            (1439, StatisticSet::uniform(1.0, 2.0)),
        ]
    }

    fn pack(points: &[(u32, StatisticSet)]) -> Packed {
        let mut packed = Packed::default();
        for (slot, set) in points {
            packed.push(*slot, set);
        }
        packed
    }

    #[test]
    fn points_round_trip() {
        let packed = pack(&samples());
        let back: Vec<_> = packed.points().map(|point| (point.slot, point.to_set())).collect();
        assert_eq!(back, samples());
        assert_eq!(Packed::from_bytes(packed.as_bytes().to_vec()), Ok(packed.clone()));
        assert_eq!(packed.last_slot(), Some(1439));
    }

    /// Bytes that a day of points takes, one a minute.
    fn day(point: impl Fn(u32) -> StatisticSet) -> usize {
        let points: Vec<_> = (0..1440).map(|slot| (slot, point(slot))).collect();
        let packed = pack(&points);
        let back: Vec<_> = packed.points().map(|point| (point.slot, point.to_set())).collect();
        assert_eq!(back, points);
        packed.as_bytes().len()
    }

    #[test]
    fn common_points_are_small() {
        assert!(day(|_| StatisticSet::uniform(1.0, 150.0)) <= 1440 + 8, "a steady counter: 1 byte");
        assert!(
            day(|slot| StatisticSet::uniform(1.0, f64::from(slot % 90 + 1))) <= 2 * 1440 + 8,
            "a counter: 2"
        );
        assert!(
            day(|slot| StatisticSet::uniform(f64::from(slot % 90 + 1), 1.0)) <= 4 * 1440,
            "a whole gauge: 4"
        );
        assert!(day(|slot| StatisticSet::uniform(f64::from(slot).sqrt(), 1.0)) <= 10 * 1440, "any gauge: 10");
    }

    #[test]
    fn odd_values_and_counts_come_back() {
        let odd = [0.0, -0.0, 1e300, -5.5, f64::MIN_POSITIVE, 2f64.powi(360)];
        let counts = [1.0, 4_294_967_295.0, 4_294_967_296.0, 4_294_967_296.0, 0.25, 9.0];
        let points = odd.into_iter().zip(counts).enumerate();
        let points: Vec<_> =
            points.map(|(at, (value, count))| (at as u32 * 7, StatisticSet::uniform(value, count))).collect();
        let packed = pack(&points);
        let back: Vec<_> = packed.points().map(|point| (point.slot, point.to_set())).collect();
        assert_eq!(back, points);
        assert_eq!(Packed::from_bytes(packed.as_bytes().to_vec()), Ok(packed));
    }

    #[test]
    fn the_first_form_is_read() {
        // Slot 0: 5 samples of 1. Slot 1: 700 more. Slot 7: one of 2.5. Slot 9: a summary.
        let mut old = vec![1];
        write_f64(&mut old, 1.0);
        old.extend([5, 0, 0xbc, 5, 5 << 2 | 1]);
        write_f64(&mut old, 2.5);
        old.extend([1, 1 << 2 | 2]);
        for figure in [4.0, 10.0, 1.0, 5.0] {
            write_f64(&mut old, figure);
        }
        let want = [
            (0, StatisticSet::uniform(1.0, 5.0)),
            (1, StatisticSet::uniform(1.0, 700.0)),
            (7, StatisticSet::uniform(2.5, 1.0)),
            (9, StatisticSet::summary(4.0, 10.0, 1.0, 5.0)),
        ];
        assert_eq!(Packed::from_first_form(&old), Ok(pack(&want)));
        assert_eq!(Packed::from_first_form(&old[..old.len() - 1]), Err(Corrupt));
    }

    #[test]
    fn damage_is_found() {
        let good = pack(&samples()).as_bytes().to_vec();
        assert_eq!(Packed::from_bytes(good[..good.len() - 1].to_vec()), Err(Corrupt));
        assert_eq!(Packed::from_bytes(vec![0xff; 30]), Err(Corrupt));
        let lie = [WITH_SAMPLES as u8, 0, 0, 0, 0, 0, 0, 0, 0]
            .iter()
            .chain(&[0; 24])
            .chain(&[1, 0xff, 0xff, 0x7f])
            .copied()
            .collect();
        assert_eq!(Packed::from_bytes(lie), Err(Corrupt));
    }

    #[test]
    #[should_panic(expected = "packed points rise")]
    fn order_is_kept() {
        pack(&[(5, StatisticSet::uniform(1.0, 1.0)), (5, StatisticSet::uniform(1.0, 1.0))]);
    }
}
