//! # What the body of a dashboard may hold
//! Each object has a table of the members it may have and a [`Rule`] for each. A member that breaks its rule is an **error**; one
//! that no table knows is a **warning**, for AWS keeps such bodies.
//!
//! Source: CloudWatch API Reference, "Dashboard Body Structure and Syntax"; the texts are those of the JSON schema that AWS checks with.

use serde_json::{Map, Value};

use super::rows;

pub(crate) use keywatch_api::cloudwatch::dashboards::DashboardValidationMessage as Finding;

/// Metrics of all widgets.
const METRICS_MAX: usize = 2_500;
/// Findings that are told.
const FINDINGS_MAX: usize = 100;

/// What was found in a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) errors: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
}

/// What a member may be.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Any,
    Text,
    TextUpTo(usize),
    Bool,
    Number,
    Whole(i64, i64),
    OneOf(&'static [&'static str]),
    List(usize, usize),
    Object(&'static [Member]),
    /// Seconds: 1, 5, 10, 20, 30 or a multiple of 60.
    Period,
}

type Member = (&'static str, Rule);

const BODY: &[Member] = &[
    ("start", Rule::Text),
    ("end", Rule::Text),
    ("periodOverride", Rule::OneOf(&["auto", "inherit"])),
    ("variables", Rule::List(0, 25)),
    ("widgets", Rule::List(0, 500)),
];
const VARIABLE: &[Member] = &[
    ("type", Rule::OneOf(&["property", "pattern"])),
    ("property", Rule::Text),
    ("pattern", Rule::Text),
    ("inputType", Rule::OneOf(&["input", "select", "radio"])),
    ("id", Rule::TextUpTo(32)),
    ("label", Rule::TextUpTo(30)),
    ("values", Rule::List(0, 500)),
    ("defaultValue", Rule::Text),
    ("search", Rule::TextUpTo(2_048)),
    ("populateFrom", Rule::Text),
    ("visible", Rule::Bool),
];
const WIDGET: &[Member] = &[
    (
        "type",
        Rule::OneOf(&[
            "metric", "text", "log", "alarm", "explorer", "custom", "chart", "trace", "table", "map",
        ]),
    ),
    ("x", Rule::Whole(0, 23)),
    ("y", Rule::Whole(0, i64::MAX)),
    ("width", Rule::Whole(1, 24)),
    ("height", Rule::Whole(1, 1_000)),
    ("properties", Rule::Any),
];
const LEGEND: &[Member] = &[("position", Rule::OneOf(&["right", "bottom", "hidden"]))];
const AXIS: &[Member] =
    &[("label", Rule::Text), ("min", Rule::Number), ("max", Rule::Number), ("showUnits", Rule::Bool)];
const AXES: &[Member] = &[("left", Rule::Object(AXIS)), ("right", Rule::Object(AXIS))];
const TABLE: &[Member] = &[
    ("layout", Rule::OneOf(&["horizontal", "vertical"])),
    ("stickySummary", Rule::Bool),
    ("showTimeSeriesData", Rule::Bool),
    ("summaryColumns", Rule::List(0, 4)),
];
const ANNOTATIONS: &[Member] =
    &[("alarms", Rule::List(0, 1)), ("horizontal", Rule::List(0, 500)), ("vertical", Rule::List(0, 500))];
const METRIC: &[Member] = &[
    ("region", Rule::Text),
    ("metrics", Rule::List(0, 500)),
    ("annotations", Rule::Object(ANNOTATIONS)),
    ("accountId", Rule::Text),
    ("liveData", Rule::Bool),
    ("legend", Rule::Object(LEGEND)),
    ("period", Rule::Period),
    ("stat", Rule::Text),
    ("sparkline", Rule::Bool),
    ("setPeriodToTimeRange", Rule::Bool),
    ("stacked", Rule::Bool),
    ("title", Rule::Text),
    ("timezone", Rule::Text),
    ("trend", Rule::Bool),
    ("singleValueFullPrecision", Rule::Bool),
    ("start", Rule::Text),
    ("end", Rule::Text),
    ("view", Rule::OneOf(&["timeSeries", "singleValue", "gauge", "bar", "pie", "table"])),
    ("yAxis", Rule::Object(AXES)),
    ("table", Rule::Object(TABLE)),
];
const ROW: &[Member] = &[
    ("color", Rule::Text),
    ("label", Rule::Text),
    ("period", Rule::Period),
    ("stat", Rule::Text),
    ("visible", Rule::Bool),
    ("yAxis", Rule::OneOf(&["left", "right"])),
    ("id", Rule::TextUpTo(255)),
    ("region", Rule::Text),
    ("accountId", Rule::Text),
    ("expression", Rule::Text),
];
const HORIZONTAL: &[Member] = &[
    ("value", Rule::Number),
    ("label", Rule::Text),
    ("color", Rule::Text),
    ("fill", Rule::OneOf(&["above", "below", "none"])),
    ("visible", Rule::Bool),
    ("yAxis", Rule::OneOf(&["left", "right"])),
];
const VERTICAL: &[Member] = &[
    ("value", Rule::Text),
    ("label", Rule::Text),
    ("color", Rule::Text),
    ("fill", Rule::OneOf(&["before", "after", "none"])),
    ("visible", Rule::Bool),
];
const TEXT: &[Member] = &[("markdown", Rule::Text), ("background", Rule::OneOf(&["solid", "transparent"]))];
const LOG: &[Member] = &[
    ("query", Rule::Text),
    ("queryLanguage", Rule::Text),
    ("region", Rule::Text),
    ("title", Rule::Text),
    ("accountId", Rule::Text),
    ("logGroups", Rule::Any),
    ("stacked", Rule::Bool),
    ("view", Rule::OneOf(&["table", "timeSeries", "bar", "pie"])),
];
const ALARM: &[Member] = &[
    ("alarms", Rule::List(1, 100)),
    ("title", Rule::Text),
    ("sortBy", Rule::OneOf(&["default", "stateUpdatedTimestamp", "timestamp"])),
    ("states", Rule::List(0, 3)),
];
const EXPLORER: &[Member] = &[
    ("metrics", Rule::List(1, 100)),
    ("labels", Rule::List(0, 100)),
    ("aggregateBy", Rule::Any),
    ("splitBy", Rule::Text),
    ("period", Rule::Period),
    ("title", Rule::Text),
    ("widgetOptions", Rule::Any),
    ("region", Rule::Text),
];

/// Everything that is wrong with a body, or odd about it.
pub(super) fn check(body: &Value) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(body) = verdict.object("", body, BODY, &["widgets"]) {
        let mut metrics = 0;
        for (index, variable) in list(body, "variables").iter().enumerate() {
            let path = format!("/variables/{index}");
            verdict.object(&path, variable, VARIABLE, &["type", "inputType", "id"]);
        }
        for (index, widget) in list(body, "widgets").iter().enumerate() {
            metrics += verdict.widget(&format!("/widgets/{index}"), widget);
        }
        if metrics > METRICS_MAX {
            verdict
                .error("/widgets", format!("Should NOT have more than {METRICS_MAX} metrics in all widgets"));
        }
    }
    verdict.errors.truncate(FINDINGS_MAX);
    verdict.warnings.truncate(FINDINGS_MAX);
    verdict
}

/// What is wrong with the properties of a metric widget that stands alone, as pictures are asked for.
pub(crate) fn check_metric_widget(widget: &Value) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.metric("", widget, &[]);
    verdict
}

fn list<'v>(map: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    map.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    map.get(name).and_then(Value::as_str)
}

impl Verdict {
    fn error(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(Finding { data_path: path.to_owned(), message: message.into() });
    }

    /// An object's members, checked.
    fn object<'v>(
        &mut self,
        path: &str,
        value: &'v Value,
        members: &'static [Member],
        required: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.error(path, "Should be object");
            return None;
        };
        for name in required.iter().filter(|name| !map.contains_key(**name)) {
            self.error(path, format!("Should have required property '{name}'"));
        }
        for (name, value) in map {
            let path = format!("{path}/{name}");
            match members.iter().find(|(known, _)| known == name) {
                Some((_, rule)) => self.member(&path, value, *rule),
                None => {
                    let message = "Should NOT have additional properties".to_owned();
                    self.warnings.push(Finding { data_path: path, message });
                }
            }
        }
        Some(map)
    }

    fn member(&mut self, path: &str, value: &Value, rule: Rule) {
        let refused = match rule {
            Rule::Any => None,
            Rule::Text => (!value.is_string()).then(|| "Should be string".to_owned()),
            Rule::TextUpTo(max) => match value.as_str() {
                None => Some("Should be string".to_owned()),
                Some(text) => (text.chars().count() > max)
                    .then(|| format!("Should NOT be longer than {max} characters")),
            },
            Rule::Bool => (!value.is_boolean()).then(|| "Should be boolean".to_owned()),
            Rule::Number => (!value.is_number()).then(|| "Should be number".to_owned()),
            Rule::Whole(min, max) => whole(value, min, max),
            Rule::OneOf(allowed) => (!value.as_str().is_some_and(|text| allowed.contains(&text)))
                .then(|| "Should be equal to one of the allowed values".to_owned()),
            Rule::List(min, max) => match value.as_array() {
                None => Some("Should be array".to_owned()),
                Some(list) if list.len() > max => Some(format!("Should NOT have more than {max} items")),
                Some(list) if list.len() < min => Some(format!("Should NOT have fewer than {min} items")),
                Some(_) => None,
            },
            Rule::Object(members) => {
                self.object(path, value, members, &[]);
                None
            }
            Rule::Period => {
                let is_period = |seconds: i64| {
                    matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0)
                };
                (!value.as_i64().is_some_and(is_period)).then(|| "Should be multiple of 60".to_owned())
            }
        };
        if let Some(message) = refused {
            self.error(path, message);
        }
    }

    /// Gives how many metrics the widget has.
    fn widget(&mut self, path: &str, value: &Value) -> usize {
        let Some(widget) = self.object(path, value, WIDGET, &["type", "properties"]) else { return 0 };
        for (one, other) in [("x", "y"), ("y", "x")] {
            if widget.contains_key(one) && !widget.contains_key(other) {
                self.error(path, format!("Should have property {other} when property {one} is present"));
            }
        }
        let (Some(kind), Some(properties)) = (text(widget, "type"), widget.get("properties")) else {
            return 0;
        };
        let path = format!("{path}/properties");
        match kind {
            "metric" => return self.metric(&path, properties, &["region"]),
            "text" => drop(self.object(&path, properties, TEXT, &["markdown"])),
            "log" => drop(self.object(&path, properties, LOG, &["query", "region"])),
            "alarm" => self.alarm(&path, properties),
            "explorer" => drop(self.object(&path, properties, EXPLORER, &["metrics", "labels"])),
            _ => {}
        }
        0
    }

    fn metric(&mut self, path: &str, properties: &Value, required: &[&str]) -> usize {
        let Some(properties) = self.object(path, properties, METRIC, required) else { return 0 };
        let nothing = Map::new();
        let annotations = properties.get("annotations").and_then(Value::as_object).unwrap_or(&nothing);
        if !properties.contains_key("metrics") && list(annotations, "alarms").is_empty() {
            self.error(path, "Should have required property 'metrics'");
        }
        if text(properties, "view") == Some("gauge") {
            let left = properties.get("yAxis").and_then(|axes| axes.get("left"));
            for bound in ["min", "max"] {
                if left.and_then(|left| left.get(bound)).is_none() {
                    self.error(path, format!("Should have required property 'yAxis.left.{bound}'"));
                }
            }
        }
        let metrics = list(properties, "metrics");
        let (_, wrong) = rows::rows(metrics);
        for (index, message) in wrong {
            self.error(&format!("{path}/metrics/{index}"), message);
        }
        for (index, row) in metrics.iter().enumerate() {
            let fields = row.as_array().map_or(&[][..], Vec::as_slice);
            if let Some((at, options)) =
                fields.iter().enumerate().next_back().filter(|(_, last)| last.is_object())
            {
                self.object(&format!("{path}/metrics/{index}/{at}"), options, ROW, &[]);
            }
        }
        for (name, members) in [("horizontal", HORIZONTAL), ("vertical", VERTICAL)] {
            for (index, annotation) in list(annotations, name).iter().enumerate() {
                self.annotation(&format!("{path}/annotations/{name}/{index}"), annotation, members);
            }
        }
        metrics.len()
    }

    /// A line, or a band between two.
    fn annotation(&mut self, path: &str, value: &Value, members: &'static [Member]) {
        let Some(pair) = value.as_array() else {
            self.object(path, value, members, &["value"]);
            return;
        };
        if pair.len() != 2 {
            self.error(path, "Should have exactly 2 items");
        }
        for (index, one) in pair.iter().enumerate() {
            self.object(&format!("{path}/{index}"), one, members, &["value"]);
        }
    }

    fn alarm(&mut self, path: &str, properties: &Value) {
        let Some(properties) = self.object(path, properties, ALARM, &["alarms"]) else { return };
        for (name, rule) in
            [("alarms", Rule::Text), ("states", Rule::OneOf(&["ALARM", "OK", "INSUFFICIENT_DATA"]))]
        {
            for (index, value) in list(properties, name).iter().enumerate() {
                self.member(&format!("{path}/{name}/{index}"), value, rule);
            }
        }
    }
}

fn whole(value: &Value, min: i64, max: i64) -> Option<String> {
    let Some(number) = value.as_i64() else { return Some("Should be integer".to_owned()) };
    if number < min {
        Some(format!("Should be >= {min}"))
    } else if number > max {
        Some(format!("Should be <= {max}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_widget(kind: &str, properties: Value, errors: &[(&str, &str)], warnings: &[&str]) {
        let body = json!({ "widgets": [{ "type": kind, "properties": properties }] });
        check_body(body, errors, warnings);
    }

    fn check_body(body: Value, errors: &[(&str, &str)], warnings: &[&str]) {
        let verdict = check(&body);
        let found: Vec<(&str, &str)> =
            verdict.errors.iter().map(|one| (one.data_path.as_str(), one.message.as_str())).collect();
        assert_eq!(found, errors, "{body}");
        let found: Vec<&str> = verdict.warnings.iter().map(|one| one.data_path.as_str()).collect();
        assert_eq!(found, warnings, "{body}");
    }

    #[test]
    fn bodies() {
        check_body(json!({ "widgets": [] }), &[], &[]);
        check_body(json!({}), &[("", "Should have required property 'widgets'")], &[]);
        check_body(json!({ "widgets": {} }), &[("/widgets", "Should be array")], &[]);
        check_body(json!({ "widgets": [], "colour": 1, "start": "-PT6H" }), &[], &["/colour"]);
        check_body(
            json!({ "widgets": [], "periodOverride": "never" }),
            &[("/periodOverride", "Should be equal to one of the allowed values")],
            &[],
        );
        let many = vec![json!({ "type": "custom", "properties": {} }); 501];
        check_body(json!({ "widgets": many }), &[("/widgets", "Should NOT have more than 500 items")], &[]);
        let row = json!(["N", "M"]);
        let big = json!({ "type": "metric", "properties": { "region": "r", "metrics": vec![row; 500] } });
        check_body(json!({ "widgets": vec![big.clone(); 5] }), &[], &[]);
        check_body(
            json!({ "widgets": vec![big; 6] }),
            &[("/widgets", "Should NOT have more than 2500 metrics in all widgets")],
            &[],
        );
    }

    #[test]
    fn widgets() {
        let at = "/widgets/0";
        check_body(json!({ "widgets": [1] }), &[(at, "Should be object")], &[]);
        check_body(
            json!({ "widgets": [{}] }),
            &[
                (at, "Should have required property 'type'"),
                (at, "Should have required property 'properties'"),
            ],
            &[],
        );
        check_body(
            json!({ "widgets": [{ "type": "text", "x": 24, "y": -1, "width": 0, "height": "6", "properties": { "markdown": "" } }] }),
            &[
                ("/widgets/0/height", "Should be integer"),
                ("/widgets/0/width", "Should be >= 1"),
                ("/widgets/0/x", "Should be <= 23"),
                ("/widgets/0/y", "Should be >= 0"),
            ],
            &[],
        );
        check_body(
            json!({ "widgets": [{ "type": "text", "x": 1, "properties": { "markdown": "" } }] }),
            &[(at, "Should have property y when property x is present")],
            &[],
        );
        check_body(
            json!({ "widgets": [{ "type": "clock", "properties": {} }] }),
            &[("/widgets/0/type", "Should be equal to one of the allowed values")],
            &[],
        );
    }

    #[test]
    fn properties() {
        let at = "/widgets/0/properties";
        check_widget("metric", json!({ "region": "r", "metrics": [["N", "M"]] }), &[], &[]);
        check_widget("metric", json!({ "region": "r", "annotations": { "alarms": ["arn"] } }), &[], &[]);
        check_widget(
            "metric",
            json!({}),
            &[
                (at, "Should have required property 'region'"),
                (at, "Should have required property 'metrics'"),
            ],
            &[],
        );
        check_widget(
            "metric",
            json!({ "region": "r", "metrics": [["N"], ["N", "M", { "yAxis": "up", "size": 1 }]], "period": 90 }),
            &[
                ("/widgets/0/properties/period", "Should be multiple of 60"),
                (
                    "/widgets/0/properties/metrics/0",
                    "Should have a namespace, a metric name and pairs of dimension names and values",
                ),
                ("/widgets/0/properties/metrics/1/2/yAxis", "Should be equal to one of the allowed values"),
            ],
            &["/widgets/0/properties/metrics/1/2/size"],
        );
        check_widget(
            "metric",
            json!({ "region": "r", "metrics": [], "view": "gauge", "yAxis": { "left": { "min": 0 } } }),
            &[(at, "Should have required property 'yAxis.left.max'")],
            &[],
        );
        let band = json!([{ "value": 1, "label": "a" }, { "value": 2 }]);
        let line = json!({ "label": "no value" });
        check_widget(
            "metric",
            json!({ "region": "r", "metrics": [], "annotations": { "horizontal": [band, line, [{ "value": 1 }]] } }),
            &[
                ("/widgets/0/properties/annotations/horizontal/1", "Should have required property 'value'"),
                ("/widgets/0/properties/annotations/horizontal/2", "Should have exactly 2 items"),
            ],
            &[],
        );
        check_widget("text", json!({}), &[(at, "Should have required property 'markdown'")], &[]);
        check_widget("log", json!({ "query": "SOURCE 'g'", "region": "r", "view": "table" }), &[], &[]);
        check_widget(
            "alarm",
            json!({ "alarms": ["arn"], "states": ["BAD"] }),
            &[("/widgets/0/properties/states/0", "Should be equal to one of the allowed values")],
            &[],
        );
        check_widget(
            "alarm",
            json!({ "alarms": [] }),
            &[("/widgets/0/properties/alarms", "Should NOT have fewer than 1 items")],
            &[],
        );
    }
}
