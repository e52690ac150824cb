//! # The two pattern languages of the monitoring services
//!
//! [`filter`] holds the filter patterns of CloudWatch Logs: which log events are meant, and what they hold.
//! [`event`] holds the event patterns of EventBridge, which SNS filter policies speak too: which events a rule is
//! about, for one pattern or for many at once.
//!
//! **Invariant:** a pattern is compiled once, and matching is a pure function of the pattern and of the bytes it is
//! shown. Nothing here does I/O, reads a clock or names another crate of ours. **Not here:** what a match is good
//! for (metric points, deliveries), and the patterns of ARNs in policies.

pub mod event;
pub mod filter;
