//! # What the records and the house say about one key
//! Questions that AWS has no operation for: who uses a key ([`get_key_usage`]), what speaks for and against deleting it
//! ([`get_deletion_readiness`]), and what a dashboard of it would show ([`get_automatic_dashboard`]). Both are answered for keys of other accounts too, from imported records.
//!
//! **Not here:** how records are counted (`monitor`), where they lie (`history`).

mod error;
pub mod get_automatic_dashboard;
pub mod get_deletion_readiness;
pub mod get_key_usage;
pub mod mailed;
mod named;
mod readiness;

pub use error::EvidenceError;
