//! Batches: records that wait for their destination, as rows in the order they were made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{Kind, Scan, Store, StoreError, Versioned, encode};
use serde::{Deserialize, Serialize};

use super::destination::Destination;

/// Key = account / delivery stream / when it was made / number and UUID.
pub(super) const BATCH: Kind = Kind("cloudwatch.metric-stream-batch");
/// Batches that wait for one destination; what comes beyond is lost.
pub(super) const WAITING_MAX: u64 = 1_024;
const PAGE: usize = 64;

/// One record of a delivery stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BatchRecord {
    pub(super) firehose_arn: String,
    pub(super) created: Timestamp,
    /// The record in base64, as Firehose sends it.
    pub(super) data: String,
}

impl Versioned for BatchRecord {
    const MARKER: &'static str = "cloudwatch.metric-stream-batch/1";
}

impl BatchRecord {
    /// The row of a record; `number` puts those of one moment in order.
    pub(super) fn row(
        destination: &Destination,
        firehose_arn: &str,
        (created, number): (Timestamp, usize),
        data: &[u8],
    ) -> Result<(Kind, String, Bytes), StoreError> {
        let moment = created.as_microsecond().max(0);
        let key = format!("{}{moment:020}/{number:08}-{}", destination.prefix(), uuid::Uuid::new_v4());
        let record = Self { firehose_arn: firehose_arn.to_owned(), created, data: STANDARD.encode(data) };
        Ok((BATCH, key, encode(&record)?))
    }

    /// The record itself.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        STANDARD.decode(&self.data).map_err(|_| StoreError::corrupt("a batch of a metric stream".to_owned()))
    }
}

/// The UUID at the end of a batch's key: the same at every attempt.
pub(super) fn id(key: &str) -> &str {
    key.rsplit('/').next().and_then(|end| end.split_once('-')).map_or(key, |(_, id)| id)
}

/// How many batches wait for a destination.
pub(super) async fn count(store: &Store, destination: &Destination) -> Result<u64, StoreError> {
    let (prefix, mut after, mut count) = (destination.prefix(), None::<String>, 0);
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE };
        let rows = store.scan(BATCH, scan).await?;
        count += rows.len() as u64;
        match rows.last() {
            Some(last) if rows.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(count),
        }
    }
}
