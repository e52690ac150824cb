//! One log file: its name, and its bytes. Pure, but for the thread that compresses.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use keywatch_crypto::digest::{sha256, sha256_of};
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

/// A file as it is put into the bucket.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) object: ObjectRecord,
    /// Gzip.
    pub(super) body: Bytes,
    /// SHA-256 of the text, in hexadecimal.
    pub(super) hash: String,
}

/// The object of a file, and its body: `{"Records":[…]}` as gzip.
pub(super) async fn written(file: &LogFile<'_>, records: Vec<Bytes>) -> Result<Written, BodyError> {
    let (body, hash) = gzip(move || contents(&records)).await?;
    let object = gzip_object(file.body_name(&body), &body, file.delivered);
    Ok(Written { object, body, hash })
}

/// An object of gzipped JSON.
pub(super) fn gzip_object(body_name: String, body: &Bytes, modified: Timestamp) -> ObjectRecord {
    let piece = Piece { name: body_name, size: body.len() as u64 };
    ObjectRecord {
        size: piece.size,
        etag: hex::encode(Md5::digest(body)),
        modified,
        body: vec![piece],
        content_type: Some("application/json".into()),
        content_encoding: Some("gzip".into()),
        ..ObjectRecord::default()
    }
}

/// Text as gzip, and the SHA-256 of the text in hexadecimal; off the threads that serve.
pub(super) async fn gzip(
    text: impl FnOnce() -> Vec<u8> + Send + 'static,
) -> Result<(Bytes, String), BodyError> {
    let pack = move || -> std::io::Result<(Bytes, String)> {
        let text = text();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&text)?;
        Ok((encoder.finish()?.into(), hex::encode(sha256(&text))))
    };
    tokio::task::spawn_blocking(pack)
        .await
        .map_err(|stopped| BodyError::Sync(stopped.into()))?
        .map_err(BodyError::Sync)
}

fn contents(records: &[Bytes]) -> Vec<u8> {
    let mut text = b"{\"Records\":[".to_vec();
    text.extend_from_slice(&records.join(&b','));
    text.extend_from_slice(b"]}");
    text
}
