//! `$.a.b[0].c`: where in a JSON message a value is

use super::{
    InvalidFilterPattern,
    scan::{Scan, is_word},
};

/// Steps one selector may have.
const STEPS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
    /// `[*]`
    AnyElement,
    /// `.*`
    AnyKey,
}

/// A place in a JSON object, or several where it has a wildcard.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selector {
    pub(super) steps: Vec<Step>,
}

impl Selector {
    /// Reads a selector whose `$` comes next.
    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        if !scan.take("$") {
            return Err(InvalidFilterPattern::malformed("a selector begins with $"));
        }
        let mut steps = Vec::new();
        loop {
            if scan.take("[*]") {
                steps.push(Step::AnyElement);
            } else if scan.take(".*") {
                steps.push(Step::AnyKey);
            } else if scan.take("['") {
                steps.push(bracketed(scan, '\'')?);
            } else if scan.take("[\"") {
                steps.push(bracketed(scan, '"')?);
            } else if scan.take("[") {
                let index = scan.take_while(|c| c.is_ascii_digit()).parse();
                let (Ok(index), true) = (index, scan.take("]")) else {
                    return Err(InvalidFilterPattern::malformed("an array index is not a number"));
                };
                steps.push(Step::Index(index));
            } else if scan.take(".") {
                let key = scan.take_while(is_word);
                if key.is_empty() {
                    return Err(InvalidFilterPattern::malformed("a selector has an empty name"));
                }
                steps.push(Step::Key(key.to_owned()));
            } else {
                break;
            }
        }
        let selector = Self { steps };
        if selector.steps.is_empty() || selector.steps.len() > STEPS_MAX {
            return Err(InvalidFilterPattern::malformed("a selector has no steps or too many"));
        }
        if selector.wildcards() > 1 {
            return Err(InvalidFilterPattern::malformed("a selector has more than one wildcard"));
        }
        Ok(selector)
    }

    pub(super) fn wildcards(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::AnyElement | Step::AnyKey)).count()
    }

    /// The last name of the path, which a message must contain if the selector is to find anything.
    pub(super) fn last_key(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }
}

fn bracketed(scan: &mut Scan<'_>, quote: char) -> Result<Step, InvalidFilterPattern> {
    let key = scan.quoted(quote)?;
    if scan.take("]") {
        Ok(Step::Key(key))
    } else {
        Err(InvalidFilterPattern::malformed("a bracket in a selector is not closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading() {
        let key = |name: &str| Step::Key(name.to_owned());
        for (text, want) in [
            ("$.a.b[0].c", vec![key("a"), key("b"), Step::Index(0), key("c")]),
            ("$['a b'][\"c.d\"]", vec![key("a b"), key("c.d")]),
            ("$.l[*].x", vec![key("l"), Step::AnyElement, key("x")]),
            ("$.o.*", vec![key("o"), Step::AnyKey]),
        ] {
            let mut scan = Scan::of(text);
            assert_eq!(Selector::read(&mut scan).unwrap().steps, want, "{text}");
            assert!(scan.is_at_end());
        }
        for text in ["a", "$", "$.", "$.a[", "$.a[x]", "$['a'", "$.a[*].b[*]"] {
            assert!(Selector::read(&mut Scan::of(text)).is_err(), "{text}");
        }
    }
}
