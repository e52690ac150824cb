//! How a model is trained: what a detector says of its metric.

use jiff::{Timestamp, tz::TimeZone};
use keywatch_anomaly::{Model, Training};

use super::{Identity, record::DetectorRecord};
use crate::metrics::Second;

/// What a detector says; the default where there is none.
#[derive(Debug, Clone)]
pub(crate) struct Tuning {
    zone: TimeZone,
    /// Start, and end which is not in it.
    excluded: Vec<(Second, Second)>,
    spikes: bool,
    /// Tells apart models that were tuned differently.
    pub(super) version: Option<Identity>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, excluded: Vec::new(), spikes: false, version: None }
    }
}

impl Tuning {
    /// What a row says; `bytes` is the row as it is stored. A time zone that is not known any more counts as UTC.
    pub(super) fn of(record: &DetectorRecord, bytes: &[u8]) -> Self {
        let zone = record.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let seconds = |(start, end): &(Timestamp, Timestamp)| (start.as_second(), end.as_second());
        Self {
            zone: zone.unwrap_or(TimeZone::UTC),
            excluded: record.excluded.iter().map(seconds).collect(),
            spikes: record.periodic_spikes == Some(true),
            version: Some(Identity::of("tuning", &[bytes])),
        }
    }

    /// Seconds that the zone is ahead of UTC.
    pub(super) fn offset(&self, at: Second) -> Second {
        let at = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
        Second::from(self.zone.to_offset(at).seconds())
    }

    /// Learns points of a period; none where there are too few.
    pub(super) fn train(&self, points: &[(Second, f64)], period: Second) -> Option<Model> {
        self.with_training(points, period, Model::train)
    }

    /// Whether points suffice for a model.
    pub(super) fn can_train(&self, points: &[(Second, f64)], period: Second) -> bool {
        self.with_training(points, period, Model::can_train)
    }

    fn with_training<R>(
        &self,
        points: &[(Second, f64)],
        period: Second,
        look: impl FnOnce(&Training<'_>) -> R,
    ) -> R {
        let offset = |at| self.offset(at);
        look(&Training { points, period, excluded: &self.excluded, offset: &offset, spikes: self.spikes })
    }
}
