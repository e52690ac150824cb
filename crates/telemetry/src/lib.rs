//! # Telemetry: figures in the forms that other monitoring takes
//! A **family** is what is told of one thing: a name, its kind, and **samples** that labels tell apart. The same families become text for
//! Prometheus (`text`) and messages of OpenTelemetry (`otlp`). Pure: figures in, bytes out.
//! **Invariant:** what one form says the other says too.
//! **Not here:** counting, listening, sending (the server); metrics of accounts (`monitor`).

pub mod family;
pub mod otlp;
pub mod text;

pub use family::{Family, Histogram, Kind, Sample, Value};
