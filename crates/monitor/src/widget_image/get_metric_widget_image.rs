//! `GetMetricWidgetImage`: a picture of metrics.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use keywatch_api::{
    Arn, Blob, WireTime,
    cloudwatch::{
        StatusCode,
        dashboards::{GetMetricWidgetImageRequest, GetMetricWidgetImageResponse},
        metrics::{GetMetricDataRequest, MetricDataQuery},
    },
};
use keywatch_chart::{Band, Chart, Fill, Level, Line, png};
use keywatch_iam::Call;
use keywatch_store::Store;
use serde_json::{Value, json};

use super::definition::{Definition, Style};
use crate::{
    alarms::{
        alarm::Alarm,
        config::{MetricRule, Subject},
        store::{ALARM, alarm_key},
    },
    cloudwatch::{CloudWatch, CloudWatchError},
    detectors::Trainer,
    metrics::{
        Second,
        live::LiveSeries,
        period::Alignment,
        query::{Edge, Place, Shown, answer, ask_tags, check, labelled},
        tags::Tags,
    },
};

/// Bytes of a definition.
const DEFINITION_LENGTH_MAX: usize = 100 * 1024;
/// Lines of a picture, also those that an expression gives.
const LINES_MAX: usize = 500;

/// Whether the answer to a request is the picture itself.
pub(crate) fn is_raw(request: &GetMetricWidgetImageRequest) -> bool {
    request.output_format.as_deref() == Some("image/png")
}

pub(crate) async fn get_metric_widget_image(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: GetMetricWidgetImageRequest,
) -> Result<GetMetricWidgetImageResponse, CloudWatchError> {
    call.authorize_own("cloudwatch:GetMetricWidgetImage", "*")?;
    if request.metric_widget.len() > DEFINITION_LENGTH_MAX {
        let text =
            format!("The parameter MetricWidget must not be longer than {DEFINITION_LENGTH_MAX} bytes.");
        return Err(CloudWatchError::Validation(text));
    }
    if let Some(format) =
        request.output_format.as_deref().filter(|format| !matches!(*format, "png" | "image/png"))
    {
        let text = format!("The value {format} for parameter OutputFormat is not supported.");
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    let mut definition = Definition::read(&request.metric_widget, call.now)?;
    if let Some(arn) = definition.alarm.clone() {
        let alarm = alarm_of(call, &arn).await?;
        draw_alarm(&mut definition, &alarm, call.now)?;
    }
    if definition.asks() {
        service.catch_up(call).await?;
    }
    let asked = Asked { store: call.tx.store, live: &service.live, trainer: &service.trainer };
    let chart =
        answered(&asked, (call.account().as_str(), call.region.as_str()), definition, call.now).await?;
    let painted = service.painters.run(move || png(&chart)).await;
    match painted {
        Ok(Ok(picture)) => Ok(GetMetricWidgetImageResponse { metric_widget_image: Blob(picture) }),
        Ok(Err(error)) => Err(CloudWatchError::Internal(error.to_string())),
        Err(error) => Err(CloudWatchError::Internal(error.to_string())),
    }
}

/// Who answers what pictures ask.
pub(super) struct Asked<'a> {
    pub(super) store: &'a Store,
    pub(super) live: &'a LiveSeries,
    pub(super) trainer: &'a Trainer,
}

/// Asks in an account and Region what a definition asks and draws the answers.
pub(super) async fn answered(
    asked: &Asked<'_>,
    (account, here): (&str, &str),
    definition: Definition,
    now: Timestamp,
) -> Result<Chart, CloudWatchError> {
    let asks = definition.asks();
    let Definition { queries, styles, mut chart, zone, region, of_alarm, .. } = definition;
    let region = region.unwrap_or_else(|| here.to_owned());
    let partition = format!("{account}/{region}");
    let place = Place {
        partition: &partition,
        account,
        region: &region,
        start: chart.start,
        end: chart.end,
        now: now.as_second(),
        alignment: Alignment::Multiple,
        tags: Tags::NONE,
    };
    if asks {
        let shown = asked.ask(queries, &place, &zone).await?;
        chart.incomplete =
            shown.len() > LINES_MAX || shown.iter().any(|one| one.status != StatusCode::Complete);
        chart.bands = bands(&shown, &styles);
        chart.lines = lines(shown, &styles);
    }
    if !of_alarm.is_empty() {
        let shown = asked.ask(of_alarm, &place, &zone).await?;
        chart.bands.extend(bands(&shown, &HashMap::new()));
    }
    Ok(chart)
}

impl Asked<'_> {
    async fn ask(
        &self,
        queries: Vec<MetricDataQuery>,
        place: &Place<'_>,
        zone: &TimeZone,
    ) -> Result<Vec<Shown>, CloudWatchError> {
        let time = |second: Second| WireTime(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH));
        let request = GetMetricDataRequest {
            metric_data_queries: queries,
            start_time: time(place.start),
            end_time: time(place.end),
            next_token: None,
            scan_by: None,
            max_datapoints: None,
            label_options: None,
        };
        let checked = check(&request)?;
        if ask_tags(&checked) {
            let text = "Pictures of Metrics Insights queries with tag keys are not built in Keywatch.";
            return Err(CloudWatchError::Validation(text.into()));
        }
        let bands = self.trainer.bands((self.store, self.live), &checked, place).await?;
        let results = self.live.read(|series| answer(series, &checked, place, &bands)).await??;
        Ok(labelled(&checked, results, place, zone))
    }
}

fn lines(shown: Vec<Shown>, styles: &HashMap<String, Style>) -> Vec<Line> {
    let mut last: Option<String> = None;
    let line = |one: Shown| {
        let Style { color, on_right, period } = styles.get(&one.id).cloned().unwrap_or_default();
        // Of many lines of one expression only the first has its colour.
        let color = color.filter(|_| last.as_ref() != Some(&one.id));
        last = Some(one.id);
        Line { label: one.label, color, on_right, period: period.into(), points: one.points }
    };
    shown.into_iter().filter(|one| one.edge.is_none()).take(LINES_MAX).map(line).collect()
}

/// The bands among answers: each is two of them, the lower edge first, with the same times.
fn bands(shown: &[Shown], styles: &HashMap<String, Style>) -> Vec<Band> {
    let band = |pair: &[Shown]| {
        let [lower, upper] = pair else { return None };
        if (lower.edge, upper.edge) != (Some(Edge::Lower), Some(Edge::Upper)) {
            return None;
        }
        let label =
            lower.label.strip_suffix(Edge::Lower.word()).unwrap_or(&lower.label).trim_end().to_owned();
        let edges = lower.points.iter().zip(&upper.points);
        let points: Vec<_> = edges.map(|((time, lower), (_, upper))| (*time, *lower, *upper)).collect();
        let Style { color, on_right, period } = styles.get(&lower.id).cloned().unwrap_or_default();
        // Expressions are styled with the widget's period, alarms with none; the band's times tell its own.
        let apart = points.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(0);
        Some(Band { label, color, on_right, period: Second::from(period).max(apart), points })
    };
    shown.windows(2).filter_map(band).collect()
}

/// The alarm of an annotation, which is one of the caller's account.
async fn alarm_of(call: &mut Call<'_>, arn: &str) -> Result<Alarm, CloudWatchError> {
    let missing = || CloudWatchError::Validation(format!("The alarm {arn} does not exist."));
    let parsed: Arn = arn.parse().map_err(|_| missing())?;
    let name = parsed.resource.strip_prefix("alarm:").filter(|_| parsed.account == call.account().as_str());
    let key = alarm_key(&format!("{}/{}", parsed.account, parsed.region), name.ok_or_else(missing)?);
    call.tx.get(ALARM, &key).await?.ok_or_else(missing)
}

/// Adds an alarm's threshold, and its metric where nothing else is drawn.
pub(super) fn draw_alarm(
    definition: &mut Definition,
    alarm: &Alarm,
    now: Timestamp,
) -> Result<(), CloudWatchError> {
    let Some(rule) = alarm.config.metric() else {
        return Err(CloudWatchError::Validation(format!("The alarm {} watches no metric.", alarm.arn())));
    };
    if definition.queries.is_empty() {
        let widget = alarm_widget(rule).to_string();
        let Definition { queries, styles, .. } = Definition::read(&widget, now)?;
        (definition.queries, definition.styles) = (queries, styles);
    } else if let Subject::Queries(queries) = &rule.subject
        && queries.threshold_metric_id.is_some()
    {
        definition.of_alarm.clone_from(&queries.metrics);
    }
    if definition.chart.title.is_empty() {
        definition.chart.title = alarm.name.clone();
    }
    if let Some(value) = rule.threshold {
        let label = format!("{} {} {value}", watched_name(rule), rule.comparison_operator);
        let level = Level { value, until: None, label, color: None, on_right: false, fill: Fill::None };
        definition.chart.levels.push(level);
    }
    Ok(())
}

/// What an alarm compares with its threshold, in a word.
fn watched_name(rule: &MetricRule) -> &str {
    match &rule.subject {
        Subject::Metric(metric) => &metric.metric_name,
        Subject::Queries(queries) => {
            let shown = queries.metrics.iter().find(|query| query.return_data.unwrap_or(true));
            shown.map_or("", |query| query.label.as_deref().unwrap_or(&query.id))
        }
    }
}

/// The metrics of an alarm as a widget has them.
fn alarm_widget(rule: &MetricRule) -> Value {
    let row = |names: Vec<&str>, options: Value| {
        let mut row: Vec<Value> = names.into_iter().map(Value::from).collect();
        row.push(options);
        Value::Array(row)
    };
    let rows: Vec<Value> = match &rule.subject {
        Subject::Metric(metric) => {
            let dimensions = metric.dimensions.iter().flat_map(|one| [one.name.as_str(), one.value.as_str()]);
            let names = [metric.namespace.as_str(), &metric.metric_name].into_iter().chain(dimensions);
            vec![row(names.collect(), json!({ "stat": metric.statistic_name(), "period": metric.period }))]
        }
        Subject::Queries(queries) => queries.metrics.iter().map(|query| query_row(query, &row)).collect(),
    };
    json!({ "metrics": rows })
}

fn query_row(query: &MetricDataQuery, row: &dyn Fn(Vec<&str>, Value) -> Value) -> Value {
    let mut options = json!({ "id": query.id, "visible": query.return_data.unwrap_or(true) });
    if let Some(label) = &query.label {
        options["label"] = json!(label);
    }
    let Some(stat) = &query.metric_stat else {
        options["expression"] = json!(query.expression);
        if let Some(period) = query.period {
            options["period"] = json!(period);
        }
        return row(Vec::new(), options);
    };
    (options["stat"], options["period"]) = (json!(stat.stat), json!(stat.period));
    let metric = &stat.metric;
    let names = [metric.namespace.as_deref(), metric.metric_name.as_deref()].into_iter().flatten();
    let dimensions =
        metric.dimensions.iter().flatten().flat_map(|one| [one.name.as_str(), one.value.as_str()]);
    row(names.chain(dimensions).collect(), options)
}
