//! # Points in the log
//! Metric points that were put together, in a form of few bytes that is written and read in one pass: a thousand points come many times a
//! second. A text that is the same as in the point before is left out.
//! **Invariant:** what is read is what was written, to the millisecond. Entries of earlier versions are JSON and are read too.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_api::cloudwatch::StandardUnit as Unit;
use keywatch_store::{Append, EntryKind, LogEntry, Partition, StoreError};
use serde::{Deserialize, Serialize};

use super::Body;

/// Metric points that were put, by a caller or by a metric filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Points {
    pub namespace: String,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub metric_name: String,
    /// Name and value, sorted by name.
    pub dimensions: Vec<(String, String)>,
    pub time: Timestamp,
    /// One of CloudWatch's.
    pub unit: Option<Cow<'static, str>>,
    /// Seconds: 1 or 60.
    pub resolution: u8,
    pub value: PointValue,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PointValue {
    One(f64),
    /// Values with how often each occurred.
    Many(Vec<(f64, f64)>),
    Statistics {
        count: f64,
        sum: f64,
        minimum: f64,
        maximum: f64,
    },
}

/// A point as it stands in its entry.
#[derive(Clone, Debug, PartialEq)]
pub struct PointRef<'a> {
    pub metric_name: &'a str,
    /// Name and value, sorted by name.
    pub dimensions: &'a [(&'a str, &'a str)],
    pub time: Timestamp,
    pub unit: Unit,
    pub high_resolution: bool,
    pub value: PointValue,
}

/// The first byte; JSON begins with a brace.
const FORM: u8 = 1;
/// A point's flags: its unit, counted from 1, in the low bits, then these.
const UNIT_BITS: u8 = 0x1f;
const HIGH_RESOLUTION: u8 = 0x20;
const MANY: u8 = 0x40;
const STATISTICS: u8 = 0x80;

impl Body for Points {
    const KIND: EntryKind = EntryKind::Points;

    fn append(&self, partition: Partition, time: Timestamp) -> Append {
        Append { kind: Self::KIND, time, partition, bytes: self.to_bytes() }
    }

    fn read(entry: &LogEntry) -> Result<Self, StoreError> {
        let mut all = Points { namespace: String::new(), points: Vec::new() };
        for_each(entry, |namespace, point| {
            if all.namespace.is_empty() {
                all.namespace = namespace.to_owned();
            }
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            all.points.push(Point {
                metric_name: point.metric_name.to_owned(),
                dimensions: point.dimensions.iter().map(owned).collect(),
                time: point.time,
                unit: (point.unit != Unit::None).then(|| point.unit.as_str().into()),
                resolution: if point.high_resolution { 1 } else { 60 },
                value: point.value.clone(),
            });
        })?;
        Ok(all)
    }
}

impl Points {
    fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(64 + 48 * self.points.len());
        out.push(FORM);
        push_text(&mut out, &self.namespace);
        push_varint(&mut out, self.points.len() as u64);
        let mut before: Option<&Point> = None;
        for point in &self.points {
            push_unless_same(&mut out, &point.metric_name, before.map(|before| before.metric_name.as_str()));
            push_varint(&mut out, point.dimensions.len() as u64);
            for (at, (name, value)) in point.dimensions.iter().enumerate() {
                let there = before.and_then(|before| before.dimensions.get(at));
                push_unless_same(&mut out, name, there.map(|(name, _)| name.as_str()));
                push_unless_same(&mut out, value, there.map(|(_, value)| value.as_str()));
            }
            let millis = point.time.as_millisecond();
            let passed = millis.wrapping_sub(before.map_or(0, |before| before.time.as_millisecond()));
            push_varint(&mut out, (passed << 1 ^ passed >> 63) as u64);
            push_value(&mut out, point);
            before = Some(point);
        }
        out.into()
    }
}

fn push_value(out: &mut Vec<u8>, point: &Point) {
    let unit = point.unit.as_deref().and_then(|unit| unit.parse::<Unit>().ok());
    let mut flags = unit.map_or(0, |unit| unit as u8 + 1);
    flags |= if point.resolution < 60 { HIGH_RESOLUTION } else { 0 };
    match &point.value {
        PointValue::One(value) => {
            out.push(flags);
            out.extend_from_slice(&value.to_le_bytes());
        }
        PointValue::Many(values) => {
            out.push(flags | MANY);
            push_varint(out, values.len() as u64);
            for (value, count) in values {
                out.extend_from_slice(&value.to_le_bytes());
                out.extend_from_slice(&count.to_le_bytes());
            }
        }
        PointValue::Statistics { count, sum, minimum, maximum } => {
            out.push(flags | STATISTICS);
            for figure in [count, sum, minimum, maximum] {
                out.extend_from_slice(&figure.to_le_bytes());
            }
        }
    }
}

/// Calls `each` with the namespace and each point of an entry.
pub fn for_each(entry: &LogEntry, mut each: impl FnMut(&str, &PointRef<'_>)) -> Result<(), StoreError> {
    let corrupt = || StoreError::corrupt(format!("log entry {}", entry.seq));
    match entry.bytes.split_first() {
        Some((&FORM, rest)) => read(rest, each).ok_or_else(corrupt),
        _ => {
            let points: Points = serde_json::from_slice(&entry.bytes).map_err(|_| corrupt())?;
            for point in &points.points {
                let dimensions: Vec<(&str, &str)> =
                    point.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let point = PointRef {
                    metric_name: &point.metric_name,
                    dimensions: &dimensions,
                    time: point.time,
                    unit: point.unit.as_deref().and_then(|unit| unit.parse().ok()).unwrap_or(Unit::None),
                    high_resolution: point.resolution < 60,
                    value: point.value.clone(),
                };
                each(&points.namespace, &point);
            }
            Ok(())
        }
    }
}

fn read(mut rest: &[u8], mut each: impl FnMut(&str, &PointRef<'_>)) -> Option<()> {
    let rest = &mut rest;
    let namespace = take_text(rest)?;
    let count = take_varint(rest)?;
    let (mut metric_name, mut millis) = ("", 0i64);
    let mut dimensions: Vec<(&str, &str)> = Vec::new();
    for _ in 0..count {
        metric_name = take_unless_same(rest, Some(metric_name))?;
        let length = usize::try_from(take_varint(rest)?).ok()?;
        // Every dimension takes two bytes at least; what says otherwise must not size an allocation.
        if length > rest.len() / 2 {
            return None;
        }
        for at in 0..length {
            let there = dimensions.get(at).copied();
            let name = take_unless_same(rest, there.map(|(name, _)| name))?;
            let value = take_unless_same(rest, there.map(|(_, value)| value))?;
            match dimensions.get_mut(at) {
                Some(place) => *place = (name, value),
                None => dimensions.push((name, value)),
            }
        }
        dimensions.truncate(length);
        let passed = take_varint(rest)?;
        millis = millis.wrapping_add((passed >> 1) as i64 ^ -((passed & 1) as i64));
        let flags = take::<1>(rest)?[0];
        let unit = match flags & UNIT_BITS {
            0 => Unit::None,
            unit => *Unit::ALL.get(usize::from(unit) - 1)?,
        };
        let point = PointRef {
            metric_name,
            dimensions: &dimensions,
            time: Timestamp::from_millisecond(millis).ok()?,
            unit,
            high_resolution: flags & HIGH_RESOLUTION != 0,
            value: take_value(rest, flags)?,
        };
        each(namespace, &point);
    }
    rest.is_empty().then_some(())
}

fn take_value(rest: &mut &[u8], flags: u8) -> Option<PointValue> {
    if flags & STATISTICS != 0 {
        let [count, sum, minimum, maximum] =
            [take_figure(rest)?, take_figure(rest)?, take_figure(rest)?, take_figure(rest)?];
        return Some(PointValue::Statistics { count, sum, minimum, maximum });
    }
    if flags & MANY == 0 {
        return take_figure(rest).map(PointValue::One);
    }
    let length = usize::try_from(take_varint(rest)?).ok()?;
    if length > rest.len() / 16 {
        return None;
    }
    (0..length)
        .map(|_| Some((take_figure(rest)?, take_figure(rest)?)))
        .collect::<Option<_>>()
        .map(PointValue::Many)
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_varint(out, text.len() as u64 + 1);
    out.extend_from_slice(text.as_bytes());
}

/// A length of 0 says that the text is that of the point before.
fn push_unless_same(out: &mut Vec<u8>, text: &str, before: Option<&str>) {
    if before == Some(text) { out.push(0) } else { push_text(out, text) }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

fn take_figure(rest: &mut &[u8]) -> Option<f64> {
    take(rest).map(f64::from_le_bytes)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = take(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    take_unless_same(rest, None)
}

fn take_unless_same<'a>(rest: &mut &'a [u8], before: Option<&'a str>) -> Option<&'a str> {
    let length = match take_varint(rest)? {
        0 => return before,
        length => usize::try_from(length - 1).ok()?,
    };
    let (text, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Points {
        let point = |name: &str,
                     dimensions: &[(&str, &str)],
                     millis: i64,
                     unit: Option<&'static str>,
                     value| Point {
            metric_name: name.into(),
            dimensions: dimensions.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            time: Timestamp::from_millisecond(millis).unwrap(),
            unit: unit.map(Cow::Borrowed),
            resolution: if millis % 60_000 == 0 { 60 } else { 1 },
            value,
        };
        let statistics = PointValue::Statistics { count: 2.0, sum: 3.0, minimum: 1.0, maximum: 2.0 };
        let points = vec![
            point("m", &[("A", "1"), ("B", "2")], 1_763_798_460_000, Some("Count"), PointValue::One(5.5)),
            point(
                "m",
                &[("A", "1"), ("B", "3")],
                1_763_798_400_000,
                Some("Count/Second"),
                PointValue::One(-1.0),
            ),
            point("m", &[], -7, None, PointValue::Many(vec![(1.0, 2.0), (3.0, 0.5)])),
            point("n", &[("A", "1"), ("B", "3"), ("C", "4")], 0, Some("Bytes"), statistics),
        ];
        Points { namespace: "App".into(), points }
    }

    fn entry(bytes: impl Into<Bytes>) -> LogEntry {
        let partition = Partition::new("000000000000", "us-east-1");
        LogEntry {
            seq: 7,
            kind: EntryKind::Points,
            time: Timestamp::UNIX_EPOCH,
            partition,
            bytes: bytes.into(),
        }
    }

    #[test]
    fn points_come_back() {
        assert_eq!(Points::read(&entry(points().to_bytes())).unwrap(), points());
        assert!(points().to_bytes().len() < 170);
    }

    #[test]
    fn entries_of_earlier_versions_are_read() {
        assert_eq!(Points::read(&entry(serde_json::to_vec(&points()).unwrap())).unwrap(), points());
    }

    #[test]
    fn damage_is_found() {
        let good = points().to_bytes();
        for length in 0..good.len() {
            assert!(Points::read(&entry(good.slice(..length))).is_err(), "{length}");
        }
        assert!(Points::read(&entry([&good[..], &[0]].concat())).is_err());
        assert!(Points::read(&entry([&[FORM, 2, b'a', 1, 2, b'm'][..], &[0xff; 9], &[1]].concat())).is_err());
    }
}
