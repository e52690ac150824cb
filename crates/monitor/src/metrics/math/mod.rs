//! # Metric math: arithmetic over time series
//! An **expression** is parsed once (`parse.rs`) and has a **kind**: a scalar, a time series or an array of them, known without any
//! data (`kind.rs`), so that alarms can be checked when they are put. Evaluating it (`evaluate.rs` and one file for each family of
//! functions) reads its inputs from **sources** and gives a **value** of that kind. Points that are missing stay missing unless a rule
//! of CloudWatch makes them zero; what is not a number is no point. Pure: the sources are the caller's.
//! **Not here:** Metrics Insights, and the parameters of `GetMetricData`.
//!
//! Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics" and "Search expression syntax".

mod calendar;
mod condition;
mod evaluate;
mod fill;
mod function;
mod kind;
mod lex;
mod parse;
mod point;
mod reduce;
pub mod search;

pub use evaluate::evaluate;
pub use function::Function;
pub use kind::{Kind, kind_of};
pub use parse::parse;

use self::search::Search;
use super::Second;

/// Characters of an expression at most.
pub const EXPRESSION_LENGTH_MAX: usize = 2_048;
/// Time series of one array at most; searches find no more either.
pub const SERIES_MAX: usize = 500;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Number(f64),
    /// The id of another query of the request.
    Variable(String),
    Array(Vec<Expression>),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
    /// `METRICS()`, or those whose id contains a text.
    Metrics(Option<String>),
    Search(Box<Search>),
    Sort(Box<Expression>, Sorting),
    Fill(Box<Expression>, Filling),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

impl Operator {
    /// How it is written.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "^",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "AND",
            Self::Or => "OR",
        }
    }
}

/// How `SORT` orders: by which figure of each series, which way, and how many stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorting {
    pub by: Function,
    pub descending: bool,
    pub limit: Option<Box<Expression>>,
}

/// What `FILL` puts into gaps.
#[derive(Debug, Clone, PartialEq)]
pub enum Filling {
    Repeat,
    Linear,
    /// A scalar, or the points of another series.
    With(Box<Expression>),
}

/// What an expression gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(f64),
    Series(Series),
    Array(Vec<Series>),
}

/// Points in order of their times, each at the start of its period; no time twice, no value that is not finite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Which of the sources' metrics it comes from, where it is one of an array.
    pub origin: Option<usize>,
    pub period: Second,
    pub points: Vec<(Second, f64)>,
}

/// Where an expression's inputs come from.
pub trait Sources {
    /// The times of the request's periods, for functions that give a point at each.
    fn times(&self, period: Second) -> Vec<Second>;
    /// The period of results that no series gives one.
    fn period(&self) -> Second;
    /// What another query of the request gave, if there is one of that id.
    fn variable(&self, id: &str) -> Result<Option<Value>, MathError>;
    /// The series of the request's metrics (not of its expressions), with their ids, in the request's order.
    fn metrics(&self) -> Vec<(String, Series)>;
    /// The series that a search finds.
    fn search(&self, search: &Search) -> Result<Vec<Series>, MathError>;
    /// The lower and the upper edge of what is expected of `argument`, whose points are `series`.
    fn band(&self, argument: &Expression, series: &Series, deviations: f64)
    -> Result<[Series; 2], MathError>;
    /// The quota of a usage metric.
    fn quota(&self, argument: &Expression, series: &Series) -> Result<Series, MathError>;
}

/// An expression that cannot be understood or evaluated, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MathError(pub String);

impl Expression {
    /// Calls `each` with the expression and everything inside it.
    pub fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Self)) {
        each(self);
        match self {
            Self::Number(_) | Self::Variable(_) | Self::Metrics(_) | Self::Search(_) => {}
            Self::Array(inner) | Self::Call(_, inner) => inner.iter().for_each(|inner| inner.visit(each)),
            Self::Negative(inner) => inner.visit(each),
            Self::Binary(_, left, right) => {
                left.visit(each);
                right.visit(each);
            }
            Self::Sort(inner, sorting) => {
                inner.visit(each);
                if let Some(limit) = &sorting.limit {
                    limit.visit(each);
                }
            }
            Self::Fill(inner, filling) => {
                inner.visit(each);
                if let Filling::With(with) = filling {
                    with.visit(each);
                }
            }
        }
    }
}

impl Series {
    /// The same series with other points; what is not finite is left out.
    pub(super) fn with(&self, points: impl Iterator<Item = (Second, f64)>) -> Self {
        Self {
            origin: self.origin,
            period: self.period,
            points: points.filter(|(_, value)| value.is_finite()).collect(),
        }
    }

    /// The value at a time, if there is one.
    pub(super) fn at(&self, time: Second) -> Option<f64> {
        let found = self.points.binary_search_by_key(&time, |(at, _)| *at).ok()?;
        Some(self.points[found].1)
    }
}

#[cfg(test)]
mod tests;
