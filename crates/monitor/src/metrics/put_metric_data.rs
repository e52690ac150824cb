//! `PutMetricData`: publishes points of custom metrics. They are durable before the answer, and in queries at once.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::{
    Number,
    cloudwatch::metrics::{Dimension, EntityMetricData, MetricDatum, PutMetricDataRequest, StatisticValues},
};
use keywatch_iam::Call;

use super::series::SERIES_MAX;
use crate::{
    cloudwatch::{CloudWatch, CloudWatchError},
    entry::{Body, Point, PointValue, Points},
};

pub const METRICS_MAX: usize = 1_000;
pub const VALUES_MAX: usize = 150;
const ENTITIES_MAX: usize = 2;
const ENTITY_KEYS: [&str; 5] = ["Type", "ResourceType", "Identifier", "Name", "Environment"];
/// 2^360
const NUMBER_MAX: f64 = 2.348_542_582_773_833_2e108;
const PAST_MAX: SignedDuration = SignedDuration::from_hours(14 * 24);
const FUTURE_MAX: SignedDuration = SignedDuration::from_hours(2);

pub(crate) async fn put_metric_data(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: PutMetricDataRequest,
) -> Result<(), CloudWatchError> {
    call.authorize_own("cloudwatch:PutMetricData", "*")?;
    let points = points(request, call.now)?;
    if service.live.look(|series| series.len()) + points.points.len() > SERIES_MAX {
        return Err(CloudWatchError::LimitExceeded(format!("More than {SERIES_MAX} metrics are not kept.")));
    }
    if !points.points.is_empty() {
        let append = points.append(call.partition(), call.now);
        call.tx.append(append);
    }
    Ok(())
}

/// Where in a request a datum is; written out only to refuse it.
#[derive(Debug, Clone, Copy)]
struct At {
    /// Which entity's data, counted from 0.
    entity: Option<usize>,
    index: usize,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(entity) = self.entity {
            write!(f, "EntityMetricData.member.{}.", entity + 1)?;
        }
        write!(f, "MetricData.member.{}", self.index + 1)
    }
}

/// Checks a request whole and makes points of it.
fn points(request: PutMetricDataRequest, now: Timestamp) -> Result<Points, CloudWatchError> {
    if request.namespace.starts_with("AWS/") {
        return Err(invalid("The value AWS/ for parameter Namespace is invalid.".into()));
    }
    let entities = request.entity_metric_data.unwrap_or_default();
    let too_many = |what: &str, most: usize| {
        invalid(format!("The collection {what} must not have a size greater than {most}."))
    };
    if entities.len() > ENTITIES_MAX {
        return Err(too_many("EntityMetricData", ENTITIES_MAX));
    }
    if request.strict_entity_validation == Some(true) {
        entities.iter().enumerate().try_for_each(|(at, entity)| check_entity(entity, at))?;
    }
    let groups = std::iter::once((None, request.metric_data))
        .chain(entities.into_iter().enumerate().map(|(at, entity)| (Some(at), entity.metric_data)));
    let groups: Vec<(Option<usize>, Vec<MetricDatum>)> =
        groups.filter_map(|(entity, data)| Some((entity, data?))).collect();
    if groups.is_empty() {
        return Err(CloudWatchError::MissingParameter("The parameter MetricData is required.".into()));
    }
    let count: usize = groups.iter().map(|(_, data)| data.len()).sum();
    if count > METRICS_MAX {
        return Err(too_many("MetricData", METRICS_MAX));
    }
    let mut points = Vec::with_capacity(count);
    for (entity, data) in groups {
        for (index, datum) in data.into_iter().enumerate() {
            points.extend(point(datum, At { entity, index }, now)?);
        }
    }
    Ok(Points { namespace: request.namespace, points })
}

/// What an entity must say of itself where its validation is strict; entities are not kept.
///
/// Source: CloudWatch API Reference, `Entity`: `KeyAttributes` hold a `Type`, and a name or an identifier.
fn check_entity(entity: &EntityMetricData, at: usize) -> Result<(), CloudWatchError> {
    let place = format!("EntityMetricData.member.{}.Entity", at + 1);
    let attributes = entity.entity.as_ref().and_then(|entity| entity.key_attributes.as_ref());
    let Some(attributes) = attributes else {
        return Err(invalid(format!("The parameter {place}.KeyAttributes is required.")));
    };
    let known = |name: &&String| ENTITY_KEYS.contains(&name.as_str());
    if let Some(unknown) = attributes.keys().find(|name| !known(name)) {
        return Err(invalid(format!("The value {unknown} for parameter {place}.KeyAttributes is invalid.")));
    }
    if !attributes.contains_key("Type") {
        return Err(invalid(format!("The parameter {place}.KeyAttributes.Type is required.")));
    }
    Ok(())
}

fn point(datum: MetricDatum, at: At, now: Timestamp) -> Result<Option<Point>, CloudWatchError> {
    let resolution = match datum.storage_resolution {
        None | Some(60) => 60,
        Some(1) => 1,
        Some(other) => {
            return Err(invalid(format!(
                "The value {other} for parameter {at}.StorageResolution is invalid."
            )));
        }
    };
    let time = datum.timestamp.map_or(now, |time| time.0);
    let age = now.duration_since(time);
    if age > PAST_MAX {
        return Err(invalid(format!(
            "The parameter {at}.Timestamp must specify a time within the past two weeks."
        )));
    }
    if -age > FUTURE_MAX {
        return Err(invalid(format!(
            "The parameter {at}.Timestamp must specify a time no more than two hours in the future."
        )));
    }
    let Some(value) = value(&datum, at)? else { return Ok(None) };
    Ok(Some(Point {
        metric_name: datum.metric_name,
        dimensions: in_order(datum.dimensions.unwrap_or_default(), &at)?,
        time,
        unit: datum.unit.map(|unit| unit.as_str().into()),
        resolution,
        value,
    }))
}

/// The samples; none when every count is zero.
fn value(datum: &MetricDatum, at: At) -> Result<Option<PointValue>, CloudWatchError> {
    let exclusive = |a: &str, b: &str| {
        let text = format!(
            "The parameters {at}.{a} and {at}.{b} are mutually exclusive and you have specified both."
        );
        Err(CloudWatchError::InvalidParameterCombination(text))
    };
    match (&datum.value, &datum.values, &datum.statistic_values) {
        (Some(_), Some(_), _) => exclusive("Value", "Values"),
        (Some(_), _, Some(_)) => exclusive("Value", "StatisticValues"),
        (Some(value), None, None) => Ok(Some(PointValue::One(number(value.0, || format!("{at}.Value"))?))),
        // With both the statistic set counts, as recorded from CloudWatch.
        (None, _, Some(set)) => statistics(set, at).map(Some),
        (None, Some(values), None) => many(values, datum.counts.as_deref(), at),
        (None, None, None) => Err(CloudWatchError::MissingParameter(format!(
            "At least one of the parameters {at}.Value, {at}.Values or {at}.StatisticValues must be specified."
        ))),
    }
}

fn statistics(set: &StatisticValues, at: At) -> Result<PointValue, CloudWatchError> {
    let figure = |value: f64, name: &str| number(value, || format!("{at}.StatisticValues.{name}"));
    let count = figure(set.sample_count.0, "SampleCount")?;
    let (minimum, maximum) = (figure(set.minimum.0, "Minimum")?, figure(set.maximum.0, "Maximum")?);
    if count <= 0.0 {
        return Err(invalid(format!(
            "The parameter {at}.StatisticValues.SampleCount must be greater than 0."
        )));
    }
    if maximum < minimum {
        let text = format!(
            "The parameter {at}.StatisticValues.Maximum must be greater than or equal to the parameter {at}.StatisticValues.Minimum."
        );
        return Err(invalid(text));
    }
    Ok(PointValue::Statistics { count, sum: figure(set.sum.0, "Sum")?, minimum, maximum })
}

fn many(values: &[Number], counts: Option<&[Number]>, at: At) -> Result<Option<PointValue>, CloudWatchError> {
    if values.len() > VALUES_MAX {
        return Err(invalid(format!(
            "The collection {at}.Values must not have a size greater than {VALUES_MAX}."
        )));
    }
    if counts.is_some_and(|counts| counts.len() != values.len()) {
        return Err(invalid(format!("The parameters {at}.Values and {at}.Counts must be of the same size.")));
    }
    let mut pairs = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let value = number(value.0, || format!("{at}.Values.member.{}", index + 1))?;
        let place = || format!("{at}.Counts.member.{}", index + 1);
        let count = number(counts.map_or(1.0, |counts| counts[index].0), place)?;
        if count < 0.0 {
            return Err(invalid(format!("The value {count} for parameter {} is invalid.", place())));
        }
        pairs.push((value, count));
    }
    let any = pairs.iter().any(|(_, count)| *count > 0.0);
    Ok(any.then_some(PointValue::Many(pairs)))
}

/// Finite and at most 2^360.
fn number(value: f64, at: impl FnOnce() -> String) -> Result<f64, CloudWatchError> {
    if value.is_finite() && value.abs() <= NUMBER_MAX {
        return Ok(value);
    }
    Err(invalid(format!(
        "The value {} for parameter {} is invalid.",
        crate::alarms::decimal::double(value),
        at()
    )))
}

/// The dimensions by name, as an identity has them.
pub(crate) fn sorted(dimensions: &[Dimension], at: &str) -> Result<Vec<(String, String)>, CloudWatchError> {
    in_order(dimensions.to_vec(), &at)
}

fn in_order(
    dimensions: Vec<Dimension>,
    at: &dyn fmt::Display,
) -> Result<Vec<(String, String)>, CloudWatchError> {
    for (index, Dimension { name, value }) in dimensions.iter().enumerate() {
        let plain = |text: &str| {
            text.bytes().all(|b| b.is_ascii() && !b.is_ascii_control())
                && text.bytes().any(|b| !b.is_ascii_whitespace())
        };
        let place = || format!("{at}.Dimensions.member.{}", index + 1);
        if !plain(name) || name.starts_with(':') {
            return Err(invalid(format!("The value {name} for parameter {}.Name is invalid.", place())));
        }
        if !plain(value) {
            return Err(invalid(format!("The value {value} for parameter {}.Value is invalid.", place())));
        }
    }
    let mut sorted: Vec<(String, String)> =
        dimensions.into_iter().map(|Dimension { name, value }| (name, value)).collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(invalid(format!("The parameter {at}.Dimensions holds a dimension name more than once.")));
    }
    Ok(sorted)
}

fn invalid(text: String) -> CloudWatchError {
    CloudWatchError::InvalidParameterValue(text)
}

#[cfg(test)]
mod tests {
    use keywatch_api::{WireError, shape};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T06:00:30Z".parse().unwrap()
    }

    fn run(datum: &str) -> Result<Points, CloudWatchError> {
        let raw = serde_json::from_str(&format!(r#"{{"Namespace":"App","MetricData":[{datum}]}}"#)).unwrap();
        points(shape::check::<PutMetricDataRequest>(raw).unwrap(), now())
    }

    #[track_caller]
    fn accepts(datum: &str, want: PointValue) {
        assert_eq!(run(datum).unwrap().points[0].value, want);
    }

    #[track_caller]
    fn refuses(datum: &str, code: &str, text: &str) {
        let error = run(datum).unwrap_err();
        assert_eq!((error.query_code().as_deref(), error.message().as_deref()), (Some(code), Some(text)));
    }

    #[test]
    fn values() {
        accepts(r#"{"MetricName":"m","Value":5}"#, PointValue::One(5.0));
        accepts(
            r#"{"MetricName":"m","Values":[1,2],"Counts":[3,0.5]}"#,
            PointValue::Many(vec![(1.0, 3.0), (2.0, 0.5)]),
        );
        let set = r#""StatisticValues":{"SampleCount":2,"Sum":3,"Minimum":1,"Maximum":2}"#;
        let want = PointValue::Statistics { count: 2.0, sum: 3.0, minimum: 1.0, maximum: 2.0 };
        accepts(&format!(r#"{{"MetricName":"m",{set}}}"#), want.clone());
        accepts(&format!(r#"{{"MetricName":"m","Values":[9],{set}}}"#), want);
        assert_eq!(run(r#"{"MetricName":"m","Values":[1],"Counts":[0]}"#).unwrap().points, []);
    }

    #[test]
    fn refusals() {
        refuses(
            r#"{"MetricName":"m","Value":5,"Values":[1]}"#,
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.",
        );
        refuses(
            r#"{"MetricName":"m","Values":[1],"Counts":[1,2]}"#,
            "InvalidParameterValue",
            "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
        );
        refuses(
            r#"{"MetricName":"m","Value":"NaN"}"#,
            "InvalidParameterValue",
            "The value NaN for parameter MetricData.member.1.Value is invalid.",
        );
        for datum in [
            r#"{"MetricName":"m","Value":1,"Timestamp":"2026-11-01T00:00:00Z"}"#,
            r#"{"MetricName":"m","Value":1,"Timestamp":"2026-11-22T09:00:00Z"}"#,
            r#"{"MetricName":"m","Value":1,"StorageResolution":30}"#,
            r#"{"MetricName":"m","Value":1e200}"#,
            r#"{"MetricName":"m","Value":1,"Dimensions":[{"Name":":a","Value":"b"}]}"#,
            r#"{"MetricName":"m","Value":1,"Dimensions":[{"Name":"a","Value":" "}]}"#,
            r#"{"MetricName":"m","Value":1,"Dimensions":[{"Name":"a","Value":"b"},{"Name":"a","Value":"c"}]}"#,
            r#"{"MetricName":"m","Values":[1],"Counts":[-1]}"#,
            r#"{"MetricName":"m","StatisticValues":{"SampleCount":0,"Sum":3,"Minimum":1,"Maximum":2}}"#,
        ] {
            assert_eq!(
                run(datum).unwrap_err().query_code().as_deref(),
                Some("InvalidParameterValue"),
                "{datum}"
            );
        }
        assert_eq!(
            run(r#"{"MetricName":"m"}"#).unwrap_err().query_code().as_deref(),
            Some("MissingParameter")
        );
    }

    #[test]
    fn the_greatest_number() {
        assert_eq!(NUMBER_MAX, 2f64.powi(360));
        accepts(r#"{"MetricName":"m","Value":2.3485425827738332e108}"#, PointValue::One(2f64.powi(360)));
    }

    #[test]
    fn entities() {
        let run = |strict: bool, entity: &str| {
            let text = format!(
                r#"{{"Namespace":"App","StrictEntityValidation":{strict},"EntityMetricData":[{{"Entity":{entity},"MetricData":[{{"MetricName":"m","Value":1}}]}}]}}"#
            );
            let raw = serde_json::from_str(&text).unwrap();
            points(shape::check::<PutMetricDataRequest>(raw).unwrap(), now())
                .map(|points| points.points.len())
        };
        let (good, unknown) = (
            r#"{"KeyAttributes":{"Type":"Service","Name":"shop"}}"#,
            r#"{"KeyAttributes":{"Type":"Service","Colour":"red"}}"#,
        );
        assert_eq!(run(true, good).unwrap(), 1);
        for entity in [unknown, r#"{"KeyAttributes":{"Name":"a","Identifier":"b"}}"#, "{}"] {
            assert_eq!(run(false, entity).unwrap(), 1);
            assert_eq!(run(true, entity).unwrap_err().query_code().as_deref(), Some("InvalidParameterValue"));
        }
    }

    #[test]
    fn whole_requests() {
        let data = |count: usize| vec![r#"{"MetricName":"m","Value":1}"#; count].join(",");
        let (full, more) = (data(1_000), data(1_001));
        let many = format!(r#"{{"Namespace":"App","MetricData":[{more}]}}"#);
        let split = format!(
            r#"{{"Namespace":"App","MetricData":[{full}],"EntityMetricData":[{{"MetricData":[{}]}}]}}"#,
            data(1)
        );
        let group = r#"{"MetricData":[]}"#;
        let three = format!(r#"{{"Namespace":"App","EntityMetricData":[{group},{group},{group}]}}"#);
        for (request, code) in [
            (many.as_str(), "InvalidParameterValue"),
            (&split, "InvalidParameterValue"),
            (&three, "InvalidParameterValue"),
            (r#"{"Namespace":"AWS/KMS","MetricData":[]}"#, "InvalidParameterValue"),
            (r#"{"Namespace":"App"}"#, "MissingParameter"),
        ] {
            let request: PutMetricDataRequest = shape::check(serde_json::from_str(request).unwrap()).unwrap();
            assert_eq!(points(request, now()).unwrap_err().query_code().as_deref(), Some(code));
        }
        let dimensions = r#"{"MetricName":"m","Value":1,"Dimensions":[{"Name":"b","Value":"2"},{"Name":"a","Value":"1"}]}"#;
        assert_eq!(
            run(dimensions).unwrap().points[0].dimensions,
            [("a".into(), "1".into()), ("b".into(), "2".into())]
        );
    }
}
