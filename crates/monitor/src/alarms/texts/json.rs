//! The JSON form of a message. Members stand in the order in which CloudWatch writes them.

use std::collections::BTreeMap;

use keywatch_api::cloudwatch::{StateValue, metrics::MetricDataQuery};
use serde::Serialize;

use super::Change;
use crate::alarms::{
    composite::Triggering,
    config::{CompositeRule, MetricRule, OneMetric, Queries, Rule, Subject},
    decimal::offset_time,
    region_name::region_name,
};

impl Change<'_> {
    /// The JSON form.
    pub fn json(&self) -> String {
        let text = match &self.alarm.config.rule {
            Rule::Metric(rule) => serde_json::to_string(&self.metric_message(rule)),
            Rule::Composite(rule) => serde_json::to_string(&self.composite_message(rule)),
        };
        text.expect("numbers and texts become JSON")
    }

    fn metric_message<'a>(&'a self, rule: &'a MetricRule) -> MetricMessage<'a> {
        let config = &self.alarm.config;
        MetricMessage {
            alarm_name: &self.alarm.name,
            alarm_description: config.description.as_deref(),
            account: &self.alarm.account,
            alarm_configuration_updated_timestamp: offset_time(self.alarm.configured_at),
            new_state_value: self.new.value,
            new_state_reason: &self.new.reason,
            state_change_time: offset_time(self.at),
            region: region_name(&self.alarm.region),
            alarm_arn: self.alarm.arn(),
            old_state_value: self.old.value,
            action_executed_after_mute_window: self.after_mute,
            ok_actions: &config.ok_actions,
            alarm_actions: &config.alarm_actions,
            insufficient_data_actions: &config.insufficient_data_actions,
            trigger: match &rule.subject {
                Subject::Metric(metric) => Trigger::Metric(metric_trigger(rule, metric)),
                Subject::Queries(queries) => Trigger::Queries(queries_trigger(rule, queries)),
            },
            alarm_contributor_id: self.contributor.map(|contributor| contributor.id.as_str()),
            alarm_contributor_attributes: self.contributor.map(|contributor| &contributor.attributes),
        }
    }

    fn composite_message<'a>(&'a self, rule: &'a CompositeRule) -> CompositeMessage<'a> {
        let config = &self.alarm.config;
        let child = |Triggering { arn, state }: Triggering| TriggeringChild {
            arn,
            state: ChildState { value: state.value, timestamp: state.timestamp },
        };
        CompositeMessage {
            alarm_name: &self.alarm.name,
            alarm_description: config.description.as_deref(),
            account: &self.alarm.account,
            new_state_value: self.new.value,
            new_state_reason: &self.new.reason,
            state_change_time: offset_time(self.at),
            region: region_name(&self.alarm.region),
            alarm_arn: self.alarm.arn(),
            ok_actions: &config.ok_actions,
            alarm_actions: &config.alarm_actions,
            insufficient_data_actions: &config.insufficient_data_actions,
            action_executed_after_mute_window: self.after_mute,
            old_state_value: self.old.value,
            alarm_rule: &rule.alarm_rule,
            triggering_children: self.triggering().into_iter().map(child).collect(),
        }
    }
}

fn metric_trigger<'a>(rule: &'a MetricRule, metric: &'a OneMetric) -> MetricTrigger<'a> {
    let (statistic_type, statistic) = match metric.statistic {
        Some(simple) => ("Statistic", upper_snake(simple.as_str())),
        None => ("ExtendedStatistic", metric.statistic_name().to_owned()),
    };
    MetricTrigger {
        metric_name: &metric.metric_name,
        namespace: &metric.namespace,
        statistic_type,
        statistic,
        unit: metric.unit.map(|unit| unit.as_str()),
        dimensions: metric.dimensions.iter().map(|d| NamedValue { value: &d.value, name: &d.name }).collect(),
        period: metric.period,
        evaluation_periods: rule.evaluation_periods,
        datapoints_to_alarm: rule.datapoints_to_alarm,
        comparison_operator: rule.comparison_operator.as_str(),
        threshold: rule.threshold,
        treat_missing_data: rule.treat_missing_data.as_deref().unwrap_or_default(),
        low_samples: rule.evaluate_low_sample_count_percentile.as_deref().unwrap_or_default(),
    }
}

fn queries_trigger<'a>(rule: &'a MetricRule, queries: &'a Queries) -> QueriesTrigger<'a> {
    QueriesTrigger {
        period: queries.period,
        evaluation_periods: rule.evaluation_periods,
        datapoints_to_alarm: rule.datapoints_to_alarm,
        comparison_operator: rule.comparison_operator.as_str(),
        threshold: rule.threshold,
        threshold_metric_id: queries.threshold_metric_id.as_deref(),
        treat_missing_data: rule.treat_missing_data.as_deref().unwrap_or_default(),
        low_samples: rule.evaluate_low_sample_count_percentile.as_deref().unwrap_or_default(),
        metrics: queries.metrics.iter().map(query).collect(),
    }
}

fn query(query: &MetricDataQuery) -> Query<'_> {
    let stat = query.metric_stat.as_ref().map(|stat| Stat {
        metric: Metric {
            dimensions: stat
                .metric
                .dimensions
                .iter()
                .flatten()
                .map(|d| NamedValue { value: &d.value, name: &d.name })
                .collect(),
            metric_name: stat.metric.metric_name.as_deref(),
            namespace: stat.metric.namespace.as_deref(),
        },
        period: stat.period,
        stat: &stat.stat,
        unit: stat.unit.map(|unit| unit.as_str()),
    });
    Query {
        expression: query.expression.as_deref(),
        id: &query.id,
        label: query.label.as_deref(),
        metric_stat: stat,
        return_data: query.return_data.unwrap_or(true),
        period: query.period,
        account_id: query.account_id.as_deref(),
    }
}

/// `SampleCount` becomes `SAMPLE_COUNT`.
fn upper_snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 1);
    for (at, c) in name.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricMessage<'a> {
    alarm_name: &'a str,
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    alarm_configuration_updated_timestamp: String,
    new_state_value: StateValue,
    new_state_reason: &'a str,
    state_change_time: String,
    region: &'a str,
    alarm_arn: String,
    old_state_value: StateValue,
    action_executed_after_mute_window: bool,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
    trigger: Trigger<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_contributor_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_contributor_attributes: Option<&'a BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Trigger<'a> {
    Metric(MetricTrigger<'a>),
    Queries(QueriesTrigger<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricTrigger<'a> {
    metric_name: &'a str,
    namespace: &'a str,
    statistic_type: &'a str,
    statistic: String,
    unit: Option<&'a str>,
    dimensions: Vec<NamedValue<'a>>,
    period: i32,
    evaluation_periods: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<i32>,
    comparison_operator: &'a str,
    threshold: Option<f64>,
    treat_missing_data: &'a str,
    #[serde(rename = "EvaluateLowSampleCountPercentile")]
    low_samples: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueriesTrigger<'a> {
    period: i32,
    evaluation_periods: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<i32>,
    comparison_operator: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_metric_id: Option<&'a str>,
    treat_missing_data: &'a str,
    #[serde(rename = "EvaluateLowSampleCountPercentile")]
    low_samples: &'a str,
    metrics: Vec<Query<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<&'a str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_stat: Option<Stat<'a>>,
    return_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stat<'a> {
    metric: Metric<'a>,
    period: i32,
    stat: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    dimensions: Vec<NamedValue<'a>>,
    metric_name: Option<&'a str>,
    namespace: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct NamedValue<'a> {
    value: &'a str,
    name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CompositeMessage<'a> {
    alarm_name: &'a str,
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    new_state_value: StateValue,
    new_state_reason: &'a str,
    state_change_time: String,
    region: &'a str,
    alarm_arn: String,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
    action_executed_after_mute_window: bool,
    old_state_value: StateValue,
    alarm_rule: &'a str,
    triggering_children: Vec<TriggeringChild>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggeringChild {
    arn: String,
    state: ChildState,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildState {
    value: StateValue,
    timestamp: String,
}

#[cfg(test)]
mod tests {
    use super::upper_snake;

    #[test]
    fn names_of_statistics() {
        assert_eq!(upper_snake("SampleCount"), "SAMPLE_COUNT");
        assert_eq!(upper_snake("Sum"), "SUM");
    }
}
