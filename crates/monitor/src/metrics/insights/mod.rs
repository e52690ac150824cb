//! # Metrics Insights: SQL over series
//! A **query** selects one function of one metric over a namespace, with conditions, groups, an order and a limit. Parsed in
//! `parse.rs`, looked up in the series (`plan.rs`), sorted into groups (`groups.rs`) and answered in `execute.rs`; texts that arrive wrong are answered with a [`SyntaxError`].
//! **Not here:** metric math and the parameters of `GetMetricData`.
//!
//! Source: CloudWatch User Guide, "Metrics Insights query components and syntax".

mod execute;
mod groups;
mod lex;
mod parse;
mod plan;

pub use execute::{Answer, Group, execute};
pub use parse::parse;

/// Time series returned by a query at most; also the greatest `LIMIT`.
pub const GROUPS_MAX: usize = 500;

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub function: Function,
    pub metric: String,
    pub namespace: String,
    /// The exact set of dimension names of `SCHEMA`; `None` for a plain namespace, which takes any.
    pub schema: Option<Vec<String>>,
    pub condition: Option<Condition>,
    pub group_by: Vec<Key>,
    pub order: Option<Order>,
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Avg,
    Count,
    Max,
    Min,
    Sum,
}

/// What conditions and groups speak about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Dimension(String),
    AccountId,
    /// A tag of the resource that the metric is about.
    Tag(String),
}

/// What a metric must be like. Beyond AWS's `=`, `!=` and `AND`: `OR`, `NOT`, `IN`, `IS [NOT] NULL` and parentheses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The key has one of these values; a metric that lacks the key has none of them.
    Is(Key, Vec<Literal>),
    /// The metric has no such key.
    IsMissing(Key),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    /// `CURRENT_ACCOUNT_ID()`
    CurrentAccount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub function: Function,
    pub descending: bool,
}

/// A query that cannot be understood: what is wrong, and at which character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at char {at}")]
pub struct SyntaxError {
    pub at: usize,
    pub reason: String,
}

impl Query {
    /// Whether tags must be lent to answer it.
    pub fn asks_tags(&self) -> bool {
        self.group_by.iter().any(Key::is_tag) || self.condition.as_ref().is_some_and(Condition::asks_tags)
    }
}

impl Key {
    fn is_tag(&self) -> bool {
        matches!(self, Self::Tag(_))
    }
}

impl Condition {
    fn asks_tags(&self) -> bool {
        match self {
            Self::Is(key, _) | Self::IsMissing(key) => key.is_tag(),
            Self::Not(inner) => inner.asks_tags(),
            Self::All(inner) | Self::Any(inner) => inner.iter().any(Self::asks_tags),
        }
    }
}

impl Function {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avg => "AVG",
            Self::Count => "COUNT",
            Self::Max => "MAX",
            Self::Min => "MIN",
            Self::Sum => "SUM",
        }
    }
}
