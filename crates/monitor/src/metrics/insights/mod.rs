//! # Metrics Insights: SQL over series
//! A **query** selects one function of one metric over a namespace, with conditions, groups, an order and a limit. Parsed in
//! `parse.rs`, answered in `execute.rs`; texts that arrive wrong are answered with a [`SyntaxError`].
//! **Not here:** metric math and the parameters of `GetMetricData`.
//!
//! Source: CloudWatch User Guide, "Metrics Insights query components and syntax".

mod execute;
mod lex;
mod parse;

pub use execute::{Answer, Group, execute};
pub use parse::parse;

/// Time series returned by a query at most; also the greatest `LIMIT`.
pub const GROUPS_MAX: usize = 500;
/// Series a query may look at. AWS stops at 10,000; asking for the busiest of a million keys must work here.
pub const SCANNED_MAX: usize = 4_000_000;

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub function: Function,
    pub metric: String,
    pub namespace: String,
    /// The exact set of dimension names of `SCHEMA`; `None` for a plain namespace, which takes any.
    pub schema: Option<Vec<String>>,
    pub conditions: Vec<Condition>,
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
}

/// `key = 'value'`, or `!=` when negated. No value is `CURRENT_ACCOUNT_ID()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub key: Key,
    pub negated: bool,
    pub value: Option<String>,
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
