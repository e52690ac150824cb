//! Which bands of what is expected a request asks for, and the points that their models learn from.
//!
//! Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics" and "Using CloudWatch anomaly detection"
//! (what a band may be of).

use std::collections::{HashMap, HashSet};

use keywatch_api::cloudwatch::metrics::MetricDataQuery;

use super::{
    Checked, Place, Source,
    check::{check_queries, in_expression, is_array, variables},
    sources::Answers,
    validation,
};
use crate::{
    cloudwatch::CloudWatchError,
    detectors::{Bands, Identity, Models, Plan, Wanted, models::Span},
    metrics::{
        Second,
        math::{Expression, Filling, Function, MathError},
        period::Alignment,
        series::SeriesStore,
    },
};

/// Metrics below an expression that a band is of.
const METRICS_MAX: usize = 10;
/// Bands of one request.
const BANDS_MAX: usize = 100;
/// A band of an expression has no longer periods.
const MATH_PERIOD_MAX: Second = 3_600;
const PERIOD_MIN: Second = 60;

/// What an expression's model learns, before any data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Learnt {
    pub(crate) identity: Identity,
    /// Seconds.
    pub(crate) period: Second,
}

/// Checks what bands are of.
pub(super) fn check(queries: &[Checked<'_>]) -> Result<(), CloudWatchError> {
    let mut bands = 0;
    for query in queries {
        for argument in arguments(query) {
            of_argument(argument, queries).map_err(|error| in_expression(&query.query.id, &error))?;
            bands += 1;
            if bands > BANDS_MAX {
                let text =
                    format!("A request has no more than {BANDS_MAX} ANOMALY_DETECTION_BAND functions.");
                return Err(validation(text));
            }
        }
    }
    Ok(())
}

/// What the bands of a query are of.
fn arguments<'a>(query: &'a Checked<'_>) -> Vec<&'a Expression> {
    let mut found = Vec::new();
    if let Source::Math { expression, .. } = &query.source {
        expression.visit(&mut |part| {
            if let Expression::Call(Function::AnomalyDetectionBand, arguments) = part {
                found.extend(arguments.first());
            }
        });
    }
    found
}

/// The bands of checked queries, and what must be learnt for them.
///
/// # Errors
/// Expressions that their data make wrong.
pub(crate) fn plan(
    series: &SeriesStore,
    queries: &[Checked<'_>],
    place: &Place<'_>,
    models: &Models,
) -> Result<Plan, CloudWatchError> {
    let mut wanted: Vec<(&Checked<'_>, &Expression, Wanted)> = Vec::new();
    for query in queries {
        for argument in arguments(query) {
            let one =
                of_argument(argument, queries).map_err(|error| in_expression(&query.query.id, &error))?;
            let is_same =
                |(_, _, other): &(_, _, Wanted)| (other.identity, other.period) == (one.identity, one.period);
            if !wanted.iter().any(is_same) {
                wanted.push((query, argument, one));
            }
        }
    }
    let span = Span { partition: place.partition, start: place.start, end: place.end, now: place.now };
    let bands: Vec<Wanted> = wanted.iter().map(|(_, _, one)| *one).collect();
    models.plan(&bands, &span, |index, start, end| {
        let (query, argument, one) = &wanted[index];
        points(series, queries, argument, one.period, &Place { start, end, ..*place })
            .map_err(|error| in_expression(&query.query.id, &error))
    })
}

/// As [`plan`], of queries that were checked when they were kept.
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_queries(
    series: &SeriesStore,
    queries: &[MetricDataQuery],
    place: &Place<'_>,
    models: &Models,
) -> Result<Plan, CloudWatchError> {
    plan(series, &check_queries(queries)?, place, models)
}

/// The points of an expression at whole multiples of its period.
fn points(
    series: &SeriesStore,
    queries: &[Checked<'_>],
    expression: &Expression,
    period: Second,
    place: &Place<'_>,
) -> Result<Vec<(Second, f64)>, MathError> {
    let place = Place { alignment: Alignment::Multiple, ..*place };
    let none = Bands::default();
    Answers::new(series, queries, &place, &none).points(expression, period)
}

/// What the model of one query learns: the query `id` of a detector's.
///
/// # Errors
/// Queries that make no sense, and expressions of which there is no band.
pub(crate) fn learnt(queries: &[MetricDataQuery], id: &str) -> Result<Learnt, CloudWatchError> {
    let checked = check_queries(queries)?;
    if is_array(id, &checked) {
        let text = "The expression gives an array of time series, and a model learns one time series";
        return Err(in_expression(id, &MathError(text.into())));
    }
    let argument = Expression::Variable(id.to_owned());
    let wanted = of_argument(&argument, &checked).map_err(|error| in_expression(id, &error))?;
    Ok(Learnt { identity: wanted.detector, period: wanted.period })
}

/// The points of one query, whose model learns from them.
///
/// # Errors
/// As [`learnt`], and expressions that their data make wrong.
pub(crate) fn past(
    series: &SeriesStore,
    queries: &[MetricDataQuery],
    id: &str,
    place: &Place<'_>,
) -> Result<Vec<(Second, f64)>, CloudWatchError> {
    let checked = check_queries(queries)?;
    let argument = Expression::Variable(id.to_owned());
    of_argument(&argument, &checked)
        .and_then(|wanted| points(series, &checked, &argument, wanted.period, place))
        .map_err(|error| in_expression(id, &error))
}

/// The band of an argument.
pub(super) fn of_argument(argument: &Expression, queries: &[Checked<'_>]) -> Result<Wanted, MathError> {
    let below = below(argument, queries)?;
    let periods: HashSet<Second> = below
        .iter()
        .filter_map(|query| match &query.source {
            Source::Metric { stat, .. } => Some(Second::from(stat.period)),
            _ => None,
        })
        .collect();
    let refused = |text: String| MathError(format!("ANOMALY_DETECTION_BAND {text}"));
    let Some(period) = periods.iter().next().copied() else {
        return Err(refused("needs a metric to learn from".into()));
    };
    let is_metric = matches!(plain(argument, queries), Some(Source::Metric { .. }));
    let metrics = below.iter().filter(|query| matches!(query.source, Source::Metric { .. })).count();
    if periods.len() > 1 {
        return Err(refused("takes an expression whose metrics have one period".into()));
    }
    if metrics > METRICS_MAX {
        return Err(refused(format!("takes an expression over at most {METRICS_MAX} metrics")));
    }
    if period < PERIOD_MIN {
        return Err(refused(format!("takes periods of at least {PERIOD_MIN} seconds")));
    }
    if !is_metric && period > MATH_PERIOD_MAX {
        return Err(refused(format!("takes expressions of periods of at most {MATH_PERIOD_MAX} seconds")));
    }
    let name = |units| Names::new(queries, units).of(argument);
    Ok(Wanted { identity: name(true)?, detector: name(false)?, period })
}

/// The source of a query that an expression only names, through other queries that do the same.
fn plain<'q>(expression: &Expression, queries: &'q [Checked<'q>]) -> Option<&'q Source<'q>> {
    let mut expression = expression;
    // As many steps as there are queries; none names itself.
    for _ in 0..=queries.len() {
        let Expression::Variable(id) = expression else { return None };
        let query = queries.iter().find(|query| query.query.id == *id)?;
        match &query.source {
            Source::Math { expression: inner @ Expression::Variable(_), .. } => expression = inner,
            source => return Some(source),
        }
    }
    None
}

/// The queries that an expression computes with, directly and through others.
fn below<'q>(argument: &Expression, queries: &'q [Checked<'q>]) -> Result<Vec<&'q Checked<'q>>, MathError> {
    let mut found: Vec<&Checked<'_>> = Vec::new();
    let mut open: Vec<&str> = variables(argument);
    refuse_in(argument)?;
    while let Some(id) = open.pop() {
        let query = queries.iter().find(|query| query.query.id == id);
        let Some(query) = query.filter(|query| found.iter().all(|other| other.query.id != query.query.id))
        else {
            continue;
        };
        found.push(query);
        match &query.source {
            Source::Metric { .. } => {}
            Source::Insights { .. } => return Err(insights()),
            Source::Math { expression, .. } => {
                refuse_in(expression)?;
                open.extend(variables(expression));
            }
        }
    }
    Ok(found)
}

/// What a band cannot be of, wherever it stands.
fn refuse_in(expression: &Expression) -> Result<(), MathError> {
    let mut refused = None;
    expression.visit(&mut |part| match part {
        Expression::Search(_) => refused = Some("SEARCH"),
        Expression::Metrics(_) => refused = Some("METRICS"),
        Expression::Call(Function::AnomalyDetectionBand, _) => {
            refused = Some("another ANOMALY_DETECTION_BAND")
        }
        _ => {}
    });
    refused.map_or(Ok(()), |what| Err(not_of(what)))
}

/// Names expressions by what they compute: ids of queries give way to what they stand for.
struct Names<'q> {
    queries: &'q [Checked<'q>],
    /// Units of metrics count.
    units: bool,
    /// By the ids of queries.
    known: HashMap<&'q str, Identity>,
}

impl<'q> Names<'q> {
    fn new(queries: &'q [Checked<'q>], units: bool) -> Self {
        Self { queries, units, known: HashMap::new() }
    }

    /// The expression's name. Queries are named before what computes with them, so that nothing recurses deeper than one
    /// expression is nested.
    fn of(&mut self, expression: &Expression) -> Result<Identity, MathError> {
        for id in variables(expression) {
            self.learn(id)?;
        }
        self.name(expression)
    }

    fn learn(&mut self, id: &str) -> Result<(), MathError> {
        let queries = self.queries;
        let query = queries.iter().find(|query| query.query.id == id);
        let query = query.ok_or_else(|| MathError(format!("Unknown id '{id}'")))?;
        if self.known.contains_key(id) {
            return Ok(());
        }
        let name = match &query.source {
            Source::Metric { stat, dimensions, .. } => Identity::of_metric(
                stat.metric.namespace.as_deref().unwrap_or_default(),
                stat.metric.metric_name.as_deref().unwrap_or_default(),
                dimensions,
                &stat.stat,
                stat.unit.filter(|_| self.units).map(|unit| unit.as_str()),
            ),
            Source::Math { expression, .. } => self.of(expression)?,
            Source::Insights { .. } => return Err(insights()),
        };
        self.known.insert(&query.query.id, name);
        Ok(())
    }

    fn name(&self, expression: &Expression) -> Result<Identity, MathError> {
        let all = |operation: &str, parts: &[&Expression]| {
            let parts: Vec<Identity> = parts.iter().map(|part| self.name(part)).collect::<Result<_, _>>()?;
            Ok(Identity::of(operation, &parts.iter().map(Identity::bytes).collect::<Vec<_>>()))
        };
        match expression {
            Expression::Number(number) => Ok(Identity::of("number", &[&number.to_bits().to_le_bytes()])),
            Expression::Variable(id) => {
                self.known.get(id.as_str()).copied().ok_or_else(|| MathError(format!("Unknown id '{id}'")))
            }
            Expression::Array(members) => all("array", &members.iter().collect::<Vec<_>>()),
            Expression::Negative(inner) => all("negative", &[inner]),
            Expression::Binary(operator, left, right) => all(operator.sign(), &[left, right]),
            Expression::Call(function, arguments) => {
                all(function.name(), &arguments.iter().collect::<Vec<_>>())
            }
            Expression::Sort(sorted, sorting) => {
                let way = if sorting.descending { "sort descending" } else { "sort ascending" };
                let parts: Vec<&Expression> =
                    std::iter::once(&**sorted).chain(sorting.limit.as_deref()).collect();
                all(&format!("{way} {}", sorting.by.name()), &parts)
            }
            Expression::Fill(filled, Filling::Repeat) => all("fill repeat", &[filled]),
            Expression::Fill(filled, Filling::Linear) => all("fill linear", &[filled]),
            Expression::Fill(filled, Filling::With(with)) => all("fill", &[filled, with]),
            Expression::Metrics(_) => Err(not_of("METRICS")),
            Expression::Search(_) => Err(not_of("SEARCH")),
        }
    }
}

fn not_of(what: &str) -> MathError {
    MathError(format!("ANOMALY_DETECTION_BAND does not take {what}"))
}

fn insights() -> MathError {
    not_of("Metrics Insights queries")
}

#[cfg(test)]
mod tests {
    use keywatch_api::WireError;

    use super::*;

    fn metric(id: &str, name: &str, period: i32) -> String {
        format!(
            r#"{{"Id":"{id}","MetricStat":{{"Metric":{{"Namespace":"App","MetricName":"{name}"}},"Period":{period},"Stat":"Sum"}},"ReturnData":false}}"#
        )
    }

    fn expression(id: &str, text: &str) -> String {
        format!(r#"{{"Id":"{id}","Expression":"{text}"}}"#)
    }

    fn run(queries: &[String]) -> Result<Vec<(Identity, Second)>, String> {
        let queries: Vec<MetricDataQuery> =
            serde_json::from_str(&format!("[{}]", queries.join(","))).unwrap();
        let checked = check_queries(&queries).map_err(|error| error.message().unwrap())?;
        let band = |argument: &Expression| of_argument(argument, &checked).unwrap();
        let bands = checked.iter().flat_map(arguments).map(band);
        Ok(bands.map(|wanted| (wanted.identity, wanted.period)).collect())
    }

    #[test]
    fn the_same_is_named_the_same() {
        let metrics = [metric("m1", "a", 60), metric("m2", "b", 60)];
        let of = |queries: &[String]| run(&[&metrics, queries].concat()).unwrap();
        let one = of(&[expression("ad", "ANOMALY_DETECTION_BAND(m1)")]);
        assert_eq!(one[0], (Identity::of_metric("App", "a", &[], "Sum", None), 60));
        assert_eq!(of(&[expression("ad", "ANOMALY_DETECTION_BAND(e, 3)"), expression("e", "m1")]), one);
        let sum = of(&[expression("ad", "ANOMALY_DETECTION_BAND((m1 + m2) / 2)")]);
        let parts = [expression("x", "m1 + m2"), expression("ad", "ANOMALY_DETECTION_BAND(x / 2)")];
        assert_eq!(of(&parts), sum);
        for other in ["m1 + m2", "(m2 + m1) / 2", "(m1 - m2) / 2", "(m1 + m2) / 3", "ABS(m1)", "CEIL(m1)"] {
            assert_ne!(of(&[expression("ad", &format!("ANOMALY_DETECTION_BAND({other})"))]), sum, "{other}");
        }
    }

    #[test]
    fn refusals() {
        let many: Vec<String> = (0..11).map(|n| metric(&format!("n{n}"), &n.to_string(), 60)).collect();
        let sum = (0..11).map(|n| format!("n{n}")).collect::<Vec<_>>().join(" + ");
        for (queries, want) in [
            (vec![metric("m1", "a", 10), expression("ad", "ANOMALY_DETECTION_BAND(m1)")], "at least 60"),
            (
                vec![
                    metric("m1", "a", 60),
                    metric("m2", "a", 300),
                    expression("ad", "ANOMALY_DETECTION_BAND(m1 + m2)"),
                ],
                "one period",
            ),
            (
                vec![metric("m1", "a", 7200), expression("ad", "ANOMALY_DETECTION_BAND(m1 * 2)")],
                "at most 3600",
            ),
            (
                vec![
                    metric("m1", "a", 60),
                    expression("ad", "ANOMALY_DETECTION_BAND(FIRST(ANOMALY_DETECTION_BAND(m1)))"),
                ],
                "another",
            ),
            (
                vec![metric("m1", "a", 60), expression("ad", "ANOMALY_DETECTION_BAND(SUM(METRICS()))")],
                "METRICS",
            ),
            (vec![expression("ad", "ANOMALY_DETECTION_BAND(SUM(SEARCH('{App} a', 'Sum', 60)))")], "SEARCH"),
            (vec![expression("ad", "ANOMALY_DETECTION_BAND(TIME_SERIES(1))")], "needs a metric"),
            (
                [many, vec![expression("ad", &format!("ANOMALY_DETECTION_BAND({sum})"))]].concat(),
                "at most 10",
            ),
        ] {
            let got = run(&queries).unwrap_err();
            assert!(got.contains(want), "{queries:?}: {got}");
        }
        assert!(run(&[metric("m1", "a", 7200), expression("ad", "ANOMALY_DETECTION_BAND(m1)")]).is_ok());
    }
}
