//! # Events of alarms: what the default event bus gets
//! `CloudWatch Alarm State Change`, whatever the alarm's actions are. Pure functions of the alarm and the change.
//! **Not here:** rules and targets (`crate::events`).
//!
//! Source: CloudWatch User Guide, "Alarm events and EventBridge".

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{alarm::State, decimal::offset_time, texts::Change};

const SOURCE: &str = "aws.cloudwatch";
const STATE_CHANGE: &str = "CloudWatch Alarm State Change";

/// The whole event of a state change: `id` names it, `metric_id` the metric within it.
pub fn state_change_envelope(change: &Change<'_>, id: Uuid, metric_id: Uuid) -> String {
    let envelope = Envelope {
        version: "0",
        id: id.to_string(),
        detail_type: STATE_CHANGE,
        source: SOURCE,
        account: &change.alarm.account,
        time: change.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        region: &change.alarm.region,
        resources: [change.alarm.arn()],
        detail: state_change_detail(change, metric_id),
    };
    serde_json::to_string(&envelope).expect("texts become JSON")
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope<'a> {
    version: &'static str,
    id: String,
    detail_type: &'static str,
    source: &'static str,
    account: &'a str,
    time: String,
    region: &'a str,
    resources: [String; 1],
    detail: Box<RawValue>,
}

/// The `detail` of a state change. `metric_id` names the metric within the event.
fn state_change_detail(change: &Change<'_>, metric_id: Uuid) -> Box<RawValue> {
    let config = &change.alarm.config;
    let detail = Detail {
        alarm_name: &change.alarm.name,
        state: state(&change.alarm.state),
        previous_state: state(change.old),
        configuration: Configuration {
            description: config.description.as_deref(),
            metrics: [MetricEntry {
                id: metric_id.to_string(),
                metric_stat: MetricStat {
                    metric: Metric {
                        namespace: &config.namespace,
                        name: &config.metric_name,
                        dimensions: change.alarm.sorted_dimensions().into_iter().collect(),
                    },
                    period: config.period,
                    stat: change.alarm.statistic_name(),
                    unit: config.unit.map(|unit| unit.as_str()),
                },
                return_data: true,
            }],
        },
    };
    serde_json::value::to_raw_value(&detail).expect("texts and numbers become JSON")
}

fn state(state: &State) -> StateDetail<'_> {
    StateDetail {
        value: state.value.as_str(),
        reason: &state.reason,
        reason_data: state.reason_data.as_deref(),
        timestamp: offset_time(state.updated_at),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    alarm_name: &'a str,
    state: StateDetail<'a>,
    previous_state: StateDetail<'a>,
    configuration: Configuration<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateDetail<'a> {
    value: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_data: Option<&'a str>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
struct Configuration<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    metrics: [MetricEntry<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetricEntry<'a> {
    id: String,
    metric_stat: MetricStat<'a>,
    return_data: bool,
}

#[derive(Debug, Serialize)]
struct MetricStat<'a> {
    metric: Metric<'a>,
    period: i32,
    stat: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Metric<'a> {
    namespace: &'a str,
    name: &'a str,
    dimensions: BTreeMap<&'a str, &'a str>,
}

#[cfg(test)]
mod tests {
    use keywatch_api::cloudwatch::StateValue;

    use super::*;
    use crate::alarms::alarm::sample;

    #[test]
    fn a_state_change() {
        let old = sample().state;
        let mut alarm = sample();
        alarm.state.value = StateValue::Alarm;
        alarm.state.reason = "because".into();
        alarm.state.reason_data = Some("{\"a\":1}".into());
        let change = Change { alarm: &alarm, old: &old, at: alarm.state.updated_at };
        let want = concat!(
            r#"{"alarmName":"Runaway","state":{"value":"ALARM","reason":"because","reasonData":"{\"a\":1}","#,
            r#""timestamp":"2026-09-14T11:00:00.500+0000"},"previousState":{"value":"INSUFFICIENT_DATA","#,
            r#""reason":"Unchecked: Initial alarm creation","timestamp":"2026-09-14T11:00:00.500+0000"},"#,
            r#""configuration":{"description":"Too many uses","metrics":[{"id":"00000000-0000-0000-0000-000000000000","#,
            r#""metricStat":{"metric":{"namespace":"App","name":"Calls","dimensions":{"Operation":"Decrypt"}},"period":60,"#,
            r#""stat":"Sum"},"returnData":true}]}}"#
        );
        assert_eq!(state_change_detail(&change, Uuid::nil()).get(), want);
        let envelope = state_change_envelope(&change, Uuid::nil(), Uuid::nil());
        let head = concat!(
            r#"{"version":"0","id":"00000000-0000-0000-0000-000000000000","detail-type":"CloudWatch Alarm State Change","#,
            r#""source":"aws.cloudwatch","account":"111122223333","time":"2026-09-14T11:00:00Z","region":"us-east-1","#,
            r#""resources":["arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway"],"detail":{"#
        );
        assert!(envelope.starts_with(head), "{envelope}");
    }
}
