//! Metric filters: from log events to metric points
//!
//! A filter gives each event of its group at most one **sample**. Samples of one minute and one set of dimensions are
//! gathered by value, so a burst of equal events is one point.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_patterns::filter::{FilterPattern, InvalidFilterPattern, ValueSelector};
use keywatch_store::{Append, Partition, Seq};

use super::{chunk::SPAN_MS, record::FilterRecord};
use crate::entry::{Body, Point, PointValue, Points};

/// Different values one point holds at most, as PutMetricData allows.
const VALUES_MAX: usize = 150;
/// Points in one entry at most.
const POINTS_MAX: usize = 1_000;
/// Standard resolution, in seconds.
const RESOLUTION: u8 = 60;

/// A filter, ready to look at events.
#[derive(Debug)]
pub(crate) struct CompiledFilter {
    pub(crate) since: Seq,
    pattern: FilterPattern,
    value: ValueSelector,
    dimensions: Vec<(String, ValueSelector)>,
    default_value: Option<f64>,
    metric: Metric,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Metric {
    namespace: String,
    name: String,
    unit: Option<&'static str>,
}

impl CompiledFilter {
    pub(crate) fn new(record: &FilterRecord) -> Result<Self, InvalidFilterPattern> {
        let transformation = &record.transformation;
        let dimensions = transformation
            .dimensions
            .iter()
            .map(|(name, selector)| Ok((name.clone(), ValueSelector::parse_dimension(selector)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            since: record.since,
            pattern: FilterPattern::parse(&record.pattern)?,
            value: ValueSelector::parse_value(&transformation.metric_value)?,
            dimensions,
            default_value: transformation.default_value,
            metric: Metric {
                namespace: transformation.metric_namespace.clone(),
                name: transformation.metric_name.clone(),
                unit: transformation.unit.map(|unit| unit.as_str()),
            },
        })
    }

    /// The value and the dimensions an event gives. A matching event whose value or one of whose dimensions is
    /// missing gives nothing; one that does not match gives the default value, if there is one.
    fn sample(&self, message: &str) -> Option<(f64, Vec<(String, String)>)> {
        if !self.pattern.matches(message) {
            return Some((self.default_value?, Vec::new()));
        }
        let value: f64 = self.pattern.select(&self.value, message)?.trim().parse().ok()?;
        let dimensions = self
            .dimensions
            .iter()
            .map(|(name, selector)| {
                let text = self.pattern.select(selector, message)?;
                (!text.is_empty()).then(|| (name.clone(), text))
            })
            .collect::<Option<_>>()?;
        value.is_finite().then_some((value, dimensions))
    }
}

/// Samples gathered from many events.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    by_series: BTreeMap<SeriesMinute, BTreeMap<OrderedValue, f64>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SeriesMinute {
    partition: Partition,
    metric: Metric,
    dimensions: Vec<(String, String)>,
    /// Milliseconds since the epoch, at a full minute.
    minute: i64,
}

/// A finite number with an order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OrderedValue(f64);

impl Eq for OrderedValue {}
impl PartialOrd for OrderedValue {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for OrderedValue {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Samples {
    /// Looks at one event of a group in `partition` that happened at `time` (milliseconds since the epoch).
    pub(crate) fn add(&mut self, filter: &CompiledFilter, partition: &Partition, time: i64, message: &str) {
        let Some((value, dimensions)) = filter.sample(message) else { return };
        let series = SeriesMinute {
            partition: partition.clone(),
            metric: filter.metric.clone(),
            dimensions,
            minute: time / SPAN_MS * SPAN_MS,
        };
        *self.by_series.entry(series).or_default().entry(OrderedValue(value)).or_default() += 1.0;
    }

    /// The points as log entries: one for each partition and namespace, or several where there are many points.
    pub(crate) fn into_appends(self, now: Timestamp) -> Vec<Append> {
        let mut entries: Vec<(Partition, Points)> = Vec::new();
        for (series, values) in self.by_series {
            let Ok(time) = Timestamp::from_millisecond(series.minute) else { continue };
            let values: Vec<(f64, f64)> = values.into_iter().map(|(value, count)| (value.0, count)).collect();
            for values in values.chunks(VALUES_MAX) {
                let value = match values {
                    [(value, 1.0)] => PointValue::One(*value),
                    many => PointValue::Many(many.to_vec()),
                };
                let point = Point {
                    metric_name: series.metric.name.clone(),
                    dimensions: series.dimensions.clone(),
                    time,
                    unit: series.metric.unit.map(Into::into),
                    resolution: RESOLUTION,
                    value,
                };
                match entries.last_mut() {
                    Some((partition, points))
                        if *partition == series.partition
                            && points.namespace == series.metric.namespace
                            && points.points.len() < POINTS_MAX =>
                    {
                        points.points.push(point);
                    }
                    _ => {
                        let namespace = series.metric.namespace.clone();
                        entries.push((series.partition.clone(), Points { namespace, points: vec![point] }));
                    }
                }
            }
        }
        entries.into_iter().map(|(partition, points)| points.append(partition, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use keywatch_store::{EntryKind, LogEntry};

    use super::*;
    use crate::logs::record::Transformation;

    fn filter(
        pattern: &str,
        value: &str,
        default_value: Option<f64>,
        dimensions: &[(&str, &str)],
    ) -> CompiledFilter {
        CompiledFilter::new(&FilterRecord {
            name: "f".into(),
            group: "g".into(),
            pattern: pattern.into(),
            created: Timestamp::UNIX_EPOCH,
            apply_on_transformed_logs: false,
            transformation: Transformation {
                metric_name: "m".into(),
                metric_namespace: "n".into(),
                metric_value: value.into(),
                default_value,
                dimensions: dimensions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                unit: None,
            },
            since: 0,
        })
        .unwrap()
    }

    #[test]
    fn samples() {
        let named = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let by_latency = filter("{ $.ms > 0 }", "$.ms", None, &[("Op", "$.op")]);
        assert_eq!(by_latency.sample(r#"{"ms":12.5,"op":"x"}"#), Some((12.5, named("Op", "x"))));
        assert_eq!(by_latency.sample(r#"{"ms":12.5}"#), None);
        assert_eq!(by_latency.sample(r#"{"ms":0,"op":"x"}"#), None);
        let counter = filter("ERROR", "1", Some(0.0), &[]);
        assert_eq!(counter.sample("ERROR"), Some((1.0, vec![])));
        assert_eq!(counter.sample("fine"), Some((0.0, vec![])));
        let bytes = filter("[status=4*, bytes]", "$bytes", None, &[("Status", "$status")]);
        assert_eq!(bytes.sample("404 17"), Some((17.0, named("Status", "404"))));
        assert_eq!(bytes.sample("404 many"), None);
    }

    #[test]
    fn equal_samples_of_a_minute_are_one_point() {
        let counter = filter("ERROR", "1", Some(0.0), &[]);
        let partition = Partition::new("000000000000", "us-east-1");
        let mut samples = Samples::default();
        for (time, message) in [(60_001, "ERROR"), (119_999, "ERROR 2"), (60_500, "ok"), (120_000, "ERROR")] {
            samples.add(&counter, &partition, time, message);
        }
        let appends = samples.into_appends(Timestamp::UNIX_EPOCH);
        assert_eq!(appends.len(), 1);
        let Append { kind, time, partition, bytes } = appends.into_iter().next().unwrap();
        assert_eq!(kind, EntryKind::Points);
        let points = Points::read(&LogEntry { seq: 1, kind, time, partition, bytes }).unwrap();
        let seen: Vec<_> =
            points.points.iter().map(|point| (point.time.as_millisecond(), point.value.clone())).collect();
        assert_eq!(
            seen,
            [(60_000, PointValue::Many(vec![(0.0, 1.0), (1.0, 2.0)])), (120_000, PointValue::One(1.0)),]
        );
    }
}
