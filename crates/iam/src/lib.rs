//! # IAM: who calls, and what they may do
//! **Not here:** signatures (`server`), keys and their grants (`kms`).

pub mod policy;
