//! Learns what is usual in a series of numbers, and says what is not.
//!
//! Two tools, for two questions. [`Detector`] takes one point at a time and scores how surprising it is, without looking
//! ahead: `keywatch detect`. [`Model`] is trained on up to two weeks of a metric and tells the band in which its values are
//! expected at any time, also a future one: CloudWatch's `ANOMALY_DETECTION_BAND`. Both are pure: values and times in,
//! values out; no clock, no I/O, no randomness, so the same points always give the same answer.
//! `docs/anomaly-detection.md` tells how they work and how well.

mod codec;
mod detector;
mod level;
mod model;
#[cfg(test)]
mod noise;
mod settings;
mod shape;
mod tail;
#[cfg(test)]
mod tests;

pub use codec::NotAState;
pub use detector::{Band, Detector, Verdict};
pub use model::{Model, Training};
pub use settings::{Parameter, Settings};
