//! # Statistics by name
//! A **statistic** is what a caller asks of a period: `Sum`, `p99`, `TM(2%:98%)`, `IQM`, … Parsed once, then a pure function of
//! a [`StatisticSet`].
//! **Invariant:** percentages are within 0 to 100 and a range is never empty of bounds.
//! **Not here:** which periods exist (`series.rs`).
//!
//! Source: CloudWatch User Guide, "CloudWatch statistics definitions".

use super::statistic_set::{Span, StatisticSet};

/// One statistic of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// `pNN`: the value below which NN % of the samples lie.
    Percentile(f64),
    /// `TM`, `WM`, `TC`, `TS`, `PR` over a range of the samples; also the short forms `tmNN` and `IQM`.
    Ranged(RangeKind, Range),
}

/// What is computed over the samples of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeKind {
    /// Mean of the samples inside.
    TrimmedMean,
    /// Mean after samples outside took the value of the boundary.
    WinsorizedMean,
    /// How many samples are inside.
    TrimmedCount,
    /// Sum of the samples inside.
    TrimmedSum,
    /// Share of the samples inside, in percent.
    PercentileRank,
}

/// The bounds of a range, both in percent of the samples or both in the metric's own values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    Percent {
        low: f64,
        high: f64,
    },
    /// The lower bound is exclusive, the upper inclusive.
    Values {
        low: Option<f64>,
        high: Option<f64>,
    },
}

impl Statistic {
    /// Reads a statistic's name as callers write it. `None` for anything CloudWatch would refuse.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "SampleCount" => return Some(Self::SampleCount),
            "Average" => return Some(Self::Average),
            "Sum" => return Some(Self::Sum),
            "Minimum" => return Some(Self::Minimum),
            "Maximum" => return Some(Self::Maximum),
            "IQM" => {
                return Some(Self::Ranged(RangeKind::TrimmedMean, Range::Percent { low: 25.0, high: 75.0 }));
            }
            _ => {}
        }
        if let Some(number) = name.strip_prefix('p') {
            return percentage(number).map(Self::Percentile);
        }
        for (prefix, kind) in SHORT_FORMS {
            if let Some(number) = name.strip_prefix(prefix) {
                return percentage(number).map(|high| Self::Ranged(kind, Range::Percent { low: 0.0, high }));
            }
        }
        let (kind, bounds) =
            RANGE_FORMS.iter().find_map(|(prefix, kind)| Some((*kind, name.strip_prefix(prefix)?)))?;
        let bounds = bounds.strip_prefix('(')?.strip_suffix(')')?;
        let range = parse_range(bounds)?;
        if kind == RangeKind::PercentileRank && matches!(range, Range::Percent { .. }) {
            return None;
        }
        Some(Self::Ranged(kind, range))
    }

    /// Whether the statistic is one of the five that `Statistics` and `Statistic` parameters take.
    pub fn is_simple(self) -> bool {
        !matches!(self, Self::Percentile(_) | Self::Ranged(..))
    }

    /// The statistic of a period; `None` when it is not available, as percentiles are when a sample is negative or
    /// when only summaries of the samples are known.
    pub fn of(self, set: &StatisticSet) -> Option<f64> {
        match self {
            Self::SampleCount => Some(set.count),
            Self::Average => Some(set.sum / set.count),
            Self::Sum => Some(set.sum),
            Self::Minimum => Some(set.minimum),
            Self::Maximum => Some(set.maximum),
            Self::Percentile(percent) => known_spans(set).and_then(|spans| percentile(&spans, percent)),
            Self::Ranged(kind, range) => known_spans(set).and_then(|spans| ranged(&spans, kind, range)),
        }
    }
}

const SHORT_FORMS: [(&str, RangeKind); 4] = [
    ("tm", RangeKind::TrimmedMean),
    ("wm", RangeKind::WinsorizedMean),
    ("tc", RangeKind::TrimmedCount),
    ("ts", RangeKind::TrimmedSum),
];

const RANGE_FORMS: [(&str, RangeKind); 5] = [
    ("TM", RangeKind::TrimmedMean),
    ("WM", RangeKind::WinsorizedMean),
    ("TC", RangeKind::TrimmedCount),
    ("TS", RangeKind::TrimmedSum),
    ("PR", RangeKind::PercentileRank),
];

/// `(\d{1,2}(\.\d{0,10})?|100)`
fn percentage(text: &str) -> Option<f64> {
    if text == "100" {
        return Some(100.0);
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !matches!(whole.len(), 1 | 2) || decimals.len() > 10 || !digits(whole) || !digits(decimals) {
        return None;
    }
    text.trim_end_matches('.').parse().ok()
}

fn parse_range(bounds: &str) -> Option<Range> {
    let (low, high) = bounds.split_once(':')?;
    if low.is_empty() && high.is_empty() {
        return None;
    }
    if low.ends_with('%') || high.ends_with('%') {
        let bound = |text: &str, open: f64| {
            if text.is_empty() { Some(open) } else { percentage(text.strip_suffix('%')?) }
        };
        let (low, high) = (bound(low, 0.0)?, bound(high, 100.0)?);
        return (low < high).then_some(Range::Percent { low, high });
    }
    let bound = |text: &str| {
        if text.is_empty() {
            return Some(None);
        }
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        text.parse::<f64>().ok().filter(|value| plain && value.is_finite()).map(Some)
    };
    let (low, high) = (bound(low)?, bound(high)?);
    if let (Some(low), Some(high)) = (low, high)
        && low >= high
    {
        return None;
    }
    Some(Range::Values { low, high })
}

/// The samples, unless there are none or one of them is negative.
fn known_spans(set: &StatisticSet) -> Option<Vec<Span>> {
    if set.minimum < 0.0 {
        return None;
    }
    let spans = set.spans();
    (!spans.is_empty()).then_some(spans)
}

fn percentile(spans: &[Span], percent: f64) -> Option<f64> {
    let total: f64 = spans.iter().map(|span| span.count).sum();
    let wanted = percent / 100.0 * total;
    let mut below = 0.0;
    for span in spans {
        if below + span.count >= wanted {
            return Some(span.at(((wanted - below) / span.count).clamp(0.0, 1.0)));
        }
        below += span.count;
    }
    spans.last().map(|span| span.high)
}

fn ranged(spans: &[Span], kind: RangeKind, range: Range) -> Option<f64> {
    let total: f64 = spans.iter().map(|span| span.count).sum();
    let inside = inside(spans, range, total);
    let count: f64 = inside.iter().map(|(_, count)| count).sum();
    let sum: f64 = inside.iter().map(|(value, count)| value * count).sum();
    match kind {
        RangeKind::TrimmedCount => Some(count),
        RangeKind::TrimmedSum => Some(sum),
        RangeKind::PercentileRank => Some(count / total * 100.0),
        RangeKind::TrimmedMean => (count > 0.0).then(|| sum / count),
        RangeKind::WinsorizedMean => {
            let (low, high) = match range {
                Range::Percent { low, high } => (percentile(spans, low)?, percentile(spans, high)?),
                Range::Values { low, high } => {
                    (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY))
                }
            };
            let clipped: f64 = spans.iter().map(|span| span.middle().max(low).min(high) * span.count).sum();
            Some(clipped / total)
        }
    }
}

/// The samples inside a range, as values with counts; a span on the border of a percentage counts in part.
fn inside(spans: &[Span], range: Range, total: f64) -> Vec<(f64, f64)> {
    let mut below = 0.0;
    let mut kept = Vec::with_capacity(spans.len());
    for span in spans {
        let count = match range {
            Range::Percent { low, high } => {
                let from = (low / 100.0 * total).max(below);
                let to = (high / 100.0 * total).min(below + span.count);
                (to - from).max(0.0)
            }
            Range::Values { low, high } => {
                let value = span.middle();
                let inside = low.is_none_or(|low| value > low) && high.is_none_or(|high| value <= high);
                if inside { span.count } else { 0.0 }
            }
        };
        below += span.count;
        kept.push((span.middle(), count));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "SampleCount",
            "Average",
            "Sum",
            "Minimum",
            "Maximum",
            "IQM",
            "p0",
            "p99",
            "p99.9",
            "p95.45",
            "p100",
            "tm99",
            "wm98.5",
            "tc90",
            "ts10",
            "TM(2%:98%)",
            "TM(80%:)",
            "TM(:99%)",
            "TC(150:1000)",
            "PR(:300)",
            "PR(100:2000)",
            "WM(10%:15%)",
            "TS(80%:)",
        ] {
            assert!(Statistic::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "sum",
            "SUM",
            "p",
            "p101",
            "p-1",
            "p1e1",
            "p99.12345678901",
            "tm",
            "TM",
            "TM()",
            "TM(:)",
            "TM(10%:20)",
            "TM(20%:10%)",
            "PR(10%:20%)",
            "TM(a:b)",
            "XX(1:2)",
            "p+9",
            "TM(inf:)",
            "p.5",
        ] {
            assert_eq!(Statistic::parse(bad), None, "{bad}");
        }
        assert!(Statistic::Sum.is_simple());
        assert!(!Statistic::Percentile(9.0).is_simple());
    }

    #[test]
    fn of_one_to_ten() {
        let set = StatisticSet::of_values((1..=10).map(|n| (f64::from(n), 1.0))).unwrap();
        for (name, want) in [
            ("SampleCount", 10.0),
            ("Sum", 55.0),
            ("Average", 5.5),
            ("Minimum", 1.0),
            ("Maximum", 10.0),
            ("p50", 5.0),
            ("p0", 1.0),
            ("p100", 10.0),
            ("p90", 9.0),
            ("tm90", 5.0),
            ("TM(10%:90%)", 5.5),
            ("IQM", 5.5),
            ("tc50", 5.0),
            ("ts50", 15.0),
            ("TC(2:5)", 3.0),
            ("TS(2:5)", 12.0),
            ("PR(:3)", 30.0),
            ("PR(8:)", 20.0),
            ("WM(3:6)", 4.8),
            ("wm80", 5.2),
        ] {
            check(&set, name, Some(want));
        }
    }

    #[test]
    fn not_available() {
        check(&StatisticSet::uniform(-1.0, 1.0), "p50", None);
        check(&StatisticSet::uniform(-1.0, 1.0), "Average", Some(-1.0));
        check(&StatisticSet::summary(4.0, 10.0, 1.0, 5.0), "p99", None);
        check(&StatisticSet::summary(4.0, 8.0, 2.0, 2.0), "p99", Some(2.0));
        check(&StatisticSet::uniform(5.0, 1.0), "TM(6:7)", None);
        check(&StatisticSet::uniform(5.0, 1.0), "TC(6:7)", Some(0.0));
    }

    #[test]
    fn buckets_are_near() {
        let set = StatisticSet::of_values((1..=1000).map(|n| (f64::from(n), 1.0))).unwrap();
        for percent in [10.0, 50.0, 90.0, 99.0] {
            let got = Statistic::Percentile(percent).of(&set).unwrap();
            assert!((got / (percent * 10.0) - 1.0).abs() < 0.05, "p{percent}: {got}");
        }
        check(&set, "p100", Some(1000.0));
    }

    #[track_caller]
    fn check(set: &StatisticSet, name: &str, want: Option<f64>) {
        let got = Statistic::parse(name).unwrap().of(set);
        match (got, want) {
            (Some(got), Some(want)) => assert!((got - want).abs() < 1e-9, "{name}: {got}, wanted {want}"),
            _ => assert_eq!(got, want, "{name}"),
        }
    }
}
