//! JSON patterns: `{ $.eventSource = kms* && $.errorMessage = "* is pending deletion." }`
//!
//! Conditions are joined by `&&` and `||` with parentheses. A message is searched for texts that must occur if the
//! pattern is to match (`prefilter`); only when one is there is it walked, and then only for the selected places
//! (`places`); and only when it would match is it held against the grammar of JSON.

use super::{
    InvalidFilterPattern, REGEXES_MAX,
    comparison::{Comparison, Found},
    places::{Places, Value},
    prefilter::{self, Clause, Prefilter},
    scan::Scan,
    selector::Selector,
};

/// Nested parentheses.
const DEPTH_MAX: usize = 64;
/// Selectors with `[*]` or `.*` in one pattern.
const WILDCARD_SELECTORS_MAX: usize = 3;

#[derive(Clone, Debug)]
pub(super) struct JsonFilter {
    expression: Expression,
    conditions: Vec<Condition>,
    places: Places,
    prefilter: Prefilter,
}

/// Conditions by their number.
#[derive(Clone, Debug)]
enum Expression {
    Condition(usize),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

#[derive(Clone, Debug)]
struct Condition {
    selector: Selector,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Compare(Comparison),
    IsNull,
    IsTrue,
    IsFalse,
    NotExists,
}

impl JsonFilter {
    /// Reads a pattern whose first character is `{`.
    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        scan.take("{");
        let mut conditions = Vec::new();
        let expression = any(scan, &mut conditions, 0)?;
        scan.skip_blanks();
        if !scan.take("}") {
            return Err(InvalidFilterPattern::malformed("a closing } is missing"));
        }
        scan.skip_blanks();
        if !scan.is_at_end() {
            return Err(InvalidFilterPattern::malformed("text follows the closing }"));
        }
        let wildcards: usize = conditions.iter().map(|c| c.selector.wildcards()).sum();
        if wildcards > WILDCARD_SELECTORS_MAX {
            return Err(InvalidFilterPattern::malformed("more than three selectors have a wildcard"));
        }
        let regexes =
            conditions.iter().filter(|c| matches!(&c.test, Test::Compare(c) if c.has_regex())).count();
        if regexes > REGEXES_MAX {
            return Err(InvalidFilterPattern::malformed("more than two regular expressions"));
        }
        let prefilter = Prefilter::new(required(&expression, &conditions));
        let mut places = Places::default();
        for (number, condition) in conditions.iter().enumerate() {
            places.add(&condition.selector, number);
        }
        Ok(Self { expression, conditions, places, prefilter })
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        self.prefilter.may_match(message.as_bytes())
            && self.places.find(message).is_some_and(|found| self.holds(&found))
            && keywatch_json::is_json(message)
    }

    fn holds(&self, found: &[(usize, Value<'_>)]) -> bool {
        let mut held: Vec<bool> = self.conditions.iter().map(|c| matches!(c.test, Test::NotExists)).collect();
        for (number, value) in found {
            let test = &self.conditions[*number].test;
            match test {
                Test::NotExists => held[*number] = false,
                _ => held[*number] |= test.holds(value),
            }
        }
        self.expression.holds(&held)
    }
}

/// Texts that occur in every message that matches.
fn required(expression: &Expression, conditions: &[Condition]) -> Vec<Clause> {
    match expression {
        Expression::Condition(number) => {
            conditions[*number].required().into_iter().map(|text| vec![text]).collect()
        }
        Expression::All(parts) => parts.iter().flat_map(|part| required(part, conditions)).collect(),
        // One clause of each part, joined; nothing is known if nothing is known of one part.
        Expression::Any(parts) => {
            let best = |part| required(part, conditions).into_iter().max_by_key(prefilter::worth);
            parts
                .iter()
                .map(best)
                .collect::<Option<Vec<_>>>()
                .map(|clauses| clauses.concat())
                .into_iter()
                .collect()
        }
    }
}

impl Condition {
    fn required(&self) -> Option<String> {
        const USEFUL_BYTES_MIN: usize = 3;
        if matches!(self.test, Test::NotExists) {
            return None;
        }
        let value = match &self.test {
            Test::Compare(comparison) => comparison.required_text().map(prefilter::verbatim_part),
            _ => None,
        };
        let value = value.filter(|text| text.len() >= USEFUL_BYTES_MIN).map(str::to_owned);
        value.or_else(|| {
            let key = self.selector.last_key()?;
            (prefilter::verbatim_part(key) == key).then(|| format!("\"{key}\""))
        })
    }
}

impl Expression {
    fn holds(&self, held: &[bool]) -> bool {
        match self {
            Self::Condition(number) => held[*number],
            Self::All(parts) => parts.iter().all(|part| part.holds(held)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(held)),
        }
    }
}

impl Test {
    fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Compare(comparison), Value::Text(text)) => comparison.holds(Found::Text(text)),
            (Self::Compare(comparison), Value::Number(number, text)) => {
                comparison.holds(Found::Number(*number, text))
            }
            (Self::IsNull, Value::Null) | (Self::IsTrue, Value::True) | (Self::IsFalse, Value::False) => true,
            // AWS holds an array to be null when it contains a null.
            (Self::IsNull, Value::Array { contains_null }) => *contains_null,
            _ => false,
        }
    }
}

fn any(
    scan: &mut Scan<'_>,
    conditions: &mut Vec<Condition>,
    depth: usize,
) -> Result<Expression, InvalidFilterPattern> {
    let mut parts = vec![all(scan, conditions, depth)?];
    while joined_by(scan, "||") {
        parts.push(all(scan, conditions, depth)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
}

fn all(
    scan: &mut Scan<'_>,
    conditions: &mut Vec<Condition>,
    depth: usize,
) -> Result<Expression, InvalidFilterPattern> {
    let mut parts = vec![primary(scan, conditions, depth)?];
    while joined_by(scan, "&&") {
        parts.push(primary(scan, conditions, depth)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
}

fn joined_by(scan: &mut Scan<'_>, operator: &str) -> bool {
    scan.skip_blanks();
    scan.take(operator)
}

fn primary(
    scan: &mut Scan<'_>,
    conditions: &mut Vec<Condition>,
    depth: usize,
) -> Result<Expression, InvalidFilterPattern> {
    if depth >= DEPTH_MAX {
        return Err(InvalidFilterPattern::malformed("parentheses are nested too deep"));
    }
    scan.skip_blanks();
    if scan.take("(") {
        let inner = any(scan, conditions, depth + 1)?;
        scan.skip_blanks();
        return match scan.take(")") {
            true => Ok(inner),
            false => Err(InvalidFilterPattern::malformed("a closing ) is missing")),
        };
    }
    let selector = Selector::read(scan)?;
    scan.skip_blanks();
    let test = if scan.take_word("IS") {
        scan.skip_blanks();
        match () {
            () if scan.take_word("NULL") => Test::IsNull,
            () if scan.take_word("TRUE") => Test::IsTrue,
            () if scan.take_word("FALSE") => Test::IsFalse,
            () => return Err(InvalidFilterPattern::malformed("IS is followed by NULL, TRUE or FALSE")),
        }
    } else if scan.take_word("NOT") {
        scan.skip_blanks();
        if !scan.take_word("EXISTS") {
            return Err(InvalidFilterPattern::malformed("NOT is followed by EXISTS"));
        }
        Test::NotExists
    } else {
        Test::Compare(Comparison::read(scan)?)
    };
    conditions.push(Condition { selector, test });
    Ok(Expression::Condition(conditions.len() - 1))
}
