//! Queries that an alarm is made of: one of them is compared with a threshold, or one metric with a band.
//!
//! Source: CloudWatch API Reference, `PutMetricAlarm`: `Metrics` and `ThresholdMetricId`.

use keywatch_api::cloudwatch::metrics::MetricDataQuery;

use super::{Checked, Place, Source, answer::answer, check::check_queries, validation};
use crate::{
    cloudwatch::CloudWatchError,
    detectors::Bands,
    metrics::{Second, insights, insights::Key, math::Expression, period::window, series::SeriesStore},
};

/// Metrics, and expressions, of one alarm.
const METRICS_MAX: usize = 10;
/// The period of an expression that neither says one nor computes with a metric.
const PERIOD_DEFAULT: Second = 300;
/// How the owner of a series is named among the keys of a group.
const ACCOUNT_KEY: &str = "AWS.AccountId";

/// What an alarm's queries come to, before any data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Seconds; of the result.
    pub(crate) period: Second,
    /// The keys of `GROUP BY`, when the result is several time series.
    pub(crate) group_by: Vec<String>,
    pub(crate) is_insights: bool,
}

/// The result of an alarm's queries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watching {
    /// One time series, or one for each group; none when a group's query found nothing.
    pub(crate) lines: Vec<Line>,
    /// The edges of what is expected of the line, lower and upper.
    pub(crate) band: Option<[Vec<(Second, f64)>; 2]>,
    /// Not all the data could be looked at.
    pub(crate) partial: bool,
}

/// One time series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// The values of the keys of `GROUP BY`.
    pub(crate) values: Vec<String>,
    /// Oldest first.
    pub(crate) points: Vec<(Second, f64)>,
}

/// Checks an alarm's queries; `band` is the id of the one that stands for the threshold.
///
/// # Errors
/// What CloudWatch refuses, in its words where they are known.
pub(crate) fn outline(queries: &[MetricDataQuery], band: Option<&str>) -> Result<Outline, CloudWatchError> {
    let metrics = queries.iter().filter(|query| query.metric_stat.is_some()).count();
    if metrics > METRICS_MAX || queries.len() - metrics > METRICS_MAX {
        return Err(validation(format!(
            "The Metrics list must not have more than {METRICS_MAX} metrics and {METRICS_MAX} expressions."
        )));
    }
    let visible = queries.iter().filter(|query| query.return_data.unwrap_or(true)).count();
    match band {
        None if visible != 1 => {
            return Err(validation("Exactly one element of the metrics list should return data."));
        }
        Some(_) if visible != 2 => {
            return Err(validation("Exactly two elements of the metrics list should return data."));
        }
        _ => {}
    }
    let checked = check_queries(queries)?;
    if checked.iter().any(|query| uses(query, &|part| matches!(part, Expression::Search(_)))) {
        return Err(validation("SEARCH is not supported on Metric Alarms."));
    }
    let banded = checked.iter().position(|query| band == Some(query.query.id.as_str()));
    if band.is_some() && !banded.is_some_and(|at| checked[at].visible && checked[at].is_band()) {
        return Err(validation(
            "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter",
        ));
    }
    let watched = watched(&checked, band)
        .ok_or_else(|| validation("Exactly one element of the metrics list should return data."))?;
    if band.is_some() && matches!(checked[watched].source, Source::Insights { .. }) {
        return Err(validation(
            "Alarms on anomaly detection bands watch a metric or the result of a metric math expression.",
        ));
    }
    result(&checked, &checked[watched])
}

fn result(checked: &[Checked<'_>], watched: &Checked<'_>) -> Result<Outline, CloudWatchError> {
    let one = |period| Outline { period, group_by: Vec::new(), is_insights: false };
    match &watched.source {
        Source::Metric { stat, .. } => Ok(one(stat.period.into())),
        Source::Insights { query, .. } if query.asks_tags() => {
            Err(validation("Alarms on Metrics Insights queries with tag keys are not built in Keywatch."))
        }
        Source::Insights { query, .. } => {
            let key = |key: &Key| match key {
                Key::AccountId => ACCOUNT_KEY.to_owned(),
                Key::Dimension(name) | Key::Tag(name) => name.clone(),
            };
            let period = watched.query.period.map_or(PERIOD_DEFAULT, Second::from);
            Ok(Outline { period, group_by: query.group_by.iter().map(key).collect(), is_insights: true })
        }
        Source::Math { period, .. } => {
            if super::check::is_array(&watched.query.id, checked) {
                return Err(validation(format!(
                    "The expression '{}' gives an array of time series, and an alarm watches one time series.",
                    watched.query.id
                )));
            }
            let of_metrics = checked.iter().filter_map(|query| match &query.source {
                Source::Metric { stat, .. } => Some(Second::from(stat.period)),
                Source::Insights { period, .. } => Some(*period),
                Source::Math { .. } => None,
            });
            Ok(one(period.or(of_metrics.max()).unwrap_or(PERIOD_DEFAULT)))
        }
    }
}

/// Asks an alarm's queries, which were checked when it was put.
///
/// # Errors
/// Expressions that their data make wrong.
pub(crate) fn watch(
    series: &SeriesStore,
    queries: &[MetricDataQuery],
    band: Option<&str>,
    place: &Place<'_>,
    bands: &Bands,
) -> Result<Watching, CloudWatchError> {
    let checked = check_queries(queries)?;
    let Some(at) = watched(&checked, band) else {
        return Ok(Watching { lines: Vec::new(), band: None, partial: false });
    };
    if let Source::Insights { query, period } = &checked[at].source {
        return Ok(groups(series, query, *period, place));
    }
    let mut answers = answer(series, &checked, place, bands)?;
    let band = match band.and_then(|id| checked.iter().position(|query| query.query.id == id)) {
        None => None,
        Some(at) => {
            let mut edges = answers[at].drain(..).map(|found| found.points);
            edges.next().zip(edges.next()).map(|(lower, upper)| [lower, upper])
        }
    };
    let lines = answers[at].drain(..).take(1);
    let lines = lines.map(|found| Line { values: Vec::new(), points: found.points }).collect();
    Ok(Watching { lines, band, partial: false })
}

fn groups(series: &SeriesStore, query: &insights::Query, period: Second, place: &Place<'_>) -> Watching {
    let window = window(place.start, place.end, period, place.alignment, place.now);
    let Some(window) = window else {
        return Watching { lines: Vec::new(), band: None, partial: false };
    };
    let answer = insights::execute(series, (place.partition, place.tags), query, &window, place.now);
    let line = |group: insights::Group| Line { values: group.values, points: group.points };
    Watching { lines: answer.groups.into_iter().map(line).collect(), band: None, partial: answer.partial }
}

/// Which query is compared: the visible one that is no band.
pub(super) fn watched(checked: &[Checked<'_>], band: Option<&str>) -> Option<usize> {
    checked.iter().position(|query| query.visible && band != Some(query.query.id.as_str()))
}

fn uses(query: &Checked<'_>, wanted: &dyn Fn(&Expression) -> bool) -> bool {
    let Source::Math { expression, .. } = &query.source else { return false };
    let mut found = false;
    expression.visit(&mut |part| found |= wanted(part));
    found
}

#[cfg(test)]
mod tests {
    use keywatch_api::WireError;

    use super::*;

    fn run(queries: &str, band: Option<&str>) -> Result<Outline, String> {
        let queries: Vec<MetricDataQuery> = serde_json::from_str(queries).unwrap();
        outline(&queries, band).map_err(|error| error.message().unwrap())
    }

    fn metric(id: &str, period: i32, visible: bool) -> String {
        format!(
            r#"{{"Id":"{id}","MetricStat":{{"Metric":{{"Namespace":"App","MetricName":"n"}},"Period":{period},"Stat":"Sum"}},"ReturnData":{visible}}}"#
        )
    }

    #[test]
    fn outlines() {
        let (m1, m2) = (metric("m1", 60, false), metric("m2", 300, false));
        let one = |period| Outline { period, group_by: vec![], is_insights: false };
        for (queries, want) in [
            (format!("[{}]", metric("m1", 60, true)), one(60)),
            (format!(r#"[{m1},{{"Id":"e1","Expression":"m1 * 2"}}]"#), one(60)),
            (format!(r#"[{m1},{m2},{{"Id":"e1","Expression":"m1 + m2"}}]"#), one(300)),
            (format!(r#"[{m1},{{"Id":"e1","Expression":"SUM([m1, m1])","Period":120}}]"#), one(120)),
            (
                r#"[{"Id":"q1","Expression":"SELECT SUM(n) FROM App GROUP BY Key, AWS.AccountId","Period":60}]"#.into(),
                Outline { period: 60, group_by: vec!["Key".into(), "AWS.AccountId".into()], is_insights: true },
            ),
        ] {
            assert_eq!(run(&queries, None).unwrap(), want, "{queries}");
        }
    }

    #[test]
    fn refusals() {
        let (m1, shown) = (metric("m1", 60, false), metric("m2", 60, true));
        let many: Vec<String> = (0..11).map(|n| metric(&format!("m{n}"), 60, n == 0)).collect();
        for (queries, band, want) in [
            (format!("[{m1}]"), None, "Exactly one element of the metrics list should return data."),
            (format!(r#"[{shown},{{"Id":"e1","Expression":"m2"}}]"#), None, "Exactly one element"),
            (format!("[{}]", many.join(",")), None, "not have more than 10"),
            (
                r#"[{"Id":"e1","Expression":"SUM(SEARCH('{App} n', 'Sum', 60))"}]"#.into(),
                None,
                "SEARCH is not supported on Metric Alarms.",
            ),
            (format!(r#"[{m1},{{"Id":"e1","Expression":"[m1, m1]"}}]"#), None, "array of time series"),
            (format!(r#"[{m1},{{"Id":"e1","Expression":"m9 + 1"}}]"#), None, "m9"),
            (
                format!("[{shown}]"),
                Some("ad1"),
                "Exactly two elements of the metrics list should return data.",
            ),
            (
                r#"[{"Id":"q1","Expression":"SELECT SUM(n) FROM App","Period":60},{"Id":"ad1","Expression":"ANOMALY_DETECTION_BAND(m1)"}]"#
                    .replace("[{", &format!("[{m1},{{")),
                Some("ad1"),
                "watch a metric or the result",
            ),
            (
                format!(r#"[{shown},{{"Id":"e1","Expression":"m2 * 2"}}]"#),
                Some("e1"),
                "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter",
            ),
        ] {
            let got = run(&queries, band).unwrap_err();
            assert!(got.contains(want), "{queries}: {got}");
        }
    }
}
