//! # What an alarm watches for
//! The part of an alarm's configuration that decides its state, checked once. Which periods it looks at follows from it.
//! **Invariants:** `1 <= datapoints_to_alarm <= evaluation_periods`; the period is 10, 20, 30 or whole minutes.

use keywatch_api::cloudwatch::ComparisonOperator;

use super::evaluate::Datapoint;
use crate::metrics::{Second, series::Window, statistic_set::StatisticSet, statistics::Statistic};

const MINUTE: Second = 60;
const HOUR: Second = 3_600;
const DAY: Second = 86_400;

/// What counts as an answer when a period has no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingData {
    #[default]
    Missing,
    Breaching,
    NotBreaching,
    Ignore,
}

impl MissingData {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "missing" => Some(Self::Missing),
            "breaching" => Some(Self::Breaching),
            "notBreaching" => Some(Self::NotBreaching),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }
}

/// What datapoints are compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// One number for all.
    Threshold(f64),
    /// What is expected of each; the datapoints carry it.
    Band,
}

/// What decides a metric alarm's state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// None when the datapoints are the result of queries.
    pub statistic: Option<Statistic>,
    pub comparison: ComparisonOperator,
    pub bound: Bound,
    /// Seconds.
    pub period: Second,
    /// N
    pub evaluation_periods: usize,
    /// M, when it was given; N otherwise.
    pub datapoints_to_alarm: Option<usize>,
    pub missing_data: MissingData,
    /// Keep the state while a percentile has too few samples.
    pub ignore_low_samples: bool,
}

impl Spec {
    /// M of "M out of N".
    pub fn needed(&self) -> usize {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods)
    }

    /// Whether a datapoint crosses the threshold, or leaves its band.
    pub fn is_breach(&self, point: &Datapoint) -> bool {
        use ComparisonOperator as Is;
        let value = point.value;
        match (self.bound, point.band) {
            (Bound::Threshold(threshold), _) => match self.comparison {
                Is::GreaterThanOrEqualToThreshold => value >= threshold,
                Is::GreaterThanThreshold => value > threshold,
                Is::LessThanThreshold => value < threshold,
                Is::LessThanOrEqualToThreshold => value <= threshold,
                Is::LessThanLowerOrGreaterThanUpperThreshold
                | Is::LessThanLowerThreshold
                | Is::GreaterThanUpperThreshold => false,
            },
            (Bound::Band, Some(band)) => {
                let (below, above) = (value < band.lower, value > band.upper);
                match self.comparison {
                    Is::LessThanLowerThreshold => below,
                    Is::GreaterThanUpperThreshold => above,
                    _ => below || above,
                }
            }
            (Bound::Band, None) => false,
        }
    }

    /// How often the alarm is evaluated by the clock, in seconds.
    ///
    /// Source: CloudWatch User Guide, "Evaluating an alarm": every minute, every 10 seconds for high-resolution alarms, once per
    /// hour for alarms whose periods span more than a day.
    pub fn cadence(&self) -> Second {
        if self.period < MINUTE {
            10
        } else if self.period * self.evaluation_periods as Second > DAY {
            HOUR
        } else {
            MINUTE
        }
    }

    /// The complete periods an evaluation at `now` looks at: some more than N, so that old points can stand in for missing ones.
    pub fn window(&self, now: Second) -> Window {
        self.window_ending(now.div_euclid(self.cadence()) * self.cadence())
    }

    /// As [`Self::window`], its newest period being the one that runs at `now`.
    pub fn running_window(&self, now: Second) -> Window {
        let step = self.cadence().min(MINUTE);
        self.window_ending(now.div_euclid(step) * step + step)
    }

    fn window_ending(&self, end: Second) -> Window {
        let extra = if self.period < MINUTE { (MINUTE / self.period) as usize } else { 2 };
        let count = self.evaluation_periods + extra;
        Window { start: end - self.period * count as Second, period: self.period, count }
    }

    /// Whether values above the threshold are breaches.
    pub fn is_upward(&self) -> bool {
        matches!(
            self.comparison,
            ComparisonOperator::GreaterThanOrEqualToThreshold | ComparisonOperator::GreaterThanThreshold
        )
    }

    /// Whether a period that still runs already breaches for certain: its statistic can only move further that way.
    pub fn is_certain(&self, set: &StatisticSet) -> bool {
        let upward = self.is_upward();
        let Some(statistic) = self.statistic else { return false };
        let moves_on = match statistic {
            Statistic::Sum => upward && set.minimum >= 0.0,
            Statistic::SampleCount | Statistic::Maximum => upward,
            Statistic::Minimum => !upward,
            _ => false,
        };
        let breaches = |value| self.is_breach(&Datapoint { time: 0, value, samples: None, band: None });
        moves_on && statistic.of(set).is_some_and(breaches)
    }

    /// Whether a percentile of that many samples says little.
    ///
    /// Source: CloudWatch User Guide, "Percentile-based alarms and low data samples".
    pub fn has_few_samples(&self, samples: f64) -> bool {
        let Some(Statistic::Percentile(percent)) = self.statistic else { return false };
        let percent = percent / 100.0;
        let needed = if percent >= 0.5 { 10.0 / (1.0 - percent) } else { 10.0 / percent };
        samples < needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(period: Second, periods: usize) -> Spec {
        Spec {
            statistic: Some(Statistic::Sum),
            comparison: ComparisonOperator::GreaterThanOrEqualToThreshold,
            bound: Bound::Threshold(1.0),
            period,
            evaluation_periods: periods,
            datapoints_to_alarm: None,
            missing_data: MissingData::Missing,
            ignore_low_samples: false,
        }
    }

    #[test]
    fn windows() {
        for (period, periods, now, want) in [
            (60, 1, 1_000, Window { start: 780, period: 60, count: 3 }),
            (300, 3, 3_000, Window { start: 1_500, period: 300, count: 5 }),
            (10, 3, 1_005, Window { start: 910, period: 10, count: 9 }),
            (86_400, 2, 400_000, Window { start: 399_600 - 4 * 86_400, period: 86_400, count: 4 }),
        ] {
            assert_eq!(spec(period, periods).window(now), want);
        }
        assert_eq!(spec(60, 1).running_window(1_000), Window { start: 840, period: 60, count: 3 });
        assert_eq!(spec(60, 1).running_window(1_020).end(), 1_080);
        assert_eq!(spec(86_400, 2).running_window(400_000).end(), 400_020);
    }

    /// N periods and two, or N and another minute of them; every minute, ten seconds or hour.
    #[test]
    fn ranges_and_cadences() {
        for (period, periods, count, cadence) in [
            (10, 1, 7, 10),
            (10, 6, 12, 10),
            (20, 2, 5, 10),
            (30, 4, 6, 10),
            (60, 1, 3, 60),
            (60, 3, 5, 60),
            (60, 5, 7, 60),
            (300, 12, 14, 60),
            (3_600, 24, 26, 60),
            (3_600, 25, 27, 3_600),
            (86_400, 1, 3, 60),
            (86_400, 7, 9, 3_600),
        ] {
            let spec = spec(period, periods);
            assert_eq!(
                (spec.window(1_000_000).count, spec.cadence()),
                (count, cadence),
                "{periods} × {period}"
            );
            assert_eq!(spec.window(1_000_000).end() % cadence, 0);
            assert!(1_000_000 - spec.window(1_000_000).end() < cadence);
        }
    }

    #[test]
    fn certainty() {
        let low = StatisticSet::uniform(0.5, 1.0);
        let high = StatisticSet::uniform(2.0, 1.0);
        let mixed = StatisticSet::of_values([(-1.0, 1.0), (5.0, 1.0)]).unwrap();
        let of = |statistic, comparison| Spec { statistic: Some(statistic), comparison, ..spec(60, 1) };
        use ComparisonOperator::{GreaterThanThreshold as Above, LessThanThreshold as Below};
        for (statistic, comparison, set, want) in [
            (Statistic::Sum, Above, &high, true),
            (Statistic::Sum, Above, &low, false),
            (Statistic::Sum, Above, &mixed, false),
            (Statistic::Sum, Below, &low, false),
            (Statistic::Maximum, Above, &mixed, true),
            (Statistic::SampleCount, Above, &mixed, true),
            (Statistic::Minimum, Below, &low, true),
            (Statistic::Minimum, Above, &high, false),
            (Statistic::Average, Above, &high, false),
        ] {
            assert_eq!(of(statistic, comparison).is_certain(set), want, "{statistic:?} {comparison}");
        }
    }

    #[test]
    fn few_samples() {
        let of = |percent| Spec { statistic: Some(Statistic::Percentile(percent)), ..spec(60, 1) };
        assert!(of(99.0).has_few_samples(999.0));
        assert!(!of(99.0).has_few_samples(1_001.0));
        assert!(of(10.0).has_few_samples(99.0));
        assert!(!spec(60, 1).has_few_samples(1.0));
    }
}
