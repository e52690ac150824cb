//! # Events of alarms: what the default event bus gets
//! `CloudWatch Alarm State Change`, whatever the alarm's actions are, `CloudWatch Alarm Contributor State Change`, and
//! `CloudWatch Alarm Configuration Change`; and what a function is invoked with, which is nearly the same. Pure functions of the
//! alarm and the change.
//! **Not here:** rules and targets (`crate::events`).
//!
//! Source: CloudWatch User Guide, "Alarm events and EventBridge" and "Invoke a Lambda function from an alarm".

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::cloudwatch::metrics::MetricDataQuery;
use serde::Serialize;
use uuid::Uuid;

use super::{
    alarm::{Alarm, State},
    config::{OneMetric, Rule, Subject, Suppressor},
    decimal::offset_time,
    history::Configured,
    hold::MuteWindow,
    texts::Change,
};

const SOURCE: &str = "aws.cloudwatch";

/// The ids of one event.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    pub event: Uuid,
    /// Names the metric of an alarm on one metric within the event.
    pub metric: Uuid,
}

impl Ids {
    pub fn new() -> Self {
        Self { event: Uuid::new_v4(), metric: Uuid::new_v4() }
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

/// The whole event of a state change, of the alarm or of one of its contributors.
pub fn state_change(change: &Change<'_>, ids: Ids) -> String {
    let kind = match change.contributor {
        None => "CloudWatch Alarm State Change",
        Some(_) => "CloudWatch Alarm Contributor State Change",
    };
    envelope(change.alarm, kind, change.at, ids, detail(change, ids))
}

/// The whole event of a new, a changed or a deleted configuration.
pub fn configuration_change(
    alarm: &Alarm,
    previous: Option<&Alarm>,
    what: Configured,
    now: Timestamp,
    ids: Ids,
) -> String {
    let operation = match what {
        Configured::Created => "create",
        Configured::Updated => "update",
        Configured::Deleted => "delete",
    };
    let detail = ConfigurationDetail {
        alarm_name: &alarm.name,
        operation,
        state: state(&alarm.state),
        configuration: whole_configuration(alarm, ids),
        previous_configuration: previous.map(|previous| whole_configuration(previous, ids)),
    };
    envelope(alarm, "CloudWatch Alarm Configuration Change", now, ids, detail)
}

/// What a function among the actions is invoked with.
pub fn invocation(change: &Change<'_>, ids: Ids) -> String {
    let alarm = change.alarm;
    let invocation = Invocation {
        source: SOURCE,
        alarm_arn: alarm.arn(),
        account_id: &alarm.account,
        time: offset_time(change.at),
        region: &alarm.region,
        alarm_data: detail(change, ids),
    };
    serde_json::to_string(&invocation).expect("texts and numbers become JSON")
}

fn envelope<T: Serialize>(
    alarm: &Alarm,
    detail_type: &'static str,
    at: Timestamp,
    ids: Ids,
    detail: T,
) -> String {
    let envelope = Envelope {
        version: "0",
        id: ids.event.to_string(),
        detail_type,
        source: SOURCE,
        account: &alarm.account,
        time: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        region: &alarm.region,
        resources: [alarm.arn()],
        detail,
    };
    serde_json::to_string(&envelope).expect("texts and numbers become JSON")
}

fn detail<'a>(change: &Change<'a>, ids: Ids) -> Detail<'a> {
    let contributor = change.contributor;
    let mut now = state(change.new);
    if let (None, Some((by, reason))) =
        (contributor, change.alarm.held.as_ref().and_then(|held| held.suppressed()))
    {
        (now.actions_suppressed_by, now.actions_suppressed_reason) = (Some(by.as_str()), Some(reason));
    }
    Detail {
        alarm_name: &change.alarm.name,
        alarm_contributor: contributor
            .map(|one| ContributorDetail { id: &one.id, attributes: &one.attributes }),
        state: now,
        previous_state: contributor.is_none().then(|| state(change.old)),
        mute_detail: change.muted.map(mute_detail),
        configuration: configuration(change.alarm, ids),
    }
}

fn mute_detail(window: &MuteWindow) -> MuteDetail<'_> {
    MuteDetail {
        muted_by_arn: &window.by,
        mute_window_start: offset_time(window.start),
        mute_window_end: offset_time(window.end),
    }
}

fn state(state: &State) -> StateDetail<'_> {
    StateDetail {
        value: state.value.as_str(),
        reason: &state.reason,
        reason_data: state.reason_data.as_deref(),
        timestamp: offset_time(state.updated_at),
        evaluation_state: state.evaluation.map(|evaluation| evaluation.as_str()),
        actions_suppressed_by: None,
        actions_suppressed_reason: None,
    }
}

fn configuration(alarm: &Alarm, ids: Ids) -> Configuration<'_> {
    let composite = alarm.config.composite();
    let suppressor = composite.and_then(|rule| rule.suppressor.as_ref());
    Configuration {
        alarm_rule: composite.map(|rule| rule.alarm_rule.as_str()),
        suppressing: suppressor.map(suppressing),
        description: alarm.config.description.as_deref(),
        metrics: metrics(alarm, ids.metric),
    }
}

fn suppressing(suppressor: &Suppressor) -> Suppressing<'_> {
    Suppressing {
        actions_suppressor: &suppressor.given,
        actions_suppressor_wait_period: suppressor.wait_period,
        actions_suppressor_extension_period: suppressor.extension_period,
    }
}

fn whole_configuration(alarm: &Alarm, ids: Ids) -> WholeConfiguration<'_> {
    let config = &alarm.config;
    let rule = config.metric();
    WholeConfiguration {
        evaluation_periods: rule.map(|rule| rule.evaluation_periods),
        datapoints_to_alarm: rule.and_then(|rule| rule.datapoints_to_alarm),
        threshold: rule.and_then(|rule| rule.threshold),
        threshold_metric_id: rule.and_then(|rule| rule.threshold_metric_id()),
        comparison_operator: rule.map(|rule| rule.comparison_operator.as_str()),
        treat_missing_data: rule.and_then(|rule| rule.treat_missing_data.as_deref()),
        shared: configuration(alarm, ids),
        alarm_name: &alarm.name,
        actions_enabled: config.actions_enabled,
        timestamp: offset_time(alarm.configured_at),
        ok_actions: &config.ok_actions,
        alarm_actions: &config.alarm_actions,
        insufficient_data_actions: &config.insufficient_data_actions,
    }
}

/// What a metric alarm watches; none of a composite alarm.
pub(super) fn metrics(alarm: &Alarm, metric_id: Uuid) -> Option<Vec<MetricEntry<'_>>> {
    let Rule::Metric(rule) = &alarm.config.rule else { return None };
    Some(match &rule.subject {
        Subject::Metric(metric) => vec![one_metric(metric, metric_id)],
        Subject::Queries(queries) => queries.metrics.iter().map(query).collect(),
    })
}

fn one_metric(metric: &OneMetric, id: Uuid) -> MetricEntry<'_> {
    let stat = MetricStat {
        metric: Metric {
            namespace: &metric.namespace,
            name: &metric.metric_name,
            dimensions: metric.sorted_dimensions().into_iter().collect(),
        },
        period: metric.period,
        stat: metric.statistic_name(),
        unit: metric.unit.map(|unit| unit.as_str()),
    };
    MetricEntry { id: id.to_string(), metric_stat: Some(stat), return_data: true, ..MetricEntry::default() }
}

fn query(query: &MetricDataQuery) -> MetricEntry<'_> {
    let stat = query.metric_stat.as_ref().map(|stat| MetricStat {
        metric: Metric {
            namespace: stat.metric.namespace.as_deref().unwrap_or_default(),
            name: stat.metric.metric_name.as_deref().unwrap_or_default(),
            dimensions: stat
                .metric
                .dimensions
                .iter()
                .flatten()
                .map(|d| (d.name.as_str(), d.value.as_str()))
                .collect(),
        },
        period: stat.period,
        stat: &stat.stat,
        unit: stat.unit.map(|unit| unit.as_str()),
    });
    MetricEntry {
        id: query.id.clone(),
        expression: query.expression.as_deref(),
        label: query.label.as_deref(),
        metric_stat: stat,
        return_data: query.return_data.unwrap_or(true),
        period: query.period,
        account_id: query.account_id.as_deref(),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope<'a, T> {
    version: &'static str,
    id: String,
    detail_type: &'static str,
    source: &'static str,
    account: &'a str,
    time: String,
    region: &'a str,
    resources: [String; 1],
    detail: T,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    source: &'static str,
    alarm_arn: String,
    account_id: &'a str,
    time: String,
    region: &'a str,
    alarm_data: Detail<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    alarm_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_contributor: Option<ContributorDetail<'a>>,
    state: StateDetail<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_state: Option<StateDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mute_detail: Option<MuteDetail<'a>>,
    configuration: Configuration<'a>,
}

#[derive(Debug, Serialize)]
struct ContributorDetail<'a> {
    id: &'a str,
    attributes: &'a BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MuteDetail<'a> {
    muted_by_arn: &'a str,
    mute_window_start: String,
    mute_window_end: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationDetail<'a> {
    alarm_name: &'a str,
    operation: &'static str,
    state: StateDetail<'a>,
    configuration: WholeConfiguration<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_configuration: Option<WholeConfiguration<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateDetail<'a> {
    value: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_data: Option<&'a str>,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions_suppressed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions_suppressed_reason: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_rule: Option<&'a str>,
    #[serde(flatten)]
    suppressing: Option<Suppressing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Vec<MetricEntry<'a>>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Suppressing<'a> {
    actions_suppressor: &'a str,
    actions_suppressor_wait_period: i32,
    actions_suppressor_extension_period: i32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WholeConfiguration<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation_periods: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_metric_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison_operator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    treat_missing_data: Option<&'a str>,
    #[serde(flatten)]
    shared: Configuration<'a>,
    alarm_name: &'a str,
    actions_enabled: bool,
    timestamp: String,
    ok_actions: &'a [String],
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
}

/// One of the metrics and expressions of an alarm.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricEntry<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_stat: Option<MetricStat<'a>>,
    return_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
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

    use serde_json::json;

    use super::*;
    use crate::alarms::{alarm::sample, store::ContributorRef};

    #[test]
    fn a_state_change() {
        let old = sample().state;
        let mut alarm = sample();
        alarm.state.value = StateValue::Alarm;
        alarm.state.reason = "because".into();
        alarm.state.reason_data = Some("{\"a\":1}".into());
        let change = Change::of(&alarm, &old, alarm.state.updated_at);
        let want = concat!(
            r#"{"alarmName":"Runaway","state":{"value":"ALARM","reason":"because","reasonData":"{\"a\":1}","#,
            r#""timestamp":"2026-09-14T11:00:00.500+0000"},"previousState":{"value":"INSUFFICIENT_DATA","#,
            r#""reason":"Unchecked: Initial alarm creation","timestamp":"2026-09-14T11:00:00.500+0000"},"#,
            r#""configuration":{"description":"Too many uses","metrics":[{"id":"00000000-0000-0000-0000-000000000000","#,
            r#""metricStat":{"metric":{"namespace":"App","name":"Calls","dimensions":{"Operation":"Decrypt"}},"period":60,"#,
            r#""stat":"Sum"},"returnData":true}]}}"#
        );
        let ids = Ids { event: Uuid::nil(), metric: Uuid::nil() };
        let envelope = state_change(&change, ids);
        let head = concat!(
            r#"{"version":"0","id":"00000000-0000-0000-0000-000000000000","detail-type":"CloudWatch Alarm State Change","#,
            r#""source":"aws.cloudwatch","account":"111122223333","time":"2026-09-14T11:00:00Z","region":"us-east-1","#,
            r#""resources":["arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway"],"detail":{"#
        );
        assert_eq!(envelope, format!("{}{want}}}", head.strip_suffix('{').unwrap()));
        let invoked = invocation(&change, ids);
        let head = concat!(
            r#"{"source":"aws.cloudwatch","alarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway","#,
            r#""accountId":"111122223333","time":"2026-09-14T11:00:00.500+0000","region":"us-east-1","alarmData":"#
        );
        assert_eq!(invoked, format!("{head}{want}}}"));
    }

    #[test]
    fn contributors_and_windows() {
        let old = sample().state;
        let alarm = sample();
        let attributes = BTreeMap::from([("KeyArn".to_owned(), "k1".to_owned())]);
        let contributor = ContributorRef { id: "0123456789abcdef".into(), attributes };
        let window = MuteWindow { by: "arn:m".into(), start: old.updated_at, end: old.updated_at };
        let change = Change {
            contributor: Some(&contributor),
            muted: Some(&window),
            ..Change::of(&alarm, &old, old.updated_at)
        };
        let event: serde_json::Value = serde_json::from_str(&state_change(&change, Ids::new())).unwrap();
        assert_eq!(event["detail-type"], "CloudWatch Alarm Contributor State Change");
        let detail = &event["detail"];
        assert_eq!(
            detail["alarmContributor"],
            json!({"id": "0123456789abcdef", "attributes": {"KeyArn": "k1"}})
        );
        assert_eq!(detail.get("previousState"), None);
        assert_eq!(detail["muteDetail"]["mutedByArn"], "arn:m");
        assert_eq!(detail["muteDetail"]["muteWindowEnd"], "2026-09-14T11:00:00.500+0000");
    }

    #[test]
    fn configurations() {
        let alarm = sample();
        let mut before = sample();
        before.config.description = None;
        let event =
            configuration_change(&alarm, Some(&before), Configured::Updated, alarm.configured_at, Ids::new());
        let event: serde_json::Value = serde_json::from_str(&event).unwrap();
        assert_eq!(event["detail-type"], "CloudWatch Alarm Configuration Change");
        let detail = &event["detail"];
        assert_eq!((&detail["operation"], &detail["alarmName"]), (&json!("update"), &json!("Runaway")));
        let configuration = &detail["configuration"];
        assert_eq!(configuration["threshold"], 1.0);
        assert_eq!(configuration["description"], "Too many uses");
        assert_eq!(configuration["metrics"][0]["metricStat"]["metric"]["name"], "Calls");
        assert_eq!(detail["previousConfiguration"].get("description"), None);
    }
}
