//! Checks the queries of a request before anything is read.

use std::collections::HashMap;

use keywatch_api::cloudwatch::metrics::{GetMetricDataRequest, MetricDataQuery, MetricStat};

use super::{Checked, QUERIES_MAX, Source, banded, validation};
use crate::{
    cloudwatch::CloudWatchError,
    metrics::{
        Second, insights,
        math::{self, Expression, Kind, MathError, SERIES_MAX},
        period::is_period,
        put_metric_data::sorted,
        statistics::Statistic,
    },
};

/// The queries of a request in their order.
///
/// # Errors
/// What CloudWatch refuses before it reads anything, in its words where they are known.
pub(crate) fn check(request: &GetMetricDataRequest) -> Result<Vec<Checked<'_>>, CloudWatchError> {
    if request.start_time.0 >= request.end_time.0 {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    check_queries(&request.metric_data_queries)
}

/// Queries by themselves, whenever they are asked for.
///
/// # Errors
/// As [`check`].
pub(super) fn check_queries(queries: &[MetricDataQuery]) -> Result<Vec<Checked<'_>>, CloudWatchError> {
    if queries.is_empty() || queries.len() > QUERIES_MAX {
        return Err(validation(format!(
            "The collection MetricDataQueries must have a size from 1 to {QUERIES_MAX}."
        )));
    }
    let mut checked: Vec<Checked<'_>> = Vec::with_capacity(queries.len());
    for (index, query) in queries.iter().enumerate() {
        let at = format!("MetricDataQueries.member.{}", index + 1);
        check_id(query, &at)?;
        if checked.iter().any(|other| other.query.id == query.id) {
            return Err(validation(format!(
                "The values for parameter id in MetricDataQueries are not unique: {}.",
                query.id
            )));
        }
        let source = source(query, &at)?;
        checked.push(Checked { query, source, visible: query.return_data.unwrap_or(true) });
    }
    if checked.iter().filter(|query| matches!(query.source, Source::Insights { .. })).count() > 1 {
        return Err(validation("Only one Metrics Insights query is allowed per request."));
    }
    if !checked.iter().any(|query| query.visible) {
        return Err(validation(
            "At least one of the elements in the MetricDataQueries list must have ReturnData set to true.",
        ));
    }
    check_kinds(&checked)?;
    banded::check(&checked)?;
    Ok(checked)
}

fn check_id(query: &MetricDataQuery, at: &str) -> Result<(), CloudWatchError> {
    let letters = query.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if letters && query.id.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Ok(());
    }
    let text = format!(
        "The value {} for parameter {at}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
        query.id
    );
    Err(validation(text))
}

fn source<'a>(query: &'a MetricDataQuery, at: &str) -> Result<Source<'a>, CloudWatchError> {
    match (&query.metric_stat, &query.expression) {
        (Some(_), Some(_)) | (None, None) => {
            let text = format!(
                "The parameters {at}.MetricStat and {at}.Expression are mutually exclusive and one must be specified."
            );
            Err(validation(text))
        }
        (Some(stat), None) => metric_source(stat, at),
        (None, Some(expression)) => {
            if let Some(period) = query.period.filter(|period| !is_period(Second::from(*period))) {
                return Err(validation(format!("The value {period} for parameter {at}.Period is invalid.")));
            }
            let first = expression.split_whitespace().next().unwrap_or_default();
            if first.eq_ignore_ascii_case("SELECT") {
                return insights_source(query, expression, at);
            }
            let expression = math::parse(expression).map_err(|error| in_expression(&query.id, &error))?;
            Ok(Source::Math { expression, period: query.period.map(Second::from) })
        }
    }
}

fn metric_source<'a>(stat: &'a MetricStat, at: &str) -> Result<Source<'a>, CloudWatchError> {
    let Some(statistic) = Statistic::parse(&stat.stat) else {
        return Err(validation(format!(
            "The value {} for parameter {at}.MetricStat.Stat is not supported.",
            stat.stat
        )));
    };
    if stat.metric.namespace.is_none() || stat.metric.metric_name.is_none() {
        return Err(validation(format!(
            "The parameters {at}.MetricStat.Metric.Namespace and MetricName are required."
        )));
    }
    if !is_period(stat.period.into()) {
        return Err(validation(format!(
            "The value {} for parameter {at}.MetricStat.Period is invalid.",
            stat.period
        )));
    }
    let dimensions = stat.metric.dimensions.as_deref().unwrap_or_default();
    let dimensions = sorted(dimensions, &format!("{at}.MetricStat.Metric"))?;
    Ok(Source::Metric { stat, statistic, dimensions })
}

fn insights_source<'a>(
    query: &'a MetricDataQuery,
    expression: &str,
    at: &str,
) -> Result<Source<'a>, CloudWatchError> {
    let parsed = insights::parse(expression)
        .map_err(|error| validation(format!("Error in expression '{}' [{error}]", query.id)))?;
    let Some(period) = query.period.map(Second::from) else {
        return Err(validation(format!(
            "The parameter {at}.Period is required for Metrics Insights queries."
        )));
    };
    Ok(Source::Insights { query: parsed, period: period.max(60) })
}

pub(super) fn in_expression(id: &str, error: &MathError) -> CloudWatchError {
    validation(format!("Error in expression '{id}': {error}."))
}

/// Checks that expressions fit what they refer to, that none refers to itself, and that what is shown is no scalar.
fn check_kinds(queries: &[Checked<'_>]) -> Result<(), CloudWatchError> {
    let mut kinds = HashMap::new();
    let mut open = Vec::new();
    for query in queries {
        let kind = kind(&query.query.id, queries, &mut kinds, &mut open)
            .map_err(|error| in_expression(&query.query.id, &error))?;
        if kind == Some(Kind::Scalar) && query.visible {
            let error = MathError("The expression gives a scalar, and a result must be a time series".into());
            return Err(in_expression(&query.query.id, &error));
        }
    }
    Ok(())
}

/// Whether a checked query gives several time series.
pub(super) fn is_array(id: &str, queries: &[Checked<'_>]) -> bool {
    matches!(kind(id, queries, &mut HashMap::new(), &mut Vec::new()), Ok(Some(Kind::Array)))
}

/// The kind of what a query gives; `open` are the queries whose kinds wait for this one.
fn kind<'a>(
    id: &str,
    queries: &'a [Checked<'_>],
    kinds: &mut HashMap<&'a str, Kind>,
    open: &mut Vec<&'a str>,
) -> Result<Option<Kind>, MathError> {
    if let Some(kind) = kinds.get(id) {
        return Ok(Some(*kind));
    }
    let Some(query) = queries.iter().find(|query| query.query.id == id) else { return Ok(None) };
    let own = query.query.id.as_str();
    let found = match &query.source {
        Source::Metric { .. } => Kind::Series,
        Source::Insights { .. } => Kind::Array,
        Source::Math { expression, .. } => {
            if open.contains(&own) {
                return Err(MathError(format!("The expression refers to itself by '{own}'")));
            }
            if open.len() >= SERIES_MAX {
                return Err(MathError("Expressions refer to each other too deeply".into()));
            }
            open.push(own);
            // The expressions referred to are looked at first, for the closure below cannot fail.
            for referred in variables(expression) {
                kind(referred, queries, kinds, open)?;
            }
            open.pop();
            let known = |id: &str| kinds.get(id).copied();
            search_statistics(expression)?;
            math::kind_of(expression, &known)?
        }
    };
    kinds.insert(own, found);
    Ok(Some(found))
}

/// The ids that an expression names.
pub(super) fn variables(expression: &Expression) -> Vec<&str> {
    let mut found = Vec::new();
    expression.visit(&mut |inner| {
        if let Expression::Variable(id) = inner {
            found.push(id.as_str());
        }
    });
    found
}

fn search_statistics(expression: &Expression) -> Result<(), MathError> {
    let mut unknown = None;
    expression.visit(&mut |inner| {
        if let Expression::Search(search) = inner {
            let period_is_wrong = search.period.is_some_and(|period| !is_period(period));
            if Statistic::parse(&search.statistic).is_none() {
                unknown = Some(format!("SEARCH does not know the statistic '{}'", search.statistic));
            } else if period_is_wrong {
                unknown =
                    Some("SEARCH takes a period of 1, 5, 10, 20, 30 or whole minutes of seconds".into());
            }
        }
    });
    unknown.map_or(Ok(()), |text| Err(MathError(text)))
}
