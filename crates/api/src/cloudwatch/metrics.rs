//! Shapes of metrics: data that are put, and what queries ask and answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{RecentlyActive, ScanBy, SimpleStatistic, StandardUnit, StatusCode};
use crate::{Number, WireTime, shape};

/// `[^:].*`
pub(super) fn is_namespace(text: &str) -> bool {
    !text.starts_with(':') && !text.contains(['\n', '\r'])
}

shape! {
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct Dimension: Pascal {
        name: String [len 1..=255],
        value: String [len 1..=1024],
    }
}

shape! {
    pub struct StatisticValues: Pascal { sample_count: Number, sum: Number, minimum: Number, maximum: Number }
}

shape! {
    /// One datum of `PutMetricData`.
    pub struct MetricDatum: Pascal {
        metric_name: String [len 1..=255],
        dimensions: Option<Vec<Dimension>> [len 0..=30],
        timestamp: Option<WireTime>,
        value: Option<Number>,
        statistic_values: Option<StatisticValues>,
        values: Option<Vec<Number>>,
        counts: Option<Vec<Number>>,
        unit: Option<StandardUnit>,
        storage_resolution: Option<i32> [range 1..=60],
    }
}

shape! {
    pub struct Entity: Pascal {
        key_attributes: Option<BTreeMap<String, String>> [len 2..=4] [keys 1..=32] [each 1..=2048],
        attributes: Option<BTreeMap<String, String>> [len 0..=10] [keys 1..=256] [each 1..=2048],
    }
}

shape! {
    pub struct EntityMetricData: Pascal { entity: Option<Entity>, metric_data: Option<Vec<MetricDatum>> }
}

shape! {
    /// `PutMetricData`
    pub struct PutMetricDataRequest: Pascal {
        namespace: String [len 1..=255] [pattern is_namespace, "[^:].*"],
        metric_data: Option<Vec<MetricDatum>>,
        entity_metric_data: Option<Vec<EntityMetricData>>,
        strict_entity_validation: Option<bool>,
    }
}

shape! {
    pub struct DimensionFilter: Pascal { name: String [len 1..=255], value: Option<String> [len 1..=1024] }
}

shape! {
    /// `ListMetrics`
    pub struct ListMetricsRequest: Pascal {
        namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
        metric_name: Option<String> [len 1..=255],
        dimensions: Option<Vec<DimensionFilter>> [len 0..=10],
        next_token: Option<String>,
        recently_active: Option<RecentlyActive>,
        include_linked_accounts: Option<bool>,
        owning_account: Option<String> [len 1..=255],
    }
}

/// Answer of `ListMetrics`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMetricsResponse {
    pub metrics: Vec<MetricNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owning_accounts: Option<Vec<String>>,
}

/// A metric in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricNames {
    pub namespace: String,
    pub metric_name: String,
    pub dimensions: Vec<Dimension>,
}

shape! {
    /// `GetMetricStatistics`
    pub struct GetMetricStatisticsRequest: Pascal {
        namespace: String [len 1..=255] [pattern is_namespace, "[^:].*"],
        metric_name: String [len 1..=255],
        dimensions: Option<Vec<Dimension>> [len 0..=30],
        start_time: WireTime,
        end_time: WireTime,
        period: i32 [range 1..=i64::MAX],
        statistics: Option<Vec<SimpleStatistic>> [len 1..=5],
        extended_statistics: Option<Vec<String>> [len 1..=10],
        unit: Option<StandardUnit>,
    }
}

/// Answer of `GetMetricStatistics`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMetricStatisticsResponse {
    pub label: String,
    pub datapoints: Vec<Datapoint>,
}

/// The statistics of one period in one unit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Datapoint {
    pub timestamp: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_count: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    pub unit: StandardUnit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_statistics: Option<BTreeMap<String, f64>>,
}

shape! {
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct Metric: Pascal {
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
        #[serde(skip_serializing_if = "Option::is_none")]
        metric_name: Option<String> [len 1..=255],
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<Vec<Dimension>> [len 0..=30],
    }
}

shape! {
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct MetricStat: Pascal {
        metric: Metric,
        period: i32 [range 1..=i64::MAX],
        stat: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<StandardUnit>,
    }
}

shape! {
    /// One query of `GetMetricData`, or one of those an alarm is made of; kept and answered as it was put.
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct MetricDataQuery: Pascal {
        id: String [len 1..=255],
        #[serde(skip_serializing_if = "Option::is_none")]
        metric_stat: Option<MetricStat>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expression: Option<String> [len 1..=2048],
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        return_data: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        period: Option<i32> [range 1..=i64::MAX],
        #[serde(skip_serializing_if = "Option::is_none")]
        account_id: Option<String> [len 1..=255],
    }
}

shape! {
    pub struct LabelOptions: Pascal { timezone: Option<String> }
}

shape! {
    /// `GetMetricData`
    pub struct GetMetricDataRequest: Pascal {
        metric_data_queries: Vec<MetricDataQuery>,
        start_time: WireTime,
        end_time: WireTime,
        next_token: Option<String>,
        scan_by: Option<ScanBy>,
        max_datapoints: Option<i32>,
        label_options: Option<LabelOptions>,
    }
}

/// Answer of `GetMetricData`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMetricDataResponse {
    pub metric_data_results: Vec<MetricDataResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub messages: Vec<MessageData>,
}

/// One time series of an answer; times and values run in parallel.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricDataResult {
    pub id: String,
    pub label: String,
    pub timestamps: Vec<WireTime>,
    pub values: Vec<f64>,
    pub status_code: StatusCode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageData>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageData {
    pub code: String,
    pub value: String,
}
