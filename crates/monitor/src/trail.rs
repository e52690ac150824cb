//! The trail: what happened, in order.

pub mod files;
