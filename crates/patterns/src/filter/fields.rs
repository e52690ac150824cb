//! Patterns for space-delimited messages: `[ip, user, ..., status=4*, bytes>1000]`
//!
//! A message is split at blanks; text in quotation marks or square brackets is one field. `...` stands for any
//! number of fields; without it the last field takes what is left of the message.

use std::collections::BTreeMap;

use super::{
    InvalidFilterPattern, REGEXES_MAX,
    comparison::{Comparison, Found},
    scan::{Scan, is_word},
};

/// Fields a pattern may name.
const FIELDS_MAX: usize = 256;
/// Nested parentheses within a field.
const DEPTH_MAX: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct FieldsFilter {
    /// Fields before the `...`, or all of them.
    before: Vec<Field>,
    /// Fields after the `...`, if there is one.
    after: Option<Vec<Field>>,
}

#[derive(Clone, Debug)]
struct Field {
    name: Option<String>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Anything,
    Compare(Comparison),
    All(Vec<Test>),
    Any(Vec<Test>),
}

impl FieldsFilter {
    /// Reads a pattern whose first character is `[`.
    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        scan.take("[");
        let mut filter = Self { before: Vec::new(), after: None };
        loop {
            scan.skip_blanks();
            if scan.take("...") {
                if filter.after.replace(Vec::new()).is_some() {
                    return Err(InvalidFilterPattern::malformed("more than one ..."));
                }
            } else {
                let field = Field::read(scan)?;
                filter.after.as_mut().unwrap_or(&mut filter.before).push(field);
            }
            scan.skip_blanks();
            if scan.take(",") {
                continue;
            }
            if scan.take("]") {
                break;
            }
            return Err(InvalidFilterPattern::malformed("a closing ] is missing"));
        }
        scan.skip_blanks();
        if !scan.is_at_end() {
            return Err(InvalidFilterPattern::malformed("text follows the closing ]"));
        }
        filter.check()?;
        Ok(filter)
    }

    fn check(&self) -> Result<(), InvalidFilterPattern> {
        let mut names: Vec<&str> = self.fields().filter_map(|field| field.name.as_deref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(InvalidFilterPattern::malformed("a field name is used twice"));
        }
        if self.fields().count() > FIELDS_MAX {
            return Err(InvalidFilterPattern::malformed("too many fields"));
        }
        if self.fields().map(|field| field.test.regexes()).sum::<usize>() > REGEXES_MAX {
            return Err(InvalidFilterPattern::malformed("more than two regular expressions"));
        }
        Ok(())
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.before.iter().chain(self.after.iter().flatten())
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        self.align(message).is_some_and(|aligned| {
            aligned.iter().all(|(field, text)| field.is_none_or(|field| field.test.holds(text)))
        })
    }

    /// The fields of a message by `$name`, those without a name by `$` and their place from 1.
    pub(super) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        let aligned = self.align(message).unwrap_or_default();
        let named = aligned.into_iter().zip(1..).map(|((field, text), place): (_, usize)| {
            let name = field.and_then(|field| field.name.clone()).unwrap_or_else(|| place.to_string());
            (format!("${name}"), text.to_owned())
        });
        named.collect()
    }

    /// The parts of a message, each with its field if the pattern has one for it. `None`: too few parts.
    fn align<'f, 'm>(&'f self, message: &'m str) -> Option<Vec<(Option<&'f Field>, &'m str)>> {
        let parts = split(message);
        let tail = self.after.as_ref().map_or(0, Vec::len);
        let between = parts.len().checked_sub(self.before.len() + tail)?;
        let head = self.before.iter().map(Some);
        match &self.after {
            Some(after) => {
                let fields = head.chain(std::iter::repeat_n(None, between)).chain(after.iter().map(Some));
                Some(fields.zip(parts.iter().map(|part| part.text)).collect())
            }
            None => {
                let mut aligned: Vec<_> = head.zip(parts.iter().map(|part| part.text)).collect();
                if let (Some(last), true) = (aligned.last_mut(), between > 0) {
                    last.1 = message[parts[self.before.len() - 1].start..].trim_end();
                }
                Some(aligned)
            }
        }
    }
}

impl Field {
    fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        let mut name = None;
        let test = any(scan, &mut name, 0)?;
        Ok(Self { name, test })
    }
}

fn any(scan: &mut Scan<'_>, name: &mut Option<String>, depth: usize) -> Result<Test, InvalidFilterPattern> {
    let mut parts = vec![all(scan, name, depth)?];
    while joined_by(scan, "||") {
        parts.push(all(scan, name, depth)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Test::Any(parts) })
}

fn all(scan: &mut Scan<'_>, name: &mut Option<String>, depth: usize) -> Result<Test, InvalidFilterPattern> {
    let mut parts = vec![primary(scan, name, depth)?];
    while joined_by(scan, "&&") {
        parts.push(primary(scan, name, depth)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Test::All(parts) })
}

fn joined_by(scan: &mut Scan<'_>, operator: &str) -> bool {
    scan.skip_blanks();
    scan.take(operator)
}

/// `name`, `name op value`, nothing, or an expression in parentheses.
fn primary(
    scan: &mut Scan<'_>,
    name: &mut Option<String>,
    depth: usize,
) -> Result<Test, InvalidFilterPattern> {
    if depth >= DEPTH_MAX {
        return Err(InvalidFilterPattern::malformed("parentheses are nested too deep"));
    }
    scan.skip_blanks();
    if scan.take("(") {
        let inner = any(scan, name, depth + 1)?;
        scan.skip_blanks();
        return match scan.take(")") {
            true => Ok(inner),
            false => Err(InvalidFilterPattern::malformed("a closing ) is missing")),
        };
    }
    let word = scan.take_while(is_word);
    match name {
        Some(name) if name != word => {
            return Err(InvalidFilterPattern::malformed("the conditions of a field name several fields"));
        }
        Some(_) => {}
        None if word.is_empty() => {}
        None => *name = Some(word.to_owned()),
    }
    scan.skip_blanks();
    match scan.peek() {
        Some(',' | ']' | ')' | '&' | '|') | None => Ok(Test::Anything),
        Some(_) => Ok(Test::Compare(Comparison::read(scan)?)),
    }
}

impl Test {
    fn regexes(&self) -> usize {
        match self {
            Self::Anything => 0,
            Self::Compare(comparison) => usize::from(comparison.has_regex()),
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::regexes).sum(),
        }
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::All(parts) => parts.iter().all(|part| part.holds(text)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(text)),
            Self::Compare(Comparison::Order(order, limit)) => {
                text.parse::<f64>().is_ok_and(|value| order.holds(value, *limit))
            }
            Self::Compare(comparison) => comparison.holds(Found::Text(text)),
        }
    }
}

struct Part<'m> {
    text: &'m str,
    /// Where it begins in the message, its quotation mark or bracket included.
    start: usize,
}

fn split(message: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        at += message[at..].len() - message[at..].trim_start().len();
        let rest = &message[at..];
        let Some(first) = rest.chars().next() else { return parts };
        let closing = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        // A mark that is never closed is a character like any other.
        let enclosed = closing.and_then(|closing| rest[1..].find(closing));
        let (text, length) = match enclosed {
            Some(length) => (&rest[1..=length], length + 2),
            None => {
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..length], length)
            }
        };
        parts.push(Part { text, start: at });
        at += length;
    }
}
