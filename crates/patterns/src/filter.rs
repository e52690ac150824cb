//! # Filter patterns: which log events are meant
//!
//! One language for metric filters, FilterLogEvents and TestMetricFilter. The first character decides the kind:
//! `{` a JSON pattern, `[` a pattern for space-delimited messages, anything else terms to be found in the text. A
//! blank pattern matches everything.
//!
//! Source: CloudWatch Logs User Guide, "Filter pattern syntax".
//!
//! **Invariant:** a pattern is compiled once and matching it is a pure function of the message. **Not here:** what
//! a match is good for (metric points: `metric_filter`).

mod comparison;
mod fields;
mod json;
mod places;
mod prefilter;
mod scan;
mod selector;
mod terms;

use std::collections::BTreeMap;

use places::{Places, Value};
use scan::Scan;
use selector::Selector;

/// Longest pattern, in characters.
pub const PATTERN_CHARS_MAX: usize = 1_024;
/// Regular expressions in one pattern.
const REGEXES_MAX: usize = 2;

/// A filter pattern, compiled.
#[derive(Clone, Debug)]
pub struct FilterPattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Everything,
    Terms(terms::Terms),
    Fields(fields::FieldsFilter),
    Json(json::JsonFilter),
}

/// A text that is no filter pattern: `InvalidParameterException`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilterPattern {
    #[error("Invalid character(s) in term '{0}'")]
    Term(String),
    #[error("Invalid filter pattern: {0}")]
    Malformed(String),
}

impl InvalidFilterPattern {
    fn malformed(reason: &str) -> Self {
        Self::Malformed(reason.to_owned())
    }
}

impl FilterPattern {
    /// Compiles a pattern of at most [`PATTERN_CHARS_MAX`] characters.
    pub fn parse(source: &str) -> Result<Self, InvalidFilterPattern> {
        if source.chars().count() > PATTERN_CHARS_MAX {
            return Err(InvalidFilterPattern::malformed("it is longer than 1024 characters"));
        }
        let mut scan = Scan::of(source);
        scan.skip_blanks();
        Ok(Self(match scan.peek() {
            None => Kind::Everything,
            Some('{') => Kind::Json(json::JsonFilter::read(&mut scan)?),
            Some('[') => Kind::Fields(fields::FieldsFilter::read(&mut scan)?),
            Some(_) => Kind::Terms(terms::Terms::read(&mut scan)?),
        }))
    }

    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Everything => true,
            Kind::Terms(terms) => terms.matches(message),
            Kind::Fields(fields) => fields.matches(message),
            Kind::Json(json) => json.matches(message),
        }
    }

    /// The fields of a message as TestMetricFilter shows them: `$name` to text for space-delimited patterns,
    /// nothing for the other kinds.
    pub fn extract(&self, message: &str) -> BTreeMap<String, String> {
        match &self.0 {
            Kind::Fields(fields) => fields.extract(message),
            _ => BTreeMap::new(),
        }
    }

    /// The text that a selector finds in a message: a string's content or a number as written.
    pub fn select(&self, selector: &ValueSelector, message: &str) -> Option<String> {
        match &selector.0 {
            SelectorKind::Constant(text) => Some(text.clone()),
            SelectorKind::Field(name) => self.extract(message).remove(name),
            SelectorKind::Json(places) => {
                let (_, value) = places.find(message)?.pop()?;
                if !keywatch_json::is_json(message) {
                    return None;
                }
                match value {
                    Value::Text(found) | Value::Number(_, found) => Some(found.into_owned()),
                    Value::True => Some("true".to_owned()),
                    Value::False => Some("false".to_owned()),
                    Value::Null | Value::Array { .. } | Value::Object => None,
                }
            }
        }
    }
}

/// What a metric transformation takes its value or a dimension from: a number, `$.place` in a JSON message or
/// `$name` of a field.
#[derive(Clone, Debug)]
pub struct ValueSelector(SelectorKind);

#[derive(Clone, Debug)]
enum SelectorKind {
    Constant(String),
    Field(String),
    Json(Places),
}

impl ValueSelector {
    /// Reads a `metricValue`: a selector or a number.
    pub fn parse_value(text: &str) -> Result<Self, InvalidFilterPattern> {
        if text.starts_with('$') {
            return Self::parse_dimension(text);
        }
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self(SelectorKind::Constant(text.trim().to_owned()))),
            _ => Err(InvalidFilterPattern::malformed("a metric value is a number or a selector")),
        }
    }

    /// Reads the value of a dimension: a selector.
    pub fn parse_dimension(text: &str) -> Result<Self, InvalidFilterPattern> {
        let name = text.strip_prefix('$').unwrap_or_default();
        if !name.is_empty() && name.chars().all(scan::is_word) {
            return Ok(Self(SelectorKind::Field(text.to_owned())));
        }
        let mut scan = Scan::of(text);
        let selector = Selector::read(&mut scan)?;
        if selector.wildcards() > 0 || !scan.is_at_end() {
            return Err(InvalidFilterPattern::malformed("a selector for a value names one place"));
        }
        let mut places = Places::default();
        places.add(&selector, 0);
        Ok(Self(SelectorKind::Json(places)))
    }
}

#[cfg(test)]
mod tests;
