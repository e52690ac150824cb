//! # What an alarm was told to do
//! The **configuration** is what a `Put…Alarm` call sets: actions, and a **rule** that decides the state. A metric rule compares a
//! **subject**, one metric or the result of queries, with a threshold or a band; a composite rule looks at other alarms.
//! **Invariant:** what is stored was checked when it was put.
//! **Not here:** the checks (`put_metric_alarm.rs`, `put_composite_alarm.rs`), what decides from it (`spec.rs`, `composite`).

use keywatch_api::cloudwatch::{
    ComparisonOperator, SimpleStatistic, StandardUnit, StateValue,
    metrics::{Dimension, MetricDataQuery},
};
use serde::{Deserialize, Serialize};

/// What `PutMetricAlarm` and `PutCompositeAlarm` set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub description: Option<String>,
    pub actions_enabled: bool,
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    pub rule: Rule,
}

/// What decides an alarm's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    Metric(MetricRule),
    Composite(CompositeRule),
}

/// A comparison of datapoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRule {
    pub subject: Subject,
    pub evaluation_periods: i32,
    pub datapoints_to_alarm: Option<i32>,
    /// None where a band stands for it.
    pub threshold: Option<f64>,
    pub comparison_operator: ComparisonOperator,
    pub treat_missing_data: Option<String>,
    pub evaluate_low_sample_count_percentile: Option<String>,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Subject {
    Metric(OneMetric),
    Queries(Queries),
}

/// One statistic of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneMetric {
    pub namespace: String,
    pub metric_name: String,
    /// In the order they were given; [`OneMetric::sorted_dimensions`] gives the identity's order.
    pub dimensions: Vec<Dimension>,
    /// Exactly one of the two is set.
    pub statistic: Option<SimpleStatistic>,
    pub extended_statistic: Option<String>,
    pub unit: Option<StandardUnit>,
    /// Seconds.
    pub period: i32,
}

/// Metrics and expressions, one of which is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queries {
    pub metrics: Vec<MetricDataQuery>,
    /// The id of the band, where one stands for the threshold.
    pub threshold_metric_id: Option<String>,
    /// Seconds; the period of the result, which follows from the queries.
    pub period: i32,
    /// The keys of `GROUP BY` when the result is several time series, the alarm's contributors.
    pub group_by: Vec<String>,
}

/// An expression over the states of other alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompositeRule {
    pub alarm_rule: String,
    pub suppressor: Option<Suppressor>,
}

/// An alarm whose being in `ALARM` keeps a composite alarm's actions back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressor {
    /// As it was given: a name or an ARN.
    pub given: String,
    pub name: String,
    /// Seconds for which a change waits for the suppressor.
    pub wait_period: i32,
    /// Seconds for which a change is still kept back after the suppressor left `ALARM`.
    pub extension_period: i32,
}

impl Config {
    pub fn metric(&self) -> Option<&MetricRule> {
        match &self.rule {
            Rule::Metric(rule) => Some(rule),
            Rule::Composite(_) => None,
        }
    }

    pub fn composite(&self) -> Option<&CompositeRule> {
        match &self.rule {
            Rule::Composite(rule) => Some(rule),
            Rule::Metric(_) => None,
        }
    }

    /// The metric of an alarm on one metric.
    pub fn one_metric(&self) -> Option<&OneMetric> {
        match &self.metric()?.subject {
            Subject::Metric(metric) => Some(metric),
            Subject::Queries(_) => None,
        }
    }

    /// The actions of a state.
    pub fn actions(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.ok_actions,
            StateValue::Alarm => &self.alarm_actions,
            StateValue::InsufficientData => &self.insufficient_data_actions,
        }
    }

    /// Every action, whatever its state.
    pub fn all_actions(&self) -> impl Iterator<Item = &String> {
        [&self.ok_actions, &self.alarm_actions, &self.insufficient_data_actions].into_iter().flatten()
    }

    /// The alarm has contributors, each of which has a state of its own.
    pub fn has_contributors(&self) -> bool {
        self.metric().is_some_and(
            |rule| matches!(&rule.subject, Subject::Queries(queries) if !queries.group_by.is_empty()),
        )
    }
}

impl MetricRule {
    /// Seconds.
    pub fn period(&self) -> i32 {
        match &self.subject {
            Subject::Metric(metric) => metric.period,
            Subject::Queries(queries) => queries.period,
        }
    }

    /// M of "M out of N".
    pub fn needed(&self) -> i32 {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods)
    }

    /// The id of the band, where one stands for the threshold.
    pub fn threshold_metric_id(&self) -> Option<&str> {
        match &self.subject {
            Subject::Metric(_) => None,
            Subject::Queries(queries) => queries.threshold_metric_id.as_deref(),
        }
    }
}

impl OneMetric {
    /// The statistic's name as it was given.
    pub fn statistic_name(&self) -> &str {
        match (&self.statistic, &self.extended_statistic) {
            (Some(simple), _) => simple.as_str(),
            (None, Some(extended)) => extended,
            (None, None) => "",
        }
    }

    /// The dimensions by name, as a metric's identity has them.
    pub fn sorted_dimensions(&self) -> Vec<(&str, &str)> {
        let mut sorted: Vec<_> =
            self.dimensions.iter().map(|d| (d.name.as_str(), d.value.as_str())).collect();
        sorted.sort_unstable();
        sorted
    }
}
