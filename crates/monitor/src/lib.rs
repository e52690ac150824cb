//! # All that follows the trail
//! The trail's own operations, metrics, alarms, logs, events and notifications: each with its operations, a pure core and a
//! follower that the [`engine`] runs. Data moves one way: records → metrics, logs, events → alarms → messages → deliveries.
//! **Not here:** keys (`kms`), the wire (`server`).

pub mod alarms;
pub mod buckets;
pub mod cloudwatch;
pub mod dashboards;
mod detectors;
pub mod engine;
pub mod entry;
pub mod events;
pub mod guard;
pub mod logs;
pub mod metric_streams;
pub mod metrics;
pub mod notify;
mod outbound;
#[cfg(test)]
mod rehearsal;
pub mod trail;
pub mod widget_image;
