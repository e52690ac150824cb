//! What a stream sends of a metric's minute: a line of JSON, or a metric in a message of OpenTelemetry. Pure.
//!
//! Sources: CloudWatch User Guide, "CloudWatch metric stream output formats": "JSON format" and "OpenTelemetry 1.0.0 format".

use keywatch_api::cloudwatch::streams::MetricStreamOutputFormat;
use keywatch_telemetry::otlp::{
    self, Data, ExportMetricsServiceRequest, KeyValue, Metric, Resource, ResourceMetrics, ScopeMetrics,
    Summary, SummaryDataPoint, ValueAtQuantile,
};
use serde::{Serialize, Serializer};

use super::filter;
use super::record::StreamRecord;
use super::touched::Named;
use crate::metrics::{Unit, series::Bucket, statistics::Statistic};

/// Bytes at which a record of lines is full. Firehose takes 1,000 KiB.
const RECORD_BYTES: usize = 128 * 1024;
/// Metrics at which a record of OpenTelemetry is full.
const RECORD_METRICS: usize = 200;

/// Fills records of one stream.
pub(super) struct Writer<'s> {
    stream: &'s StreamRecord,
    lines: Vec<u8>,
    metrics: Vec<Metric>,
    pub(super) full: Vec<Vec<u8>>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(stream: &'s StreamRecord) -> Self {
        Self { stream, lines: Vec::new(), metrics: Vec::new(), full: Vec::new() }
    }

    /// Adds a minute of a metric in one unit.
    pub(super) fn add(&mut self, metric: &Named, bucket: &Bucket) {
        if self.stream.format == MetricStreamOutputFormat::Json {
            let line = Line::new(self.stream, metric, bucket);
            // Writing into memory does not fail, and every key is a text.
            let _ = serde_json::to_writer(&mut self.lines, &line);
            self.lines.push(b'\n');
        } else {
            self.metrics.push(summary(self.stream, metric, bucket));
        }
        if self.lines.len() >= RECORD_BYTES || self.metrics.len() >= RECORD_METRICS {
            self.finish();
        }
    }

    /// Ends the record that is being filled.
    pub(super) fn finish(&mut self) {
        if !self.lines.is_empty() {
            self.full.push(std::mem::take(&mut self.lines));
        }
        if !self.metrics.is_empty() {
            self.full.push(otlp::delimited(&message(self.stream, std::mem::take(&mut self.metrics))));
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    metric_stream_name: &'a str,
    account_id: &'a str,
    region: &'a str,
    namespace: &'a str,
    metric_name: &'a str,
    dimensions: Pairs<'a, &'a str>,
    /// Milliseconds: when the minute begins.
    timestamp: i64,
    value: Pairs<'a, f64>,
    unit: &'a str,
}

/// An object whose members keep their order.
struct Pairs<'a, T>(Vec<(&'a str, T)>)
where
    T: Serialize;

impl<T: Serialize> Serialize for Pairs<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'a> Line<'a> {
    fn new(stream: &'a StreamRecord, metric: &'a Named, bucket: &Bucket) -> Self {
        let set = &bucket.set;
        let mut value =
            vec![("max", set.maximum), ("min", set.minimum), ("sum", set.sum), ("count", set.count)];
        for name in filter::statistics(stream, &metric.namespace, &metric.name) {
            value.extend(Statistic::parse(name).and_then(|statistic| Some((name, statistic.of(set)?))));
        }
        let dimensions = metric.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            metric_stream_name: &stream.name,
            account_id: &stream.account,
            region: &stream.region,
            namespace: &metric.namespace,
            metric_name: &metric.name,
            dimensions: Pairs(dimensions.collect()),
            timestamp: bucket.time * 1_000,
            value: Pairs(value),
            unit: bucket.unit.as_str(),
        }
    }
}

fn message(stream: &StreamRecord, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let attributes = vec![
        KeyValue::text("cloud.provider", "aws"),
        KeyValue::text("cloud.account.id", &stream.account),
        KeyValue::text("cloud.region", &stream.region),
        KeyValue::text("aws.exporter.arn", stream.arn()),
    ];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes }),
            scope_metrics: vec![ScopeMetrics { scope: None, metrics }],
        }],
    }
}

fn summary(stream: &StreamRecord, metric: &Named, bucket: &Bucket) -> Metric {
    let (set, begin) = (&bucket.set, u64::try_from(bucket.time).unwrap_or(0) * 1_000_000_000);
    let mut quantiles = vec![(0.0, set.minimum)];
    for name in filter::statistics(stream, &metric.namespace, &metric.name) {
        if let Some(statistic @ Statistic::Percentile(percent)) = Statistic::parse(name) {
            quantiles.extend(statistic.of(set).map(|value| (percent / 100.0, value)));
        }
    }
    quantiles.push((1.0, set.maximum));
    let dimensions = metric.dimensions.iter().map(|(name, value)| KeyValue::text(name, value)).collect();
    let point = SummaryDataPoint {
        start_time_unix_nano: begin,
        time_unix_nano: begin + 60_000_000_000,
        count: set.count as u64,
        sum: set.sum,
        quantile_values: quantiles
            .into_iter()
            .map(|(quantile, value)| ValueAtQuantile { quantile, value })
            .collect(),
        attributes: vec![
            KeyValue::text("Namespace", &metric.namespace),
            KeyValue::text("MetricName", &metric.name),
            KeyValue::map("Dimensions", dimensions),
        ],
    };
    Metric {
        name: format!("amazonaws.com/{}/{}", metric.namespace, metric.name),
        description: String::new(),
        unit: ucum(bucket.unit),
        data: Some(Data::Summary(Summary { data_points: vec![point] })),
    }
}

/// A unit as the Unified Code for Units of Measure writes it.
fn ucum(unit: Unit) -> String {
    let (of, per) = match unit.as_str().split_once('/') {
        Some((of, _)) => (of, "/s"),
        None => (unit.as_str(), ""),
    };
    let (prefix, base) = ["Kilo", "Mega", "Giga", "Tera"]
        .into_iter()
        .zip(["k", "M", "G", "T"])
        .find_map(|(name, prefix)| Some((prefix, of.strip_prefix(name)?)))
        .unwrap_or(("", of));
    let symbol = match base {
        "Bytes" | "bytes" => "By",
        "Bits" | "bits" => "bit",
        "Seconds" => "s",
        "Milliseconds" => "ms",
        "Microseconds" => "us",
        "Percent" => "%",
        "Count" => "{Count}",
        _ => "1",
    };
    format!("{prefix}{symbol}{per}")
}

#[cfg(test)]
mod tests {
    use keywatch_api::cloudwatch::streams::{
        MetricStreamStatisticsConfiguration, MetricStreamStatisticsMetric,
    };

    use super::*;
    use crate::metric_streams::tests::stream;
    use crate::metrics::statistic_set::StatisticSet;

    fn named() -> Named {
        Named {
            partition: "000000000000/us-east-1".into(),
            namespace: "AWS/KMS".into(),
            name: "SuccessfulRequest".into(),
            dimensions: vec![("KeyArn".into(), "k".into()), ("Operation".into(), "Decrypt".into())],
        }
    }

    fn written(format: MetricStreamOutputFormat) -> Vec<Vec<u8>> {
        let metric = MetricStreamStatisticsMetric {
            namespace: "AWS/KMS".into(),
            metric_name: "SuccessfulRequest".into(),
        };
        let statistics = MetricStreamStatisticsConfiguration {
            include_metrics: vec![metric],
            additional_statistics: vec!["p50".into()],
        };
        let stream = StreamRecord { format, statistics: Some(vec![statistics]), ..stream("s", "f") };
        let set = StatisticSet::of_values([(1.0, 2.0), (4.0, 1.0)]).unwrap();
        let mut writer = Writer::new(&stream);
        writer.add(&named(), &Bucket { time: 1_611_929_640, unit: Unit::Count, set });
        writer.finish();
        writer.full
    }

    #[test]
    fn a_line_of_json() {
        let full = written(MetricStreamOutputFormat::Json);
        let line = concat!(
            r#"{"metric_stream_name":"s","account_id":"000000000000","region":"us-east-1","namespace":"AWS/KMS","#,
            r#""metric_name":"SuccessfulRequest","dimensions":{"KeyArn":"k","Operation":"Decrypt"},"#,
            r#""timestamp":1611929640000,"value":{"max":4.0,"min":1.0,"sum":6.0,"count":3.0,"p50":1.0},"unit":"Count"}"#,
            "\n"
        );
        assert_eq!(full.iter().map(|record| String::from_utf8_lossy(record)).collect::<Vec<_>>(), [line]);
    }

    #[test]
    fn a_message_of_open_telemetry() {
        let full = written(MetricStreamOutputFormat::OpenTelemetry10);
        let message = otlp::read_delimited(&full[0]).unwrap();
        let metric = &message.resource_metrics[0].scope_metrics[0].metrics[0];
        assert_eq!(
            (metric.name.as_str(), metric.unit.as_str()),
            ("amazonaws.com/AWS/KMS/SuccessfulRequest", "{Count}")
        );
        let Some(Data::Summary(summary)) = &metric.data else { panic!("a summary") };
        let point = &summary.data_points[0];
        let quantiles: Vec<_> = point.quantile_values.iter().map(|of| (of.quantile, of.value)).collect();
        assert_eq!((point.count, point.sum, quantiles), (3, 6.0, vec![(0.0, 1.0), (0.5, 1.0), (1.0, 4.0)]));
    }

    #[test]
    fn units() {
        for (unit, expected) in [
            (Unit::Seconds, "s"),
            (Unit::Milliseconds, "ms"),
            (Unit::KilobytesPerSecond, "kBy/s"),
            (Unit::Terabits, "Tbit"),
            (Unit::CountPerSecond, "{Count}/s"),
            (Unit::Percent, "%"),
            (Unit::None, "1"),
        ] {
            assert_eq!(ucum(unit), expected);
        }
    }
}
