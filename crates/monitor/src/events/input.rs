//! What a target is sent: the event, a constant, a part of the event, or a text made from parts
//!
//! Source: EventBridge User Guide, "Amazon EventBridge input transformation", and deliveries recorded from AWS: the
//! quotation marks of a string template are delivered, values are not escaped, and a JSON template that does not
//! become JSON is not delivered at all.

use std::{borrow::Cow, collections::HashMap};

use keywatch_api::events::{ShownTarget, ShownTransformer};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Steps of one path.
const STEPS_MAX: usize = 64;

/// What a template may use besides the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'c> {
    pub(crate) rule_arn: &'c str,
    pub(crate) rule_name: &'c str,
    /// RFC 3339.
    pub(crate) ingestion_time: &'c str,
}

/// Names in a template that are not in its map of paths.
const RESERVED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// Why a target's input is refused, in AWS's words.
pub(crate) fn check(target: &ShownTarget) -> Result<(), String> {
    let id = &target.id;
    let given = [target.input.is_some(), target.input_path.is_some(), target.input_transformer.is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        ));
    }
    if target.input.as_deref().is_some_and(|input| serde_json::from_str::<IgnoredAny>(input).is_err()) {
        return Err(format!("JSON syntax error in input for target {id}."));
    }
    if target.input_path.as_deref().is_some_and(|path| steps(path).is_none()) {
        return Err(format!("InputPath for target {id} is invalid."));
    }
    if let Some(transformer) = &target.input_transformer {
        let paths = transformer.input_paths_map.iter().flatten();
        if let Some((name, _)) = paths.clone().find(|(_, path)| steps(path).is_none()) {
            return Err(format!("InputPath {name} for target {id} is invalid."));
        }
        for name in placeholders(&transformer.input_template) {
            if !RESERVED.contains(&name) && !paths.clone().any(|(declared, _)| declared == name) {
                return Err(format!("InputTemplate for target {id} contains invalid placeholder {name}."));
            }
        }
    }
    Ok(())
}

/// The body for a target; `None` when nothing is delivered.
pub(crate) fn render(target: &ShownTarget, event: &str, context: &Context<'_>) -> Option<String> {
    if let Some(input) = &target.input {
        return Some(input.clone());
    }
    if let Some(path) = &target.input_path {
        // A path that leads nowhere is told, not kept silent.
        return Some(select(event, path).unwrap_or("null").to_owned());
    }
    match &target.input_transformer {
        Some(transformer) => transform(transformer, event, context),
        None => Some(event.to_owned()),
    }
}

fn transform(transformer: &ShownTransformer, event: &str, context: &Context<'_>) -> Option<String> {
    let template = transformer.input_template.trim();
    let value_of = |name: &str| value(transformer, event, context, name);
    if template.starts_with('{') || template.starts_with('[') {
        let body = fill(template, |name, in_string| match (value_of(name), in_string) {
            (Some(json), false) => json,
            (Some(json), true) => as_text(&json).unwrap_or(json),
            (None, false) => "\"\"".to_owned(),
            (None, true) => String::new(),
        });
        return serde_json::from_str::<IgnoredAny>(&body).is_ok().then_some(body);
    }
    let quoted = |line: &str| line.len() >= 2 && line.starts_with('"') && line.ends_with('"');
    if !template.lines().map(str::trim).filter(|line| !line.is_empty()).all(quoted) {
        return None;
    }
    Some(fill(template, |name, _| match value_of(name) {
        Some(json) => as_text(&json).unwrap_or_else(|| json.replace('"', "")),
        None => String::new(),
    }))
}

/// The JSON text that a placeholder stands for.
fn value(transformer: &ShownTransformer, event: &str, context: &Context<'_>, name: &str) -> Option<String> {
    let quoted = |text: &str| Some(serde_json::Value::from(text).to_string());
    match name {
        "aws.events.rule-arn" => quoted(context.rule_arn),
        "aws.events.rule-name" => quoted(context.rule_name),
        "aws.events.event.ingestion-time" => quoted(context.ingestion_time),
        "aws.events.event.json" => Some(event.to_owned()),
        "aws.events.event" => without_detail(event),
        name => {
            let path = transformer.input_paths_map.as_ref()?.get(name)?;
            select(event, path).map(str::to_owned)
        }
    }
}

/// The envelope without its detail. AWS spells one key in camel case here.
fn without_detail(event: &str) -> Option<String> {
    let members: HashMap<&str, &RawValue> = serde_json::from_str(event).ok()?;
    let shown = [
        ("version", "version"),
        ("id", "id"),
        ("detail-type", "detailType"),
        ("source", "source"),
        ("account", "account"),
        ("time", "time"),
        ("region", "region"),
        ("resources", "resources"),
    ];
    let members: Vec<String> = shown
        .iter()
        .filter_map(|(name, shown)| Some(format!("\"{shown}\":{}", members.get(name)?.get())))
        .collect();
    Some(format!("{{{}}}", members.join(",")))
}

/// The content of a JSON string, or the text of a number or truth value; `None` for what has parts.
fn as_text(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'{' | b'[' => None,
        b'"' => serde_json::from_str(json).ok(),
        _ => Some(json.to_owned()),
    }
}

/// Names between `<` and `>`.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    pieces(template).filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

enum Piece<'t> {
    Text(&'t str),
    Placeholder(&'t str),
}

/// A `<` that no name and `>` follow is text.
fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if let Some(inner) = rest.strip_prefix('<') {
            let length = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
            if length > 0 && inner[length..].starts_with('>') {
                rest = &inner[length + 1..];
                return Some(Piece::Placeholder(&inner[..length]));
            }
        }
        let length = rest.char_indices().skip(1).find(|(_, c)| *c == '<').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(length);
        rest = after;
        Some(Piece::Text(text))
    })
}

/// Fills a template; `value` is told whether the placeholder stands inside a string.
fn fill(template: &str, value: impl Fn(&str, bool) -> String) -> String {
    let mut out = String::with_capacity(template.len());
    let mut in_string = false;
    for piece in pieces(template) {
        match piece {
            Piece::Placeholder(name) => out.push_str(&value(name, in_string)),
            Piece::Text(text) => {
                let mut escaped = false;
                for c in text.chars() {
                    match c {
                        '"' if !escaped => in_string = !in_string,
                        _ => {}
                    }
                    escaped = c == '\\' && !escaped;
                }
                out.push_str(text);
            }
        }
    }
    out
}

#[derive(Debug, PartialEq)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// `$`, `.name`, `['name']`, `[n]`
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('.') {
            let length = inner.find(['.', '[']).unwrap_or(inner.len());
            steps.push(Step::Key(&inner[..length]));
            rest = &inner[length..];
            if length == 0 {
                return None;
            }
        } else if let Some(inner) = rest.strip_prefix("['") {
            let (key, after) = inner.split_once("']")?;
            steps.push(Step::Key(key));
            rest = after;
        } else {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        }
    }
    (steps.len() <= STEPS_MAX).then_some(steps)
}

/// What a path leads to, as text; `None` for texts that are no paths, and for paths that lead nowhere.
pub(crate) fn text_at(event: &str, path: &str) -> Option<String> {
    let json = select(event, path)?;
    Some(as_text(json).unwrap_or_else(|| json.to_owned()))
}

/// The JSON text a path leads to.
fn select<'e>(event: &'e str, path: &str) -> Option<&'e str> {
    let mut value = event;
    for step in steps(path)? {
        let found: &RawValue = match step {
            Step::Key(key) => {
                let members: HashMap<Cow<'_, str>, &'e RawValue> = serde_json::from_str(value).ok()?;
                members.get(key)?
            }
            Step::Index(index) => {
                let elements: Vec<&'e RawValue> = serde_json::from_str(value).ok()?;
                elements.get(index)?
            }
        };
        value = found.get();
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"version":"0","id":"i","detail-type":"T","source":"s","account":"1","time":"t","region":"r","resources":["a"],"detail":{"command":"run","n":7,"ok":true,"list":["ACTIVE","INACTIVE"],"payload":{"acc_id":"0a78","sf_id":"baz"}}}"#;
    const CONTEXT: Context<'static> = Context {
        rule_arn: "arn:aws:events:r:1:rule/x",
        rule_name: "x",
        ingestion_time: "2026-09-14T11:18:46Z",
    };

    fn target() -> ShownTarget {
        ShownTarget {
            id: "t".into(),
            arn: "arn:aws:sqs:r:1:q".into(),
            role_arn: None,
            input: None,
            input_path: None,
            input_transformer: None,
            kinesis_parameters: None,
            sqs_parameters: None,
            http_parameters: None,
            dead_letter_config: None,
            retry_policy: None,
        }
    }

    #[track_caller]
    fn check_path(path: &str, want: &str) {
        let target = ShownTarget { input_path: Some(path.into()), ..target() };
        assert_eq!(render(&target, EVENT, &CONTEXT).as_deref(), Some(want), "{path}");
    }

    #[test]
    fn parts() {
        assert_eq!(render(&target(), EVENT, &CONTEXT).as_deref(), Some(EVENT));
        check_path("$", EVENT);
        check_path("$.detail.payload", r#"{"acc_id":"0a78","sf_id":"baz"}"#);
        check_path("$.detail.payload.sf_id", r#""baz""#);
        check_path("$['detail-type']", r#""T""#);
        check_path("$.detail-type", r#""T""#);
        check_path("$.detail.list[1]", r#""INACTIVE""#);
        check_path("$.detail.none", "null");
        let constant = ShownTarget { input: Some("{\"a\":1}".into()), ..target() };
        assert_eq!(render(&constant, EVENT, &CONTEXT).as_deref(), Some("{\"a\":1}"));
    }

    fn transforming(template: &str) -> ShownTarget {
        let paths = [
            ("t", "$.detail-type"),
            ("n", "$.detail.n"),
            ("ok", "$.detail.ok"),
            ("list", "$.detail.list"),
            ("payload", "$.detail.payload"),
            ("none", "$.detail.none"),
        ];
        let map = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        let transformer = ShownTransformer { input_paths_map: Some(map), input_template: template.into() };
        ShownTarget { input_transformer: Some(transformer), ..target() }
    }

    #[track_caller]
    fn check_template(template: &str, want: Option<&str>) {
        assert_eq!(render(&transforming(template), EVENT, &CONTEXT).as_deref(), want, "{template}");
    }

    #[test]
    fn templates() {
        check_template("\"Event of <t>\"", Some("\"Event of T\""));
        check_template(
            "\"<payload>, <list>, <ok>, <none>.\"",
            Some("\"{acc_id:0a78,sf_id:baz}, [ACTIVE,INACTIVE], true, .\""),
        );
        check_template("\"a <t>\"\n\"b <n>\"", Some("\"a T\"\n\"b 7\""));
        check_template("Event of <t>", None);
        check_template(
            r#"{"type":<t>,"n":<n>,"ok":<ok>,"p":<payload>,"none":<none>,"text":"<t> <n> <none>"}"#,
            Some(
                r#"{"type":"T","n":7,"ok":true,"p":{"acc_id":"0a78","sf_id":"baz"},"none":"","text":"T 7 "}"#,
            ),
        );
        check_template(r#"{"text":"<payload>"}"#, None);
        check_template(r#"{"rule":<aws.events.rule-name>}"#, Some(r#"{"rule":"x"}"#));
        check_template(
            r#"{"e":<aws.events.event>}"#,
            Some(
                r#"{"e":{"version":"0","id":"i","detailType":"T","source":"s","account":"1","time":"t","region":"r","resources":["a"]}}"#,
            ),
        );
        check_template("\"1 < 2 <t>\"", Some("\"1 < 2 T\""));
    }

    #[test]
    fn refusals() {
        for (target, want) in [
            (
                ShownTarget { input: Some("{}".into()), input_path: Some("$".into()), ..target() },
                "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
            ),
            (ShownTarget { input: Some("{".into()), ..target() }, "JSON syntax error in input for target t."),
            (
                ShownTarget { input_path: Some("detail".into()), ..target() },
                "InputPath for target t is invalid.",
            ),
            (transforming("\"<other>\""), "InputTemplate for target t contains invalid placeholder other."),
        ] {
            assert_eq!(check(&target).unwrap_err(), want);
        }
        assert_eq!(check(&transforming("\"<t> <aws.events.event.json>\"")), Ok(()));
    }
}
