//! # IAM: who calls, and what they may do
//! A [`Caller`] is a verified identity, a [`Call`] one request on its way through an operation, its [`Notes`] what the record of the call
//! will say ([`record`] writes it), and [`policy`] the language that decides what is allowed.
//! **Not here:** signatures (`server`), keys and their grants (`kms`).

mod call;
mod caller;
mod notes;
pub mod policy;
pub mod record;

pub use call::{AccessDenied, Call, Origin, Question};
pub use caller::{Caller, CallerKind};
pub use notes::{Notes, RecordResource};
