//! The language of rules: `ALARM("a") AND NOT (OK(b) OR AT_LEAST(2, ALARM, (c, d, e)))`.
//!
//! Words are in upper case. A name may be quoted; a bare one holds no blanks, commas or parentheses. Parsing stops at the limits, so
//! that no text can exhaust anything.
//!
//! Source: CloudWatch API Reference, `PutCompositeAlarm`; texts recorded from CloudWatch.

use std::collections::BTreeSet;

use keywatch_api::{Arn, cloudwatch::StateValue};

/// Different alarms that one rule may name.
pub const CHILDREN_MAX: usize = 100;
/// Alarms, constants and parentheses of one rule.
pub const ELEMENTS_MAX: usize = 500;

const PRIMARY: &str = "'(', 'NOT', AT_LEAST, TRUE or FALSE, ALARM, OK, or INSUFFICIENT_DATA";

/// A parsed rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    expression: Expression,
    children: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Constant(bool),
    Is(StateValue, String),
    AtLeast { threshold: Threshold, negated: bool, state: StateValue, names: Vec<String> },
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threshold {
    Count(usize),
    Percent(usize),
}

/// What is wrong with a rule, in CloudWatch's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub String);

impl Rule {
    /// Parses a rule of an alarm in `place`, an account and a Region.
    ///
    /// # Errors
    /// Texts outside the language, beyond its limits, or that name alarms elsewhere.
    pub fn parse(text: &str, place: (&str, &str)) -> Result<Self, RuleError> {
        let mut parser = Parser { text, at: 0, elements: 0, place, children: BTreeSet::new() };
        let expression = parser.either()?;
        parser.end()?;
        if parser.children.len() > CHILDREN_MAX {
            return Err(RuleError(format!(
                "AlarmRule must not have more than {CHILDREN_MAX} children alarms"
            )));
        }
        Ok(Self { expression, children: parser.children.into_iter().collect() })
    }

    /// The names of the alarms it looks at, each once, in order.
    pub fn children(&self) -> &[String] {
        &self.children
    }

    /// Whether it is true, given the states of its children; one that is not there is in no state.
    pub fn holds(&self, state: &dyn Fn(&str) -> Option<StateValue>) -> bool {
        holds(&self.expression, state)
    }
}

fn holds(expression: &Expression, state: &dyn Fn(&str) -> Option<StateValue>) -> bool {
    match expression {
        Expression::Constant(value) => *value,
        Expression::Is(value, name) => state(name) == Some(*value),
        Expression::Not(inner) => !holds(inner, state),
        Expression::And(all) => all.iter().all(|inner| holds(inner, state)),
        Expression::Or(any) => any.iter().any(|inner| holds(inner, state)),
        Expression::AtLeast { threshold, negated, state: value, names } => {
            let fits = |name: &&String| (state(name) == Some(*value)) != *negated;
            let needed = match threshold {
                Threshold::Count(count) => *count,
                Threshold::Percent(percent) => (names.len() * percent).div_ceil(100),
            };
            names.iter().filter(fits).count() >= needed
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    elements: usize,
    place: (&'a str, &'a str),
    children: BTreeSet<String>,
}

impl<'a> Parser<'a> {
    fn either(&mut self) -> Result<Expression, RuleError> {
        let mut any = vec![self.every()?];
        while self.eat_word("OR") {
            any.push(self.every()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Expression::Or(any) })
    }

    fn every(&mut self) -> Result<Expression, RuleError> {
        let mut all = vec![self.primary()?];
        while self.eat_word("AND") {
            all.push(self.primary()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::And(all) })
    }

    fn primary(&mut self) -> Result<Expression, RuleError> {
        let mut negations = 0;
        while self.eat_word("NOT") {
            negations += 1;
        }
        let inner = self.positive()?;
        Ok(if negations % 2 == 1 { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn positive(&mut self) -> Result<Expression, RuleError> {
        self.element()?;
        if self.eat('(') {
            let inner = self.either()?;
            self.close()?;
            return Ok(inner);
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] {
            if self.eat_word(word) {
                return Ok(Expression::Constant(value));
            }
        }
        if self.eat_word("AT_LEAST") {
            return self.at_least();
        }
        let Some(state) = self.state() else { return Err(self.unsupported(PRIMARY)) };
        self.expect('(')?;
        let name = self.name()?;
        self.expect(')')?;
        Ok(Expression::Is(state, name))
    }

    fn at_least(&mut self) -> Result<Expression, RuleError> {
        self.expect('(')?;
        let (start, number) = self.peek();
        let threshold = match number.strip_suffix('%') {
            Some(percent) => percent.parse().map(Threshold::Percent),
            None => number.parse().map(Threshold::Count),
        };
        let Ok(threshold) = threshold else { return Err(self.unsupported("NUMBER, PERCENTAGE NUMBER")) };
        self.at = start + number.len();
        self.expect(',')?;
        let negated = self.eat_word("NOT");
        let Some(state) = self.state() else {
            return Err(self.unsupported("'NOT', ALARM, OK, or INSUFFICIENT_DATA"));
        };
        self.expect(',')?;
        self.expect('(')?;
        let mut names = vec![self.name()?];
        while self.eat(',') {
            self.element()?;
            names.push(self.name()?);
        }
        self.expect(')')?;
        self.expect(')')?;
        let in_rule = |text: String| Err(RuleError(format!("Error in AlarmRule [{text}]")));
        match threshold {
            Threshold::Count(count) if count == 0 || count > names.len() => in_rule(format!(
                "AT_LEAST absolute threshold must be between 1 and number of alarms ({})",
                names.len()
            )),
            Threshold::Percent(percent) if percent == 0 || percent > 100 => {
                in_rule("AT_LEAST percentage threshold must be between 1 and 100".into())
            }
            _ => Ok(Expression::AtLeast { threshold, negated, state, names }),
        }
    }

    fn state(&mut self) -> Option<StateValue> {
        StateValue::ALL.iter().copied().find(|state| self.eat_word(state.as_str()))
    }

    /// The name of a child, which a rule may give as an ARN.
    fn name(&mut self) -> Result<String, RuleError> {
        self.blanks();
        let given = if self.rest().starts_with('"') { self.quoted()? } else { self.bare()? };
        let name = if given.starts_with("arn:") { alarm_of_arn(&given, self.place)? } else { given };
        self.children.insert(name.clone());
        Ok(name)
    }

    fn quoted(&mut self) -> Result<String, RuleError> {
        let mut name = String::new();
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    self.at += at + 1;
                    return Ok(name);
                }
                '\\' if !escaped => escaped = true,
                _ => {
                    // Only quotes and backslashes are escaped; before anything else a backslash is itself.
                    if escaped && !matches!(c, '"' | '\\') {
                        name.push('\\');
                    }
                    escaped = false;
                    name.push(c);
                }
            }
        }
        Err(self.unsupported("alarm name or ARN"))
    }

    fn bare(&mut self) -> Result<String, RuleError> {
        let end = self.rest().find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','));
        let name = &self.rest()[..end.unwrap_or(self.rest().len())];
        if name.is_empty() {
            return Err(self.unsupported("alarm name or ARN"));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    fn element(&mut self) -> Result<(), RuleError> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(RuleError(format!("AlarmRule must not have more than {ELEMENTS_MAX} elements")));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), RuleError> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.unsupported("<EOF>, 'AND', 'OR'")) }
    }

    fn close(&mut self) -> Result<(), RuleError> {
        if self.eat(')') { Ok(()) } else { Err(self.unsupported("')', 'AND', 'OR'")) }
    }

    fn expect(&mut self, sign: char) -> Result<(), RuleError> {
        if self.eat(sign) { Ok(()) } else { Err(self.unsupported(&format!("'{sign}'"))) }
    }

    fn eat(&mut self, sign: char) -> bool {
        self.blanks();
        let eats = self.rest().starts_with(sign);
        if eats {
            self.at += sign.len_utf8();
        }
        eats
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let (start, found) = self.peek();
        let eats = found == word;
        if eats {
            self.at = start + word.len();
        }
        eats
    }

    /// The next token, and where it starts: one sign, or a run of anything but signs and blanks.
    fn peek(&mut self) -> (usize, &'a str) {
        self.blanks();
        let rest = &self.text[self.at..];
        let is_sign = |c: char| matches!(c, '(' | ')' | ',');
        let end = match rest.chars().next() {
            None => 0,
            Some(c) if is_sign(c) => c.len_utf8(),
            Some(_) => rest.find(|c: char| c.is_whitespace() || is_sign(c)).unwrap_or(rest.len()),
        };
        (self.at, &rest[..end])
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn unsupported(&mut self, wanted: &str) -> RuleError {
        let (start, token) = self.peek();
        let token = if token.is_empty() { "<EOF>" } else { token };
        let at = self.text[..start].chars().count();
        RuleError(format!("Error in AlarmRule [Unsupported token '{token}' at char {at}, must be: {wanted}]"))
    }
}

/// The name in the ARN of an alarm, which must be in `place`.
pub fn alarm_of_arn(text: &str, place: (&str, &str)) -> Result<String, RuleError> {
    let parsed: Option<Arn> = text.parse().ok();
    let name = parsed.as_ref().and_then(|arn| arn.resource.strip_prefix("alarm:").map(str::to_owned));
    let (Some(arn), Some(name)) = (parsed, name) else {
        return Err(RuleError(format!("Error in AlarmRule [Invalid ARN '{text}']")));
    };
    if arn.account != place.0 {
        let text = "A composite alarm cannot have a child relation with alarms from another AWS account";
        return Err(RuleError(text.into()));
    }
    if arn.region != place.1 {
        return Err(RuleError(format!(
            "Error in AlarmRule [Wrong ARN region, it was {} but {} was expected instead]",
            arn.region, place.1
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: (&str, &str) = ("111122223333", "us-east-1");

    /// `a` and `b` are in ALARM, `o` is OK, `i` is in INSUFFICIENT_DATA; nothing else is there.
    fn state(name: &str) -> Option<StateValue> {
        match name {
            "a" | "b" | "a b" | "q\"q" => Some(StateValue::Alarm),
            "o" => Some(StateValue::Ok),
            "i" => Some(StateValue::InsufficientData),
            _ => None,
        }
    }

    #[track_caller]
    fn check(text: &str, want: bool, children: &[&str]) {
        let rule = Rule::parse(text, PLACE).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(rule.holds(&state), want, "{text}");
        assert_eq!(rule.children(), children, "{text}");
    }

    #[test]
    fn rules() {
        check("TRUE", true, &[]);
        check(" FALSE ", false, &[]);
        check("ALARM(a)", true, &["a"]);
        check("ALARM ( \"a b\" )", true, &["a b"]);
        check(r#"ALARM("q\"q")"#, true, &["q\"q"]);
        check("ALARM(arn:aws:cloudwatch:us-east-1:111122223333:alarm:a)", true, &["a"]);
        check("OK(a) OR OK(o)", true, &["a", "o"]);
        check("INSUFFICIENT_DATA(i) AND OK(o)", true, &["i", "o"]);
        check("ALARM(a) AND NOT ALARM(b)", false, &["a", "b"]);
        check("NOT NOT ALARM(a)", true, &["a"]);
        check("FALSE AND FALSE OR TRUE", true, &[]);
        check("FALSE AND (FALSE OR TRUE)", false, &[]);
        check("NOT(ALARM(a)OR ALARM(o))", false, &["a", "o"]);
        check("ALARM('a')", false, &["'a'"]);
        check("ALARM(gone)", false, &["gone"]);
        check("NOT ALARM(gone)", true, &["gone"]);
    }

    #[test]
    fn at_least() {
        check("AT_LEAST(2, ALARM, (a, b, o))", true, &["a", "b", "o"]);
        check("AT_LEAST(3, ALARM, (a, b, o))", false, &["a", "b", "o"]);
        check("AT_LEAST(2, ALARM, (a, a))", true, &["a"]);
        check("AT_LEAST(2, NOT ALARM, (a, o, i))", true, &["a", "i", "o"]);
        check("AT_LEAST(66%, ALARM, (a, b, o))", true, &["a", "b", "o"]);
        check("AT_LEAST(67%, ALARM, (a, b, o))", false, &["a", "b", "o"]);
        check("AT_LEAST(1,OK,(\"a\", \"o\")) AND TRUE", true, &["a", "o"]);
    }

    #[track_caller]
    fn refuses(text: &str, want: &str) {
        assert_eq!(Rule::parse(text, PLACE).unwrap_err().0, want, "{text}");
    }

    #[test]
    fn refusals_in_the_words_of_cloudwatch() {
        let primary = format!("must be: {PRIMARY}]");
        refuses("true", &format!("Error in AlarmRule [Unsupported token 'true' at char 0, {primary}"));
        refuses(
            "TRUE and FALSE",
            "Error in AlarmRule [Unsupported token 'and' at char 5, must be: <EOF>, 'AND', 'OR']",
        );
        refuses("TRUE AND", &format!("Error in AlarmRule [Unsupported token '<EOF>' at char 8, {primary}"));
        refuses(
            "(TRUE",
            "Error in AlarmRule [Unsupported token '<EOF>' at char 5, must be: ')', 'AND', 'OR']",
        );
        refuses(
            "AT_LEAST(-1, ALARM, (a))",
            "Error in AlarmRule [Unsupported token '-1' at char 9, must be: NUMBER, PERCENTAGE NUMBER]",
        );
        refuses(
            "AT_LEAST(3, ALARM, (a, b))",
            "Error in AlarmRule [AT_LEAST absolute threshold must be between 1 and number of alarms (2)]",
        );
        refuses(
            "AT_LEAST(101%, ALARM, (a, b))",
            "Error in AlarmRule [AT_LEAST percentage threshold must be between 1 and 100]",
        );
        refuses(
            "ALARM(arn:aws:cloudwatch:us-west-2:111122223333:alarm:a)",
            "Error in AlarmRule [Wrong ARN region, it was us-west-2 but us-east-1 was expected instead]",
        );
        refuses(
            "ALARM(arn:aws:cloudwatch:us-east-1:444455556666:alarm:a)",
            "A composite alarm cannot have a child relation with alarms from another AWS account",
        );
        assert!(Rule::parse("ALARM(\"a", PLACE).is_err());
        assert!(Rule::parse("ALARM()", PLACE).is_err());
        assert!(Rule::parse("", PLACE).is_err());
    }

    #[test]
    fn limits() {
        let many = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("ALARM(a{n})")).collect();
            Rule::parse(&names.join(" OR "), PLACE)
        };
        assert_eq!(many(CHILDREN_MAX).unwrap().children().len(), CHILDREN_MAX);
        assert!(many(CHILDREN_MAX + 1).unwrap_err().0.contains("100 children"));
        assert!(Rule::parse(&"(".repeat(10_000), PLACE).unwrap_err().0.contains("500 elements"));
        assert!(Rule::parse(&"NOT ".repeat(2_500), PLACE).is_err());
    }
}
