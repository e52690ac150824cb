//! Event patterns as trees: how they are written, and what they mean

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Value, json};

use super::{
    Choices, is_like,
    json::{Json, NAMES, NUMBERS, TEXTS},
};

pub type Fields = Vec<(&'static str, Node)>;

#[derive(Clone, Debug)]
pub enum Node {
    Object(Fields),
    /// One must hold: the operator's name, or that of a literal's type, and its argument.
    Values(Vec<(&'static str, Value)>),
    /// Under the name `$or`.
    Or(Vec<Fields>),
}

const WILDCARDS: [&str; 8] = ["*", "x*", "*x", "x*y", "*y*", r"a\*b*", "*is pending*deletion.", "*😀*"];
const CIDRS: [&str; 6] = ["10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "2001:db8::/32", "::/0", "11.0.0.0/8"];
const FIELDS_MAX: usize = 3;

pub fn grow(choices: &mut Choices<'_>) -> Fields {
    grow_fields(choices, 3)
}

fn grow_fields(choices: &mut Choices<'_>, depth: usize) -> Fields {
    let mut fields: Fields = Vec::new();
    for _ in 0..=choices.below(FIELDS_MAX) {
        let (name, node) = match choices.below(if depth == 0 { 3 } else { 6 }) {
            0..3 => (choices.one_of(&NAMES), Node::Values(grow_values(choices))),
            3..5 => (choices.one_of(&NAMES), Node::Object(grow_fields(choices, depth - 1))),
            _ => (
                "$or",
                Node::Or((0..2 + choices.below(2)).map(|_| grow_fields(choices, depth - 1)).collect()),
            ),
        };
        if fields.iter().all(|(known, _)| *known != name) {
            fields.push((name, node));
        }
    }
    fields
}

fn grow_values(choices: &mut Choices<'_>) -> Vec<(&'static str, Value)> {
    (0..=choices.below(3)).map(|_| grow_value(choices)).collect()
}

fn number(written: &str) -> Value {
    json!(written.parse::<f64>().unwrap())
}

/// Numbers that fit a double.
fn small_number(choices: &mut Choices<'_>) -> Value {
    number(choices.one_of(&NUMBERS[..8]))
}

fn grow_value(choices: &mut Choices<'_>) -> (&'static str, Value) {
    let text = choices.one_of(&TEXTS);
    let start: String = text.chars().take(1 + choices.below(2)).collect();
    let end: String = text.chars().skip(text.chars().count().saturating_sub(1 + choices.below(2))).collect();
    let ignoring_case = choices.once_in(3);
    let affix = |text: String| {
        if ignoring_case { json!({"equals-ignore-case": text.to_uppercase()}) } else { json!(text) }
    };
    match choices.below(16) {
        0..4 => ("text", json!(text)),
        4 => ("number", small_number(choices)),
        5 => ("bool", json!(choices.once_in(2))),
        6 => ("null", Value::Null),
        7 => ("prefix", affix(start)),
        8 => ("suffix", affix(end)),
        9 => ("equals-ignore-case", json!(text.to_uppercase())),
        10 => ("wildcard", json!(choices.one_of(&WILDCARDS))),
        11 => ("exists", json!(choices.once_in(2))),
        12 => ("numeric", grow_range(choices)),
        13 => ("cidr", json!(choices.one_of(&CIDRS))),
        _ => ("anything-but", grow_unwanted(choices, text, start, end)),
    }
}

fn grow_range(choices: &mut Choices<'_>) -> Value {
    let limit = small_number(choices);
    match choices.below(5) {
        0 => json!(["=", limit]),
        1 => json!(["<", limit]),
        2 => json!(["<=", limit]),
        3 => json!([">", limit]),
        _ => json!([">=", limit, "<", limit.as_f64().unwrap() + 4.5]),
    }
}

fn grow_unwanted(choices: &mut Choices<'_>, text: &str, start: String, end: String) -> Value {
    match choices.below(7) {
        0 => json!(text),
        1 => json!([text, choices.one_of(&TEXTS)]),
        2 => small_number(choices),
        3 => json!({"prefix": if start.is_empty() { "x".to_owned() } else { start }}),
        4 => json!({"suffix": [if end.is_empty() { "x".to_owned() } else { end }, "y"]}),
        5 => json!({"equals-ignore-case": [text.to_uppercase()]}),
        _ => json!({"wildcard": choices.one_of(&WILDCARDS)}),
    }
}

/// The pattern's text.
pub fn write(fields: &Fields) -> String {
    let member = |(name, node): &(&str, Node)| format!("{}:{}", json!(name), node.write());
    format!("{{{}}}", fields.iter().map(member).collect::<Vec<_>>().join(","))
}

impl Node {
    fn write(&self) -> String {
        match self {
            Self::Object(fields) => write(fields),
            Self::Or(branches) => format!("[{}]", branches.iter().map(write).collect::<Vec<_>>().join(",")),
            Self::Values(values) => {
                let value = |(operator, argument): &(&str, Value)| match *operator {
                    "text" | "number" | "bool" | "null" => argument.to_string(),
                    operator => json!({ operator: argument }).to_string(),
                };
                format!("[{}]", values.iter().map(value).collect::<Vec<_>>().join(","))
            }
        }
    }
}

type Alternative<'p> = BTreeMap<String, &'p [(&'static str, Value)]>;

/// Whether the event, an object, matches.
pub fn matches(pattern: &Fields, event: &Json) -> bool {
    let mut alternatives = vec![Alternative::new()];
    expand(pattern, None, &mut alternatives);
    let mut values = Vec::new();
    flatten(event, None, &Place::default(), &mut 0, &mut values);
    alternatives.iter().any(|alternative| {
        let conditions: Vec<_> = alternative.iter().collect();
        holds(&conditions, &values, &mut Vec::new())
    })
}

fn path_of(path: Option<&str>, name: &str) -> String {
    path.map_or_else(|| name.to_owned(), |path| format!("{path}.{name}"))
}

fn expand<'p>(fields: &'p Fields, path: Option<&str>, all: &mut Vec<Alternative<'p>>) {
    for (name, node) in fields {
        let inner = path_of(path, name);
        match node {
            Node::Object(fields) => expand(fields, Some(&inner), all),
            Node::Values(values) => {
                for alternative in all.iter_mut() {
                    alternative.insert(inner.clone(), values);
                }
            }
            Node::Or(branches) => {
                let before = std::mem::take(all);
                for branch in branches {
                    let mut with_branch = before.clone();
                    expand(branch, path, &mut with_branch);
                    all.append(&mut with_branch);
                }
            }
        }
    }
}

/// Where a value is: the arrays around it, and the elements of these that are objects, by array.
#[derive(Clone, Debug, Default)]
struct Place {
    arrays: Vec<usize>,
    elements: Vec<(usize, usize)>,
}

fn flatten<'e>(
    json: &'e Json,
    path: Option<&str>,
    place: &Place,
    serial: &mut usize,
    values: &mut Vec<(String, &'e Json, Place)>,
) {
    match json {
        Json::Object(_) => {
            for (name, value) in json.members() {
                flatten(value, Some(&path_of(path, name)), place, serial, values);
            }
        }
        Json::Array(elements) => {
            *serial += 1;
            let array = *serial;
            let mut inner = place.clone();
            inner.arrays.push(array);
            for element in elements {
                let mut at = inner.clone();
                if matches!(element, Json::Object(_)) {
                    *serial += 1;
                    at.elements.push((array, *serial));
                }
                flatten(element, path, &at, serial, values);
            }
        }
        leaf => values.push((path.unwrap_or_default().to_owned(), leaf, place.clone())),
    }
}

/// Tries every value for the first condition, with every value for the others that lies in the same elements.
fn holds(
    conditions: &[(&String, &&[(&'static str, Value)])],
    values: &[(String, &Json, Place)],
    chosen: &mut Vec<(usize, usize)>,
) -> bool {
    let Some(((path, predicates), rest)) = conditions.split_first() else { return true };
    let compatible = |place: &Place| {
        chosen.iter().all(|(array, element)| {
            !place.arrays.contains(array) || place.elements.contains(&(*array, *element))
        })
    };
    let present: Vec<_> = values.iter().filter(|(at, _, place)| at == *path && compatible(place)).collect();
    let absent = |(operator, argument): &(&str, Value)| *operator == "exists" && *argument == json!(false);
    if present.is_empty() {
        return predicates.iter().any(absent) && holds(rest, values, chosen);
    }
    present.iter().any(|(_, value, place)| {
        let satisfied = predicates.iter().any(|(operator, argument)| satisfies(value, operator, argument));
        let before = chosen.len();
        chosen.extend(&place.elements);
        let all = satisfied && holds(rest, values, chosen);
        chosen.truncate(before);
        all
    })
}

fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn is_wild(pattern: &Value, text: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    is_like(&chars(pattern.as_str().unwrap()), &chars(text), true)
}

/// `test` on the text, or on both without case.
fn affix(argument: &Value, text: &str, test: fn(&str, &str) -> bool) -> bool {
    match &argument["equals-ignore-case"] {
        Value::String(wanted) => test(&folded(text), &folded(wanted)),
        _ => test(text, argument.as_str().unwrap()),
    }
}

fn satisfies(value: &Json, operator: &str, argument: &Value) -> bool {
    let starts = |text: &str, start: &str| text.starts_with(start);
    let ends = |text: &str, end: &str| text.ends_with(end);
    match (operator, value) {
        ("exists", _) => argument.as_bool().unwrap(),
        ("null", value) => matches!(value, Json::Null),
        ("bool", Json::Bool(found)) => Some(*found) == argument.as_bool(),
        ("text", Json::Text(text)) => Some(text.as_str()) == argument.as_str(),
        ("number", Json::Number(written)) => written.parse().ok() == argument.as_f64(),
        ("prefix", Json::Text(text)) => affix(argument, text, starts),
        ("suffix", Json::Text(text)) => affix(argument, text, ends),
        ("equals-ignore-case", Json::Text(text)) => folded(text) == folded(argument.as_str().unwrap()),
        ("wildcard", Json::Text(text)) => is_wild(argument, text),
        ("numeric", Json::Number(written)) => {
            in_range(argument.as_array().unwrap(), written.parse().unwrap())
        }
        ("cidr", value) => in_block(argument.as_str().unwrap(), value),
        ("anything-but", value) => !is_unwanted(value, argument),
        _ => false,
    }
}

fn in_range(range: &[Value], value: f64) -> bool {
    range.as_chunks::<2>().0.iter().all(|[operator, limit]| {
        let limit = limit.as_f64().unwrap();
        match operator.as_str().unwrap() {
            "=" => value == limit,
            "<" => value < limit,
            "<=" => value <= limit,
            ">" => value > limit,
            _ => value >= limit,
        }
    })
}

/// Addresses as binary digits; numbers between ±5·10⁹ as AWS writes them, in 56 digits of millionths from the least up.
fn in_block(block: &str, value: &Json) -> bool {
    let digits = |address: &IpAddr| match address {
        IpAddr::V4(address) => format!("{:032b}", address.to_bits()),
        IpAddr::V6(address) => format!("{:0128b}", address.to_bits()),
    };
    let (base, bits) = block.split_once('/').unwrap();
    let base: IpAddr = base.parse().unwrap();
    let start = &digits(&base)[..bits.parse().unwrap()];
    match value {
        Json::Text(text) => {
            let address = text.parse::<IpAddr>();
            address.is_ok_and(|found| found.is_ipv4() == base.is_ipv4() && digits(&found).starts_with(start))
        }
        Json::Number(written) => {
            let number: f64 = written.parse().unwrap();
            let digits = format!("{:056b}", ((number + 5e9) * 1e6) as u64);
            base.is_ipv4() && number.abs() <= 5e9 && digits.starts_with(start)
        }
        _ => false,
    }
}

fn is_unwanted(value: &Json, unwanted: &Value) -> bool {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    if let Value::Object(operator) = unwanted {
        return operator.iter().any(|(operator, arguments)| {
            list(arguments).iter().any(|argument| satisfies(value, operator, argument))
        });
    }
    list(unwanted)
        .iter()
        .any(|argument| satisfies(value, if argument.is_string() { "text" } else { "number" }, argument))
}

/// An event that has much of what the pattern asks for.
pub fn grow_event(choices: &mut Choices<'_>, pattern: &Fields) -> Json {
    let mut members = Vec::new();
    grow_members(choices, pattern, &mut members);
    while choices.once_in(3) {
        members.push((choices.one_of(&NAMES).to_owned(), Json::grow(choices, 2)));
    }
    Json::Object(members)
}

fn grow_members(choices: &mut Choices<'_>, pattern: &Fields, members: &mut Vec<(String, Json)>) {
    for (name, node) in pattern {
        if choices.once_in(8) {
            continue;
        }
        let value = match node {
            Node::Values(values) => fitting(choices, values),
            Node::Object(fields) => Some(grow_event(choices, fields)),
            Node::Or(branches) => {
                let branch = &branches[choices.below(branches.len())];
                grow_members(choices, branch, members);
                continue;
            }
        };
        let Some(value) = value else { continue };
        let value = match choices.below(6) {
            0 => Json::Array(vec![Json::grow(choices, 2), value]),
            1 => Json::Array(vec![value, Json::Array(vec![Json::grow(choices, 1)])]),
            _ => value,
        };
        members.push(((*name).to_owned(), value));
    }
}

/// A value that one of the predicates may want.
fn fitting(choices: &mut Choices<'_>, values: &[(&'static str, Value)]) -> Option<Json> {
    let fits = |json: &Json| values.iter().any(|(operator, argument)| satisfies(json, operator, argument));
    let texts = TEXTS.iter().map(|text| Json::Text((*text).to_owned()));
    let numbers = NUMBERS.iter().map(|number| Json::Number(number));
    let others = [Json::Null, Json::Bool(true), Json::Bool(false)];
    let fitting: Vec<Json> = texts.chain(numbers).chain(others).filter(fits).collect();
    if fitting.is_empty() { None } else { Some(fitting[choices.below(fitting.len())].clone()) }
}
