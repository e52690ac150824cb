//! # Events: the EventBridge part of monitoring
//!
//! Not here: delivery to targets (`notify`).

pub mod pattern;
