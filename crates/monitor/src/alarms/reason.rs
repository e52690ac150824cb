//! # Reasons: why an alarm is in its state
//! The sentence people read (`StateReason`) and the same facts for programs (`StateReasonData`, a text of JSON).
//!
//! Source: texts recorded from CloudWatch.

use jiff::Timestamp;
use keywatch_api::cloudwatch::{ComparisonOperator, StandardUnit, StateValue};
use serde::Serialize;

use super::{
    decimal::{double, offset_time, short_time},
    evaluate::{Datapoint, Decision},
    spec::{MissingData, Spec},
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
    let Decision { value, evaluated, missing, by_missing } = decision;
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
            if spec.datapoints_to_alarm.is_some() {
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
    let speaking: Vec<&Datapoint> =
        evaluated.iter().filter(|point| spec.is_breach(point.value) == alarm).collect();
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
    let (comparison, threshold) = (comparison(spec.comparison), double(spec.threshold));
    let points = if spec.datapoints_to_alarm.is_some() {
        format!("{} out of the last {} datapoints", speaking.len(), spec.evaluation_periods)
    } else {
        counted(speaking.len(), "datapoint").0
    };
    Some(format!(
        "Threshold Crossed: {points} [{shown}] {were} {not}{comparison} the threshold ({threshold})"
    ))
}

/// How many datapoints make the transition, for alarms that say "M out of N".
fn minimum(spec: &Spec, value: StateValue) -> String {
    let (count, transition) = match value {
        StateValue::Alarm => (spec.needed(), "OK -> ALARM"),
        _ => (spec.evaluation_periods - spec.needed() + 1, "ALARM -> OK"),
    };
    format!(" (minimum {} for {transition} transition)", counted(count, "datapoint").0)
}

fn comparison(operator: ComparisonOperator) -> &'static str {
    match operator {
        ComparisonOperator::GreaterThanOrEqualToThreshold => "greater than or equal to",
        ComparisonOperator::GreaterThanThreshold | ComparisonOperator::GreaterThanUpperThreshold => {
            "greater than"
        }
        ComparisonOperator::LessThanThreshold | ComparisonOperator::LessThanLowerThreshold => "less than",
        ComparisonOperator::LessThanOrEqualToThreshold => "less than or equal to",
        ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold => {
            "less than the lower thresholds or greater than"
        }
    }
}

/// The facts of a decision as JSON text. `statistic` is the name the alarm was given.
pub fn reason_data(
    spec: &Spec,
    decision: &Decision,
    statistic: &str,
    unit: Option<StandardUnit>,
    now: Timestamp,
) -> String {
    let at = |seconds| offset_time(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH));
    let data = ReasonData {
        version: "1.0",
        query_date: offset_time(now),
        start_date: decision.evaluated.last().map(|oldest| at(oldest.time)),
        unit,
        statistic,
        period: spec.period,
        recent_datapoints: recent(spec, &decision.evaluated),
        threshold: spec.threshold,
        evaluated_datapoints: decision
            .evaluated
            .iter()
            .map(|point| Evaluated {
                timestamp: at(point.time),
                sample_count: point.samples,
                value: point.value,
            })
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
    statistic: &'a str,
    period: Second,
    recent_datapoints: Vec<Option<f64>>,
    threshold: f64,
    evaluated_datapoints: Vec<Evaluated>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Evaluated {
    timestamp: String,
    sample_count: f64,
    value: f64,
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
            statistic: Statistic::Average,
            comparison,
            threshold,
            period: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            missing_data: MissingData::Missing,
            ignore_low_samples: false,
        }
    }

    fn decide(spec: &Spec, values: &[Option<f64>]) -> Decision {
        let point = |(at, value): (usize, &Option<f64>)| {
            value.map(|value| Datapoint { time: START + 60 * at as Second, value, samples: 1.0 })
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
            reason_data(&spec, &decision, "Average", Some(StandardUnit::Percent), now),
            concat!(
                r#"{"version":"1.0","queryDate":"2026-09-14T11:21:46.123+0000","startDate":"2026-09-14T11:18:00.000+0000","#,
                r#""unit":"Percent","statistic":"Average","period":60,"recentDatapoints":[22.0,null,21.5],"threshold":21.0,"#,
                r#""evaluatedDatapoints":[{"timestamp":"2026-09-14T11:20:00.000+0000","sampleCount":1.0,"value":21.5},"#,
                r#"{"timestamp":"2026-09-14T11:18:00.000+0000","sampleCount":1.0,"value":22.0}]}"#
            )
        );
        let nothing = decide(&spec, &[None, None]);
        assert!(!reason_data(&spec, &nothing, "Average", None, now).contains("startDate"));
    }
}
