//! What a pattern can ask of one value

use ipnet::IpNet;

use super::{cidr, wildcard::Wildcard};

/// A value without parts, as an event carries it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leaf<'e> {
    Text(&'e str),
    /// EventBridge compares numbers as doubles: 300, 300.0 and 3.0e2 are one.
    Number(f64),
    Bool(bool),
    Null,
}

/// One alternative of a pattern's array.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Predicate {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    Prefix(String),
    Suffix(String),
    /// The three below hold folded text.
    PrefixIgnoringCase(String),
    SuffixIgnoringCase(String),
    EqualsIgnoringCase(String),
    Wildcard(Wildcard),
    Range(Range),
    Cidr(IpNet),
    Exists,
    /// Holds for no value: the matcher asks for it when there is none.
    Absent,
    AnythingBut(Unwanted),
}

/// Limits of a `numeric` operator; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Range {
    pub(super) bottom: Option<Limit>,
    pub(super) top: Option<Limit>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) value: f64,
    pub(super) included: bool,
}

/// What `anything-but` excludes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unwanted {
    Texts(Vec<String>),
    Numbers(Vec<f64>),
    Prefixes(Vec<String>),
    Suffixes(Vec<String>),
    /// Folded.
    IgnoringCase(Vec<String>),
    Wildcards(Vec<Wildcard>),
}

impl Predicate {
    pub(super) fn holds(&self, leaf: &Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Exists, _) => true,
            (Self::Absent, _) => false,
            (Self::AnythingBut(unwanted), leaf) => !unwanted.includes(leaf),
            (Self::Null, Leaf::Null) => true,
            (Self::Bool(wanted), Leaf::Bool(found)) => wanted == found,
            (Self::Number(wanted), Leaf::Number(found)) => wanted == found,
            (Self::Range(range), Leaf::Number(found)) => range.contains(*found),
            (Self::Cidr(block), Leaf::Number(found)) => cidr::contains_number(block, *found),
            (predicate, Leaf::Text(text)) => predicate.holds_for_text(text),
            _ => false,
        }
    }

    fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => wanted == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::PrefixIgnoringCase(prefix) => folded(text).starts_with(prefix.as_str()),
            Self::SuffixIgnoringCase(suffix) => folded(text).ends_with(suffix.as_str()),
            Self::EqualsIgnoringCase(wanted) => folded(text) == *wanted,
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(block) => cidr::contains(block, text),
            _ => false,
        }
    }
}

/// A text without its case. Every character is folded by itself: what a prefix folds to does not depend on what comes
/// after it, as it would with the rule for the last sigma of a word.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

impl Unwanted {
    fn includes(&self, leaf: &Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Numbers(numbers), Leaf::Number(found)) => numbers.contains(found),
            (Self::Texts(texts), Leaf::Text(found)) => texts.iter().any(|text| text == found),
            (Self::Prefixes(all), Leaf::Text(found)) => all.iter().any(|p| found.starts_with(p.as_str())),
            (Self::Suffixes(all), Leaf::Text(found)) => all.iter().any(|s| found.ends_with(s.as_str())),
            (Self::IgnoringCase(all), Leaf::Text(found)) => all.contains(&folded(found)),
            (Self::Wildcards(all), Leaf::Text(found)) => all.iter().any(|wildcard| wildcard.matches(found)),
            _ => false,
        }
    }
}

impl Range {
    pub(super) fn contains(&self, value: f64) -> bool {
        let above = self.bottom.is_none_or(|limit| value > limit.value || limit.holds_at(value));
        let below = self.top.is_none_or(|limit| value < limit.value || limit.holds_at(value));
        above && below
    }
}

impl Limit {
    fn holds_at(&self, value: f64) -> bool {
        self.included && value == self.value
    }
}
