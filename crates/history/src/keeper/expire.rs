//! Expiry: segments whose last record is older than retention leave the catalogue.

use jiff::Timestamp;
use keywatch_store::{Batch, encode};

use super::Keeper;
use crate::HistoryError;
use crate::catalogue::{LOOSE, Loose, SEGMENT};

impl Keeper {
    pub(super) async fn expire(&mut self, now: Timestamp) -> Result<bool, HistoryError> {
        let Some(oldest) = self.history.retention().and_then(|kept| now.checked_sub(kept).ok()) else {
            return Ok(false);
        };
        let catalogue = self.history.catalogue().await?;
        let Some(segment) = catalogue.segments.iter().find(|segment| segment.time_max < oldest) else {
            return Ok(false);
        };
        let loose = encode(&Loose { since: now })?;
        let batch = Batch {
            deletes: vec![(SEGMENT, segment.key())],
            puts: vec![(LOOSE, segment.name.clone(), loose)],
            ..Batch::default()
        };
        self.pass()?;
        self.history.store().commit(batch).await?;
        tracing::info!(records = segment.records, "Expired {} records of history", segment.records);
        Ok(true)
    }
}
