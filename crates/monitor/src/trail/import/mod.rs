//! # Imports: the log files of other accounts, taken into this trail
//! An **import** is one log file. Its records of all services are appended to the caller's event history, in the
//! Region each names, and are followed from there like our own: metrics, look-ups and alarms see their keys.
//!
//! **Invariants:** a record is told by its `eventID` and taken in once for an account, so importing a file again
//! changes nothing; a file is imported with its record and its list entry in one transaction, or not at all.
//! **Not here:** reading log files (`files`); what followers make of the records.

pub mod describe_imports;
mod error;
pub mod import_trail;
mod parse;
mod record;

#[cfg(test)]
mod tests;

pub use error::ImportError;
