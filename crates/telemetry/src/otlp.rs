//! The messages of OpenTelemetry that carry metrics, and families in them.
//!
//! The fields are those of `opentelemetry.proto` that we fill in; whoever reads a message skips none for what is left out. The crate
//! with all of them brings OpenTelemetry's SDK along, which this has no use for.
//!
//! Source: OpenTelemetry protocol 1.x, `metrics/v1/metrics.proto` and its neighbours.

use prost::{Message, Oneof};

use crate::{Family, Kind, Sample, Value};

/// What is sent to a collector, or one message of a metric stream.
#[derive(Clone, PartialEq, Message)]
pub struct ExportMetricsServiceRequest {
    #[prost(message, repeated, tag = "1")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// What a collector answers.
#[derive(Clone, PartialEq, Message)]
pub struct ExportMetricsServiceResponse {
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub rejected_data_points: i64,
    #[prost(string, tag = "2")]
    pub error_message: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub version: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(string, tag = "3")]
    pub unit: String,
    #[prost(oneof = "Data", tags = "5, 7, 9, 11")]
    pub data: Option<Data>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Data {
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    #[prost(message, tag = "7")]
    Sum(Sum),
    #[prost(message, tag = "9")]
    Histogram(HistogramMetric),
    #[prost(message, tag = "11")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
pub struct Gauge {
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberDataPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Sum {
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberDataPoint>,
    /// [`CUMULATIVE`].
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    pub is_monotonic: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistogramMetric {
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<HistogramDataPoint>,
    /// [`CUMULATIVE`].
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<SummaryDataPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub struct NumberDataPoint {
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    #[prost(double, optional, tag = "4")]
    pub as_double: Option<f64>,
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistogramDataPoint {
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub count: u64,
    #[prost(double, optional, tag = "5")]
    pub sum: Option<f64>,
    #[prost(fixed64, repeated, tag = "6")]
    pub bucket_counts: Vec<u64>,
    #[prost(double, repeated, tag = "7")]
    pub explicit_bounds: Vec<f64>,
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SummaryDataPoint {
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub count: u64,
    #[prost(double, tag = "5")]
    pub sum: f64,
    #[prost(message, repeated, tag = "6")]
    pub quantile_values: Vec<ValueAtQuantile>,
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueAtQuantile {
    /// 0 is the minimum, 1 the maximum.
    #[prost(double, tag = "1")]
    pub quantile: f64,
    #[prost(double, tag = "2")]
    pub value: f64,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    #[prost(oneof = "AnyOf", tags = "1, 6")]
    pub value: Option<AnyOf>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum AnyOf {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<KeyValue>,
}

/// Figures since the start, not since the last message.
pub const CUMULATIVE: i32 = 2;

/// When figures began to be counted, and when they were read; nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub now: u64,
}

impl KeyValue {
    pub fn text(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: Some(AnyValue { value: Some(AnyOf::Text(value.into())) }) }
    }

    pub fn map(key: impl Into<String>, values: Vec<KeyValue>) -> Self {
        let list = KeyValueList { values };
        Self { key: key.into(), value: Some(AnyValue { value: Some(AnyOf::Map(list)) }) }
    }
}

/// A message after its length, so that several can follow each other.
pub fn delimited(message: &ExportMetricsServiceRequest) -> Vec<u8> {
    message.encode_length_delimited_to_vec()
}

/// Reads the first of several messages.
///
/// # Errors
/// Bytes that are no such message.
pub fn read_delimited(bytes: &[u8]) -> Result<ExportMetricsServiceRequest, prost::DecodeError> {
    ExportMetricsServiceRequest::decode_length_delimited(bytes)
}

/// The message that tells `families` of what `resource` names.
pub fn request(
    resource: &[(String, String)],
    scope: (&str, &str),
    families: &[Family],
    span: Span,
) -> ExportMetricsServiceRequest {
    let attributes = resource.iter().map(|(key, value)| KeyValue::text(key, value)).collect();
    let metrics = families.iter().filter(|family| !family.samples.is_empty());
    let scope_metrics = ScopeMetrics {
        scope: Some(Scope { name: scope.0.to_owned(), version: scope.1.to_owned() }),
        metrics: metrics.map(|family| metric(family, span)).collect(),
    };
    let metrics =
        ResourceMetrics { resource: Some(Resource { attributes }), scope_metrics: vec![scope_metrics] };
    ExportMetricsServiceRequest { resource_metrics: vec![metrics] }
}

fn metric(family: &Family, span: Span) -> Metric {
    let numbers = || family.samples.iter().filter_map(|sample| number(sample, span)).collect();
    let data = match family.kind {
        Kind::Counter => {
            Data::Sum(Sum { data_points: numbers(), aggregation_temporality: CUMULATIVE, is_monotonic: true })
        }
        Kind::Gauge | Kind::Info => Data::Gauge(Gauge { data_points: numbers() }),
        Kind::Histogram => Data::Histogram(HistogramMetric {
            data_points: family.samples.iter().filter_map(|sample| histogram(sample, span)).collect(),
            aggregation_temporality: CUMULATIVE,
        }),
    };
    // Units are those of UCUM; a name without one counts.
    let unit = match family.unit {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
    }
}

fn attributes(sample: &Sample) -> Vec<KeyValue> {
    sample.labels.iter().map(|(name, value)| KeyValue::text(*name, value)).collect()
}

fn number(sample: &Sample, span: Span) -> Option<NumberDataPoint> {
    let Value::Number(value) = sample.value else { return None };
    Some(NumberDataPoint {
        start_time_unix_nano: span.start,
        time_unix_nano: span.now,
        as_double: Some(value),
        attributes: attributes(sample),
    })
}

fn histogram(sample: &Sample, span: Span) -> Option<HistogramDataPoint> {
    let Value::Histogram(histogram) = &sample.value else { return None };
    Some(HistogramDataPoint {
        start_time_unix_nano: span.start,
        time_unix_nano: span.now,
        count: histogram.count(),
        sum: Some(histogram.sum),
        bucket_counts: histogram.counts.clone(),
        explicit_bounds: histogram.bounds.to_vec(),
        attributes: attributes(sample),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_keep_their_kind() {
        let families = [
            Family::new("calls", Kind::Counter, "Calls.").with(&[("of", "a")], 5.0),
            Family::new("size_bytes", Kind::Gauge, "Size.").in_unit("bytes").with(&[], 7.0),
            Family::new("empty", Kind::Gauge, "Nothing."),
        ];
        let resource = [("service.name".to_owned(), "keywatch".to_owned())];
        let bytes =
            request(&resource, ("keywatch", "1"), &families, Span { start: 1, now: 2 }).encode_to_vec();
        let message = ExportMetricsServiceRequest::decode(&bytes[..]).unwrap();
        let of = &message.resource_metrics[0];
        assert_eq!(of.resource.as_ref().unwrap().attributes, [KeyValue::text("service.name", "keywatch")]);
        let metrics = &of.scope_metrics[0].metrics;
        let shown: Vec<_> =
            metrics.iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
        assert_eq!(shown, [("calls", "1"), ("size_bytes", "By")]);
        let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("a counter is a sum") };
        assert!(sum.is_monotonic);
        assert_eq!(sum.data_points[0].as_double, Some(5.0));
        assert_eq!((sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano), (1, 2));
        assert_eq!(sum.data_points[0].attributes, [KeyValue::text("of", "a")]);
    }
}
