//! Shapes of metric streams.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::alarms::Tag;
use super::metrics::is_namespace;
use crate::{WireTime, shape};

crate::wire_enum! {
    /// The form of what a stream sends.
    pub enum MetricStreamOutputFormat {
        Json = "json", OpenTelemetry07 = "opentelemetry0.7", OpenTelemetry10 = "opentelemetry1.0",
    }
}

crate::wire_enum! {
    /// Whether a stream sends.
    pub enum MetricStreamState { Running = "running", Stopped = "stopped" }
}

shape! {
    /// Metrics by namespace, and by name where names are given.
    #[derive(Clone, PartialEq, Eq, Deserialize)]
    pub struct MetricStreamFilter: Pascal {
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
        #[serde(skip_serializing_if = "Option::is_none")]
        metric_names: Option<Vec<String>> [each 1..=255],
    }
}

shape! {
    /// One metric name that more is said of.
    #[derive(Clone, PartialEq, Eq, Deserialize)]
    pub struct MetricStreamStatisticsMetric: Pascal {
        namespace: String [len 1..=255] [pattern is_namespace, "[^:].*"],
        metric_name: String [len 1..=255],
    }
}

shape! {
    /// Statistics that are sent besides the four of every metric.
    #[derive(Clone, PartialEq, Eq, Deserialize)]
    pub struct MetricStreamStatisticsConfiguration: Pascal {
        include_metrics: Vec<MetricStreamStatisticsMetric>,
        additional_statistics: Vec<String>,
    }
}

shape! {
    /// `PutMetricStream`
    pub struct PutMetricStreamRequest: Pascal {
        name: String [len 1..=255],
        include_filters: Option<Vec<MetricStreamFilter>>,
        exclude_filters: Option<Vec<MetricStreamFilter>>,
        firehose_arn: String [len 1..=1024],
        role_arn: String [len 1..=1024],
        output_format: MetricStreamOutputFormat,
        tags: Option<Vec<Tag>>,
        statistics_configurations: Option<Vec<MetricStreamStatisticsConfiguration>>,
        include_linked_accounts_metrics: Option<bool>,
    }
}

shape! {
    /// `GetMetricStream`
    pub struct GetMetricStreamRequest: Pascal { name: String [len 1..=255] }
}

shape! {
    /// `DeleteMetricStream`
    pub struct DeleteMetricStreamRequest: Pascal { name: String [len 1..=255] }
}

shape! {
    /// `StartMetricStreams`
    pub struct StartMetricStreamsRequest: Pascal { names: Vec<String> [each 1..=255] }
}

shape! {
    /// `StopMetricStreams`
    pub struct StopMetricStreamsRequest: Pascal { names: Vec<String> [each 1..=255] }
}

shape! {
    /// `ListMetricStreams`
    pub struct ListMetricStreamsRequest: Pascal {
        next_token: Option<String>,
        max_results: Option<i32> [range 1..=500],
    }
}

/// Answer of `PutMetricStream`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutMetricStreamResponse {
    pub arn: String,
}

/// Answer of `GetMetricStream`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMetricStreamResponse {
    pub arn: String,
    pub name: String,
    pub include_filters: Option<Vec<MetricStreamFilter>>,
    pub exclude_filters: Option<Vec<MetricStreamFilter>>,
    pub firehose_arn: String,
    pub role_arn: String,
    pub state: MetricStreamState,
    pub creation_date: WireTime,
    pub last_update_date: WireTime,
    pub output_format: MetricStreamOutputFormat,
    pub statistics_configurations: Option<Vec<MetricStreamStatisticsConfiguration>>,
    pub include_linked_accounts_metrics: bool,
}

/// Answer of `ListMetricStreams`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMetricStreamsResponse {
    pub entries: Vec<MetricStreamEntry>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricStreamEntry {
    pub arn: String,
    pub creation_date: WireTime,
    pub last_update_date: WireTime,
    pub name: String,
    pub firehose_arn: String,
    pub state: MetricStreamState,
    pub output_format: MetricStreamOutputFormat,
}
