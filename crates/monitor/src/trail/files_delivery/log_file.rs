//! One log file: its name, and its bytes. Pure, but for the thread that compresses.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use keywatch_crypto::digest::sha256_of;
use keywatch_store::Seq;
use md5::{Digest as _, Md5};

use crate::buckets::{Bodies, BodyError, ObjectRecord, Piece};
use crate::trail::record::TrailRecord;

const SUFFIX_LENGTH: usize = 16;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A log file about to be delivered.
#[derive(Debug)]
pub(super) struct LogFile<'a> {
    pub(super) trail: &'a TrailRecord,
    pub(super) region: &'a str,
    /// The position of its first record in the log.
    pub(super) first: Seq,
    pub(super) delivered: Timestamp,
}

impl LogFile<'_> {
    /// `[prefix/]AWSLogs/<account>/CloudTrail/<region>/YYYY/MM/DD/<account>_CloudTrail_<region>_YYYYMMDDTHHmmZ_<suffix>.json.gz`
    /// (CloudTrail user guide, "Finding your CloudTrail log files").
    pub(super) fn key(&self) -> String {
        let (account, region) = (&self.trail.account, self.region);
        let prefix =
            self.trail.s3_key_prefix.as_deref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let day = self.delivered.strftime("%Y/%m/%d");
        let minute = self.delivered.strftime("%Y%m%dT%H%MZ");
        let suffix = self.suffix();
        format!(
            "{prefix}AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_{suffix}.json.gz"
        )
    }

    /// Sixteen letters and digits that follow from what the file begins with.
    fn suffix(&self) -> String {
        let hash = self.hash();
        hash[..SUFFIX_LENGTH]
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
            .collect()
    }

    /// Where its body lies; unlike the key it tells files of one beginning apart that hold more or less.
    fn body_name(&self, contents: &[u8]) -> String {
        let id = hex::encode(&sha256_of(&[&self.hash(), contents])[..16]);
        Bodies::name(&self.trail.s3_bucket_name, &id)
    }

    fn hash(&self) -> [u8; 32] {
        let minute = self.delivered.as_second() / 60;
        let parts = [self.trail.arn(), self.region.to_owned(), self.first.to_string(), minute.to_string()];
        sha256_of(&[parts.join("\n").as_bytes()])
    }
}

/// The object of a file, and its body: `{"Records":[…]}` as gzip.
pub(super) async fn written(
    file: &LogFile<'_>,
    records: Vec<Bytes>,
) -> Result<(ObjectRecord, Bytes), BodyError> {
    let body = tokio::task::spawn_blocking(move || contents(&records))
        .await
        .map_err(|stopped| BodyError::Sync(stopped.into()))?
        .map_err(BodyError::Sync)?;
    let piece = Piece { name: file.body_name(&body), size: body.len() as u64 };
    let object = ObjectRecord {
        size: piece.size,
        etag: hex::encode(Md5::digest(&body)),
        modified: file.delivered,
        body: vec![piece],
        content_type: Some("application/json".into()),
        content_encoding: Some("gzip".into()),
        ..ObjectRecord::default()
    };
    Ok((object, body))
}

fn contents(records: &[Bytes]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"{\"Records\":[")?;
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            encoder.write_all(b",")?;
        }
        encoder.write_all(record)?;
    }
    encoder.write_all(b"]}")?;
    Ok(encoder.finish()?.into())
}
