//! # Imports: the log files of other accounts, taken into this trail
//! An **import** is one log file. Its records of all services are appended to the caller's event history, in the
//! Region each names, and are followed from there like our own: metrics, look-ups and alarms see their keys. Which account
//! a record is about stays in the record and in the ARNs of its keys.
//!
//! Old records are history, not news. Look-ups and metrics take them however old they are; log groups take what
//! `PutLogEvents` would ([`reaches_log_groups`]), rules what EventBridge would still deliver ([`reaches_rules`]).
//! They are in log files already, so trails do not deliver them into buckets again.
//!
//! **Invariants:** a record is told by its `eventID` and taken in once for an account, so importing a file again
//! changes nothing, and neither does importing a file that our own trail delivered; a file is imported with its record
//! and its list entry in one transaction, or not at all.
//! Log files come with a call ([`import_trail`]), or are fetched again and again from a **source** ([`source`]).
//! **Not here:** reading log files (`files`); what followers make of the records.

pub mod create_import_source;
pub mod delete_import_source;
pub mod describe_import_sources;
pub mod describe_imports;
mod error;
pub mod import_trail;
mod own;
mod parse;
mod reach;
mod record;
pub mod source;
mod take_in;

#[cfg(test)]
mod tests;

pub use error::ImportError;
pub(crate) use reach::{reaches_log_groups, reaches_rules};
