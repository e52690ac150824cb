//! The band in which a metric's values are expected, at any time: CloudWatch's anomaly detection.
//!
//! Nouns: a [`Training`] is what is known of a metric; a [`Model`] is level, seasons (hour, day, week) and spread learnt
//! from it. They are fitted by turns: the seasons to what the level leaves, the level to what the seasons leave; averages
//! are medians, so anomalies among the points do not count. A season is kept only where one half of its cycles foretells
//! the other. Counts (whole numbers from 0, mostly below 50) get the range of a negative binomial distribution instead of
//! spreads. Spikes that come back at the same time widen the band there where that is wanted. **Not here:** when to train again, and what an alarm makes of the band.

mod counts;
mod level;
mod robust;
mod season;
mod spikes;
#[cfg(test)]
mod tests;

use level::Level;
use robust::{quantile, spread};
use season::{Center, Left, Season};
use spikes::Spikes;

/// Points older than this before the newest are forgotten: two weeks.
const MEMORY: i64 = 14 * 86_400;
/// Fewer points, or a shorter time, are too little.
const POINTS_LEAST: usize = 30;
const SECONDS_LEAST: i64 = 3 * 3600;
/// More points are never looked at: two weeks of minutes, and some.
const POINTS_MAX: usize = 21_000;
/// The finest part of a day that has an average of its own.
const DAY_PART: i64 = 900;
const HOUR_PART: i64 = 300;
/// Whole numbers are counts while nine of ten are no more than this; larger ones are as good as continuous.
const COUNTS_MAX: f64 = 50.0;
/// The points of an hour of the day that weigh as much as all others' spread.
const HOUR_WEIGHT: f64 = 20.0;
/// The largest magnitude of a value, 2^360.
const VALUE_MAX: f64 = 2.348_542_582_773_833_4e108;
const ROUNDS: usize = 2;

/// What is known of a metric.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// Times (seconds since 1970) and values, in order of time. The last two weeks count, and at most 21,000 points.
    pub points: &'a [(i64, f64)],
    /// Seconds from one point to the next.
    pub period: i64,
    /// Times not to learn from: start, and end which is not in it.
    pub excluded: &'a [(i64, i64)],
    /// Seconds that the metric's time zone is ahead of UTC at a time, so that a day's seasons keep to its clocks.
    pub offset: &'a dyn Fn(i64) -> i64,
    /// Spikes that come back in most hours, days or weeks belong to the metric.
    pub spikes: bool,
}

impl std::fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training").field("points", &self.points.len()).field("period", &self.period).finish()
    }
}

/// What was learnt; some thousand numbers at most.
#[derive(Debug, Clone)]
pub struct Model {
    level: Level,
    hour: Season,
    day: Season,
    week: Season,
    /// Spread in each hour of the day.
    spreads: [f64; 24],
    /// Of counts: how much their variance exceeds the mean, in squares of it.
    counts: Option<f64>,
    /// Nothing was below 0, so nothing is expected there.
    positive: bool,
    spikes: Vec<Spikes>,
}

impl Model {
    /// Learns a metric, or answers `None` where there is too little data: fewer than 30 points, or less than three hours.
    pub fn train(training: &Training<'_>) -> Option<Self> {
        let points = enough(training)?;
        let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let positive = values.iter().all(|value| *value >= 0.0);
        let whole = positive && values.iter().all(|value| value.fract() == 0.0);
        let counts = whole && quantile(&mut values, 0.9) <= COUNTS_MAX;
        let center = if counts { Center::HeldMean } else { Center::Median };
        let period = training.period.clamp(1, 86_400);

        let mut model = Self {
            level: Level::by_day(&points, center),
            hour: Season::default(),
            day: Season::default(),
            week: Season::default(),
            spreads: [0.0; 24],
            counts: None,
            positive,
            spikes: Vec::new(),
        };
        let locals: Vec<i64> =
            points.iter().map(|(at, _)| at.saturating_add((training.offset)(*at))).collect();
        for _ in 0..ROUNDS {
            model.learn_seasons(&points, &locals, period, center);
            let left =
                points.iter().zip(&locals).map(|((at, value), local)| (*at, value - model.seasons(*local)));
            model.level = Level::learn(&left.collect::<Vec<_>>(), period, center);
        }
        model.learn_spreads(&points, &locals);
        if counts {
            let most = quantile(&mut values, 0.99);
            let pairs = points
                .iter()
                .zip(&locals)
                .map(|((at, value), local)| (*value, model.expected_at(*at, *local)));
            model.counts = Some(counts::variation(pairs, most));
        }
        if training.spikes {
            model.learn_spikes(&points, &locals, period);
        }
        Some(model)
    }

    /// Whether there is enough data to train; far quicker than training.
    pub fn can_train(training: &Training<'_>) -> bool {
        enough(training).is_some()
    }

    fn learn_seasons(&mut self, points: &[Left], locals: &[i64], period: i64, center: Center) {
        let mut left: Vec<Left> = points
            .iter()
            .zip(locals)
            .map(|((at, value), local)| (*local, value - self.level.at(*at)))
            .collect();
        let mut learn = |cycle: i64, part: i64| {
            if part * 2 > cycle {
                return Season::default();
            }
            let season = Season::learn(&left, cycle, part, center);
            left.iter_mut().for_each(|(local, value)| *value -= season.at(*local));
            season
        };
        // The shortest first: the parts of a day are too coarse for an hour's season, and would take some of it.
        self.hour = learn(3600, period.max(HOUR_PART));
        self.day = learn(86_400, period.max(DAY_PART));
        self.week = learn(7 * 86_400, period.max(3600));
    }

    fn learn_spreads(&mut self, points: &[Left], locals: &[i64]) {
        let residuals: Vec<(usize, f64)> = points
            .iter()
            .zip(locals)
            .map(|((at, value), local)| (hour(*local), value - self.expected_at(*at, *local)))
            .collect();
        let all = spread(residuals.iter().map(|(_, residual)| *residual));
        // What was fitted to the points is nearer to them than to those to come.
        let parts = self.hour.parts() + self.day.parts() + self.week.parts() + self.level.parts();
        let points = points.len() as f64;
        let freedom = (points / (points - parts as f64).max(points / 4.0)).sqrt();
        for (which, own) in self.spreads.iter_mut().enumerate() {
            let mine = residuals.iter().filter(|(hour, _)| *hour == which).map(|(_, residual)| *residual);
            let (count, mine) = (mine.clone().count() as f64, spread(mine));
            *own = (mine * count + all * HOUR_WEIGHT) / (count + HOUR_WEIGHT) * freedom;
        }
    }

    fn learn_spikes(&mut self, points: &[Left], locals: &[i64], period: i64) {
        let residual = |((at, value), local): (&Left, &i64)| {
            (*local, value - self.expected_at(*at, *local), self.spreads[hour(*local)])
        };
        let residuals: Vec<spikes::Residual> = points.iter().zip(locals).map(residual).collect();
        let cycles = [(3600, HOUR_PART, 3), (86_400, DAY_PART, 3), (7 * 86_400, 3600, 2)];
        let learnt = cycles
            .into_iter()
            .map(|(cycle, part, least)| (cycle, period.max(part), least))
            .filter(|(cycle, part, _)| part * 2 <= *cycle)
            .filter_map(|(cycle, part, least)| Spikes::learn(&residuals, cycle, part, least));
        self.spikes = learnt.collect();
    }

    fn seasons(&self, local: i64) -> f64 {
        self.hour.at(local) + self.day.at(local) + self.week.at(local)
    }

    fn expected_at(&self, at: i64, local: i64) -> f64 {
        let expected = self.level.at(at) + self.seasons(local);
        if self.positive { expected.max(0.0) } else { expected }
    }

    /// The value expected at a time, also a future one; `offset` is what the training's function gives at that time.
    pub fn expected(&self, at: i64, offset: i64) -> f64 {
        self.expected_at(at, at.saturating_add(offset))
    }

    /// Lower and upper end of the band at a time, so many standard deviations (or for counts, as large a share of them)
    /// around what is expected. Not below 0 where no value was.
    pub fn band(&self, at: i64, offset: i64, deviations: f64) -> (f64, f64) {
        let (expected, deviations) = (self.expected(at, offset), deviations.max(0.0));
        let local = at.saturating_add(offset);
        let (mut lower, mut upper) = match self.counts {
            Some(variation) => counts::range(expected, variation, deviations),
            None => {
                let reach = deviations * self.spreads[hour(local)];
                (expected - reach, expected + reach)
            }
        };
        for spikes in &self.spikes {
            let (below, above) = spikes.reach(local, deviations);
            (lower, upper) = (lower.min(expected - below), upper.max(expected + above));
        }
        (if self.positive { lower.max(0.0) } else { lower }, upper)
    }
}

fn hour(local: i64) -> usize {
    (local.rem_euclid(86_400) / 3600) as usize
}

/// The points to learn from, if they suffice.
fn enough(training: &Training<'_>) -> Option<Vec<Left>> {
    let points = usable(training);
    let (first, last) = (points.first()?, points.last()?);
    (points.len() >= POINTS_LEAST && last.0 - first.0 >= SECONDS_LEAST).then_some(points)
}

/// The points to learn from, in order of time.
fn usable(training: &Training<'_>) -> Vec<Left> {
    let excluded = |at: i64| training.excluded.iter().any(|(start, end)| (*start..*end).contains(&at));
    let sound = |(at, value): &&(i64, f64)| value.abs() <= VALUE_MAX && at.abs() < 1 << 40 && !excluded(*at);
    let mut points: Vec<Left> = training.points.iter().filter(sound).copied().collect();
    points.sort_by_key(|(at, _)| *at);
    let newest = points.last().map_or(0, |(at, _)| *at);
    let start =
        points.partition_point(|(at, _)| *at <= newest - MEMORY).max(points.len().saturating_sub(POINTS_MAX));
    points.split_off(start)
}
