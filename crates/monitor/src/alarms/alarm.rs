//! # An alarm as it is kept
//! Its configuration, its state, and what follows from them: the [`Spec`] that decides, the names messages use.
//! **Invariant:** the configuration was checked when it was put, so a spec can always be made of a metric rule.
//! **Not here:** how it is stored (`store.rs`), evaluation (`evaluate.rs`), what is held back (`hold.rs`).

use jiff::Timestamp;
use keywatch_api::cloudwatch::{
    AlarmType, EvaluationState, StateValue,
    alarms::{CompositeAlarm, MetricAlarm, Tag},
};
use serde::{Deserialize, Serialize};

use super::{
    config::{Config, MetricRule, OneMetric, Queries, Rule, Subject},
    hold::Held,
    reason::INITIAL,
    spec::{Bound, MissingData, Spec},
};
use crate::metrics::{Second, statistics::Statistic};

/// An alarm of any type.
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
    /// A change whose actions are still to be executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationState>,
}

impl State {
    /// The state of an alarm that was never evaluated.
    pub fn initial(now: Timestamp) -> Self {
        Self {
            value: StateValue::InsufficientData,
            reason: INITIAL.to_owned(),
            reason_data: None,
            updated_at: now,
            transitioned_at: now,
            evaluation: None,
        }
    }
}

impl Alarm {
    /// An alarm that was just put for the first time.
    pub fn new(
        partition: (&str, &str),
        name: String,
        config: Config,
        tags: Vec<Tag>,
        now: Timestamp,
    ) -> Self {
        let (account, region) = (partition.0.to_owned(), partition.1.to_owned());
        Self {
            account,
            region,
            name,
            config,
            configured_at: now,
            state: State::initial(now),
            tags,
            held: None,
        }
    }

    pub fn arn(&self) -> String {
        arn(&self.account, &self.region, &self.name)
    }

    /// Account and region as the log writes them.
    pub fn partition(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    pub fn alarm_type(&self) -> AlarmType {
        match self.config.rule {
            Rule::Metric(_) => AlarmType::MetricAlarm,
            Rule::Composite(_) => AlarmType::CompositeAlarm,
        }
    }

    /// What decides the state of a metric alarm; `None` for others, or if the stored configuration is damaged.
    pub fn spec(&self) -> Option<Spec> {
        let rule = self.config.metric()?;
        let namespace = self.config.one_metric().map(|metric| metric.namespace.as_str());
        let missing_data = match rule.treat_missing_data.as_deref() {
            Some(text) => MissingData::parse(text)?,
            // Tables that are not used publish nothing, which says nothing about their alarms.
            None if namespace == Some("AWS/DynamoDB") => MissingData::Ignore,
            None => MissingData::Missing,
        };
        let statistic = match &rule.subject {
            Subject::Metric(metric) => Some(Statistic::parse(metric.statistic_name())?),
            Subject::Queries(_) => None,
        };
        Some(Spec {
            statistic,
            comparison: rule.comparison_operator,
            bound: rule.threshold.map_or(Bound::Band, Bound::Threshold),
            period: Second::from(rule.period()),
            evaluation_periods: usize::try_from(rule.evaluation_periods).ok()?,
            datapoints_to_alarm: rule.datapoints_to_alarm.and_then(|count| usize::try_from(count).ok()),
            missing_data,
            ignore_low_samples: rule.evaluate_low_sample_count_percentile.as_deref() == Some("ignore"),
        })
    }

    /// The alarm as `DescribeAlarms` answers it, if it is a metric alarm.
    pub fn describe_metric(&self) -> Option<MetricAlarm> {
        let rule = self.config.metric()?;
        let (metric, queries) = match &rule.subject {
            Subject::Metric(metric) => (Some(metric), None),
            Subject::Queries(queries) => (None, Some(queries)),
        };
        Some(self.described(rule, metric, queries))
    }

    fn described(
        &self,
        rule: &MetricRule,
        metric: Option<&OneMetric>,
        queries: Option<&Queries>,
    ) -> MetricAlarm {
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
            metric_name: metric.map(|metric| metric.metric_name.clone()),
            namespace: metric.map(|metric| metric.namespace.clone()),
            statistic: metric.and_then(|metric| metric.statistic),
            extended_statistic: metric.and_then(|metric| metric.extended_statistic.clone()),
            dimensions: metric.map(|metric| metric.dimensions.clone()).unwrap_or_default(),
            period: metric.map(|metric| metric.period),
            unit: metric.and_then(|metric| metric.unit),
            evaluation_periods: rule.evaluation_periods,
            datapoints_to_alarm: rule.datapoints_to_alarm,
            threshold: rule.threshold,
            comparison_operator: rule.comparison_operator,
            treat_missing_data: rule.treat_missing_data.clone(),
            evaluate_low_sample_count_percentile: rule.evaluate_low_sample_count_percentile.clone(),
            metrics: queries.map(|queries| queries.metrics.clone()),
            threshold_metric_id: queries.and_then(|queries| queries.threshold_metric_id.clone()),
            evaluation_state: state.evaluation,
            state_transitioned_timestamp: state.transitioned_at.into(),
        }
    }

    /// The alarm as `DescribeAlarms` answers it, if it is a composite alarm.
    pub fn describe_composite(&self) -> Option<CompositeAlarm> {
        let rule = self.config.composite()?.clone();
        let Self { config, state, .. } = self.clone();
        let suppressed = self.held.as_ref().and_then(Held::suppressed);
        let (suppressed_by, suppressed_reason) = suppressed.unzip();
        let periods = rule.suppressor.as_ref().map(|one| (one.wait_period, one.extension_period)).unzip();
        Some(CompositeAlarm {
            actions_enabled: config.actions_enabled,
            alarm_actions: config.alarm_actions,
            alarm_arn: self.arn(),
            alarm_configuration_updated_timestamp: self.configured_at.into(),
            alarm_description: config.description,
            alarm_name: self.name.clone(),
            alarm_rule: rule.alarm_rule,
            insufficient_data_actions: config.insufficient_data_actions,
            ok_actions: config.ok_actions,
            state_reason: state.reason,
            state_reason_data: state.reason_data,
            state_updated_timestamp: state.updated_at.into(),
            state_value: state.value,
            state_transitioned_timestamp: state.transitioned_at.into(),
            actions_suppressed_by: suppressed_by,
            actions_suppressed_reason: suppressed_reason,
            actions_suppressor: rule.suppressor.map(|suppressor| suppressor.given),
            actions_suppressor_wait_period: periods.0,
            actions_suppressor_extension_period: periods.1,
        })
    }
}

/// `arn:aws:cloudwatch:us-east-1:111122223333:alarm:name`
pub fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}")
}

/// An alarm for tests: `Sum of App Calls >= 1` over one minute, with every member that matters set.
#[cfg(test)]
pub(crate) fn sample() -> Alarm {
    use keywatch_api::cloudwatch::{ComparisonOperator, SimpleStatistic, metrics::Dimension};

    let subject = Subject::Metric(OneMetric {
        namespace: "App".into(),
        metric_name: "Calls".into(),
        dimensions: vec![Dimension { name: "Operation".into(), value: "Decrypt".into() }],
        statistic: Some(SimpleStatistic::Sum),
        extended_statistic: None,
        unit: None,
        period: 60,
    });
    let config = Config {
        description: Some("Too many uses".into()),
        actions_enabled: true,
        ok_actions: vec![],
        alarm_actions: vec!["arn:aws:sns:us-east-1:111122223333:alerts".into()],
        insufficient_data_actions: vec![],
        rule: Rule::Metric(MetricRule {
            subject,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: Some(1.0),
            comparison_operator: ComparisonOperator::GreaterThanOrEqualToThreshold,
            treat_missing_data: None,
            evaluate_low_sample_count_percentile: None,
        }),
    };
    let at: Timestamp = "2026-09-14T11:00:00.5Z".parse().unwrap();
    Alarm::new(("111122223333", "us-east-1"), "Runaway".into(), config, vec![], at)
}

/// The metric rule and the metric of an alarm for tests, to be changed.
#[cfg(test)]
pub(crate) fn sample_with(change: impl FnOnce(&mut MetricRule, &mut OneMetric)) -> Alarm {
    let mut alarm = sample();
    let Rule::Metric(rule) = &mut alarm.config.rule else { unreachable!("the sample is a metric alarm") };
    let Subject::Metric(mut metric) = rule.subject.clone() else { unreachable!("of one metric") };
    change(rule, &mut metric);
    rule.subject = Subject::Metric(metric);
    alarm
}
