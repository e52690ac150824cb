//! `GetMetricData`: several queries at once, by metric or in Metrics Insights.

use jiff::{Timestamp, tz::TimeZone};
use keywatch_api::{
    WireTime,
    cloudwatch::{
        ScanBy, StatusCode,
        metrics::{
            GetMetricDataRequest, GetMetricDataResponse, MessageData, MetricDataQuery, MetricDataResult,
            MetricStat,
        },
    },
    page,
};
use keywatch_iam::Call;

use super::{
    Second, Unit, insights,
    label::{Subject, default_labels, fill, timezone},
    period::{Alignment, is_period, window},
    put_metric_data::sorted,
    series::{MetricRef, SeriesStore},
    statistics::Statistic,
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub const QUERIES_MAX: usize = 500;
pub const DATAPOINTS_MAX: usize = 100_800;

pub(crate) async fn get_metric_data(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: GetMetricDataRequest,
) -> Result<GetMetricDataResponse, CloudWatchError> {
    call.authorize_own("cloudwatch:GetMetricData", "*")?;
    let partition = call.partition();
    let place = Place {
        partition: partition.as_str(),
        account: call.account().as_str(),
        region: call.region.as_str(),
        start: request.start_time.0.as_second(),
        end: request.end_time.0.as_second(),
        now: call.now.as_second(),
    };
    let queries = check(&request)?;
    let pages = Pages::new(&request)?;
    service.catch_up(call).await?;
    let results = service.live.read(|series| run(series, &queries, &place))?;
    let zone = request.label_options.as_ref().and_then(|options| options.timezone.as_deref());
    let zone = match zone {
        None => TimeZone::UTC,
        Some(text) => timezone(text).ok_or_else(|| {
            invalid(format!("The value {text} for parameter LabelOptions.Timezone is invalid."))
        })?,
    };
    let shown = label(&queries, results, &place, &zone);
    Ok(pages.cut(shown, request.scan_by.unwrap_or(ScanBy::TimestampDescending)))
}

/// Where and when a request asks.
struct Place<'a> {
    partition: &'a str,
    account: &'a str,
    region: &'a str,
    start: Second,
    end: Second,
    now: Second,
}

/// A query that was checked.
struct Checked<'a> {
    query: &'a MetricDataQuery,
    source: Source<'a>,
    visible: bool,
}

enum Source<'a> {
    Metric { stat: &'a MetricStat, statistic: Statistic, dimensions: Vec<(String, String)> },
    Insights { query: insights::Query, period: Second },
}

/// One time series before it is labelled; points are oldest first.
struct Found {
    group: Option<String>,
    points: Vec<(Second, f64)>,
    status: StatusCode,
    messages: Vec<MessageData>,
}

fn check(request: &GetMetricDataRequest) -> Result<Vec<Checked<'_>>, CloudWatchError> {
    if request.start_time.0 >= request.end_time.0 {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    let queries = &request.metric_data_queries;
    if queries.is_empty() || queries.len() > QUERIES_MAX {
        return Err(validation(format!(
            "The collection MetricDataQueries must have a size from 1 to {QUERIES_MAX}."
        )));
    }
    let mut checked: Vec<Checked<'_>> = Vec::with_capacity(queries.len());
    for (index, query) in queries.iter().enumerate() {
        let at = format!("MetricDataQueries.member.{}", index + 1);
        let is_id = |id: &str| {
            id.starts_with(|c: char| c.is_ascii_lowercase())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if !is_id(&query.id) {
            let text = format!(
                "The value {} for parameter {at}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                query.id
            );
            return Err(validation(text));
        }
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
    Ok(checked)
}

fn source<'a>(query: &'a MetricDataQuery, at: &str) -> Result<Source<'a>, CloudWatchError> {
    match (&query.metric_stat, &query.expression) {
        (Some(_), Some(_)) | (None, None) => {
            let text = format!(
                "The parameters {at}.MetricStat and {at}.Expression are mutually exclusive and one must be specified."
            );
            Err(validation(text))
        }
        (Some(stat), None) => {
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
            Ok(Source::Metric {
                stat,
                statistic,
                dimensions: sorted(dimensions, &format!("{at}.MetricStat.Metric"))?,
            })
        }
        (None, Some(expression)) => insights_source(query, expression, at),
    }
}

fn insights_source<'a>(
    query: &'a MetricDataQuery,
    expression: &str,
    at: &str,
) -> Result<Source<'a>, CloudWatchError> {
    let first = expression.split_whitespace().next().unwrap_or_default();
    if !first.eq_ignore_ascii_case("SELECT") {
        let text = format!("Error in expression '{}': metric math is not built in Keywatch.", query.id);
        return Err(validation(text));
    }
    let parsed = insights::parse(expression)
        .map_err(|error| validation(format!("Error in expression '{}' [{error}]", query.id)))?;
    let Some(period) = query.period.map(Second::from) else {
        return Err(validation(format!(
            "The parameter {at}.Period is required for Metrics Insights queries."
        )));
    };
    if !is_period(period) {
        return Err(validation(format!("The value {period} for parameter {at}.Period is invalid.")));
    }
    Ok(Source::Insights { query: parsed, period: period.max(60) })
}

/// The series of every query, in the order of the queries.
fn run(
    series: &SeriesStore,
    queries: &[Checked<'_>],
    place: &Place<'_>,
) -> Result<Vec<Vec<Found>>, CloudWatchError> {
    let one = |query: &Checked<'_>| match &query.source {
        Source::Metric { stat, statistic, dimensions } => {
            vec![metric(series, stat, *statistic, dimensions, place)]
        }
        Source::Insights { query, period } => {
            let Some(window) = window(place.start, place.end, *period, Alignment::Multiple, place.now) else {
                return Vec::new();
            };
            let answer = insights::execute(series, place.partition, query, &window, place.now);
            let status = if answer.partial { StatusCode::PartialData } else { StatusCode::Complete };
            let found = |group: insights::Group| Found {
                group: (!group.label.is_empty()).then_some(group.label),
                points: group.points,
                status,
                messages: Vec::new(),
            };
            answer.groups.into_iter().map(found).collect()
        }
    };
    Ok(queries.iter().map(one).collect())
}

fn metric(
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
    let window = window(place.start, place.end, stat.period.into(), Alignment::Multiple, place.now);
    let mut units: Vec<Unit> = Vec::new();
    let mut points: Vec<(Second, f64)> = Vec::new();
    if let (Some(id), Some(window)) = (series.find(&metric), window) {
        for bucket in series.read(id, stat.unit, &window, place.now) {
            if !units.contains(&bucket.unit) {
                units.push(bucket.unit);
            }
            // Buckets of a period come by unit in alphabetical order; the first one counts.
            if points.last().is_none_or(|(time, _)| *time != bucket.time) {
                points.extend(statistic.of(&bucket.set).map(|value| (bucket.time, value)));
            }
        }
    }
    let mut names: Vec<&str> = units.iter().map(|unit| unit.as_str()).collect();
    names.sort_unstable();
    let several = || MessageData {
        code: "MultipleUnits".into(),
        value: format!("Multiple units returned: '[{}]'", names.join(", ")),
    };
    let messages = if names.len() > 1 { vec![several()] } else { Vec::new() };
    Found { group: None, points, status: StatusCode::Complete, messages }
}

/// One labelled result, oldest point first.
struct Shown {
    id: String,
    label: String,
    points: Vec<(Second, f64)>,
    status: StatusCode,
    messages: Vec<MessageData>,
}

fn label(
    queries: &[Checked<'_>],
    results: Vec<Vec<Found>>,
    place: &Place<'_>,
    zone: &TimeZone,
) -> Vec<Shown> {
    let subjects: Vec<Option<Subject>> = queries.iter().map(|query| subject(query, place)).collect();
    let plain = |(query, subject): (&Checked<'_>, &Option<Subject>)| {
        subject.is_some() && query.visible && query.query.label.is_none()
    };
    let unlabelled: Vec<usize> = queries
        .iter()
        .zip(&subjects)
        .enumerate()
        .filter(|(_, pair)| plain(*pair))
        .map(|(at, _)| at)
        .collect();
    let defaults =
        default_labels(&unlabelled.iter().filter_map(|at| subjects[*at].as_ref()).collect::<Vec<_>>());
    let mut shown = Vec::new();
    for (at, (query, found)) in
        queries.iter().zip(results).enumerate().filter(|(_, (query, _))| query.visible)
    {
        let own = unlabelled.iter().position(|of| *of == at).map(|position| defaults[position].clone());
        let metric_name = subjects[at].as_ref().map(|subject| subject.metric_name.clone());
        let default = own.or(metric_name).unwrap_or_else(|| query.query.id.clone());
        for found in found {
            let default = found.group.clone().unwrap_or_else(|| default.clone());
            let label = match &query.query.label {
                None => default,
                Some(label) => {
                    let filled = fill(label, &default, subjects[at].as_ref(), &found.points, zone);
                    match &found.group {
                        // A label that does not name the group itself is put before its name.
                        Some(group) if !label.contains("${LABEL}") => format!("{filled} {group}"),
                        _ => filled,
                    }
                }
            };
            let Found { points, status, messages, .. } = found;
            shown.push(Shown { id: query.query.id.clone(), label, points, status, messages });
        }
    }
    shown
}

fn subject(query: &Checked<'_>, place: &Place<'_>) -> Option<Subject> {
    let Source::Metric { stat, dimensions, .. } = &query.source else { return None };
    Some(Subject {
        metric_name: stat.metric.metric_name.clone().unwrap_or_default(),
        namespace: stat.metric.namespace.clone().unwrap_or_default(),
        stat: stat.stat.clone(),
        period: stat.period.into(),
        dimensions: dimensions.clone(),
        account: place.account.to_owned(),
        region: place.region.to_owned(),
    })
}

/// Cuts results into pages of datapoints.
struct Pages {
    question: String,
    skip: usize,
    max: usize,
}

impl Pages {
    fn new(request: &GetMetricDataRequest) -> Result<Self, CloudWatchError> {
        let max = match request.max_datapoints {
            None => DATAPOINTS_MAX,
            Some(max) => usize::try_from(max).ok().filter(|max| (1..=DATAPOINTS_MAX).contains(max)).ok_or_else(|| {
                invalid(format!("The value {max} for parameter MaxDatapoints is invalid: it must be from 1 to {DATAPOINTS_MAX}."))
            })?,
        };
        let ids: Vec<&str> = request.metric_data_queries.iter().map(|query| query.id.as_str()).collect();
        let question =
            format!("GetMetricData {} {:?} {:?}", ids.join(","), request.start_time, request.end_time);
        let skip = match &request.next_token {
            None => 0,
            Some(token) => {
                let skip = page::decode(&question, token).ok().and_then(|skip| skip.parse().ok());
                skip.ok_or(CloudWatchError::InvalidNextToken)?
            }
        };
        Ok(Self { question, skip, max })
    }

    /// The page after `skip` datapoints; results that lie wholly before it are left out.
    fn cut(&self, shown: Vec<Shown>, scan_by: ScanBy) -> GetMetricDataResponse {
        let total: usize = shown.iter().map(|result| result.points.len()).sum();
        let (mut skip, mut room) = (self.skip, self.max);
        let mut results = Vec::new();
        for Shown { id, label, mut points, status, messages } in shown {
            if skip > 0 && skip >= points.len() {
                skip -= points.len();
                continue;
            }
            if scan_by == ScanBy::TimestampDescending {
                points.reverse();
            }
            let rest = &points[skip..];
            let page = &rest[..rest.len().min(room)];
            let status_code = if page.len() < rest.len() { StatusCode::PartialData } else { status };
            let time = |at: Second| WireTime(Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH));
            results.push(MetricDataResult {
                id,
                label,
                timestamps: page.iter().map(|(at, _)| time(*at)).collect(),
                values: page.iter().map(|(_, value)| *value).collect(),
                status_code,
                messages,
            });
            room -= page.len();
            skip = 0;
            if room == 0 {
                break;
            }
        }
        let seen = self.skip + self.max - room;
        let next_token = (seen < total).then(|| page::encode(&self.question, &seen.to_string()));
        GetMetricDataResponse { metric_data_results: results, next_token, messages: Vec::new() }
    }
}

fn validation(text: impl Into<String>) -> CloudWatchError {
    CloudWatchError::Validation(text.into())
}

fn invalid(text: String) -> CloudWatchError {
    CloudWatchError::InvalidParameterValue(text)
}

#[cfg(test)]
#[path = "get_metric_data_tests.rs"]
mod tests;
