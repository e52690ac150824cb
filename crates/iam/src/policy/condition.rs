//! # Conditions
//! A **condition** is one operator over one key with its listed values. All conditions of a statement must hold; any listed
//! value suffices, and for the negated operators none may match. What a missing key, a list or a malformed value means is
//! written once, in [`Condition::holds`] and in the comparison of each family; the source is the IAM user guide,
//! "IAM JSON policy elements: Condition operators", and the recorded native behaviour in the tests' names.
//! **Invariant:** pure; the clock and the caller come with the request.
//! **Not here:** the JSON around it (`document`).

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;

use super::matching::{Pattern, Resolve, Syntax, arn_parts};
use super::request::{Request, Values};

/// One operator over one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// In lower case.
    key: String,
    /// As the policy spells it.
    spelled: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// `Null`: the key is absent, or is not.
    Absent(Vec<bool>),
    Compare {
        qualifier: Option<Qualifier>,
        test: Test,
        negated: bool,
        if_exists: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qualifier {
    ForAllValues,
    ForAnyValue,
}

/// An operator family with its listed values, prepared for comparison.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Text { values: Vec<Pattern>, ignore_case: bool },
    Like(Vec<Pattern>),
    Arn(Vec<ArnPattern>),
    Number { values: Vec<Option<f64>>, order: Order },
    Date { values: Vec<Option<Timestamp>>, order: Order },
    Bool(Vec<bool>),
    Binary(Vec<Option<Vec<u8>>>),
    Ip(Vec<Option<IpNet>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum ArnPattern {
    Anything,
    Parts(Box<[Pattern; 6]>),
    /// Not six parts: matches no ARN.
    Malformed,
}

/// How a request's value stands to the listed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Match,
    NoMatch,
    /// The request's value is not of the operator's type: it matches neither the operator nor its negation.
    Malformed,
}

impl Condition {
    /// `None` when `operator` is no condition operator. `variables` as the policy's version has them.
    pub fn new(operator: &str, key: &str, values: Vec<String>, variables: bool) -> Option<Self> {
        let (qualifier, name) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Qualifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Qualifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, operator),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let (key, spelled) = (key.to_ascii_lowercase(), key.to_owned());
        if name == "Null" {
            let wanted = values.iter().map(|value| is_true(value)).collect();
            return (!if_exists && qualifier.is_none()).then_some(Self {
                key,
                spelled,
                rule: Rule::Absent(wanted),
            });
        }
        let (test, negated) = test(name, values, variables)?;
        Some(Self { key, spelled, rule: Rule::Compare { qualifier, test, negated, if_exists } })
    }

    /// The condition key, in lower case.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The keys a decision needs, as the policy spells them: its own and those of the variables in its values.
    pub(super) fn keys(&self) -> Vec<&str> {
        let mut keys = vec![self.spelled.as_str()];
        if let Rule::Compare { test, .. } = &self.rule {
            keys.extend(test.variables());
        }
        keys
    }

    /// Whether the set qualifier is `ForAllValues`, which also holds when the request lacks the key.
    pub fn is_for_all_values(&self) -> bool {
        matches!(self.rule, Rule::Compare { qualifier: Some(Qualifier::ForAllValues), .. })
    }

    /// Whether the condition holds for `request`.
    pub fn holds(&self, request: &Request<'_>) -> bool {
        let found = request.values(&self.key);
        let (qualifier, test, negated, if_exists) = match &self.rule {
            Rule::Absent(wanted) => {
                return wanted.contains(&found.is_none_or(|values| values.as_slice().is_empty()));
            }
            Rule::Compare { qualifier, test, negated, if_exists } => (*qualifier, test, *negated, *if_exists),
        };
        let Some(found) = found else {
            return if_exists
                || match qualifier {
                    Some(Qualifier::ForAllValues) => true,
                    Some(Qualifier::ForAnyValue) => false,
                    None => negated,
                };
        };
        let resolve: &Resolve<'_> = &|key| request.variable(key);
        let one = |value: &str| match test.compare(value, resolve) {
            Outcome::Match => !negated,
            Outcome::NoMatch => negated,
            Outcome::Malformed => false,
        };
        match (qualifier, &found) {
            (Some(Qualifier::ForAllValues), _) => found.as_slice().iter().all(|value| one(value)),
            (Some(Qualifier::ForAnyValue), _) => found.as_slice().iter().any(|value| one(value)),
            (None, Values::One(value)) => one(value),
            // Recorded: a list never satisfies an operator without a set qualifier, not even a negated one.
            (None, Values::Many(_)) => false,
        }
    }
}

impl Test {
    fn variables(&self) -> Vec<&str> {
        match self {
            Self::Text { values, .. } | Self::Like(values) => {
                values.iter().flat_map(Pattern::variables).collect()
            }
            Self::Arn(values) => values
                .iter()
                .filter_map(|pattern| match pattern {
                    ArnPattern::Parts(parts) => Some(parts.iter().flat_map(Pattern::variables)),
                    ArnPattern::Anything | ArnPattern::Malformed => None,
                })
                .flatten()
                .collect(),
            Self::Number { .. } | Self::Date { .. } | Self::Bool(_) | Self::Binary(_) | Self::Ip(_) => {
                Vec::new()
            }
        }
    }

    fn compare(&self, value: &str, resolve: &Resolve<'_>) -> Outcome {
        let hit = match self {
            Self::Text { values, ignore_case: false } => {
                values.iter().any(|listed| listed.matches(value, resolve))
            }
            Self::Text { values, ignore_case: true } => {
                // Recorded: lower case on both sides, not Unicode's full folding (`ß` is not `SS`).
                let value = value.to_lowercase();
                values.iter().any(|listed| {
                    listed.literal(resolve).is_some_and(|listed| listed.to_lowercase() == value)
                })
            }
            Self::Like(values) => values.iter().any(|listed| listed.matches(value, resolve)),
            Self::Arn(values) => {
                let Some(parts) = arn_parts(value) else { return Outcome::Malformed };
                values.iter().any(|listed| listed.matches(&parts, resolve))
            }
            // Recorded: text that is no number is unequal to every number.
            Self::Number { values, order } => number(value)
                .is_some_and(|value| values.iter().flatten().any(|listed| order.holds(&value, listed))),
            Self::Date { values, order } => date(value)
                .is_some_and(|value| values.iter().flatten().any(|listed| order.holds(&value, listed))),
            Self::Bool(values) => values.contains(&is_true(value)),
            Self::Binary(values) => {
                BASE64.decode(value).is_ok_and(|value| values.iter().flatten().any(|listed| *listed == value))
            }
            Self::Ip(values) => {
                let Ok(address) = value.parse::<IpAddr>() else { return Outcome::Malformed };
                values.iter().flatten().any(|network| network.contains(&address))
            }
        };
        if hit { Outcome::Match } else { Outcome::NoMatch }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: &T, listed: &T) -> bool {
        match self {
            Self::Equal => value == listed,
            Self::Less => value < listed,
            Self::LessOrEqual => value <= listed,
            Self::Greater => value > listed,
            Self::GreaterOrEqual => value >= listed,
        }
    }
}

impl ArnPattern {
    fn new(source: &str, syntax: Syntax) -> Self {
        let parts = Pattern::arn_parts(source, syntax);
        if let [only] = parts.as_slice()
            && only.is_anything()
        {
            return Self::Anything;
        }
        parts.try_into().map_or(Self::Malformed, |parts| Self::Parts(Box::new(parts)))
    }

    fn matches(&self, arn: &[&str; 6], resolve: &Resolve<'_>) -> bool {
        match self {
            Self::Anything => true,
            Self::Parts(parts) => parts.iter().zip(arn).all(|(part, text)| part.matches(text, resolve)),
            Self::Malformed => false,
        }
    }
}

/// The family of an operator without qualifier and suffix, and whether it is negated.
fn test(name: &str, values: Vec<String>, variables: bool) -> Option<(Test, bool)> {
    let plain = Syntax { wildcards: false, variables, ignore_case: false };
    let wild = Syntax { wildcards: true, ..plain };
    let patterns = |values: Vec<String>, syntax| values.iter().map(|v| Pattern::new(v, syntax)).collect();
    if let Some(comparison) = name.strip_prefix("Numeric") {
        let (order, negated) = order(comparison)?;
        let values = values.iter().map(|value| number(value)).collect();
        return Some((Test::Number { values, order }, negated));
    }
    if let Some(comparison) = name.strip_prefix("Date") {
        let (order, negated) = order(comparison)?;
        let values = values.iter().map(|value| date(value)).collect();
        return Some((Test::Date { values, order }, negated));
    }
    Some(match name {
        "StringEquals" | "StringNotEquals" => {
            let test = Test::Text { values: patterns(values, plain), ignore_case: false };
            (test, name == "StringNotEquals")
        }
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
            let test = Test::Text { values: patterns(values, plain), ignore_case: true };
            (test, name == "StringNotEqualsIgnoreCase")
        }
        "StringLike" | "StringNotLike" => (Test::Like(patterns(values, wild)), name == "StringNotLike"),
        "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => {
            let values = values.iter().map(|value| ArnPattern::new(value, wild)).collect();
            (Test::Arn(values), name.starts_with("ArnNot"))
        }
        "Bool" => (Test::Bool(values.iter().map(|value| is_true(value)).collect()), false),
        "BinaryEquals" => (Test::Binary(values.iter().map(|v| BASE64.decode(v).ok()).collect()), false),
        "IpAddress" | "NotIpAddress" => {
            (Test::Ip(values.iter().map(|value| network(value)).collect()), name == "NotIpAddress")
        }
        _ => return None,
    })
}

fn order(comparison: &str) -> Option<(Order, bool)> {
    Some(match comparison {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    })
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// ISO 8601 (a date, or a date and time with a zone) or seconds since the epoch.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == "2026-11-22".len())?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// Recorded: `true` in any case is true, everything else is false.
fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

/// An address or a network. Recorded: host bits are ignored in IPv4 networks; an IPv6 network that has some never matches.
fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(IpNet::V6(network)) => (network.addr() == network.network()).then_some(IpNet::V6(network)),
        Ok(network) => Some(network),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

#[cfg(test)]
mod tests;
