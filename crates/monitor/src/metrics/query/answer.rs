//! Answers queries from the series.

use keywatch_api::cloudwatch::{
    StatusCode,
    metrics::{MessageData, MetricStat},
};

use super::{Checked, Edge, Found, Name, Place, Source, check::in_expression, sources::Answers};
use crate::{
    cloudwatch::CloudWatchError,
    detectors::Bands,
    metrics::{
        Second, Unit, insights,
        math::{Series, Value},
        period::window,
        series::{MetricRef, SeriesId, SeriesStore},
        statistics::Statistic,
    },
};

/// What every query gives, in the order of the queries; `bands` are those that [`super::plan`] planned for them.
///
/// # Errors
/// Expressions that their data make wrong.
pub(crate) fn answer(
    series: &SeriesStore,
    queries: &[Checked<'_>],
    place: &Place<'_>,
    bands: &Bands,
) -> Result<Vec<Vec<Found>>, CloudWatchError> {
    let answers = Answers::new(series, queries, place, bands);
    let one = |(at, query): (usize, &Checked<'_>)| match &query.source {
        Source::Metric { stat, statistic, dimensions } => {
            Ok(vec![metric(series, stat, *statistic, dimensions, place)])
        }
        Source::Math { .. } => {
            let found = answers.value(at).map_err(|error| in_expression(&query.query.id, &error))?;
            Ok(if query.is_band() { edges(found) } else { computed(found, &answers) })
        }
        Source::Insights { query, period } => Ok(selected(series, query, *period, place)),
    };
    queries.iter().enumerate().map(one).collect()
}

/// The two edges of a band, the lower one first.
fn edges(value: Value) -> Vec<Found> {
    let Value::Array(array) = value else { return Vec::new() };
    let found = |(series, edge): (Series, Edge)| Found {
        name: Name::Edge(edge),
        points: series.points,
        status: StatusCode::Complete,
        messages: Vec::new(),
    };
    array.into_iter().zip([Edge::Lower, Edge::Upper]).map(found).collect()
}

/// What metric math gave; a scalar, which is never shown, gives nothing.
fn computed(value: Value, answers: &Answers<'_>) -> Vec<Found> {
    let messages = answers.messages();
    let found =
        |name: Name, points| Found { name, points, status: StatusCode::Complete, messages: messages.clone() };
    match value {
        Value::Scalar(_) => Vec::new(),
        Value::Series(series) => vec![found(Name::Query, series.points)],
        Value::Array(array) => {
            let name = |series: &Series| match series.origin {
                Some(origin) => Name::Metric(Box::new(answers.subject(origin))),
                None => Name::Query,
            };
            array.into_iter().map(|series| found(name(&series), series.points)).collect()
        }
    }
}

pub(super) fn selected(
    series: &SeriesStore,
    query: &insights::Query,
    period: Second,
    place: &Place<'_>,
) -> Vec<Found> {
    let Some(window) = window(place.start, place.end, period, place.alignment, place.now) else {
        return Vec::new();
    };
    let answer = insights::execute(series, (place.partition, place.tags), query, &window, place.now);
    let status = if answer.partial { StatusCode::PartialData } else { StatusCode::Complete };
    let found = |group: insights::Group| Found {
        name: if group.label.is_empty() { Name::Query } else { Name::Group(group.label) },
        points: group.points,
        status,
        messages: Vec::new(),
    };
    answer.groups.into_iter().map(found).collect()
}

/// What a query for one metric gives.
pub(super) fn metric(
    series: &SeriesStore,
    stat: &MetricStat,
    statistic: Statistic,
    dimensions: &[(String, String)],
    place: &Place<'_>,
) -> Found {
    let dimensions: Vec<(&str, &str)> =
        dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let metric = MetricRef {
        partition: place.partition,
        namespace: stat.metric.namespace.as_deref().unwrap_or_default(),
        name: stat.metric.metric_name.as_deref().unwrap_or_default(),
        dimensions: &dimensions,
    };
    let (points, units) = match series.find(&metric) {
        Some(id) => points(series, id, statistic, stat.unit, stat.period.into(), place),
        None => (Vec::new(), Vec::new()),
    };
    let mut names: Vec<&str> = units.iter().map(|unit| unit.as_str()).collect();
    names.sort_unstable();
    let several = || MessageData {
        code: "MultipleUnits".into(),
        value: format!("Multiple units returned: '[{}]'", names.join(", ")),
    };
    let messages = if names.len() > 1 { vec![several()] } else { Vec::new() };
    Found { name: Name::Query, points, status: StatusCode::Complete, messages }
}

/// The points of a series, oldest first, and the units that were found.
pub(super) fn points(
    series: &SeriesStore,
    id: SeriesId,
    statistic: Statistic,
    unit: Option<Unit>,
    period: Second,
    place: &Place<'_>,
) -> (Vec<(Second, f64)>, Vec<Unit>) {
    let mut units: Vec<Unit> = Vec::new();
    let mut points: Vec<(Second, f64)> = Vec::new();
    let Some(window) = window(place.start, place.end, period, place.alignment, place.now) else {
        return (points, units);
    };
    for bucket in series.read(id, unit, &window, place.now) {
        if !units.contains(&bucket.unit) {
            units.push(bucket.unit);
        }
        // Buckets of a period come by unit in alphabetical order; the first one counts.
        if points.last().is_none_or(|(time, _)| *time != bucket.time) {
            points.extend(statistic.of(&bucket.set).map(|value| (bucket.time, value)));
        }
    }
    (points, units)
}
