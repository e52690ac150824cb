//! What repeats: one average for each part of an hour, a day or a week.

use super::robust::{held_mean, median, quantile, spread};

/// What is left to explain at a local time (seconds since 1970, moved by the zone's offset).
pub(super) type Left = (i64, f64);

/// How a part's values are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Center {
    Median,
    /// For counts, whose median is often 0.
    HeldMean,
}

impl Center {
    pub(super) fn of(self, values: &mut [f64]) -> f64 {
        match self {
            Self::Median => median(values),
            Self::HeldMean => held_mean(values),
        }
    }
}

/// The averages of a cycle's parts; empty where nothing repeats.
#[derive(Debug, Clone, Default)]
pub(super) struct Season {
    cycle: i64,
    part: i64,
    averages: Vec<f64>,
}

/// A season must explain so much of the squared distances that one half of its cycles leaves in the other.
const EXPLAINED: f64 = 0.9;
/// A shift of days: 1970 began on a Thursday, weeks begin on Monday.
pub(super) const WEEK_START: i64 = 4 * 86_400;

impl Season {
    /// Learns from what is left, if that repeats: averages of the even cycles must foretell the odd ones and the reverse.
    pub(super) fn learn(left: &[Left], cycle: i64, part: i64, center: Center) -> Self {
        let halves = [0, 1].map(|odd| {
            let of_half =
                |(at, _): &&Left| at.saturating_sub(WEEK_START).div_euclid(cycle).rem_euclid(2) == odd;
            left.iter().filter(of_half).copied().collect::<Vec<Left>>()
        });
        let [even, odd] = &halves;
        if even.is_empty() || odd.is_empty() {
            return Self::default();
        }
        let mut distances: Vec<f64> = left.iter().map(|(_, value)| value.abs()).collect();
        // An anomaly counts no more than a large ordinary distance. Of rare counts, those that are not 0 are what counts.
        let limit = match center {
            Center::Median => 4.0 * spread(distances.iter().copied()),
            Center::HeldMean => quantile(&mut distances, 0.99),
        };
        let limit = limit.max(f64::MIN_POSITIVE);
        let (mut without, mut with) = (0.0, 0.0);
        for (known, other) in [(even, odd), (odd, even)] {
            let season = Self::averages(known, cycle, part, center);
            for (at, value) in other {
                without += value.abs().min(limit).powi(2);
                with += (value - season.at(*at)).abs().min(limit).powi(2);
            }
        }
        if with < EXPLAINED * without { Self::averages(left, cycle, part, center) } else { Self::default() }
    }

    fn averages(left: &[Left], cycle: i64, part: i64, center: Center) -> Self {
        let parts = usize::try_from(cycle / part).unwrap_or(1).max(1);
        let mut values = vec![Vec::new(); parts];
        let mut season = Self { cycle, part, averages: vec![0.0; parts] };
        for (at, value) in left {
            values[season.place(*at)].push(*value);
        }
        for (average, values) in season.averages.iter_mut().zip(&mut values) {
            *average = center.of(values);
        }
        season
    }

    fn place(&self, at: i64) -> usize {
        let place = at.saturating_sub(WEEK_START).rem_euclid(self.cycle.max(1)) / self.part.max(1);
        usize::try_from(place).unwrap_or(0).min(self.averages.len().saturating_sub(1))
    }

    /// What the season adds at a local time.
    pub(super) fn at(&self, at: i64) -> f64 {
        self.averages.get(self.place(at)).copied().unwrap_or(0.0)
    }

    /// How many numbers were learnt.
    pub(super) fn parts(&self) -> usize {
        self.averages.len()
    }
}
