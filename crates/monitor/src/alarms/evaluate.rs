//! # The decision: from a window of datapoints to a state
//! Pure: a window goes in, a verdict comes out. A window covers more periods than the alarm evaluates; real points are taken from
//! its newest end, and only what is then still lacking counts as missing.
//! **Not here:** which periods (`spec.rs`), where points come from (`crate::metrics`), what is done about a change.
//!
//! Source: CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data"; its tables
//! are the tests.

use keywatch_api::cloudwatch::StateValue;

use super::spec::{MissingData, Spec};
use crate::metrics::Second;

/// The statistic of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Datapoint {
    /// Start of the period.
    pub time: Second,
    pub value: f64,
    /// How many samples it was computed from; none for the result of an expression.
    pub samples: Option<f64>,
    /// What was expected of it, where an alarm compares with that.
    pub band: Option<Band>,
}

/// The edges of what is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub lower: f64,
    pub upper: f64,
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The state stays whatever it was.
    Keep,
    /// The state the points say.
    State(Decision),
}

/// A state and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub value: StateValue,
    /// The points that were evaluated, newest first.
    pub evaluated: Vec<Datapoint>,
    /// How many missing points were counted to reach the alarm's number of periods.
    pub missing: usize,
    /// The places of as many missing points in the window, newest first.
    pub gaps: Vec<usize>,
    /// Missing points made the difference, by the alarm's treatment of missing data.
    pub by_missing: bool,
}

/// Decides the state from a window, oldest period first, `None` for periods without data.
pub fn evaluate(spec: &Spec, window: &[Option<Datapoint>]) -> Verdict {
    let (wanted, needed) = (spec.evaluation_periods, spec.needed());
    let evaluated: Vec<Datapoint> = window.iter().rev().flatten().copied().take(wanted).collect();
    let missing = wanted - evaluated.len();
    let has_few = |point: &&Datapoint| {
        spec.ignore_low_samples && point.samples.is_some_and(|samples| spec.has_few_samples(samples))
    };
    let few = evaluated.iter().filter(has_few).count();
    let bad = evaluated.iter().filter(|point| !has_few(point) && spec.is_breach(point)).count();
    let good = evaluated.len() - few - bad;
    let state = |value, by_missing| {
        let gaps = (0..window.len()).rev().filter(|at| window[*at].is_none()).take(missing).collect();
        Verdict::State(Decision { value, evaluated: evaluated.clone(), missing, gaps, by_missing })
    };
    if bad >= needed {
        return state(StateValue::Alarm, false);
    }
    if good > wanted - needed {
        return state(StateValue::Ok, false);
    }
    if few > 0 {
        return Verdict::Keep;
    }
    match spec.missing_data {
        MissingData::Ignore if good == 0 => Verdict::Keep,
        MissingData::Ignore => state(StateValue::Ok, false),
        MissingData::Breaching if bad + missing >= needed => state(StateValue::Alarm, true),
        MissingData::Breaching => state(StateValue::Ok, false),
        MissingData::NotBreaching => state(StateValue::Ok, true),
        MissingData::Missing if evaluated.is_empty() => state(StateValue::InsufficientData, true),
        MissingData::Missing if good > 0 => state(StateValue::Ok, false),
        MissingData::Missing if oldest_point_age(window) >= needed => state(StateValue::Alarm, false),
        // A breach among silence is no alarm before it has lasted as long as M breaches would have.
        MissingData::Missing => Verdict::Keep,
    }
}

/// How many periods ago the oldest point of a window lies; the newest period is 1.
fn oldest_point_age(window: &[Option<Datapoint>]) -> usize {
    window.iter().position(Option::is_some).map_or(0, |at| window.len() - at)
}

#[cfg(test)]
mod tests {
    use keywatch_api::cloudwatch::ComparisonOperator;

    use super::*;
    use crate::{alarms::spec::Bound, metrics::statistics::Statistic};

    const TREATMENTS: [MissingData; 4] =
        [MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching];
    const ALARM: Option<StateValue> = Some(StateValue::Alarm);
    const OK: Option<StateValue> = Some(StateValue::Ok);
    const INSUFFICIENT: Option<StateValue> = Some(StateValue::InsufficientData);
    const RETAIN: Option<StateValue> = None;

    fn spec(needed: usize, periods: usize, missing_data: MissingData) -> Spec {
        Spec {
            statistic: Some(Statistic::Maximum),
            comparison: ComparisonOperator::GreaterThanThreshold,
            bound: Bound::Threshold(5.0),
            period: 60,
            evaluation_periods: periods,
            datapoints_to_alarm: Some(needed),
            missing_data,
            ignore_low_samples: false,
        }
    }

    /// `0` is a good period, `X` a bad one, `-` a missing one; the oldest is on the left.
    fn window(picture: &str) -> Vec<Option<Datapoint>> {
        let point = |(at, sign): (usize, &str)| match sign {
            "-" => None,
            sign => Some(Datapoint {
                time: at as Second * 60,
                value: if sign == "X" { 9.0 } else { 0.0 },
                samples: Some(1.0),
                band: None,
            }),
        };
        picture.split(' ').enumerate().map(point).collect()
    }

    /// The columns are missing, ignore, breaching and notBreaching.
    #[track_caller]
    fn check(needed: usize, periods: usize, picture: &str, want: [Option<StateValue>; 4]) {
        for (treatment, want) in TREATMENTS.into_iter().zip(want) {
            let got = match evaluate(&spec(needed, periods, treatment), &window(picture)) {
                Verdict::Keep => None,
                Verdict::State(decision) => Some(decision.value),
            };
            assert_eq!(got, want, "{needed} of {periods}: {picture} with {treatment:?}");
        }
    }

    #[test]
    fn three_out_of_three() {
        check(3, 3, "0 - X - X", [OK, OK, OK, OK]);
        check(3, 3, "0 - - - -", [OK, OK, OK, OK]);
        check(3, 3, "- - - - -", [INSUFFICIENT, RETAIN, ALARM, OK]);
        check(3, 3, "0 X X - X", [ALARM, ALARM, ALARM, ALARM]);
        check(3, 3, "- - X - -", [ALARM, RETAIN, ALARM, OK]);
    }

    #[test]
    fn two_out_of_three() {
        check(2, 3, "0 - X - X", [ALARM, ALARM, ALARM, ALARM]);
        check(2, 3, "0 0 X 0 X", [ALARM, ALARM, ALARM, ALARM]);
        check(2, 3, "0 - X - -", [OK, OK, ALARM, OK]);
        check(2, 3, "- - - - 0", [OK, OK, ALARM, OK]);
        check(2, 3, "- - - X -", [ALARM, RETAIN, ALARM, OK]);
    }

    #[test]
    fn a_lone_breach_is_no_alarm_too_early() {
        check(3, 3, "- - - - X", [RETAIN, RETAIN, ALARM, OK]);
        check(3, 3, "- - - X -", [RETAIN, RETAIN, ALARM, OK]);
        check(2, 3, "- - - - X", [RETAIN, RETAIN, ALARM, OK]);
        check(1, 1, "- - X", [ALARM, ALARM, ALARM, ALARM]);
    }

    /// The oldest breach must be as old as the breaches that it takes, and nothing good after it.
    #[test]
    fn breaches_among_silence_ripen() {
        check(3, 3, "- X - - -", [ALARM, RETAIN, ALARM, OK]);
        check(3, 3, "X - - - -", [ALARM, RETAIN, ALARM, OK]);
        check(3, 3, "- - - X X", [RETAIN, RETAIN, ALARM, OK]);
        check(3, 3, "- - X X -", [ALARM, RETAIN, ALARM, OK]);
        check(3, 3, "- X 0 - -", [OK, OK, OK, OK]);
        check(5, 5, "- - - X X X X", [RETAIN, RETAIN, ALARM, OK]);
        check(5, 5, "- - X X X X -", [ALARM, RETAIN, ALARM, OK]);
        check(5, 5, "- - X - X X X", [ALARM, RETAIN, ALARM, OK]);
        check(2, 2, "- - - X", [RETAIN, RETAIN, ALARM, OK]);
        check(2, 2, "- - X -", [ALARM, RETAIN, ALARM, OK]);
    }

    #[test]
    fn few_out_of_many() {
        check(2, 3, "X - - - 0", [OK, OK, ALARM, OK]);
        check(3, 3, "X 0 X - -", [OK, OK, OK, OK]);
        check(1, 3, "- - - - X", [ALARM, ALARM, ALARM, ALARM]);
        check(1, 3, "0 - - - -", [OK, OK, ALARM, OK]);
        check(1, 3, "0 - 0 - 0", [OK, OK, OK, OK]);
        check(1, 3, "X 0 0 0 -", [OK, OK, OK, OK]);
        check(1, 3, "X - 0 0 -", [ALARM, ALARM, ALARM, ALARM]);
        check(1, 3, "- - - - -", [INSUFFICIENT, RETAIN, ALARM, OK]);
        check(2, 5, "X - X - - - 0", [ALARM, ALARM, ALARM, ALARM]);
        check(4, 5, "- - - 0 0 X X", [OK, OK, OK, OK]);
    }

    #[test]
    fn old_points_stand_in_for_missing_ones() {
        check(1, 1, "X - -", [ALARM, ALARM, ALARM, ALARM]);
        check(1, 1, "0 - -", [OK, OK, OK, OK]);
        check(1, 1, "- - -", [INSUFFICIENT, RETAIN, ALARM, OK]);
        check(1, 1, "X 0 -", [OK, OK, OK, OK]);
    }

    #[test]
    fn percentiles_of_few_samples_keep_the_state() {
        let few = Datapoint { time: 0, value: 9.0, samples: Some(20.0), band: None };
        let spec = Spec {
            statistic: Some(Statistic::Percentile(99.0)),
            ignore_low_samples: true,
            ..spec(1, 1, MissingData::Missing)
        };
        assert_eq!(evaluate(&spec, &[Some(few)]), Verdict::Keep);
        let enough = Datapoint { samples: Some(5_000.0), ..few };
        assert!(matches!(
            evaluate(&spec, &[Some(enough)]),
            Verdict::State(Decision { value: StateValue::Alarm, .. })
        ));
        let evaluated = Spec { ignore_low_samples: false, ..spec };
        assert!(matches!(
            evaluate(&evaluated, &[Some(few)]),
            Verdict::State(Decision { value: StateValue::Alarm, .. })
        ));
    }

    #[test]
    fn the_decision_names_its_points_newest_first() {
        let Verdict::State(decision) = evaluate(&spec(2, 3, MissingData::Breaching), &window("- - 0 - X"))
        else {
            panic!("a state is decided");
        };
        assert_eq!(decision.evaluated.iter().map(|point| point.time).collect::<Vec<_>>(), [240, 120]);
        assert_eq!((decision.value, decision.missing, decision.by_missing), (StateValue::Alarm, 1, true));
        assert_eq!(decision.gaps, [3]);
    }

    #[test]
    fn bands_are_left_above_or_below() {
        use ComparisonOperator as Is;
        for (comparison, value, want) in [
            (Is::LessThanLowerOrGreaterThanUpperThreshold, 0.5, true),
            (Is::LessThanLowerOrGreaterThanUpperThreshold, 1.0, false),
            (Is::LessThanLowerOrGreaterThanUpperThreshold, 2.5, true),
            (Is::LessThanLowerThreshold, 0.5, true),
            (Is::LessThanLowerThreshold, 2.5, false),
            (Is::GreaterThanUpperThreshold, 2.5, true),
            (Is::GreaterThanUpperThreshold, 0.5, false),
        ] {
            let spec =
                Spec { statistic: None, comparison, bound: Bound::Band, ..spec(1, 1, MissingData::Missing) };
            let band = Some(Band { lower: 1.0, upper: 2.0 });
            assert_eq!(spec.is_breach(&Datapoint { time: 0, value, samples: None, band }), want);
            assert!(!spec.is_breach(&Datapoint { time: 0, value, samples: None, band: None }));
        }
    }
}
