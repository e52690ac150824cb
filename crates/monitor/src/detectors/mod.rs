//! # Anomaly detectors: what is usual for a metric, and how that is learnt
//! A **detector** is a row that says how the **model** of one metric and statistic, or of one expression, is trained: in which time
//! zone, without which times, with spikes or not (its **tuning**). Models need no detector: whoever asks for a band (a query, a
//! picture, an alarm) has them trained from the series, and **kept** while they are fresh.
//! **Invariant:** a band at a time comes from a model that saw nothing after that time, and the same points give the same band.
//! **Not here:** how a model learns (`keywatch_anomaly`), which bands queries ask for (`metrics::query`).

pub(crate) mod delete_anomaly_detector;
pub(crate) mod describe_anomaly_detectors;
pub(crate) mod identity;
pub(crate) mod models;
pub(crate) mod put_anomaly_detector;
mod record;
mod subject;
pub(crate) mod trainer;
mod training;
mod tuning;

pub(crate) use self::{
    identity::Identity,
    models::{Bands, Models, Plan, Wanted},
    record::DETECTORS_MAX,
    trainer::Trainer,
};
