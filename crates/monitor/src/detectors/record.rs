//! Detectors as rows.

use jiff::Timestamp;
use keywatch_api::cloudwatch::metrics::{Dimension, MetricDataQuery};
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use super::Identity;

/// Key = account / Region / `metric` or `math` / identity.
pub const DETECTOR: Kind = Kind("cloudwatch.anomaly-detector");
/// Detectors of one account and Region.
///
/// Source: CloudWatch User Guide, "CloudWatch service quotas".
pub const DETECTORS_MAX: usize = 500;

/// A detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorRecord {
    pub subject: Subject,
    /// Start, and end which is not in it.
    pub excluded: Vec<(Timestamp, Timestamp)>,
    /// A name of the tz database.
    pub timezone: Option<String>,
    /// None where nothing was said about the metric's characteristics.
    pub periodic_spikes: Option<bool>,
}

/// What is learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Subject {
    Metric {
        namespace: String,
        name: String,
        dimensions: Vec<Dimension>,
        stat: String,
    },
    /// Queries as they were put; the one that returns data is learnt.
    Math {
        queries: Vec<MetricDataQuery>,
    },
}

impl Versioned for DetectorRecord {
    const MARKER: &'static str = "cloudwatch.anomaly-detector/1";
}

impl Subject {
    fn kind(&self) -> &'static str {
        match self {
            Self::Metric { .. } => "metric",
            Self::Math { .. } => "math",
        }
    }
}

/// The key of a detector.
pub(super) fn key(partition: &str, subject: &Subject, identity: Identity) -> String {
    format!("{partition}/{}/{}", subject.kind(), identity.hex())
}

/// The account and Region, and the identity, of a detector's key.
pub(super) fn of_key(key: &str) -> Option<(&str, Identity)> {
    let (rest, identity) = key.rsplit_once('/')?;
    let (partition, _) = rest.rsplit_once('/')?;
    Some((partition, Identity::from_hex(identity)?))
}
