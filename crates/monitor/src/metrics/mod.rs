//! # Metrics: numbers over time, and how they are asked for
//! A **metric** is a namespace, a name and an exact set of dimensions within one account and region; its points live in a
//! **series**. Points come from CloudTrail records (`derive.rs`), from `PutMetricData` and from metric filters; queries read
//! statistics of periods (`statistics.rs`), compute with them (`math`) or ask in SQL (`insights`).
//! **Invariant:** series are a pure function of the trail: replaying it gives the same numbers.
//! **Not here:** alarms (`crate::alarms`).

pub(crate) mod aging;
pub mod derive;
pub mod flush;
pub mod follower;
pub(crate) mod get_metric_data;
pub(crate) mod get_metric_statistics;
pub mod index;
pub mod insights;
pub mod label;
pub(crate) mod list_metrics;
pub mod live;
pub mod math;
pub mod packed;
pub mod page;
pub mod pages;
pub mod period;
pub(crate) mod put_metric_data;
pub(crate) mod query;
pub mod ramp;
pub mod recent;
pub mod series;
pub mod span;
pub mod statistic_set;
pub mod statistics;
pub mod stored;
pub mod stream;
pub mod symbols;
pub mod tags;
pub mod window;

pub use keywatch_api::cloudwatch::StandardUnit as Unit;

/// A point in time in whole seconds since 1970-01-01 UTC, as metrics count it.
pub type Second = i64;
