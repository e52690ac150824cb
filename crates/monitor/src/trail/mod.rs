//! # The trail: what CloudTrail users see of the records
//! **Event history** is the records, newest first: those of the last 90 days for [`lookup_events`], all for [`search_trail`]; a **trail** is a named wish to have records
//! delivered, to a bucket and to a log group ([`record`]);
//! **verify** judges digests and files; **import** takes their records in; **files delivery** writes the log files of our trails, and **digests** of them; **selectors** say
//! which records a trail wants; **key uses** notes when access keys last signed.
//!
//! **Not here:** how records are written (`iam::record`) and kept (`store`, `history`).

mod add_tags;
mod create_trail;
mod delete_trail;
mod describe_trails;
pub mod digest;
mod error;
mod files_delivery;
mod get_event_selectors;
mod get_trail;
mod get_trail_status;
pub mod import;
pub mod key_usage;
mod key_uses;
mod list_public_keys;
mod list_tags;
mod list_trails;
mod lookup_events;
mod named;
mod put_event_selectors;
mod question_error;
pub mod record;
mod remove_tags;
pub mod search_trail;
pub mod selectors;
mod service;
mod start_logging;
mod stop_logging;
mod update_trail;
pub mod verify;

pub use files_delivery::{FilesDelivery, INTERVAL_DEFAULT};
pub use key_uses::KeyUses;
pub use question_error::QuestionError;
pub use service::{Trails, dispatch, request_shape};
