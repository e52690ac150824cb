//! Shapes of anomaly detectors: of which metric, or of which expression, what is usual is learnt.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::metrics::{Dimension, MetricDataQuery, is_namespace};
use super::{AnomalyDetectorState, AnomalyDetectorType};
use crate::{WireTime, shape};

shape! {
    /// A range of time not to learn from; the end is not in it.
    #[derive(Clone)]
    pub struct TimeRange: Pascal { start_time: WireTime, end_time: WireTime }
}

shape! {
    #[derive(Clone)]
    pub struct AnomalyDetectorConfiguration: Pascal {
        #[serde(skip_serializing_if = "Option::is_none")]
        excluded_time_ranges: Option<Vec<TimeRange>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metric_timezone: Option<String> [len 0..=50] [pattern is_one_line, ".*"],
    }
}

shape! {
    #[derive(Clone)]
    pub struct MetricCharacteristics: Pascal {
        #[serde(skip_serializing_if = "Option::is_none")]
        periodic_spikes: Option<bool>,
    }
}

shape! {
    /// Queries, one of which is an expression that returns data: the series that is learnt.
    #[derive(Clone)]
    pub struct MetricMathAnomalyDetector: Pascal {
        #[serde(skip_serializing_if = "Option::is_none")]
        metric_data_queries: Option<Vec<MetricDataQuery>>,
    }
}

/// `.*`
fn is_one_line(text: &str) -> bool {
    !text.contains(['\n', '\r'])
}

/// The shapes with a statistic, whose pattern the model spells out.
macro_rules! shapes_with_statistics {
    ($pattern:literal) => {
        fn is_statistic(text: &str) -> bool {
            static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
                Regex::new(concat!("^(?:", $pattern, ")$"))
                    .expect("the model's pattern is a regular expression")
            });
            PATTERN.is_match(text)
        }

        shape! {
            #[derive(Clone)]
            pub struct SingleMetricAnomalyDetector: Pascal {
                #[serde(skip_serializing_if = "Option::is_none")]
                account_id: Option<String> [len 1..=255],
                #[serde(skip_serializing_if = "Option::is_none")]
                namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
                #[serde(skip_serializing_if = "Option::is_none")]
                metric_name: Option<String> [len 1..=255],
                #[serde(skip_serializing_if = "Option::is_none")]
                dimensions: Option<Vec<Dimension>> [len 0..=30],
                #[serde(skip_serializing_if = "Option::is_none")]
                stat: Option<String> [len 0..=50] [pattern is_statistic, $pattern],
            }
        }

        shape! {
            /// `PutAnomalyDetector`; the first four members are the older way to name a metric.
            pub struct PutAnomalyDetectorRequest: Pascal {
                namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
                metric_name: Option<String> [len 1..=255],
                dimensions: Option<Vec<Dimension>> [len 0..=30],
                stat: Option<String> [len 0..=50] [pattern is_statistic, $pattern],
                configuration: Option<AnomalyDetectorConfiguration>,
                metric_characteristics: Option<MetricCharacteristics>,
                single_metric_anomaly_detector: Option<SingleMetricAnomalyDetector>,
                metric_math_anomaly_detector: Option<MetricMathAnomalyDetector>,
            }
        }

        shape! {
            /// `DeleteAnomalyDetector`
            pub struct DeleteAnomalyDetectorRequest: Pascal {
                namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
                metric_name: Option<String> [len 1..=255],
                dimensions: Option<Vec<Dimension>> [len 0..=30],
                stat: Option<String> [len 0..=50] [pattern is_statistic, $pattern],
                single_metric_anomaly_detector: Option<SingleMetricAnomalyDetector>,
                metric_math_anomaly_detector: Option<MetricMathAnomalyDetector>,
            }
        }
    };
}

shapes_with_statistics!(
    "(SampleCount|Average|Sum|Minimum|Maximum|IQM|(p|tc|tm|ts|wm)(\\d{1,2}(\\.\\d{0,10})?|100)|[ou]\\d+(\\.\\d*)?)(_E|_L|_H)?|(TM|TC|TS|WM)\\(((((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%)?:((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%|((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%:(((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%)?)\\)|(TM|TC|TS|WM|PR)\\(((\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)):((\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)))?|((\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)))?:(\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)))\\)"
);

shape! {
    /// `DescribeAnomalyDetectors`
    pub struct DescribeAnomalyDetectorsRequest: Pascal {
        next_token: Option<String>,
        max_results: Option<i32> [range 1..=i64::MAX],
        namespace: Option<String> [len 1..=255] [pattern is_namespace, "[^:].*"],
        metric_name: Option<String> [len 1..=255],
        dimensions: Option<Vec<Dimension>> [len 0..=30],
        anomaly_detector_types: Option<Vec<AnomalyDetectorType>> [len 0..=2],
    }
}

/// Answer of `DescribeAnomalyDetectors`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAnomalyDetectorsResponse {
    pub anomaly_detectors: Vec<AnomalyDetector>,
    pub next_token: Option<String>,
}

/// A detector in an answer. One of a single metric has its names twice, in the older members and in the newer one.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AnomalyDetector {
    pub namespace: Option<String>,
    pub metric_name: Option<String>,
    pub dimensions: Option<Vec<Dimension>>,
    pub stat: Option<String>,
    pub configuration: AnomalyDetectorConfiguration,
    pub state_value: AnomalyDetectorState,
    pub metric_characteristics: Option<MetricCharacteristics>,
    pub single_metric_anomaly_detector: Option<SingleMetricAnomalyDetector>,
    pub metric_math_anomaly_detector: Option<MetricMathAnomalyDetector>,
}

#[cfg(test)]
mod tests {
    use super::is_statistic;

    #[test]
    fn statistics() {
        for (text, want) in [
            ("Sum", true),
            ("p99.9", true),
            ("IQM", true),
            ("TM(2%:98%)", true),
            ("PR(:300)", true),
            ("sum", false),
            ("p101", false),
            ("Sum ", false),
            ("", false),
        ] {
            assert_eq!(is_statistic(text), want, "{text}");
        }
    }
}
