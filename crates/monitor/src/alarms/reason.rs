//! # Reasons: why an alarm is in its state
//! The sentence people read (`StateReason`) and the same facts for programs (`StateReasonData`, a text of JSON).
//!
//! Source: texts recorded from CloudWatch.

use jiff::Timestamp;
use keywatch_api::cloudwatch::{ComparisonOperator, StandardUnit, StateValue};
use serde::Serialize;

use super::{
    decimal::{double, offset_time, short_time},
    evaluate::{Band, Datapoint, Decision},
    spec::{Bound, MissingData, Spec},
};
use crate::metrics::Second;

/// The reason of an alarm that was never evaluated.
pub const INITIAL: &str = "Unchecked: Initial alarm creation";
/// Longer reasons are cut (`StateReason` holds 1,023 characters).
const REASON_MAX: usize = 1_023;
/// Datapoints a reason spells out.
const SHOWN_MAX: usize = 20;

/// The sentence for a decision.
pub fn reason(spec: &Spec, decision: &Decision) -> String {
    let Decision { value, evaluated, missing, by_missing, .. } = decision;
    let text = match value {
        StateValue::InsufficientData => {
            let (count, were) = counted(*missing, "datapoint");
            format!("Insufficient Data: {count} {were} unknown.")
        }
        _ if evaluated.is_empty() => {
            let periods = spec.evaluation_periods;
            let plural = if periods == 1 { "" } else { "s" };
            format!(
                "Threshold Crossed: no datapoints were received for {periods} period{plural} and {}.",
                treated(spec, *missing)
            )
        }
        _ => {
            let counts_missing = *by_missing && *missing > 0;
            let mut text = match (crossing(spec, *value, evaluated), counts_missing) {
                (Some(crossing), true) => format!("{crossing} and {}", treated(spec, *missing)),
                (Some(crossing), false) => crossing,
                (None, _) => format!("Threshold Crossed: {}", treated(spec, *missing)),
            };
            if spec.datapoints_to_alarm.is_some() || spec.bound == Bound::Band {
                text.push_str(&minimum(spec, *value));
            }
            text + "."
        }
    };
    text.chars().take(REASON_MAX).collect()
}

/// `1 datapoint`, `was` or `2 datapoints`, `were`.
fn counted(count: usize, noun: &str) -> (String, &'static str) {
    if count == 1 { (format!("1 {noun}"), "was") } else { (format!("{count} {noun}s"), "were") }
}

fn treated(spec: &Spec, missing: usize) -> String {
    let (count, were) = counted(missing, "missing datapoint");
    let as_what = if spec.missing_data == MissingData::Breaching { "Breaching" } else { "NonBreaching" };
    format!("{count} {were} treated as [{as_what}]")
}

/// The points that speak for the state, and how they compare; none do when missing points alone decided.
fn crossing(spec: &Spec, value: StateValue, evaluated: &[Datapoint]) -> Option<String> {
    let alarm = value == StateValue::Alarm;
    let speaking: Vec<&Datapoint> = evaluated.iter().filter(|point| spec.is_breach(point) == alarm).collect();
    if speaking.is_empty() {
        return None;
    }
    let shown = speaking.iter().take(SHOWN_MAX).map(|point| {
        let time = Timestamp::from_second(point.time).unwrap_or(Timestamp::UNIX_EPOCH);
        format!("{} ({})", double(point.value), short_time(time))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let were = if speaking.len() == 1 { "was" } else { "were" };
    let not = if alarm { "" } else { "not " };
    let points = if spec.datapoints_to_alarm.is_some() || spec.bound == Bound::Band {
        format!("{} out of the last {} datapoints", speaking.len(), spec.evaluation_periods)
    } else {
        counted(speaking.len(), "datapoint").0
    };
    let crossed = if spec.bound == Bound::Band { "Thresholds Crossed" } else { "Threshold Crossed" };
    Some(format!("{crossed}: {points} [{shown}] {were} {not}{}", compared(spec, &speaking)))
}

/// `greater than the threshold (1.0)`, or the edges of the bands of points.
fn compared(spec: &Spec, points: &[&Datapoint]) -> String {
    let edges = |edge: fn(Band) -> f64| {
        let edges = points.iter().filter_map(|point| point.band).take(SHOWN_MAX);
        edges.map(|band| double(edge(band))).collect::<Vec<_>>().join(", ")
    };
    let (lower, upper) = (edges(|band| band.lower), edges(|band| band.upper));
    match (spec.bound, spec.comparison) {
        (Bound::Threshold(threshold), comparison) => {
            format!("{} the threshold ({})", words(comparison), double(threshold))
        }
        (Bound::Band, ComparisonOperator::LessThanLowerThreshold) => {
            format!("less than the lower thresholds [{lower}]")
        }
        (Bound::Band, ComparisonOperator::GreaterThanUpperThreshold) => {
            format!("greater than the upper thresholds [{upper}]")
        }
        (Bound::Band, _) => {
            format!("less than the lower thresholds [{lower}] or greater than the upper thresholds [{upper}]")
        }
    }
}

/// The reason of one time series of several: as CloudWatch shortens it, with its newest point that speaks for the state.
pub fn contributor_reason(spec: &Spec, decision: &Decision) -> String {
    let alarm = decision.value == StateValue::Alarm;
    let speaking: Vec<&Datapoint> =
        decision.evaluated.iter().filter(|point| spec.is_breach(point) == alarm).collect();
    let Some(newest) = speaking.first() else { return reason(spec, decision) };
    let (count, were) = counted(speaking.len(), "datapoint");
    let not = if alarm { "" } else { "not " };
    let time = Timestamp::from_second(newest.time).unwrap_or(Timestamp::UNIX_EPOCH);
    let crossed = if alarm { "crossed" } else { "did not cross" };
    format!(
        "Threshold Crossed: {count} {were} {not}{}. The most recent datapoint which {crossed} the threshold: [{} ({})].",
        compared(spec, &speaking),
        double(newest.value),
        short_time(time)
    )
}

/// How many datapoints make the transition, for alarms that say "M out of N".
fn minimum(spec: &Spec, value: StateValue) -> String {
    let (count, transition) = match value {
        StateValue::Alarm => (spec.needed(), "OK -> ALARM"),
        _ => (spec.evaluation_periods - spec.needed() + 1, "ALARM -> OK"),
    };
    format!(" (minimum {} for {transition} transition)", counted(count, "datapoint").0)
}

fn words(operator: ComparisonOperator) -> &'static str {
    match operator {
        ComparisonOperator::GreaterThanOrEqualToThreshold => "greater than or equal to",
        ComparisonOperator::GreaterThanThreshold | ComparisonOperator::GreaterThanUpperThreshold => {
            "greater than"
        }
        ComparisonOperator::LessThanThreshold | ComparisonOperator::LessThanLowerThreshold => "less than",
        ComparisonOperator::LessThanOrEqualToThreshold => "less than or equal to",
        ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold => "outside",
    }
}

/// What of an alarm its reason data repeat.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The name the alarm was given; none for the result of queries.
    pub statistic: Option<&'a str>,
    pub unit: Option<StandardUnit>,
    /// The start of the window that was evaluated.
    pub window_start: Second,
}

/// The facts of a decision as JSON text.
pub fn reason_data(spec: &Spec, decision: &Decision, described: Described<'_>, now: Timestamp) -> String {
    let at = |seconds| offset_time(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH));
    let Decision { evaluated, gaps, by_missing, .. } = decision;
    let seen = |point: &Datapoint| Evaluated {
        timestamp: at(point.time),
        sample_count: point.samples,
        value: Some(point.value),
    };
    // Periods without data are told where their treatment decided.
    let gap = |place: &usize| Evaluated {
        timestamp: at(described.window_start + spec.period * *place as Second),
        sample_count: None,
        value: None,
    };
    let treated =
        if *by_missing && spec.missing_data != MissingData::Missing { gaps.as_slice() } else { &[] };
    let edges = |edge: fn(Band) -> f64| match spec.bound {
        Bound::Threshold(_) => None,
        Bound::Band => Some(evaluated.iter().rev().map(|point| point.band.map(edge)).collect()),
    };
    let data = ReasonData {
        version: "1.0",
        query_date: offset_time(now),
        start_date: evaluated.last().map(|oldest| at(oldest.time)),
        unit: described.unit,
        statistic: described.statistic,
        period: spec.period,
        recent_datapoints: recent(spec, evaluated),
        recent_lower_thresholds: edges(|band| band.lower),
        recent_upper_thresholds: edges(|band| band.upper),
        threshold: match spec.bound {
            Bound::Threshold(threshold) => Some(threshold),
            Bound::Band => None,
        },
        evaluated_datapoints: evaluated
            .iter()
            .map(seen)
            .chain(treated.iter().map(gap))
            .take(SHOWN_MAX)
            .collect(),
    };
    serde_json::to_string(&data).expect("numbers and texts become JSON")
}

/// The evaluated values, oldest first, with gaps between them.
fn recent(spec: &Spec, evaluated: &[Datapoint]) -> Vec<Option<f64>> {
    let mut values = Vec::new();
    let mut before: Option<Second> = None;
    for point in evaluated.iter().rev() {
        let gap = before.map_or(0, |before| (point.time - before) / spec.period - 1);
        values.extend((0..gap).map(|_| None));
        values.push(Some(point.value));
        before = Some(point.time);
    }
    values
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReasonData<'a> {
    version: &'static str,
    query_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<StandardUnit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'a str>,
    period: Second,
    recent_datapoints: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_lower_thresholds: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_upper_thresholds: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    evaluated_datapoints: Vec<Evaluated>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Evaluated {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_count: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alarms::evaluate::{Verdict, evaluate},
        metrics::statistics::Statistic,
    };

    /// 2026-09-14T11:18:00Z
    const START: Second = 1_789_384_680;

    fn spec(comparison: ComparisonOperator, threshold: f64) -> Spec {
        Spec {
            statistic: Some(Statistic::Average),
            comparison,
            bound: Bound::Threshold(threshold),
            period: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            missing_data: MissingData::Missing,
            ignore_low_samples: false,
        }
    }

    fn decide(spec: &Spec, values: &[Option<f64>]) -> Decision {
        let point = |(at, value): (usize, &Option<f64>)| {
            let time = START + 60 * at as Second;
            value.map(|value| Datapoint { time, value, samples: Some(1.0), band: None })
        };
        let window: Vec<_> = values.iter().enumerate().map(point).collect();
        match evaluate(spec, &window) {
            Verdict::State(decision) => decision,
            Verdict::Keep => panic!("a state is decided"),
        }
    }

    #[track_caller]
    fn check(spec: Spec, values: &[Option<f64>], want: &str) {
        assert_eq!(reason(&spec, &decide(&spec, values)), want);
    }

    use ComparisonOperator::{
        GreaterThanOrEqualToThreshold as AtLeast, GreaterThanThreshold as Above,
        LessThanOrEqualToThreshold as AtMost, LessThanThreshold as Below,
    };

    #[test]
    fn all_periods() {
        check(
            spec(Above, 21.0),
            &[Some(21.5)],
            "Threshold Crossed: 1 datapoint [21.5 (14/09/26 11:18:00)] was greater than the threshold (21.0).",
        );
        check(
            spec(AtLeast, 1.0),
            &[Some(1.0)],
            "Threshold Crossed: 1 datapoint [1.0 (14/09/26 11:18:00)] was greater than or equal to the threshold (1.0).",
        );
        check(
            spec(Below, 1.0),
            &[Some(1.0)],
            "Threshold Crossed: 1 datapoint [1.0 (14/09/26 11:18:00)] was not less than the threshold (1.0).",
        );
        check(
            Spec { evaluation_periods: 2, ..spec(AtMost, 864_000.0) },
            &[Some(5.0), Some(4.0)],
            "Threshold Crossed: 2 datapoints [4.0 (14/09/26 11:19:00), 5.0 (14/09/26 11:18:00)] were less than or equal to the threshold (864000.0).",
        );
    }

    #[test]
    fn m_out_of_n() {
        let three = Spec { evaluation_periods: 3, datapoints_to_alarm: Some(1), ..spec(Above, 31.0) };
        check(
            three,
            &[Some(32.5), Some(32.6), Some(40.0)],
            "Threshold Crossed: 3 out of the last 3 datapoints [40.0 (14/09/26 11:20:00), 32.6 (14/09/26 11:19:00), 32.5 (14/09/26 11:18:00)] were greater than the threshold (31.0) (minimum 1 datapoint for OK -> ALARM transition).",
        );
        check(
            Spec { evaluation_periods: 1, datapoints_to_alarm: Some(1), ..spec(Above, 50.0) },
            &[Some(32.5)],
            "Threshold Crossed: 1 out of the last 1 datapoints [32.5 (14/09/26 11:18:00)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        );
    }

    #[test]
    fn missing_data() {
        let two = Spec { evaluation_periods: 2, ..spec(Above, 1.0) };
        check(
            Spec { missing_data: MissingData::Breaching, ..two },
            &[None, None],
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].",
        );
        check(
            Spec { missing_data: MissingData::NotBreaching, ..spec(Above, 1.0) },
            &[None],
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
        );
        check(
            Spec { evaluation_periods: 5, ..two },
            &[None; 5],
            "Insufficient Data: 5 datapoints were unknown.",
        );
        check(
            Spec { missing_data: MissingData::Breaching, ..two },
            &[None, Some(7.0)],
            "Threshold Crossed: 1 datapoint [7.0 (14/09/26 11:19:00)] was greater than the threshold (1.0) and 1 missing datapoint was treated as [Breaching].",
        );
    }

    #[test]
    fn missing_data_alone() {
        let spec =
            Spec { evaluation_periods: 3, missing_data: MissingData::NotBreaching, ..spec(Above, 1.0) };
        check(
            spec,
            &[None, None, Some(7.0), None, None],
            "Threshold Crossed: 2 missing datapoints were treated as [NonBreaching].",
        );
    }

    #[test]
    fn data() {
        let spec = Spec { evaluation_periods: 2, ..spec(Above, 21.0) };
        let decision = decide(&spec, &[Some(22.0), None, Some(21.5)]);
        let now = "2026-09-14T11:21:46.123Z".parse().unwrap();
        assert_eq!(
            reason_data(&spec, &decision, average(Some(StandardUnit::Percent)), now),
            concat!(
                r#"{"version":"1.0","queryDate":"2026-09-14T11:21:46.123+0000","startDate":"2026-09-14T11:18:00.000+0000","#,
                r#""unit":"Percent","statistic":"Average","period":60,"recentDatapoints":[22.0,null,21.5],"threshold":21.0,"#,
                r#""evaluatedDatapoints":[{"timestamp":"2026-09-14T11:20:00.000+0000","sampleCount":1.0,"value":21.5},"#,
                r#"{"timestamp":"2026-09-14T11:18:00.000+0000","sampleCount":1.0,"value":22.0}]}"#
            )
        );
        let nothing = decide(&spec, &[None, None]);
        assert!(!reason_data(&spec, &nothing, average(None), now).contains("startDate"));
        // As recorded for an alarm whose metric has no data at all.
        let breaching = Spec { missing_data: MissingData::Breaching, ..spec };
        let data = reason_data(&breaching, &decide(&breaching, &[None, None]), average(None), now);
        assert!(
            data.ends_with(concat!(
                r#""recentDatapoints":[],"threshold":21.0,"evaluatedDatapoints":["#,
                r#"{"timestamp":"2026-09-14T11:19:00.000+0000"},{"timestamp":"2026-09-14T11:18:00.000+0000"}]}"#
            )),
            "{data}"
        );
    }

    fn average(unit: Option<StandardUnit>) -> Described<'static> {
        Described { statistic: Some("Average"), unit, window_start: START }
    }

    #[test]
    fn bands() {
        let comparison = ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold;
        let spec = Spec { bound: Bound::Band, statistic: None, ..spec(comparison, 0.0) };
        let band = Some(Band { lower: 1.5, upper: 4.0 });
        let Verdict::State(decision) =
            evaluate(&spec, &[Some(Datapoint { time: START, value: 0.0, samples: None, band })])
        else {
            panic!("a state is decided");
        };
        assert_eq!(
            reason(&spec, &decision),
            "Thresholds Crossed: 1 out of the last 1 datapoints [0.0 (14/09/26 11:18:00)] was less than the lower thresholds [1.5] or greater than the upper thresholds [4.0] (minimum 1 datapoint for OK -> ALARM transition)."
        );
        let described = Described { statistic: None, unit: None, window_start: START };
        let data = reason_data(&spec, &decision, described, "2026-09-14T11:21:46.123Z".parse().unwrap());
        assert!(
            data.contains(r#""recentDatapoints":[0.0],"recentLowerThresholds":[1.5],"recentUpperThresholds":[4.0],"evaluatedDatapoints""#),
            "{data}"
        );
    }

    #[test]
    fn one_of_several_series() {
        let spec = Spec { evaluation_periods: 2, ..spec(Below, 1.0) };
        assert_eq!(
            contributor_reason(&spec, &decide(&spec, &[Some(0.0), Some(0.5)])),
            "Threshold Crossed: 2 datapoints were less than the threshold (1.0). The most recent datapoint which crossed the threshold: [0.5 (14/09/26 11:19:00)]."
        );
        assert_eq!(
            contributor_reason(
                &Spec { evaluation_periods: 1, ..spec },
                &decide(&Spec { evaluation_periods: 1, ..spec }, &[Some(0.0)])
            ),
            "Threshold Crossed: 1 datapoint was less than the threshold (1.0). The most recent datapoint which crossed the threshold: [0.0 (14/09/26 11:18:00)]."
        );
    }
}
