//! The process: commands, configuration, wire protocols, signatures, the wrapper that records every call, start
//! and ordered stop. Domain rules are in the crates below.

pub mod admin;
pub mod app;
pub mod auth;
pub mod cli;
pub mod client;
pub mod clock;
pub mod completions;
pub mod config;
pub mod data_dir;
pub mod detect;
pub mod exit;
pub mod history;
pub mod key_tags;
pub mod keywatch;
pub mod latency;
pub mod logging;
pub mod private_file;
pub mod progress;
pub mod recorded;
pub mod report;
pub mod root_secrets;
pub mod s3;
pub mod serve;
pub mod telemetry;
pub mod verify;
pub mod wire;
