//! Where a series stands beside its seasons: a line, or steps between level shifts.
//!
//! Shifts are found by cutting where the sums before and after differ most (binary segmentation of a cumulative sum, Page
//! 1954, Scott and Knott 1974) in medians of blocks, each held to three spreads; the line by the median of all slopes
//! (Theil 1950, Sen 1968). Whichever leaves less is taken; the line at a tie, for it also tells tomorrow.

use super::robust::{median, spread};
use super::season::{Center, Left};

const BLOCKS: i64 = 336;
/// A shift has lasted so many blocks before it is believed.
const BLOCKS_LEAST: usize = 3;
const DEPTH: u32 = 5;
/// A cut's standing in standard deviations; a random walk of independent blocks stays below in nearly all series.
const CUT: f64 = 4.5;
/// A line is read no further behind the last point than this, in seconds.
const AHEAD: i64 = 86_400;
/// A line explains days; it needs so many seconds.
const LINE_LEAST: i64 = 3 * 86_400;
/// Slopes are taken from so many blocks at most.
const SLOPE_BLOCKS: usize = 84;

/// The level at every time.
#[derive(Debug, Clone)]
pub(super) enum Level {
    /// Value at a time, slope per second, and the last time it was seen.
    Line { from: i64, value: f64, slope: f64, until: i64 },
    /// Starts and values, in order; the first also holds before it.
    Steps(Vec<(i64, f64)>),
}

impl Level {
    pub(super) fn at(&self, at: i64) -> f64 {
        match self {
            Self::Line { from, value, slope, until } => {
                value + slope * (at.clamp(*from, until + AHEAD) - from) as f64
            }
            Self::Steps(steps) => {
                let after = steps.partition_point(|(start, _)| *start <= at).max(1);
                steps.get(after - 1).map_or(0.0, |(_, value)| *value)
            }
        }
    }

    /// How many numbers were learnt.
    pub(super) fn parts(&self) -> usize {
        match self {
            Self::Line { .. } => 2,
            Self::Steps(steps) => steps.len(),
        }
    }

    /// The level of each day, before seasons are known.
    pub(super) fn by_day(points: &[Left], center: Center) -> Self {
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Self::Steps(Vec::new());
        };
        // Whole days back from the end; a part of a day would take the time of day for its level.
        let days = ((last.0 - first.0) / 86_400).max(1);
        let mut steps = Vec::new();
        let mut rest = points;
        for day in 0..days {
            let end = last.0 - (days - 1 - day) * 86_400;
            let (these, later) = rest.split_at(rest.partition_point(|(at, _)| *at <= end));
            if let Some((start, _)) = these.first() {
                steps.push((*start, center.of(&mut values(these))));
            }
            rest = later;
        }
        Self::of_days(steps, last.0)
    }

    /// A steady trend, where days stand along a line: steps would leave it for a season of the day to explain.
    fn of_days(days: Vec<Left>, until: i64) -> Self {
        let blocks: Vec<&[Left]> = days.chunks(1).collect();
        let line = Self::line(&blocks, until);
        let middle = median(&mut values(&days));
        let beside_line = spread(days.iter().map(|(at, value)| value - line.at(*at)));
        let beside_middle = spread(days.iter().map(|(_, value)| value - middle));
        if days.len() > 3 && beside_line < beside_middle / 4.0 { line } else { Self::Steps(days) }
    }

    /// The level of what seasons leave.
    pub(super) fn learn(left: &[Left], period: i64, center: Center) -> Self {
        let (Some(first), Some(last)) = (left.first(), left.last()) else { return Self::Steps(Vec::new()) };
        let length = ((last.0 - first.0) / BLOCKS).max(4 * period).max(1);
        let blocks: Vec<&[Left]> =
            left.chunk_by(|a, b| (a.0 - first.0) / length == (b.0 - first.0) / length).collect();
        let steps = Self::steps(&blocks, center);
        // Medians of rare counts are 0 along any line.
        if last.0 - first.0 < LINE_LEAST || center == Center::HeldMean {
            return steps;
        }
        let line = Self::line(&blocks, last.0);
        let remains = |level: &Self| spread(left.iter().map(|(at, value)| value - level.at(*at)));
        if remains(&line) <= remains(&steps) { line } else { steps }
    }

    fn steps(blocks: &[&[Left]], center: Center) -> Self {
        let mut medians: Vec<f64> = blocks.iter().map(|block| center.of(&mut values(block))).collect();
        // The noise of a block: from its neighbour, so that shifts do not count as noise.
        let noise = spread(medians.windows(2).map(|pair| pair[1] - pair[0])) / std::f64::consts::SQRT_2;
        let middle = median(&mut medians.clone());
        let wide = spread(medians.iter().map(|value| value - middle));
        for value in &mut medians {
            *value = value.clamp(middle - 3.0 * wide - 3.0 * noise, middle + 3.0 * wide + 3.0 * noise);
        }
        let mut cuts = vec![0];
        cut(&medians, 0, noise, DEPTH, &mut cuts);
        cuts.sort_unstable();
        let ends = cuts.iter().skip(1).copied().chain([blocks.len()]);
        let step = |(start, end): (&usize, usize)| {
            let mut all: Vec<f64> =
                blocks[*start..end].concat().into_iter().map(|(_, value)| value).collect();
            Some((blocks.get(*start)?.first()?.0, center.of(&mut all)))
        };
        Self::Steps(cuts.iter().zip(ends).filter_map(step).collect())
    }

    fn line(blocks: &[&[Left]], until: i64) -> Self {
        let every = blocks.len().div_ceil(SLOPE_BLOCKS).max(1);
        let few: Vec<Left> = blocks
            .iter()
            .step_by(every)
            .filter_map(|block| Some((block.first()?.0, median(&mut values(block)))))
            .collect();
        let mut slopes = Vec::new();
        for (place, a) in few.iter().enumerate() {
            slopes.extend(
                few[place + 1..].iter().filter(|b| b.0 > a.0).map(|b| (b.1 - a.1) / (b.0 - a.0) as f64),
            );
        }
        let slope = median(&mut slopes);
        let from = few.first().map_or(until, |(at, _)| *at);
        let mut bases: Vec<f64> = few.iter().map(|(at, value)| value - slope * (at - from) as f64).collect();
        Self::Line { from, value: median(&mut bases), slope, until }
    }
}

fn values(points: &[Left]) -> Vec<f64> {
    points.iter().map(|(_, value)| *value).collect()
}

/// Adds the places where the mean changes most, if it does beyond noise, and looks again on both sides.
fn cut(values: &[f64], offset: usize, noise: f64, depth: u32, cuts: &mut Vec<usize>) {
    let count = values.len();
    if depth == 0 || count < 2 * BLOCKS_LEAST {
        return;
    }
    let mean = values.iter().sum::<f64>() / count as f64;
    let (mut sum, mut best, mut place) = (0.0, 0.0, 0);
    for (index, value) in values.iter().enumerate().take(count - BLOCKS_LEAST) {
        sum += value - mean;
        let before = (index + 1) as f64;
        let standing = f64::abs(sum) / (before * (1.0 - before / count as f64)).sqrt();
        if index + 1 >= BLOCKS_LEAST && standing > best {
            (best, place) = (standing, index + 1);
        }
    }
    if best > CUT * noise && best > f64::EPSILON * mean.abs() * count as f64 {
        cuts.push(offset + place);
        cut(&values[..place], offset, noise, depth - 1, cuts);
        cut(&values[place..], offset + place, noise, depth - 1, cuts);
    }
}
