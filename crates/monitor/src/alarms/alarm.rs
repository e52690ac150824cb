//! # An alarm as it is kept
//! Its configuration, its state, and what follows from them: the [`Spec`] that decides, the names messages use.
//! **Invariant:** the configuration was checked by `PutMetricAlarm`, so a spec can always be made of it.
//! **Not here:** how it is stored (`store.rs`), evaluation (`evaluate.rs`).

use jiff::Timestamp;
use keywatch_api::cloudwatch::{
    ComparisonOperator, SimpleStatistic, StandardUnit, StateValue,
    alarms::{MetricAlarm, Tag},
    metrics::Dimension,
};
use serde::{Deserialize, Serialize};

use super::spec::{MissingData, Spec};
use crate::metrics::{Second, statistics::Statistic};

/// A metric alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub account: String,
    pub region: String,
    pub name: String,
    pub config: Config,
    pub configured_at: Timestamp,
    pub state: State,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// What `PutMetricAlarm` sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub description: Option<String>,
    pub actions_enabled: bool,
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    pub namespace: String,
    pub metric_name: String,
    /// In the order they were given; [`Alarm::sorted_dimensions`] gives the identity's order.
    pub dimensions: Vec<Dimension>,
    /// Exactly one of the two is set.
    pub statistic: Option<SimpleStatistic>,
    pub extended_statistic: Option<String>,
    pub unit: Option<StandardUnit>,
    pub period: i32,
    pub evaluation_periods: i32,
    pub datapoints_to_alarm: Option<i32>,
    pub threshold: f64,
    pub comparison_operator: ComparisonOperator,
    pub treat_missing_data: Option<String>,
    pub evaluate_low_sample_count_percentile: Option<String>,
}

/// Where an alarm stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub value: StateValue,
    pub reason: String,
    pub reason_data: Option<String>,
    /// The last time value or reason were set.
    pub updated_at: Timestamp,
    /// The last time the value changed.
    pub transitioned_at: Timestamp,
}

impl Alarm {
    pub fn arn(&self) -> String {
        arn(&self.account, &self.region, &self.name)
    }

    /// Account and region as the log writes them.
    pub fn partition(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// The statistic's name as it was given.
    pub fn statistic_name(&self) -> &str {
        match (&self.config.statistic, &self.config.extended_statistic) {
            (Some(simple), _) => simple.as_str(),
            (None, Some(extended)) => extended,
            (None, None) => "",
        }
    }

    /// What decides the alarm's state; `None` only if the stored configuration is damaged.
    pub fn spec(&self) -> Option<Spec> {
        let config = &self.config;
        let missing_data = match config.treat_missing_data.as_deref() {
            Some(text) => MissingData::parse(text)?,
            // Tables that are not used publish nothing, which says nothing about their alarms.
            None if config.namespace == "AWS/DynamoDB" => MissingData::Ignore,
            None => MissingData::Missing,
        };
        Some(Spec {
            statistic: Statistic::parse(self.statistic_name())?,
            comparison: config.comparison_operator,
            threshold: config.threshold,
            period: Second::from(config.period),
            evaluation_periods: usize::try_from(config.evaluation_periods).ok()?,
            datapoints_to_alarm: config.datapoints_to_alarm.and_then(|count| usize::try_from(count).ok()),
            missing_data,
            ignore_low_samples: config.evaluate_low_sample_count_percentile.as_deref() == Some("ignore"),
        })
    }

    /// The dimensions by name, as a metric's identity has them.
    pub fn sorted_dimensions(&self) -> Vec<(&str, &str)> {
        let mut sorted: Vec<_> =
            self.config.dimensions.iter().map(|d| (d.name.as_str(), d.value.as_str())).collect();
        sorted.sort_unstable();
        sorted
    }

    /// The actions of a state.
    pub fn actions(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.config.ok_actions,
            StateValue::Alarm => &self.config.alarm_actions,
            StateValue::InsufficientData => &self.config.insufficient_data_actions,
        }
    }

    /// The alarm as `DescribeAlarms` answers it.
    pub fn describe(&self) -> MetricAlarm {
        let Self { config, state, .. } = self.clone();
        MetricAlarm {
            alarm_name: self.name.clone(),
            alarm_arn: self.arn(),
            alarm_description: config.description,
            alarm_configuration_updated_timestamp: self.configured_at.into(),
            actions_enabled: config.actions_enabled,
            ok_actions: config.ok_actions,
            alarm_actions: config.alarm_actions,
            insufficient_data_actions: config.insufficient_data_actions,
            state_value: state.value,
            state_reason: state.reason,
            state_reason_data: state.reason_data,
            state_updated_timestamp: state.updated_at.into(),
            metric_name: config.metric_name,
            namespace: config.namespace,
            statistic: config.statistic,
            extended_statistic: config.extended_statistic,
            dimensions: config.dimensions,
            period: config.period,
            unit: config.unit,
            evaluation_periods: config.evaluation_periods,
            datapoints_to_alarm: config.datapoints_to_alarm,
            threshold: config.threshold,
            comparison_operator: config.comparison_operator,
            treat_missing_data: config.treat_missing_data,
            evaluate_low_sample_count_percentile: config.evaluate_low_sample_count_percentile,
            state_transitioned_timestamp: state.transitioned_at.into(),
        }
    }
}

/// `arn:aws:cloudwatch:us-east-1:111122223333:alarm:name`
pub fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}")
}

/// An alarm for tests: `Sum of App Calls >= 1` over one minute, with every member that matters set.
#[cfg(test)]
pub(crate) fn sample() -> Alarm {
    let at: Timestamp = "2026-09-14T11:00:00.5Z".parse().unwrap();
    Alarm {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        name: "Runaway".into(),
        config: Config {
            description: Some("Too many uses".into()),
            actions_enabled: true,
            ok_actions: vec![],
            alarm_actions: vec!["arn:aws:sns:us-east-1:111122223333:alerts".into()],
            insufficient_data_actions: vec![],
            namespace: "App".into(),
            metric_name: "Calls".into(),
            dimensions: vec![Dimension { name: "Operation".into(), value: "Decrypt".into() }],
            statistic: Some(SimpleStatistic::Sum),
            extended_statistic: None,
            unit: None,
            period: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: 1.0,
            comparison_operator: ComparisonOperator::GreaterThanOrEqualToThreshold,
            treat_missing_data: None,
            evaluate_low_sample_count_percentile: None,
        },
        configured_at: at,
        state: State {
            value: StateValue::InsufficientData,
            reason: super::reason::INITIAL.into(),
            reason_data: None,
            updated_at: at,
            transitioned_at: at,
        },
        tags: vec![],
    }
}
