//! Reads definitions of pictures.
//!
//! Source: CloudWatch API Reference, "GetMetricWidgetImage: Metric Widget Structure and Syntax".

use std::collections::HashMap;

use jiff::{Span, Timestamp, tz::TimeZone};
use keywatch_api::cloudwatch::metrics::{Dimension, Metric, MetricDataQuery, MetricStat};
use keywatch_chart::{Axis, Chart, Fill, Legend, Level, Moment, SIDE_MAX, Theme, View};
use serde_json::{Map, Value};

use crate::cloudwatch::CloudWatchError;
use crate::dashboards::body::check_metric_widget;
use crate::dashboards::rows::{Row, Subject, rows};
use crate::metrics::label::timezone;

const METRICS_MAX: usize = 100;
const ANNOTATIONS_MAX: usize = 100;
const PERIOD_DEFAULT: i32 = 300;
const STAT_DEFAULT: &str = "Average";
const START_DEFAULT: &str = "-PT3H";
const END_DEFAULT: &str = "-PT0H";
const WIDTH_DEFAULT: u32 = 600;
const HEIGHT_DEFAULT: u32 = 400;

/// What to ask, and how to show it.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) queries: Vec<MetricDataQuery>,
    /// By the ids of queries.
    pub(super) styles: HashMap<String, Style>,
    /// Everything but lines and bands.
    pub(super) chart: Chart,
    pub(super) zone: TimeZone,
    pub(super) region: Option<String>,
    /// The ARN of an alarm whose metric and threshold are drawn.
    pub(super) alarm: Option<String>,
    /// The queries of that alarm, of which only the band is drawn.
    pub(super) of_alarm: Vec<MetricDataQuery>,
}

/// How the line of a query looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) color: Option<String>,
    pub(super) on_right: bool,
    /// Seconds.
    pub(super) period: i32,
}

fn invalid(text: impl Into<String>) -> CloudWatchError {
    CloudWatchError::Validation(text.into())
}

impl Definition {
    /// Whether any query is to be answered and shown.
    pub(super) fn asks(&self) -> bool {
        self.queries.iter().any(|query| query.return_data != Some(false))
    }

    /// Reads the text of a definition.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub(super) fn read(text: &str, now: Timestamp) -> Result<Self, CloudWatchError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| invalid(format!("The parameter MetricWidget is not valid JSON: {error}")))?;
        if let Some(finding) = check_metric_widget(&value).errors.first() {
            let (path, message) = (&finding.data_path, &finding.message);
            return Err(invalid(format!("The parameter MetricWidget is invalid at {path}/: {message}")));
        }
        let nothing = Map::new();
        let widget = Fields(value.as_object().unwrap_or(&nothing));
        let zone = widget.text("timezone").map_or(Some(TimeZone::UTC), timezone);
        let zone = zone.ok_or_else(|| invalid("The timezone must be of the form +HHMM or -HHMM."))?;
        let chart = chart(widget, &zone, now)?;
        let (queries, styles) = queries(widget)?;
        let alarm = widget.object("annotations").and_then(|fields| fields.list("alarms").first());
        Ok(Self {
            queries,
            styles,
            chart,
            zone,
            region: widget.text("region").map(str::to_owned),
            alarm: alarm.and_then(Value::as_str).map(str::to_owned),
            of_alarm: Vec::new(),
        })
    }
}

/// An object whose members were checked.
#[derive(Clone, Copy)]
struct Fields<'v>(&'v Map<String, Value>);

impl<'v> Fields<'v> {
    fn text(self, name: &str) -> Option<&'v str> {
        self.0.get(name)?.as_str()
    }

    fn number(self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    fn flag(self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn object(self, name: &str) -> Option<Fields<'v>> {
        self.0.get(name)?.as_object().map(Fields)
    }

    fn list(self, name: &str) -> &'v [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn on_right(self) -> bool {
        self.text("yAxis") == Some("right")
    }

    fn is_visible(self) -> bool {
        self.flag("visible").unwrap_or(true)
    }
}

fn chart(widget: Fields<'_>, zone: &TimeZone, now: Timestamp) -> Result<Chart, CloudWatchError> {
    let start = moment(widget.text("start").unwrap_or(START_DEFAULT), now)?;
    let end = moment(widget.text("end").unwrap_or(END_DEFAULT), now)?;
    if start >= end {
        return Err(invalid("The start of the picture must be before its end."));
    }
    let mut chart = Chart::new(
        side(widget, "width", WIDTH_DEFAULT)?,
        side(widget, "height", HEIGHT_DEFAULT)?,
        start.as_second(),
        end.as_second(),
    );
    chart.offset_seconds = zone.to_offset(now).seconds();
    chart.theme = match widget.text("theme") {
        None | Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        Some(other) => return Err(invalid(format!("The theme {other} is neither light nor dark."))),
    };
    chart.title = widget.text("title").unwrap_or_default().to_owned();
    chart.view = match widget.text("view") {
        None | Some("timeSeries") if widget.flag("stacked") == Some(true) => View::Stacked,
        None | Some("timeSeries") => View::Lines,
        Some("bar") => View::Bar,
        Some("pie") => View::Pie,
        Some("singleValue") => View::Number,
        Some("gauge") => View::Gauge,
        Some(other) => return Err(invalid(format!("The view {other} cannot be drawn as a picture."))),
    };
    chart.legend = match widget.object("legend").and_then(|legend| legend.text("position")) {
        Some("right") => Legend::Right,
        Some("hidden") => Legend::Hidden,
        _ => Legend::Bottom,
    };
    if let Some(axes) = widget.object("yAxis") {
        let axis = |fields: Fields<'_>| Axis {
            label: fields.text("label").unwrap_or_default().to_owned(),
            min: fields.number("min"),
            max: fields.number("max"),
        };
        chart.left = axes.object("left").map(axis).unwrap_or_default();
        chart.right = axes.object("right").map(axis).unwrap_or_default();
    }
    if let Some(annotations) = widget.object("annotations") {
        chart.levels = pairs(annotations.list("horizontal"))?.into_iter().filter_map(level).collect();
        let moments = pairs(annotations.list("vertical"))?.into_iter();
        chart.moments = moments.filter_map(|pair| mark(pair, now).transpose()).collect::<Result<_, _>>()?;
    }
    Ok(chart)
}

fn side(widget: Fields<'_>, name: &str, default: u32) -> Result<u32, CloudWatchError> {
    let Some(value) = widget.0.get(name) else { return Ok(default) };
    let side = value.as_u64().and_then(|side| u32::try_from(side).ok());
    side.filter(|side| (1..=SIDE_MAX).contains(side))
        .ok_or_else(|| invalid(format!("The {name} must be a whole number from 1 to {SIDE_MAX}.")))
}

/// `-PT3H`, counted from now, or a time.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, CloudWatchError> {
    let wrong = || invalid(format!("The time {text} is neither a time nor a duration such as -PT3H."));
    if text.starts_with("-P") || text.starts_with('P') {
        let span: Span = text.parse().map_err(|_| wrong())?;
        let then = now.to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| wrong())?;
        return Ok(then.timestamp());
    }
    text.parse().map_err(|_| wrong())
}

type Pair<'v> = (Fields<'v>, Option<Fields<'v>>);

/// Annotations, each a mark or the two sides of a band.
fn pairs(list: &[Value]) -> Result<Vec<Pair<'_>>, CloudWatchError> {
    if list.len() > ANNOTATIONS_MAX {
        return Err(invalid(format!("A picture has no more than {ANNOTATIONS_MAX} annotations of a kind.")));
    }
    Ok(list.iter().filter_map(pair).collect())
}

fn pair(value: &Value) -> Option<Pair<'_>> {
    match value {
        Value::Object(map) => Some((Fields(map), None)),
        Value::Array(two) => {
            Some((Fields(two.first()?.as_object()?), two.get(1).and_then(Value::as_object).map(Fields)))
        }
        _ => None,
    }
}

fn fill(fields: Fields<'_>) -> Fill {
    match fields.text("fill") {
        Some("above" | "after") => Fill::Beyond,
        Some("below" | "before") => Fill::Before,
        _ => Fill::None,
    }
}

fn level((fields, until): Pair<'_>) -> Option<Level> {
    fields.is_visible().then_some(Level {
        value: fields.number("value")?,
        until: until.and_then(|until| until.number("value")),
        label: fields.text("label").unwrap_or_default().to_owned(),
        color: fields.text("color").map(str::to_owned),
        on_right: fields.on_right(),
        fill: fill(fields),
    })
}

fn mark((fields, until): Pair<'_>, now: Timestamp) -> Result<Option<Moment>, CloudWatchError> {
    if !fields.is_visible() {
        return Ok(None);
    }
    let time = |fields: Fields<'_>| moment(fields.text("value").unwrap_or_default(), now);
    Ok(Some(Moment {
        time: time(fields)?.as_second(),
        until: until.map(time).transpose()?.map(Timestamp::as_second),
        label: fields.text("label").unwrap_or_default().to_owned(),
        color: fields.text("color").map(str::to_owned),
        fill: fill(fields),
    }))
}

fn queries(widget: Fields<'_>) -> Result<(Vec<MetricDataQuery>, HashMap<String, Style>), CloudWatchError> {
    let (rows, _) = rows(widget.list("metrics"));
    if rows.len() > METRICS_MAX {
        return Err(invalid(format!("A picture has no more than {METRICS_MAX} metrics.")));
    }
    let period = period(widget).unwrap_or(PERIOD_DEFAULT);
    let stat = widget.text("stat").unwrap_or(STAT_DEFAULT);
    let (mut queries, mut styles) = (Vec::with_capacity(rows.len()), HashMap::new());
    for (index, row) in rows.iter().enumerate() {
        let options = Fields(&row.options);
        if let Some(region) = options.text("region").filter(|own| Some(*own) != widget.text("region")) {
            return Err(invalid(format!("A picture shows metrics of one Region, not of {region} too.")));
        }
        let query = query(row, index, period, stat);
        let period = query.metric_stat.as_ref().map_or(query.period, |stat| Some(stat.period));
        let color = options.text("color").map(str::to_owned);
        let style = Style { color, on_right: options.on_right(), period: period.unwrap_or(PERIOD_DEFAULT) };
        styles.insert(query.id.clone(), style);
        queries.push(query);
    }
    Ok((queries, styles))
}

fn period(fields: Fields<'_>) -> Option<i32> {
    i32::try_from(fields.0.get("period")?.as_i64()?).ok()
}

/// Whether an expression gives lines that are named by what tells them apart: groups, or metrics that were found.
fn names_its_lines(expression: &str) -> bool {
    let text = expression.trim_start().to_ascii_uppercase();
    text.starts_with("SEARCH(") || text.starts_with("SELECT ") && text.contains(" GROUP BY ")
}

fn query(row: &Row, index: usize, period_default: i32, stat_default: &str) -> MetricDataQuery {
    let options = Fields(&row.options);
    let id = options.text("id").map_or_else(|| format!("row_{index}"), str::to_owned);
    let label = options.text("label").map(str::to_owned);
    let period = period(options).unwrap_or(period_default);
    let return_data = Some(options.is_visible());
    match &row.subject {
        Subject::Expression(text) => MetricDataQuery {
            id,
            metric_stat: None,
            label: label.or_else(|| (!names_its_lines(text)).then(|| text.clone())),
            expression: Some(text.clone()),
            return_data,
            period: Some(period),
            account_id: None,
        },
        Subject::Metric { namespace, name, dimensions } => {
            let dimensions =
                dimensions.iter().map(|(name, value)| Dimension { name: name.clone(), value: value.clone() });
            let metric = Metric {
                namespace: Some(namespace.clone()),
                metric_name: Some(name.clone()),
                dimensions: Some(dimensions.collect()),
            };
            let stat = options.text("stat").unwrap_or(stat_default).to_owned();
            MetricDataQuery {
                id,
                metric_stat: Some(MetricStat { metric, period, stat, unit: None }),
                expression: None,
                label,
                return_data,
                period: None,
                account_id: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-03-31T12:00:00Z";

    fn read(widget: Value) -> Result<Definition, String> {
        let now = NOW.parse().unwrap();
        Definition::read(&widget.to_string(), now).map_err(|error| match error {
            CloudWatchError::Validation(text) => text,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn who_names_lines() {
        for (expression, want) in [
            ("SELECT SUM(x) FROM A GROUP BY b", true),
            (" select sum(x) from A group by b limit 3", true),
            ("SELECT SUM(x) FROM A", false),
            ("SEARCH('{A,b} x', 'Sum')", true),
            ("SUM(SEARCH('{A,b} x', 'Sum'))", false),
            ("m1 * 2", false),
        ] {
            assert_eq!(names_its_lines(expression), want, "{expression}");
        }
    }

    #[test]
    fn a_whole_definition() {
        let definition = read(json!({
            "metrics": [
                ["AWS/KMS", "SuccessfulRequest", "KeyArn", "k", { "stat": "Sum", "period": 60, "yAxis": "right", "color": "#00ff00" }],
                ["...", "l", { "id": "two", "visible": false, "label": "L" }],
                [{ "expression": "two * 2" }],
            ],
            "width": 300, "height": 200, "theme": "dark", "stacked": true, "title": "T", "timezone": "+0530",
            "start": "-P1M", "end": "2026-03-31T11:00:00Z", "legend": { "position": "hidden" },
            "yAxis": { "left": { "min": 0, "label": "calls" } },
            "annotations": {
                "horizontal": [{ "value": 5, "fill": "above" }, { "value": 1, "visible": false }],
                "vertical": [[{ "value": "2026-03-31T10:00:00Z", "label": "v" }, { "value": "2026-03-31T10:30:00Z" }]],
            },
        }))
        .unwrap();
        let chart = &definition.chart;
        assert_eq!(
            (chart.width, chart.height, chart.view, chart.theme),
            (300, 200, View::Stacked, Theme::Dark)
        );
        assert_eq!(Timestamp::from_second(chart.start).unwrap().to_string(), "2026-02-28T12:00:00Z");
        assert_eq!((chart.offset_seconds, chart.legend, chart.left.min), (19_800, Legend::Hidden, Some(0.0)));
        assert_eq!((chart.levels.len(), chart.levels[0].fill), (1, Fill::Beyond));
        assert_eq!((chart.moments[0].label.as_str(), chart.moments[0].until.is_some()), ("v", true));
        let [one, two, three] = definition.queries.as_slice() else { panic!("{definition:?}") };
        let stat = one.metric_stat.as_ref().unwrap();
        assert_eq!((one.id.as_str(), stat.period, stat.stat.as_str()), ("row_0", 60, "Sum"));
        assert_eq!((two.id.as_str(), two.return_data, two.label.as_deref()), ("two", Some(false), Some("L")));
        assert_eq!(two.metric_stat.as_ref().unwrap().metric.dimensions.as_ref().unwrap()[0].value, "l");
        assert_eq!((three.expression.as_deref(), three.label.as_deref()), (Some("two * 2"), Some("two * 2")));
        let green = Style { color: Some("#00ff00".into()), on_right: true, period: 60 };
        assert_eq!(definition.styles["row_0"], green);
    }

    #[test]
    fn what_is_refused() {
        let check = |member: &str, value: Value, part: &str| {
            let mut widget = json!({ "metrics": [["N", "M"]] });
            widget[member] = value;
            let text = read(widget).unwrap_err();
            assert!(text.contains(part), "{member}: {text}");
        };
        check("width", json!(0), "from 1 to 2000");
        check("height", json!(2_001), "from 1 to 2000");
        check("theme", json!("blue"), "neither light nor dark");
        check("start", json!("yesterday"), "neither a time nor a duration");
        check("start", json!("PT1H"), "must be before its end");
        check("timezone", json!("Europe/Berlin"), "+HHMM");
        check("view", json!("table"), "cannot be drawn");
        check("metrics", json!([["N"]]), "/metrics/0/");
        check("metrics", json!(vec![["N", "M"]; 101]), "no more than 100 metrics");
        check("metrics", json!([["N", "M", { "region": "eu-west-1" }]]), "one Region");
        assert!(read(json!([])).unwrap_err().contains("Should be object"));
        assert!(read(json!({})).unwrap_err().contains("'metrics'"));
    }
}
