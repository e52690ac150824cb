//! One of our shapes beside one of AWS's, member by member.

use std::fmt;

use keywatch_api::Service;
use keywatch_api::describe::{Kind, Shape};
use serde_json::Value;

use super::model::Model;

/// Where two shapes differ, and in what.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) service: Service,
    pub(super) operation: String,
    /// `Tags[].Key`; empty for the operation itself.
    pub(super) path: String,
    pub(super) aspect: &'static str,
    what: String,
}

impl Difference {
    pub(super) fn operation(service: Service, name: &str, what: &str) -> Self {
        let (operation, what) = (name.to_owned(), what.to_owned());
        Difference { service, operation, path: "-".to_owned(), aspect: "operation", what }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}: {}", self.service, self.operation, self.path, self.aspect, self.what)
    }
}

/// Adds every difference of an operation's request.
pub(super) fn request(
    service: Service,
    operation: &str,
    ours: &Shape,
    model: &Model,
    found: &mut Vec<Difference>,
) -> Result<(), String> {
    let mut comparison = Comparison { service, operation, model, found };
    match model.input(operation) {
        Some(input) => comparison.shapes("", ours, input),
        None => {
            for member in ours.members() {
                comparison.add(member.name, "extra", "the model has no such member".to_owned());
            }
            Ok(())
        }
    }
}

struct Comparison<'a> {
    service: Service,
    operation: &'a str,
    model: &'a Model,
    found: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    fn add(&mut self, path: &str, aspect: &'static str, what: String) {
        let operation = self.operation.to_owned();
        self.found.push(Difference { service: self.service, operation, path: path.to_owned(), aspect, what });
    }

    /// `name` is the model's shape.
    fn shapes(&mut self, path: &str, ours: &Shape, name: &str) -> Result<(), String> {
        let model = self.model;
        let theirs = model.shape(name)?;
        let kind = theirs["type"].as_str().unwrap_or_default();
        if kind_name(&ours.kind) != kind_of(kind) {
            self.add(path, "type", format!("{}, the model {kind}", kind_name(&ours.kind)));
            return Ok(());
        }
        self.constraints(path, ours, theirs);
        match &ours.kind {
            Kind::Structure(_) => self.members(path, ours, theirs),
            Kind::List(element) => self.shapes(&format!("{path}[]"), element, target(&theirs["member"])),
            Kind::Map { keys, values } => {
                self.shapes(&format!("{path}{{key}}"), keys, target(&theirs["key"]))?;
                self.shapes(&format!("{path}{{}}"), values, target(&theirs["value"]))
            }
            _ => Ok(()),
        }
    }

    fn members(&mut self, path: &str, ours: &Shape, theirs: &Value) -> Result<(), String> {
        let required: Vec<&str> =
            theirs["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let mut known = Vec::new();
        for (name, member) in theirs["members"].as_object().into_iter().flatten() {
            let wire = member["locationName"].as_str().unwrap_or(name);
            known.push(wire);
            let here = under(wire);
            let Some(our) = ours.members().iter().find(|our| our.name == wire) else {
                let must = if required.contains(&name.as_str()) { "required" } else { "optional" };
                self.add(&here, "unknown", format!("the model has it, {must}"));
                continue;
            };
            match (our.shape.required, required.contains(&name.as_str())) {
                (true, false) => self.add(&here, "required", "required, optional in the model".to_owned()),
                (false, true) => self.add(&here, "required", "optional, required in the model".to_owned()),
                _ => {}
            }
            self.shapes(&here, &our.shape, target(member))?;
        }
        for our in ours.members().iter().filter(|our| !known.contains(&our.name)) {
            self.add(&under(our.name), "extra", "the model has no such member".to_owned());
        }
        Ok(())
    }

    fn constraints(&mut self, path: &str, ours: &Shape, theirs: &Value) {
        let bound = |name: &str| theirs[name].as_i64().or_else(|| theirs[name].as_f64().map(|n| n as i64));
        let (low, high) = (bound("min"), bound("max"));
        if matches!(ours.kind, Kind::Integer | Kind::Long) {
            let our = ours.range.clone().map_or((i64::MIN, i64::MAX), |range| (*range.start(), *range.end()));
            let their = (low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX));
            if our != their {
                self.add(path, "range", format!("{}, the model {}", interval(our), interval(their)));
            }
        } else if !matches!(ours.kind, Kind::Double | Kind::Enum(_)) {
            let clamp = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
            let our =
                ours.length.clone().map_or((0, i64::MAX), |len| (clamp(*len.start()), clamp(*len.end())));
            let their = (low.unwrap_or(0), high.unwrap_or(i64::MAX));
            if our != their {
                self.add(path, "length", format!("{}, the model {}", interval(our), interval(their)));
            }
        }
        let pattern = theirs["pattern"].as_str();
        if ours.pattern != pattern && !matches!(ours.kind, Kind::Enum(_)) {
            self.add(path, "pattern", format!("{:?}, the model {pattern:?}", ours.pattern));
        }
        self.enumeration(path, ours, theirs);
    }

    fn enumeration(&mut self, path: &str, ours: &Shape, theirs: &Value) {
        let their: Vec<&str> =
            theirs["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let our: &[&str] = if let Kind::Enum(values) = ours.kind { values } else { &[] };
        if our.is_empty() != their.is_empty() {
            let (open, closed) = ("any text", "a closed set");
            let (our, their) = if our.is_empty() { (open, closed) } else { (closed, open) };
            self.add(path, "enum", format!("{our}, the model {their}"));
            return;
        }
        for value in their.iter().filter(|value| !our.contains(value)) {
            self.add(path, "enum", format!("without {value}"));
        }
        for value in our.iter().filter(|value| !their.contains(value)) {
            self.add(path, "enum", format!("with {value}, which the model has not"));
        }
    }
}

fn target(reference: &Value) -> &str {
    reference["shape"].as_str().unwrap_or_default()
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) => "structure",
        Kind::List(_) => "list",
        Kind::Map { .. } => "map",
        Kind::Text | Kind::Enum(_) => "string",
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::Long => "long",
        Kind::Double => "double",
        Kind::Blob => "blob",
        Kind::Time => "timestamp",
    }
}

/// The model's kind in our words: a float is read as a double.
fn kind_of(kind: &str) -> &str {
    if kind == "float" { "double" } else { kind }
}

fn interval((low, high): (i64, i64)) -> String {
    let low = if low == i64::MIN { String::new() } else { low.to_string() };
    let high = if high == i64::MAX { String::new() } else { format!("={high}") };
    format!("{low}..{high}")
}
