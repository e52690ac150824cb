//! Delivery to a bucket of ours: one object of records after each other, under Firehose's names.
//!
//! Source: Firehose Developer Guide, "Configure Amazon S3 object name format".

use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use keywatch_store::Batch;
use md5::{Digest, Md5};

use super::Inner;
use crate::buckets::{BUCKET, Bodies, ObjectRecord, Piece};

/// Delivery streams are never changed here.
const VERSION: u32 = 1;

/// Writes an object, and adds to `batch` what makes it visible.
pub(super) async fn write(
    inner: &Inner,
    batch: &mut Batch,
    (bucket, prefix): (&str, &str),
    (name, id): (&str, &str),
    body: Vec<u8>,
) -> Result<(), String> {
    match inner.store.get(BUCKET, bucket).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(format!("there is no bucket {bucket}")),
        Err(error) => return Err(error.to_string()),
    }
    let now = inner.clock.now();
    let key = key(prefix, name, id, now);
    let piece =
        Piece { name: Bodies::name(bucket, &uuid::Uuid::new_v4().to_string()), size: body.len() as u64 };
    let object = ObjectRecord {
        size: piece.size,
        etag: hex::encode(Md5::digest(&body)),
        modified: now,
        body: vec![piece],
        content_type: Some("application/octet-stream".into()),
        ..ObjectRecord::default()
    };
    let placed = inner.bodies.place(&inner.store, batch, (bucket, &key), &object, Bytes::from(body)).await;
    placed.map_err(|error| error.to_string())
}

/// `prefix2026/11/23/00/name-1-2026-11-23-00-05-00-uuid`, in UTC.
fn key(prefix: &str, name: &str, id: &str, now: Timestamp) -> String {
    let time = now.to_zoned(TimeZone::UTC);
    let (hour, second) = (time.strftime("%Y/%m/%d/%H"), time.strftime("%Y-%m-%d-%H-%M-%S"));
    format!("{prefix}{hour}/{name}-{VERSION}-{second}-{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_firehose() {
        let now = "2026-11-23T00:05:09Z".parse().unwrap();
        assert_eq!(key("p/", "n", "i", now), "p/2026/11/23/00/n-1-2026-11-23-00-05-09-i");
    }
}
