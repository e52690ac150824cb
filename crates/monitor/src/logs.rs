//! # Logs: the CloudWatch Logs part of monitoring

pub mod pattern;
