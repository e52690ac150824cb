//! The process: commands, configuration, wire protocols, signatures, the wrapper that records every call, start
//! and ordered stop. Domain rules are in the crates below.

pub mod auth;
pub mod cli;
pub mod completions;
pub mod config;
pub mod exit;
pub mod private_file;
pub mod report;
pub mod wire;
