//! Shapes of alarms.

use std::collections::BTreeMap;

use serde::Serialize;

use super::metrics::{Dimension, MetricDataQuery, is_namespace};
use super::{
    ActionsSuppressedBy, AlarmType, ComparisonOperator, EvaluationState, HistoryItemType, ScanBy,
    SimpleStatistic, StandardUnit, StateValue,
};
use crate::{Number, WireTime, shape};

/// Printable: no control characters.
fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

shape! {
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct Tag: Pascal { key: String [len 1..=128], value: String [len 0..=256] }
}

shape! {
    pub struct PromQlCriteria: Pascal {
        query: String [len 1..=10_000],
        pending_period: Option<i32> [range 0..=86_400],
        recovery_period: Option<i32> [range 0..=86_400],
    }
}

shape! {
    pub struct EvaluationCriteria: Pascal {
        #[serde(rename = "PromQLCriteria")]
        prom_ql_criteria: Option<PromQlCriteria>,
    }
}

shape! {
    /// `PutMetricAlarm`
    pub struct PutMetricAlarmRequest: Pascal {
        alarm_name: String [len 1..=255] [pattern is_printable, "[^\\p{Cntrl}]+"],
        alarm_description: Option<String> [len 0..=1024],
        actions_enabled: Option<bool>,
        #[serde(rename = "OKActions")]
        ok_actions: Option<Vec<String>> [len 0..=5] [each 1..=1024],
        alarm_actions: Option<Vec<String>> [len 0..=5] [each 1..=1024],
        insufficient_data_actions: Option<Vec<String>> [len 0..=5] [each 1..=1024],
        metric_name: Option<String> [len 1..=255],
        namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
        statistic: Option<SimpleStatistic>,
        extended_statistic: Option<String>,
        dimensions: Option<Vec<Dimension>> [len 0..=30],
        period: Option<i32> [range 1..=i64::MAX],
        unit: Option<StandardUnit>,
        evaluation_periods: Option<i32> [range 1..=i64::MAX],
        datapoints_to_alarm: Option<i32> [range 1..=i64::MAX],
        threshold: Option<Number>,
        comparison_operator: Option<ComparisonOperator>,
        treat_missing_data: Option<String> [len 1..=255],
        evaluate_low_sample_count_percentile: Option<String> [len 1..=255],
        metrics: Option<Vec<MetricDataQuery>>,
        tags: Option<Vec<Tag>>,
        threshold_metric_id: Option<String> [len 1..=255],
        evaluation_criteria: Option<EvaluationCriteria>,
        evaluation_interval: Option<i32> [range 10..=3600],
    }
}

shape! {
    /// `DescribeAlarms`
    pub struct DescribeAlarmsRequest: Pascal {
        alarm_names: Option<Vec<String>> [len 0..=100] [each 1..=255],
        alarm_name_prefix: Option<String> [len 1..=255],
        alarm_types: Option<Vec<AlarmType>>,
        children_of_alarm_name: Option<String> [len 1..=255],
        parents_of_alarm_name: Option<String> [len 1..=255],
        state_value: Option<StateValue>,
        action_prefix: Option<String> [len 1..=1024],
        max_records: Option<i32> [range 1..=100],
        next_token: Option<String>,
    }
}

/// A metric alarm in an answer. Members that were never set are left out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricAlarm {
    pub alarm_name: String,
    pub alarm_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_description: Option<String>,
    pub alarm_configuration_updated_timestamp: WireTime,
    pub actions_enabled: bool,
    #[serde(rename = "OKActions")]
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    pub state_value: StateValue,
    pub state_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason_data: Option<String>,
    pub state_updated_timestamp: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<SimpleStatistic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_statistic: Option<String>,
    pub dimensions: Vec<Dimension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<StandardUnit>,
    pub evaluation_periods: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    pub comparison_operator: ComparisonOperator,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_low_sample_count_percentile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Vec<MetricDataQuery>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_metric_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_state: Option<EvaluationState>,
    pub state_transitioned_timestamp: WireTime,
}

/// A composite alarm in an answer. Members that were never set are left out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CompositeAlarm {
    pub actions_enabled: bool,
    pub alarm_actions: Vec<String>,
    pub alarm_arn: String,
    pub alarm_configuration_updated_timestamp: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_description: Option<String>,
    pub alarm_name: String,
    pub alarm_rule: String,
    pub insufficient_data_actions: Vec<String>,
    #[serde(rename = "OKActions")]
    pub ok_actions: Vec<String>,
    pub state_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason_data: Option<String>,
    pub state_updated_timestamp: WireTime,
    pub state_value: StateValue,
    pub state_transitioned_timestamp: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_suppressed_by: Option<ActionsSuppressedBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_suppressed_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_suppressor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_suppressor_wait_period: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_suppressor_extension_period: Option<i32>,
}

/// An alarm as `DescribeAlarms` answers it to a question for parents or children: its state only for children.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Relative {
    pub alarm_name: String,
    pub alarm_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_value: Option<StateValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_updated_timestamp: Option<WireTime>,
}

/// An alarm in a list, whole or as a relative.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Listed<T> {
    Whole(Box<T>),
    Relative(Relative),
}

/// Answer of `DescribeAlarms`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAlarmsResponse {
    pub composite_alarms: Vec<Listed<CompositeAlarm>>,
    pub metric_alarms: Vec<Listed<MetricAlarm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

shape! {
    /// `DescribeAlarmHistory`
    pub struct DescribeAlarmHistoryRequest: Pascal {
        alarm_name: Option<String> [len 1..=255],
        alarm_contributor_id: Option<String> [len 1..=16],
        alarm_types: Option<Vec<AlarmType>>,
        history_item_type: Option<HistoryItemType>,
        start_date: Option<WireTime>,
        end_date: Option<WireTime>,
        max_records: Option<i32> [range 1..=100],
        next_token: Option<String>,
        scan_by: Option<ScanBy>,
    }
}

/// Answer of `DescribeAlarmHistory`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAlarmHistoryResponse {
    pub alarm_history_items: Vec<AlarmHistoryItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlarmHistoryItem {
    pub alarm_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_contributor_id: Option<String>,
    pub alarm_type: AlarmType,
    pub timestamp: WireTime,
    pub history_item_type: HistoryItemType,
    pub history_summary: String,
    pub history_data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_contributor_attributes: Option<BTreeMap<String, String>>,
}

shape! {
    /// `PutCompositeAlarm`
    pub struct PutCompositeAlarmRequest: Pascal {
        alarm_name: String [len 1..=255],
        alarm_description: Option<String> [len 0..=1024],
        actions_enabled: Option<bool>,
        #[serde(rename = "OKActions")]
        ok_actions: Option<Vec<String>> [len 0..=5] [each 1..=1024],
        alarm_actions: Option<Vec<String>> [len 0..=5] [each 1..=1024],
        insufficient_data_actions: Option<Vec<String>> [len 0..=5] [each 1..=1024],
        alarm_rule: String [len 1..=10_240],
        tags: Option<Vec<Tag>>,
        actions_suppressor: Option<String> [len 1..=1600],
        actions_suppressor_wait_period: Option<i32>,
        actions_suppressor_extension_period: Option<i32>,
    }
}

shape! {
    /// `DescribeAlarmContributors`
    pub struct DescribeAlarmContributorsRequest: Pascal {
        alarm_name: String [len 1..=255],
        next_token: Option<String>,
    }
}

/// Answer of `DescribeAlarmContributors`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAlarmContributorsResponse {
    pub alarm_contributors: Vec<AlarmContributor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One time series of an alarm that has several.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlarmContributor {
    pub contributor_id: String,
    pub contributor_attributes: BTreeMap<String, String>,
    pub state_reason: String,
    pub state_transitioned_timestamp: WireTime,
}

shape! {
    /// `DescribeAlarmsForMetric`
    pub struct DescribeAlarmsForMetricRequest: Pascal {
        metric_name: String [len 1..=255],
        namespace: String [len 1..=255] [pattern is_namespace, "[^:].*"],
        statistic: Option<SimpleStatistic>,
        extended_statistic: Option<String>,
        dimensions: Option<Vec<Dimension>> [len 0..=30],
        period: Option<i32> [range 1..=i64::MAX],
        unit: Option<StandardUnit>,
    }
}

/// Answer of `DescribeAlarmsForMetric`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAlarmsForMetricResponse {
    pub metric_alarms: Vec<MetricAlarm>,
}

shape! {
    /// `SetAlarmState`
    pub struct SetAlarmStateRequest: Pascal {
        alarm_name: String [len 1..=255],
        state_value: StateValue,
        state_reason: String [len 0..=1023],
        state_reason_data: Option<String> [len 0..=4000],
    }
}

shape! {
    /// `DeleteAlarms`
    pub struct DeleteAlarmsRequest: Pascal { alarm_names: Vec<String> [len 0..=100] [each 1..=255] }
}

shape! {
    /// `EnableAlarmActions`
    pub struct EnableAlarmActionsRequest: Pascal { alarm_names: Vec<String> [len 0..=100] [each 1..=255] }
}

shape! {
    /// `DisableAlarmActions`
    pub struct DisableAlarmActionsRequest: Pascal { alarm_names: Vec<String> [len 0..=100] [each 1..=255] }
}

shape! {
    /// `TagResource`
    pub struct TagResourceRequest: Pascal {
        #[serde(rename = "ResourceARN")]
        resource_arn: String [len 1..=1024],
        tags: Vec<Tag>,
    }
}

shape! {
    /// `UntagResource`
    pub struct UntagResourceRequest: Pascal {
        #[serde(rename = "ResourceARN")]
        resource_arn: String [len 1..=1024],
        tag_keys: Vec<String> [each 1..=128],
    }
}

shape! {
    /// `ListTagsForResource`
    pub struct ListTagsForResourceRequest: Pascal {
        #[serde(rename = "ResourceARN")]
        resource_arn: String [len 1..=1024],
    }
}

/// Answer of `ListTagsForResource`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourceResponse {
    pub tags: Vec<Tag>,
}
