//! The first form of a stored alarm: one metric with a static threshold. Frozen.

use jiff::Timestamp;
use keywatch_api::cloudwatch::{
    ComparisonOperator, SimpleStatistic, StandardUnit, alarms::Tag, metrics::Dimension,
};
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

use super::{
    alarm::{self, State},
    config::{self, MetricRule, OneMetric, Rule, Subject},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Alarm {
    account: String,
    region: String,
    name: String,
    config: Config,
    configured_at: Timestamp,
    state: State,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Config {
    description: Option<String>,
    actions_enabled: bool,
    ok_actions: Vec<String>,
    alarm_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    namespace: String,
    metric_name: String,
    dimensions: Vec<Dimension>,
    statistic: Option<SimpleStatistic>,
    extended_statistic: Option<String>,
    unit: Option<StandardUnit>,
    period: i32,
    evaluation_periods: i32,
    datapoints_to_alarm: Option<i32>,
    threshold: f64,
    comparison_operator: ComparisonOperator,
    treat_missing_data: Option<String>,
    evaluate_low_sample_count_percentile: Option<String>,
}

impl Versioned for Alarm {
    const MARKER: &'static str = "cloudwatch.alarm/1";
}

impl From<Alarm> for alarm::Alarm {
    fn from(old: Alarm) -> Self {
        let Alarm { account, region, name, config, configured_at, state, tags } = old;
        Self { account, region, name, config: config.into(), configured_at, state, tags, held: None }
    }
}

impl From<Config> for config::Config {
    fn from(old: Config) -> Self {
        let subject = Subject::Metric(OneMetric {
            namespace: old.namespace,
            metric_name: old.metric_name,
            dimensions: old.dimensions,
            statistic: old.statistic,
            extended_statistic: old.extended_statistic,
            unit: old.unit,
            period: old.period,
        });
        Self {
            description: old.description,
            actions_enabled: old.actions_enabled,
            ok_actions: old.ok_actions,
            alarm_actions: old.alarm_actions,
            insufficient_data_actions: old.insufficient_data_actions,
            rule: Rule::Metric(MetricRule {
                subject,
                evaluation_periods: old.evaluation_periods,
                datapoints_to_alarm: old.datapoints_to_alarm,
                threshold: Some(old.threshold),
                comparison_operator: old.comparison_operator,
                treat_missing_data: old.treat_missing_data,
                evaluate_low_sample_count_percentile: old.evaluate_low_sample_count_percentile,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::alarms::alarm::sample;

    #[test]
    fn the_first_form_is_still_read() {
        let row = concat!(
            "cloudwatch.alarm/1\n",
            r#"{"account":"111122223333","region":"us-east-1","name":"Runaway","config":{"description":"Too many uses","#,
            r#""actions_enabled":true,"ok_actions":[],"alarm_actions":["arn:aws:sns:us-east-1:111122223333:alerts"],"#,
            r#""insufficient_data_actions":[],"namespace":"App","metric_name":"Calls","#,
            r#""dimensions":[{"Name":"Operation","Value":"Decrypt"}],"statistic":"Sum","extended_statistic":null,"unit":null,"#,
            r#""period":60,"evaluation_periods":1,"datapoints_to_alarm":null,"threshold":1.0,"#,
            r#""comparison_operator":"GreaterThanOrEqualToThreshold","treat_missing_data":null,"#,
            r#""evaluate_low_sample_count_percentile":null},"configured_at":"2026-09-14T11:00:00.5Z","#,
            r#""state":{"value":"INSUFFICIENT_DATA","reason":"Unchecked: Initial alarm creation","reason_data":null,"#,
            r#""updated_at":"2026-09-14T11:00:00.5Z","transitioned_at":"2026-09-14T11:00:00.5Z"}}"#
        );
        let read: crate::alarms::alarm::Alarm = keywatch_store::decode(row.as_bytes()).unwrap();
        assert_eq!(read, sample());
    }
}
