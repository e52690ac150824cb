//! Charts as inline SVG, coloured by the page's style sheet.
//!
//! A **bucket** is one bar of time: an hour, day, week or month, whichever gives a readable number of them.
//! **Invariants:** the number of shapes is bounded whatever the input; all text is escaped.
//! **Not here:** colours and fonts (`report.css`).

use super::html::{escape, grouped};
use super::summary::{Hour, Ranking};
use jiff::tz::Offset;
use jiff::{Timestamp, civil::DateTime};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Operations with a colour of their own; the rest are one.
const SERIES_MAX: usize = 5;
/// With more buckets, empty ones are left out and the newest shown.
const BUCKETS_MAX: usize = 400;
const WIDTH: f64 = 960.0;
const TIME_HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const BAR_ROW: f64 = 34.0;
const LABELS_MAX: usize = 8;

/// How long a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grain {
    Hour,
    Day,
    Week,
    Month,
}

impl Grain {
    fn for_hours(hours: i64) -> Self {
        match hours {
            ..=96 => Self::Hour,
            97..=2_880 => Self::Day,
            2_881..=17_520 => Self::Week,
            _ => Self::Month,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn bucket(self, time: Timestamp) -> i64 {
        let day = time.as_second().div_euclid(86_400);
        match self {
            Self::Hour => time.as_second().div_euclid(3_600),
            Self::Day => day,
            // The first of January 1970 was a Thursday; weeks begin on Monday.
            Self::Week => (day + 3).div_euclid(7),
            Self::Month => {
                let date = civil(time);
                i64::from(date.year()) * 12 + i64::from(date.month()) - 1
            }
        }
    }

    fn label(self, bucket: i64) -> String {
        let at = |second: i64| Timestamp::from_second(second).map(civil);
        let label = match self {
            Self::Hour => at(bucket * 3_600).map(|time| time.strftime("%b %d %H:%M").to_string()),
            Self::Day => at(bucket * 86_400).map(|time| time.strftime("%Y-%m-%d").to_string()),
            Self::Week => at((bucket * 7 - 3) * 86_400).map(|time| time.strftime("%Y-%m-%d").to_string()),
            Self::Month => Ok(format!("{:04}-{:02}", bucket.div_euclid(12), bucket.rem_euclid(12) + 1)),
        };
        label.unwrap_or_default()
    }
}

fn civil(time: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(time)
}

/// Requests over time, stacked by the busiest operations, with its legend.
pub(super) fn over_time(hours: &[Hour], operations: &Ranking) -> String {
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return String::new() };
    let grain = Grain::for_hours((last.start.as_second() - first.start.as_second()) / 3_600);
    let series: Vec<&str> = operations.0.iter().take(SERIES_MAX).map(|(name, _)| name.as_str()).collect();
    let has_others = operations.0.len() > series.len();
    let mut buckets: BTreeMap<i64, [u64; SERIES_MAX + 1]> = BTreeMap::new();
    for hour in hours {
        let bucket = buckets.entry(grain.bucket(hour.start)).or_default();
        for (name, count) in &hour.operations.0 {
            let number = series.iter().position(|known| known == name).unwrap_or(SERIES_MAX);
            bucket[number] += count;
        }
    }
    let bars = bars_of(buckets);
    let mut svg = legend(&series, has_others);
    draw_time(&mut svg, grain, &bars, &series);
    svg
}

/// Every bucket from the first to the last, unless those are too many.
fn bars_of(mut buckets: BTreeMap<i64, [u64; SERIES_MAX + 1]>) -> Vec<(i64, [u64; SERIES_MAX + 1])> {
    let ends = buckets.keys().next().copied().zip(buckets.keys().next_back().copied());
    if let Some((first, last)) = ends
        && last - first < BUCKETS_MAX as i64
    {
        for bucket in first..=last {
            buckets.entry(bucket).or_default();
        }
    }
    let old = buckets.len().saturating_sub(BUCKETS_MAX);
    buckets.into_iter().skip(old).collect()
}

fn legend(series: &[&str], has_others: bool) -> String {
    let mut html = String::from("<ul class=\"legend\">");
    for (number, name) in series.iter().enumerate() {
        let _ = write!(html, "<li><i class=\"s{number}\"></i>{}</li>", escape(name));
    }
    if has_others {
        let _ = write!(html, "<li><i class=\"s{SERIES_MAX}\"></i>other operations</li>");
    }
    html.push_str("</ul>");
    html
}

fn draw_time(svg: &mut String, grain: Grain, bars: &[(i64, [u64; SERIES_MAX + 1])], series: &[&str]) {
    let highest = bars.iter().map(|(_, counts)| counts.iter().sum()).max().unwrap_or(0);
    let (step, steps) = axis(highest);
    let plot = TIME_HEIGHT - TOP - BOTTOM;
    let scale = plot / (step * steps) as f64;
    let slot = (WIDTH - LEFT) / bars.len() as f64;
    let width = (slot * 0.8).min(56.0);
    let _ = write!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {TIME_HEIGHT}\" role=\"img\" aria-label=\"Requests per {}\">",
        grain.name()
    );
    for tick in 0..=steps {
        let y = TIME_HEIGHT - BOTTOM - (tick * step) as f64 * scale;
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            grouped(tick * step)
        );
    }
    let every = bars.len().div_ceil(LABELS_MAX);
    for (place, (bucket, counts)) in bars.iter().enumerate() {
        let middle = LEFT + slot * (place as f64 + 0.5);
        let label = grain.label(*bucket);
        if place % every == 0 {
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                TIME_HEIGHT - 8.0
            );
        }
        let mut y = TIME_HEIGHT - BOTTOM;
        for (number, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = *count as f64 * scale;
            y -= height;
            let _ = write!(
                svg,
                "<rect class=\"s{number}\" x=\"{:.1}\" y=\"{y:.2}\" width=\"{width:.1}\" height=\"{height:.2}\">\
                 <title>{label}: {} {}</title></rect>",
                middle - width / 2.0,
                grouped(*count),
                escape(series.get(number).copied().unwrap_or("other operations"))
            );
        }
    }
    svg.push_str("</svg>");
}

/// A round step and how many of them reach `highest`.
fn axis(highest: u64) -> (u64, u64) {
    let rough = highest.div_ceil(4).max(1);
    let magnitude = 10_u64.pow(rough.ilog10());
    let step = [1, 2, 5, 10].map(|factor| factor * magnitude).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    (step, highest.div_ceil(step).max(1))
}

/// One row of a bar chart.
pub(super) struct Bar<'a> {
    pub(super) label: String,
    /// The full name, shown when pointed at.
    pub(super) title: &'a str,
    pub(super) count: u64,
}

/// Horizontal bars, each under its label.
pub(super) fn bars(name: &str, rows: &[Bar<'_>]) -> String {
    const BARS_WIDTH: f64 = 460.0;
    const COUNT_WIDTH: f64 = 84.0;
    let highest = rows.iter().map(|row| row.count).max().unwrap_or(0).max(1);
    let height = BAR_ROW * rows.len() as f64;
    let mut svg =
        format!("<svg viewBox=\"0 0 {BARS_WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escape(name));
    for (place, row) in rows.iter().enumerate() {
        let y = BAR_ROW * place as f64;
        let width = ((BARS_WIDTH - COUNT_WIDTH) * row.count as f64 / highest as f64).max(1.5);
        let _ = write!(
            svg,
            "<g><title>{}: {}</title><text class=\"label\" x=\"0\" y=\"{:.1}\">{}</text>\
             <rect class=\"s0\" x=\"0\" y=\"{:.1}\" width=\"{width:.1}\" height=\"10\" rx=\"2\"/>\
             <text class=\"count\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            escape(row.title),
            grouped(row.count),
            y + 12.0,
            escape(&row.label),
            y + 17.0,
            width + 8.0,
            y + 26.0,
            grouped(row.count)
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_round_and_reach_the_top() {
        for (highest, want) in
            [(0, (1, 1)), (1, (1, 1)), (4, (1, 4)), (5, (2, 3)), (121, (50, 3)), (4_000, (1_000, 4))]
        {
            assert_eq!(axis(highest), want, "{highest}");
        }
        let (step, steps) = axis(u64::MAX / 16);
        assert!(step * steps >= u64::MAX / 16);
    }

    #[test]
    fn buckets_follow_the_calendar() {
        let time: Timestamp = "2023-07-10T11:57:49Z".parse().expect("a time");
        for (grain, want) in [
            (Grain::Hour, "Jul 10 11:00"),
            (Grain::Day, "2023-07-10"),
            (Grain::Week, "2023-07-10"),
            (Grain::Month, "2023-07"),
        ] {
            assert_eq!(grain.label(grain.bucket(time)), want);
        }
        let sunday: Timestamp = "2023-07-09T23:59:59Z".parse().expect("a time");
        assert_eq!(Grain::Week.label(Grain::Week.bucket(sunday)), "2023-07-03");
    }

    #[test]
    fn far_apart_times_do_not_make_endless_charts() {
        let buckets = [(0, [1; SERIES_MAX + 1]), (1_000_000, [1; SERIES_MAX + 1])].into();
        assert_eq!(bars_of(buckets).len(), 2);
        let buckets = [(0, [1; SERIES_MAX + 1]), (9, [1; SERIES_MAX + 1])].into();
        assert_eq!(bars_of(buckets).len(), 10);
    }
}
