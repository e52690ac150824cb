//! # Alarms: what is watched, and what happens when it changes
//! A **metric alarm** compares datapoints, of one metric or of what queries make of several, with a threshold, period by period, and is
//! in one of three states; a **composite alarm** follows from the states of others. Actions of a change may be held back for a while, by
//! mute rules or by a suppressor. Deciding is pure (`evaluate.rs`, `composite`, `hold.rs`, `mute`), as are the texts people read about
//! it (`reason.rs`, `texts.rs`).
//! **Not here:** how messages travel (`crate::notify`), numbers over time and queries of them (`crate::metrics`).

mod actions_enabled;
pub mod alarm;
pub mod change;
pub mod composite;
pub mod config;
pub mod contributors;
pub mod decimal;
pub(crate) mod delete_alarm_mute_rule;
pub(crate) mod delete_alarms;
pub(crate) mod describe_alarm_contributors;
pub(crate) mod describe_alarm_history;
pub(crate) mod describe_alarms;
pub(crate) mod describe_alarms_for_metric;
pub(crate) mod disable_alarm_actions;
pub(crate) mod enable_alarm_actions;
pub mod evaluate;
pub mod event;
pub(crate) mod get_alarm_mute_rule;
pub mod history;
pub mod hold;
pub(crate) mod list_alarm_mute_rules;
pub mod mute;
pub(crate) mod once;
pub(crate) mod put_alarm_mute_rule;
pub(crate) mod put_composite_alarm;
pub(crate) mod put_metric_alarm;
pub mod reason;
pub mod reconcile;
pub mod region_name;
pub(crate) mod set_alarm_state;
pub mod spec;
pub mod store;
pub mod texts;
mod v1;
