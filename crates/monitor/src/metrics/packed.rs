//! # Packed points: a day of one metric in few bytes
//! Points of a day in rising order of their **slot** (the number of the period within the day), each with its statistic set.
//! The common point (equal samples, the value of the point before) takes two or three bytes: the distance in slots and the
//! count. The bytes are also what is stored.
//! **Invariant:** slots rise strictly; unpacking gives back exactly what was packed.
//! **Not here:** which day and which resolution (`stream.rs`).

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
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Last {
    slot: Option<u32>,
    value: f64,
}

const SAME_VALUE: u64 = 0;
const EQUAL_SAMPLES: u64 = 1;
const FIGURES_ONLY: u64 = 2;
const WITH_SAMPLES: u64 = 3;

const NO_DISTRIBUTION: u64 = 0;
const EXACT: u64 = 1;
const BUCKETS: u64 = 2;

/// Counts up to here are kept as whole numbers without loss.
const WHOLE_COUNT_MAX: f64 = 9_007_199_254_740_992.0;

impl Packed {
    /// Takes stored bytes back, reading them once to know where the next point goes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Corrupt> {
        let mut points = Points { rest: &bytes, last: Last::default() };
        while points.next_point()?.is_some() {}
        let last = points.last;
        Ok(Self { bytes, last })
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The slot of the newest packed point.
    pub fn last_slot(&self) -> Option<u32> {
        self.last.slot
    }

    /// Adds a point.
    ///
    /// # Panics
    /// When `slot` is not after the newest packed slot: the caller keeps the order.
    pub fn push(&mut self, slot: u32, set: &StatisticSet) {
        let gap = match self.last.slot {
            None => slot,
            Some(last) => {
                assert!(slot > last, "packed points rise");
                slot - last - 1
            }
        };
        let header = |tag: u64| u64::from(gap) << 2 | tag;
        let whole =
            set.count.fract() == 0.0 && set.count < WHOLE_COUNT_MAX && set.sum == set.minimum * set.count;
        match set.distribution.as_deref() {
            None if whole => {
                let same = self.last.slot.is_some() && self.last.value.to_bits() == set.minimum.to_bits();
                write_varint(&mut self.bytes, header(if same { SAME_VALUE } else { EQUAL_SAMPLES }));
                if !same {
                    write_f64(&mut self.bytes, set.minimum);
                }
                write_varint(&mut self.bytes, set.count as u64);
                self.last.value = set.minimum;
            }
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
        self.last.slot = Some(slot);
    }

    /// All points, oldest first.
    pub fn points(&self) -> Points<'_> {
        Points { rest: &self.bytes, last: Last::default() }
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
    fn next_point(&mut self) -> Result<Option<Point<'a>>, Corrupt> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let header = read_varint(&mut self.rest)?;
        let gap = u32::try_from(header >> 2).map_err(|_| Corrupt)?;
        let slot = match self.last.slot {
            None => gap,
            Some(last) => last.checked_add(gap).and_then(|slot| slot.checked_add(1)).ok_or(Corrupt)?,
        };
        let (figures, samples) = match header & 3 {
            tag @ (SAME_VALUE | EQUAL_SAMPLES) => {
                if tag == EQUAL_SAMPLES {
                    self.last.value = read_f64(&mut self.rest)?;
                }
                let (value, count) = (self.last.value, read_varint(&mut self.rest)? as f64);
                (Figures { count, sum: value * count, minimum: value, maximum: value }, Samples::Equal)
            }
            FIGURES_ONLY => (self.read_figures()?, Samples::Unknown),
            _ => {
                let figures = self.read_figures()?;
                let start = self.rest;
                read_distribution(&mut self.rest)?;
                (figures, Samples::Packed(&start[..start.len() - self.rest.len()]))
            }
        };
        self.last.slot = Some(slot);
        Ok(Some(Point { slot, figures, samples }))
    }

    fn read_figures(&mut self) -> Result<Figures, Corrupt> {
        let mut next = || read_f64(&mut self.rest);
        Ok(Figures { count: next()?, sum: next()?, minimum: next()?, maximum: next()? })
    }
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

    #[test]
    fn a_counter_takes_three_bytes_a_minute() {
        let points: Vec<_> = (0..1440).map(|slot| (slot, StatisticSet::uniform(1.0, 150.0))).collect();
        assert!(pack(&points).as_bytes().len() <= 3 * 1440 + 8);
    }

    #[test]
    fn damage_is_found() {
        let good = pack(&samples()).as_bytes().to_vec();
        assert_eq!(Packed::from_bytes(good[..good.len() - 1].to_vec()), Err(Corrupt));
        assert_eq!(Packed::from_bytes(vec![0xff; 30]), Err(Corrupt));
        let lie = [3, 0, 0, 0, 0, 0, 0, 0, 0]
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
