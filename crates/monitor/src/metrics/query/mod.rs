//! # Queries of `GetMetricData`
//! A **query** asks for one metric, for what an expression of metric math makes of others, or in Metrics Insights. Requests are
//! checked whole (`check.rs`), then every query is **answered** from the series (`answer.rs`, `sources.rs`), and what may be seen is
//! **labelled** (`labelled.rs`). Pure but for reading series.
//! Alarms ask the same queries (`watched.rs`). Which bands of what is expected they ask for is told before (`banded.rs`), so that
//! models can be trained while nobody waits for the series.
//! What of them is certain before its time, `early.rs` says.
//! **Not here:** pages and the wire (`get_metric_data.rs`).

mod answer;
mod banded;
mod check;
mod early;
mod labelled;
mod sources;
mod watched;

use keywatch_api::cloudwatch::{
    StatusCode,
    metrics::{MessageData, MetricDataQuery, MetricStat},
};

pub(crate) use self::{
    answer::answer,
    banded::{learnt, past, plan, plan_queries},
    check::check,
    early::{Course, Early, Names, early, groups_with_negatives, samples_are_positive},
    labelled::labelled,
    watched::{Line, Outline, Watching, outline, watch},
};
use super::{
    Second, insights,
    label::Subject,
    math::{Expression, Function},
    period::Alignment,
    statistics::Statistic,
    tags::Tags,
};
use crate::cloudwatch::CloudWatchError;

pub const QUERIES_MAX: usize = 500;

/// Where and when a request asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) start: Second,
    pub(crate) end: Second,
    pub(crate) now: Second,
    pub(crate) alignment: Alignment,
    /// Those that queries ask for.
    pub(crate) tags: &'a Tags,
}

/// Whether tags must be lent to answer some of the queries.
pub(crate) fn ask_tags(queries: &[Checked<'_>]) -> bool {
    queries.iter().any(|query| matches!(&query.source, Source::Insights { query, .. } if query.asks_tags()))
}

/// A query that was checked.
pub(crate) struct Checked<'a> {
    query: &'a MetricDataQuery,
    source: Source<'a>,
    visible: bool,
}

impl Checked<'_> {
    /// The query gives the two edges of a band.
    fn is_band(&self) -> bool {
        matches!(
            &self.source,
            Source::Math { expression: Expression::Call(Function::AnomalyDetectionBand, _), .. }
        )
    }
}

enum Source<'a> {
    Metric { stat: &'a MetricStat, statistic: Statistic, dimensions: Vec<(String, String)> },
    Math { expression: Expression, period: Option<Second> },
    Insights { query: insights::Query, period: Second },
}

/// What one query gave; points are oldest first.
pub(crate) struct Found {
    /// What it is called where nothing else names it.
    name: Name,
    points: Vec<(Second, f64)>,
    status: StatusCode,
    messages: Vec<MessageData>,
}

enum Name {
    /// The query's own.
    Query,
    /// The group of a Metrics Insights query.
    Group(String),
    /// One metric of an array.
    Metric(Box<Subject>),
    /// One edge of a band.
    Edge(Edge),
}

/// The edges of a band, in the order in which they are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Lower,
    Upper,
}

impl Edge {
    /// What is added to a label.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Lower => "Low",
            Self::Upper => "High",
        }
    }
}

/// One labelled result, oldest point first.
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) label: String,
    /// Which edge of a band it is, if it is one.
    pub(crate) edge: Option<Edge>,
    pub(crate) points: Vec<(Second, f64)>,
    pub(crate) status: StatusCode,
    pub(crate) messages: Vec<MessageData>,
}

fn validation(text: impl Into<String>) -> CloudWatchError {
    CloudWatchError::Validation(text.into())
}
