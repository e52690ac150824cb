//! # IAM: who calls, and what they may do
//! A [`Caller`] is a verified identity, a [`Call`] one request on its way through an operation, its [`Notes`] what the record of the call
//! will say ([`record`] writes it), and [`policy`] the language that decides what is allowed. [`credentials`] finds the caller behind an
//! access key; [`iam`] and [`sts`] are the services that make users, roles, keys and sessions.
//! [`slow`] is where work goes that would hold up a serving thread.
//! **Not here:** signatures (`server`), keys and their grants (`kms`).

mod call;
mod caller;
pub mod credentials;
mod denial;
#[cfg(test)]
mod harness;
pub mod iam;
mod identity;
pub mod key_use;
mod notes;
pub mod policy;
pub mod record;
pub mod revocation;
mod session;
pub mod slow;
pub mod sts;

pub use call::{AccessDenied, Call, Origin, Question, request_shape_of};
pub use caller::{Caller, CallerKind};
pub use identity::{missing_principal, principal_exists};
pub use notes::{Notes, RecordResource};
