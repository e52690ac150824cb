//! # Event patterns: which events a rule is about
//!
//! A **pattern** is a JSON object shaped like the events it matches; its leaves are arrays of alternatives, each a
//! literal or an operator (`prefix`, `numeric`, `anything-but`, …). [`EventPattern`] is a pattern that was
//! understood; [`RuleSet`] matches many of them against an event at once.
//!
//! Source: EventBridge User Guide, "Creating Amazon EventBridge event patterns", and verdicts recorded from AWS.
//!
//! **Invariant:** matching is a pure function of pattern and event text. **Not here:** rule states, targets, and how
//! an event comes to be.

mod arrays;
mod cidr;
mod compile;
mod condition;
mod index;
mod paths;
mod postings;
mod predicate;
mod ranges;
mod reading;
mod rule_set;
mod tokens;
mod wildcard;

pub use rule_set::{RuleId, RuleSet, Scratch};

/// Longest pattern PutRule and TestEventPattern take, in characters.
pub const PATTERN_CHARS_MAX: usize = 4_096;

/// An event pattern, parsed.
#[derive(Clone, Debug)]
pub struct EventPattern {
    alternatives: Vec<compile::Alternative>,
}

/// A text that is no event pattern: `InvalidEventPatternException`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {reason}")]
pub struct InvalidPattern {
    reason: String,
}

impl InvalidPattern {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// AWS's reason, without the words it is introduced with.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl EventPattern {
    /// Parses a pattern of at most [`PATTERN_CHARS_MAX`] characters.
    pub fn parse(source: &str) -> Result<Self, InvalidPattern> {
        if source.chars().count() > PATTERN_CHARS_MAX {
            return Err(InvalidPattern::new(format!(
                "Event pattern is longer than {PATTERN_CHARS_MAX} characters"
            )));
        }
        Ok(Self { alternatives: compile::alternatives(source)? })
    }

    /// Whether one event, a JSON object with the members of the event envelope, matches; a text that is not JSON
    /// does not. For many patterns or many events use a [`RuleSet`].
    pub fn matches(&self, event: &str) -> bool {
        let mut alone = RuleSet::default();
        alone.insert((), self);
        alone.matching(event, &mut Scratch::default()).next().is_some() && keywatch_json::is_json(event)
    }
}

#[cfg(test)]
mod tests;
