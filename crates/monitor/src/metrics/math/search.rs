//! # Search expressions
//! A **search** finds metrics by the words of their names: of the namespace, the metric, and the names and values of the dimensions. A
//! **schema** in braces limits it to one namespace and one exact set of dimension names. A word matches a **token** of a name whatever
//! its case, a text in double quotes matches a whole name to the letter. Pure.
//!
//! Source: CloudWatch User Guide, "CloudWatch search expression syntax".

use super::{MathError, Second};

/// Characters of a search at most.
pub const SEARCH_LENGTH_MAX: usize = 1_024;
/// Terms inside each other at most.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    pub schema: Option<Schema>,
    /// Nothing finds every metric of the schema.
    pub term: Option<Term>,
    pub statistic: String,
    /// The period it asks for itself, which goes before the query's.
    pub period: Option<Second>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub namespace: String,
    /// In no order.
    pub dimensions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    And(Vec<Term>),
    Or(Vec<Term>),
    Not(Box<Term>),
    /// A word, in lower case.
    Word(String),
    Exact(String),
    /// A term about one property alone.
    Of(Property, Box<Term>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    Namespace,
    MetricName,
    Account,
    /// The value of a dimension.
    Dimension(String),
}

/// A metric as searches see it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub dimensions: &'a [(&'a str, &'a str)],
    pub account: &'a str,
}

/// Reads the text of a search.
///
/// # Errors
/// What could not be understood.
pub fn parse(query: &str, statistic: &str, period: Option<Second>) -> Result<Search, MathError> {
    if query.chars().count() > SEARCH_LENGTH_MAX {
        return Err(MathError(format!("The search is longer than {SEARCH_LENGTH_MAX} characters")));
    }
    let mut rest = query.trim();
    let mut schema = None;
    if let Some(inside) = rest.strip_prefix('{') {
        let end = inside.find('}').ok_or_else(|| MathError("Missing closing } of the search".into()))?;
        schema = Some(parse_schema(&inside[..end])?);
        rest = inside[end + 1..].trim();
    }
    let mut terms = Terms { words: words(rest)?, at: 0, depth: 0 };
    let term = if terms.words.is_empty() { None } else { Some(terms.any()?) };
    if terms.at < terms.words.len() {
        return Err(MathError("Unexpected ')' in the search".into()));
    }
    if schema.is_none() && term.is_none() {
        return Err(MathError("The search is empty".into()));
    }
    Ok(Search { schema, term, statistic: statistic.to_owned(), period })
}

fn parse_schema(text: &str) -> Result<Schema, MathError> {
    let mut names = text.split(',').map(|name| {
        let name = name.trim();
        name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).to_owned()
    });
    let namespace = names.next().filter(|namespace| !namespace.is_empty());
    let namespace = namespace.ok_or_else(|| MathError("The search's schema names no namespace".into()))?;
    Ok(Schema { namespace, dimensions: names.filter(|name| !name.is_empty()).collect() })
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    /// `name=`
    Property(String),
    Exact(String),
    Plain(String),
}

fn words(text: &str) -> Result<Vec<Word>, MathError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, tail) = match first {
            '(' => (Word::Open, &rest[1..]),
            ')' => (Word::Close, &rest[1..]),
            '"' => {
                let (text, tail) = quoted(rest)?;
                match tail.strip_prefix('=') {
                    Some(tail) => (Word::Property(text), tail),
                    None => (Word::Exact(text), tail),
                }
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()=\"".contains(c)).unwrap_or(rest.len());
                let (word, tail) = rest.split_at(end);
                match tail.strip_prefix('=') {
                    Some(tail) if !word.is_empty() => (Word::Property(word.to_owned()), tail),
                    Some(_) => return Err(MathError("Unexpected '=' in the search".into())),
                    None => (Word::Plain(word.to_owned()), tail),
                }
            }
        };
        found.push(word);
        rest = tail.trim_start();
    }
    Ok(found)
}

fn quoted(rest: &str) -> Result<(String, &str), MathError> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => text.extend(characters.next().map(|(_, c)| c)),
            '"' => return Ok((text, &rest[at + 1..])),
            _ => text.push(c),
        }
    }
    Err(MathError("Missing closing \" of the search".into()))
}

struct Terms {
    words: Vec<Word>,
    at: usize,
    depth: usize,
}

impl Terms {
    /// Terms between `OR`s.
    fn any(&mut self) -> Result<Term, MathError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(MathError(format!("The search is nested deeper than {DEPTH_MAX} levels")));
        }
        let mut terms = vec![self.all()?];
        while self.next_is("OR") {
            self.at += 1;
            terms.push(self.all()?);
        }
        self.depth -= 1;
        Ok(one_or(terms, Term::Or))
    }

    /// Terms beside each other or between `AND`s.
    fn all(&mut self) -> Result<Term, MathError> {
        let mut terms = vec![self.term()?];
        loop {
            if self.next_is("AND") {
                self.at += 1;
            } else if self.next_is("OR") || matches!(self.words.get(self.at), None | Some(Word::Close)) {
                return Ok(one_or(terms, Term::And));
            }
            terms.push(self.term()?);
        }
    }

    fn term(&mut self) -> Result<Term, MathError> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        match word {
            Some(Word::Plain(word)) if word == "NOT" => Ok(Term::Not(Box::new(self.term()?))),
            Some(Word::Plain(word)) if word == "AND" || word == "OR" => {
                Err(MathError(format!("Unexpected {word} in the search")))
            }
            Some(Word::Plain(word)) => Ok(plain(&word)),
            Some(Word::Exact(text)) => Ok(Term::Exact(text)),
            Some(Word::Property(name)) => {
                let property = match name.as_str() {
                    "Namespace" => Property::Namespace,
                    "MetricName" => Property::MetricName,
                    ":aws.AccountId" => Property::Account,
                    _ => Property::Dimension(name),
                };
                Ok(Term::Of(property, Box::new(self.term()?)))
            }
            Some(Word::Open) => {
                let inner = self.any()?;
                if self.words.get(self.at) != Some(&Word::Close) {
                    return Err(MathError("Missing closing ) of the search".into()));
                }
                self.at += 1;
                Ok(inner)
            }
            Some(Word::Close) => Err(MathError("Unexpected ')' in the search".into())),
            None => Err(MathError("The search ends where a term is expected".into())),
        }
    }

    fn next_is(&self, word: &str) -> bool {
        matches!(self.words.get(self.at), Some(Word::Plain(found)) if found == word)
    }
}

fn one_or(mut terms: Vec<Term>, several: impl Fn(Vec<Term>) -> Term) -> Term {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            several(terms)
        }
    }
}

/// A word with signs in it is as many words, all of which must be there.
fn plain(word: &str) -> Term {
    let words = word.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    one_or(words.map(|word| Term::Word(word.to_lowercase())).collect(), Term::And)
}

impl Search {
    /// Whether a metric is found.
    pub fn finds(&self, metric: &Candidate<'_>) -> bool {
        let in_schema = self.schema.as_ref().is_none_or(|schema| {
            schema.namespace == metric.namespace
                && schema.dimensions.len() == metric.dimensions.len()
                && metric
                    .dimensions
                    .iter()
                    .all(|(name, _)| schema.dimensions.iter().any(|wanted| wanted == name))
        });
        in_schema && self.term.as_ref().is_none_or(|term| holds(term, metric, None))
    }
}

fn holds(term: &Term, metric: &Candidate<'_>, of: Option<&Property>) -> bool {
    match term {
        Term::And(terms) => terms.iter().all(|term| holds(term, metric, of)),
        Term::Or(terms) => terms.iter().any(|term| holds(term, metric, of)),
        Term::Not(term) => !holds(term, metric, of),
        Term::Of(property, term) => holds(term, metric, Some(property)),
        Term::Word(word) => names(metric, of, |name| has_token(name, word)),
        Term::Exact(text) if text == "LOCAL" && of == Some(&Property::Account) => true,
        Term::Exact(text) => names(metric, of, |name| name == text),
    }
}

/// Whether one of the names that a term is about satisfies it.
fn names(metric: &Candidate<'_>, of: Option<&Property>, satisfies: impl Fn(&str) -> bool) -> bool {
    match of {
        Some(Property::Namespace) => satisfies(metric.namespace),
        Some(Property::MetricName) => satisfies(metric.name),
        Some(Property::Account) => satisfies(metric.account),
        Some(Property::Dimension(wanted)) => {
            metric.dimensions.iter().any(|(name, value)| name == wanted && satisfies(value))
        }
        None => {
            satisfies(metric.namespace)
                || satisfies(metric.name)
                || metric.dimensions.iter().any(|(name, value)| satisfies(name) || satisfies(value))
        }
    }
}

/// Whether a word, in lower case, is one of the tokens of a name: its runs of letters and digits, and the parts of those between
/// small and capital letters and between letters and digits.
fn has_token(name: &str, word: &str) -> bool {
    let equal = |token: &str| token.to_lowercase() == word;
    let runs = name.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.into_iter().any(|run| equal(run) || parts(run).any(equal))
}

fn parts(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices().peekable();
        let (_, mut before) = characters.next()?;
        let end = loop {
            let Some((at, c)) = characters.next() else { break rest.len() };
            let after = characters.peek().map(|(_, c)| *c);
            let camel = c.is_uppercase() && (before.is_lowercase() || after.is_some_and(char::is_lowercase));
            if camel || c.is_numeric() != before.is_numeric() {
                break at;
            }
            before = c;
        };
        let (part, tail) = rest.split_at(end);
        rest = tail;
        Some(part)
    })
}
