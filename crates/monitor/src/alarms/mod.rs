//! # Alarms: what is watched, and what happens when it changes
//! A metric **alarm** compares one statistic of one metric with a threshold, period by period, and is in one of three states.
//! Deciding is pure (`evaluate.rs`), as are the texts people read about it (`reason.rs`, `texts.rs`).
//! **Not here:** how messages travel (`crate::notify`), numbers over time (`crate::metrics`).

mod actions_enabled;
pub mod alarm;
pub mod change;
pub mod decimal;
pub(crate) mod delete_alarms;
pub(crate) mod describe_alarm_history;
pub(crate) mod describe_alarms;
pub(crate) mod describe_alarms_for_metric;
pub(crate) mod disable_alarm_actions;
pub(crate) mod enable_alarm_actions;
pub mod evaluate;
pub mod event;
pub mod history;
pub(crate) mod list_tags_for_resource;
pub(crate) mod put_metric_alarm;
pub mod reason;
pub mod reconcile;
pub mod region_name;
pub(crate) mod set_alarm_state;
pub mod spec;
pub mod store;
pub(crate) mod tag_resource;
mod tagged;
pub mod texts;
pub(crate) mod untag_resource;
