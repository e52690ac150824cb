//! # History data: what `DescribeAlarmHistory` tells programs
//! The JSON texts of configuration changes, state changes and actions. Pure.
//!
//! Source: history items recorded from CloudWatch.

use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    alarm::{Alarm, State},
    config::OneMetric,
    decimal::offset_time,
    event::{self, MetricEntry},
};

/// Longer data is left out: `HistoryData` holds 4,095 characters.
const DATA_MAX: usize = 4_095;

/// What became of an alarm's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configured {
    Created,
    Updated,
    Deleted,
}

impl Configured {
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Created => ("created", "Create", "createdAlarm"),
            Self::Updated => ("updated", "Update", "updatedAlarm"),
            Self::Deleted => ("deleted", "Delete", "deletedAlarm"),
        }
    }

    /// `Alarm "x" created`
    pub fn summary(self, alarm: &str) -> String {
        format!("Alarm \"{alarm}\" {}", self.names().0)
    }

    /// The configuration as JSON.
    pub fn data(self, alarm: &Alarm) -> String {
        let described = described(alarm);
        let (_, kind, member) = self.names();
        let described = json(&described);
        cut(format!(r#"{{"version":"1.0","type":"{kind}","{member}":{described}}}"#))
    }
}

fn described(alarm: &Alarm) -> Described<'_> {
    let config = &alarm.config;
    let (rule, metric) = (config.metric(), config.one_metric());
    let composite = config.composite();
    let named = |metric: &'_ OneMetric| {
        metric
            .dimensions
            .iter()
            .map(|d| NamedValue { value: d.value.clone(), name: d.name.clone() })
            .collect()
    };
    // Of an alarm on one metric the members below say it all.
    let metrics = if metric.is_some() { None } else { event::metrics(alarm, Uuid::nil()) };
    Described {
        alarm_name: &alarm.name,
        alarm_description: config.description.as_deref(),
        alarm_arn: alarm.arn(),
        alarm_configuration_updated_timestamp: offset_time(alarm.configured_at),
        alarm_rule: composite.map(|rule| rule.alarm_rule.as_str()),
        actions_suppressor: composite
            .and_then(|rule| rule.suppressor.as_ref())
            .map(|suppressor| suppressor.given.as_str()),
        namespace: metric.map(|metric| metric.namespace.as_str()),
        metric_name: metric.map(|metric| metric.metric_name.as_str()),
        statistic: metric.and_then(|metric| metric.statistic).map(|statistic| statistic.as_str()),
        extended_statistic: metric.and_then(|metric| metric.extended_statistic.as_deref()),
        unit: metric.and_then(|metric| metric.unit).map(|unit| unit.as_str()),
        period: metric.map(|metric| metric.period),
        dimensions: metric.map(named),
        metrics,
        threshold: rule.and_then(|rule| rule.threshold),
        threshold_metric_id: rule.and_then(|rule| rule.threshold_metric_id()),
        comparison_operator: rule.map(|rule| rule.comparison_operator.as_str()),
        evaluation_periods: rule.map(|rule| rule.evaluation_periods),
        datapoints_to_alarm: rule.and_then(|rule| rule.datapoints_to_alarm),
        treat_missing_data: rule.and_then(|rule| rule.treat_missing_data.as_deref()),
        evaluate_low_sample_count_percentile: rule
            .and_then(|rule| rule.evaluate_low_sample_count_percentile.as_deref()),
        state_value: alarm.state.value,
        state_updated_timestamp: offset_time(alarm.state.updated_at),
        actions_enabled: config.actions_enabled,
        alarm_actions: &config.alarm_actions,
        insufficient_data_actions: &config.insufficient_data_actions,
        okactions: &config.ok_actions,
    }
}

/// The data of a state change.
pub fn state_change(old: &State, new: &State) -> String {
    cut(json(&StateChange { version: "1.0", old_state: Stated::of(old), new_state: Stated::of(new) }))
}

/// The outcome of an action.
#[derive(Debug, Clone, Copy)]
pub struct ActionOutcome<'a> {
    pub action: &'a str,
    pub state_updated_at: Timestamp,
    /// What was published, when something was.
    pub published: Option<&'a str>,
    pub error: Option<&'a str>,
    /// When the window ended that had held the action back.
    pub mute_ended_at: Option<Timestamp>,
}

impl ActionOutcome<'_> {
    pub fn summary(&self) -> String {
        match self.error {
            None => format!("Successfully executed action {}", self.action),
            Some(_) => format!("Failed to execute action {}", self.action),
        }
    }

    pub fn data(&self) -> String {
        let text = |published: Option<&str>| {
            json(&Action {
                action_state: if self.error.is_none() { "Succeeded" } else { "Failed" },
                state_update_timestamp: self.state_updated_at.as_millisecond(),
                notification_resource: self.action,
                published_message: published,
                error: self.error,
                mute_window_end_timestamp: self.mute_ended_at.map(Timestamp::as_millisecond),
            })
        };
        let whole = text(self.published);
        if whole.chars().count() <= DATA_MAX { whole } else { cut(text(None)) }
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers and texts become JSON")
}

/// Data that does not fit is replaced by a mark that it was: half a document would help nobody.
fn cut(text: String) -> String {
    if text.chars().count() <= DATA_MAX { text } else { r#"{"version":"1.0","truncated":true}"#.to_owned() }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    alarm_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_description: Option<&'a str>,
    alarm_arn: String,
    alarm_configuration_updated_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions_suppressor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_statistic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Vec<NamedValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Vec<MetricEntry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_metric_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison_operator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation_periods: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    treat_missing_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluate_low_sample_count_percentile: Option<&'a str>,
    state_value: StateValue,
    state_updated_timestamp: String,
    actions_enabled: bool,
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
    okactions: &'a [String],
}

#[derive(Debug, Serialize)]
struct NamedValue {
    value: String,
    name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateChange<'a> {
    version: &'static str,
    old_state: Stated<'a>,
    new_state: Stated<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stated<'a> {
    state_value: StateValue,
    state_reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason_data: Option<&'a RawValue>,
}

impl<'a> Stated<'a> {
    fn of(state: &'a State) -> Self {
        let data = state.reason_data.as_deref().and_then(|data| serde_json::from_str(data).ok());
        Self { state_value: state.value, state_reason: &state.reason, state_reason_data: data }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Action<'a> {
    action_state: &'a str,
    state_update_timestamp: i64,
    notification_resource: &'a str,
    published_message: Option<&'a str>,
    error: Option<&'a str>,
    mute_window_end_timestamp: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarms::alarm::sample;

    #[test]
    fn configuration() {
        assert_eq!(Configured::Created.summary("x"), "Alarm \"x\" created");
        let data = Configured::Created.data(&sample());
        let want = concat!(
            r#"{"version":"1.0","type":"Create","createdAlarm":{"alarmName":"Runaway","alarmDescription":"Too many uses","#,
            r#""alarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway","#,
            r#""alarmConfigurationUpdatedTimestamp":"2026-09-14T11:00:00.500+0000","namespace":"App","metricName":"Calls","#,
            r#""statistic":"Sum","period":60,"dimensions":[{"value":"Decrypt","name":"Operation"}],"threshold":1.0,"#,
            r#""comparisonOperator":"GreaterThanOrEqualToThreshold","evaluationPeriods":1,"stateValue":"INSUFFICIENT_DATA","#,
            r#""stateUpdatedTimestamp":"2026-09-14T11:00:00.500+0000","actionsEnabled":true,"#,
            r#""alarmActions":["arn:aws:sns:us-east-1:111122223333:alerts"],"insufficientDataActions":[],"okactions":[]}}"#
        );
        assert_eq!(data, want);
    }

    #[test]
    fn states() {
        let old = sample().state;
        let new = State {
            value: StateValue::Alarm,
            reason_data: Some(r#"{"version":"1.0"}"#.into()),
            ..old.clone()
        };
        assert_eq!(
            state_change(&old, &new),
            concat!(
                r#"{"version":"1.0","oldState":{"stateValue":"INSUFFICIENT_DATA","stateReason":"Unchecked: Initial alarm creation"},"#,
                r#""newState":{"stateValue":"ALARM","stateReason":"Unchecked: Initial alarm creation","stateReasonData":{"version":"1.0"}}}"#
            )
        );
    }

    #[test]
    fn actions() {
        let at = "2026-09-14T11:00:00.5Z".parse().unwrap();
        let done = ActionOutcome {
            action: "arn:x",
            state_updated_at: at,
            published: Some("{}"),
            error: None,
            mute_ended_at: None,
        };
        assert_eq!(done.summary(), "Successfully executed action arn:x");
        assert_eq!(
            done.data(),
            r#"{"actionState":"Succeeded","stateUpdateTimestamp":1789383600500,"notificationResource":"arn:x","publishedMessage":"{}","error":null,"muteWindowEndTimestamp":null}"#
        );
        let long = "x".repeat(5_000);
        let failed = ActionOutcome { published: Some(&long), error: Some("no such topic"), ..done };
        assert_eq!(failed.summary(), "Failed to execute action arn:x");
        assert!(failed.data().contains(r#""publishedMessage":null,"error":"no such topic""#));
    }
}
