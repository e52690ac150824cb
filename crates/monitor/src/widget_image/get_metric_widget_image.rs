//! `GetMetricWidgetImage`: a picture of metrics.

use keywatch_api::{
    Arn, Blob, WireTime,
    cloudwatch::{
        StatusCode,
        dashboards::{GetMetricWidgetImageRequest, GetMetricWidgetImageResponse},
        metrics::GetMetricDataRequest,
    },
};
use keywatch_chart::{Chart, Fill, Level, Line, png};
use keywatch_iam::Call;

use super::definition::{Definition, Style};
use crate::{
    alarms::{
        alarm::Alarm,
        store::{ALARM, alarm_key},
    },
    cloudwatch::{CloudWatch, CloudWatchError},
    metrics::query::{Place, Shown, answer, check, labelled},
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
        draw_alarm(call, &mut definition, &arn).await?;
    }
    let chart = answered(call, service, definition).await?;
    let painted = service.painters.run(move || png(&chart)).await;
    match painted {
        Ok(Ok(picture)) => Ok(GetMetricWidgetImageResponse { metric_widget_image: Blob(picture) }),
        Ok(Err(error)) => Err(CloudWatchError::Internal(error.to_string())),
        Err(error) => Err(CloudWatchError::Internal(error.to_string())),
    }
}

/// Asks what a definition asks and draws the answers.
async fn answered(
    call: &mut Call<'_>,
    service: &CloudWatch,
    definition: Definition,
) -> Result<Chart, CloudWatchError> {
    let Definition { queries, styles, mut chart, zone, region, .. } = definition;
    if queries.iter().all(|query| query.return_data == Some(false)) {
        return Ok(chart);
    }
    let time = |second: i64| jiff::Timestamp::from_second(second).map(WireTime).unwrap_or(WireTime(call.now));
    let request = GetMetricDataRequest {
        metric_data_queries: queries,
        start_time: time(chart.start),
        end_time: time(chart.end),
        next_token: None,
        scan_by: None,
        max_datapoints: None,
        label_options: None,
    };
    let region = region.unwrap_or_else(|| call.region.to_string());
    let partition = format!("{}/{region}", call.account());
    let place = Place {
        partition: &partition,
        account: call.account().as_str(),
        region: &region,
        start: chart.start,
        end: chart.end,
        now: call.now.as_second(),
    };
    let checked = check(&request)?;
    service.catch_up(call).await?;
    let results = service.live.read(|series| answer(series, &checked, &place))?;
    let shown = labelled(&checked, results, &place, &zone);
    chart.incomplete = shown.len() > LINES_MAX || shown.iter().any(|one| one.status != StatusCode::Complete);
    let mut last: Option<String> = None;
    let line = |one: Shown| {
        let Style { color, on_right, period } = styles.get(&one.id).cloned().unwrap_or_default();
        // Of many lines of one expression only the first has its colour.
        let color = color.filter(|_| last.as_ref() != Some(&one.id));
        last = Some(one.id);
        Line { label: one.label, color, on_right, period: period.into(), points: one.points }
    };
    chart.lines = shown.into_iter().take(LINES_MAX).map(line).collect();
    Ok(chart)
}

/// Adds an alarm's threshold, and its metric where nothing else is drawn.
async fn draw_alarm(
    call: &mut Call<'_>,
    definition: &mut Definition,
    arn: &str,
) -> Result<(), CloudWatchError> {
    let missing = || CloudWatchError::Validation(format!("The alarm {arn} does not exist."));
    let parsed: Arn = arn.parse().map_err(|_| missing())?;
    let name = parsed.resource.strip_prefix("alarm:").filter(|_| parsed.account == call.account().as_str());
    let key = alarm_key(&format!("{}/{}", parsed.account, parsed.region), name.ok_or_else(missing)?);
    let alarm: Alarm = call.tx.get(ALARM, &key).await?.ok_or_else(missing)?;
    if definition.queries.is_empty() {
        let widget = alarm_widget(&alarm).to_string();
        let Definition { queries, styles, .. } = Definition::read(&widget, call.now)?;
        (definition.queries, definition.styles) = (queries, styles);
    }
    if definition.chart.title.is_empty() {
        definition.chart.title = alarm.name.clone();
    }
    let (comparison, value) = (alarm.config.comparison_operator, alarm.config.threshold);
    let label = format!("{} {comparison} {value}", alarm.config.metric_name);
    let level = Level { value, until: None, label, color: None, on_right: false, fill: Fill::None };
    definition.chart.levels.push(level);
    Ok(())
}

/// The metric of an alarm as a widget has it.
fn alarm_widget(alarm: &Alarm) -> serde_json::Value {
    let config = &alarm.config;
    let dimensions = config.dimensions.iter().flat_map(|one| [&one.name, &one.value]);
    let names = [&config.namespace, &config.metric_name].into_iter().chain(dimensions);
    let mut row: Vec<serde_json::Value> = names.map(|name| name.as_str().into()).collect();
    row.push(serde_json::json!({ "stat": alarm.statistic_name(), "period": config.period }));
    serde_json::json!({ "metrics": [row] })
}
