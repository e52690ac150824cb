//! The rows of buckets and objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

/// Buckets by name; names are unique in the whole server.
pub const BUCKET: Kind = Kind("s3.bucket");
/// Objects under [`object_key`]: the byte order of the rows is the order in which S3 lists keys.
pub const OBJECT: Kind = Kind("s3.object");
/// Uploads in parts that have begun, under [`upload_key`].
pub const UPLOAD: Kind = Kind("s3.upload");
/// Parts of uploads, under [`part_key`].
pub const PART: Kind = Kind("s3.part");
/// Bodies that no object's row points to, by their name: being written, or no longer needed.
pub const LOOSE: Kind = Kind("s3.loose");

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketRecord {
    /// The owning account.
    pub owner: String,
    pub region: String,
    pub created: Timestamp,
    /// The bucket policy as it was put.
    #[serde(default)]
    pub policy: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Versioned for BucketRecord {
    const MARKER: &'static str = "s3.bucket/1";
}

/// An object: everything but its body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// Bytes of the body.
    pub size: u64,
    /// The MD5 of the body in hexadecimal, without quotes; of a multipart object as S3 makes it, with a dash.
    pub etag: String,
    pub modified: Timestamp,
    /// Its body, in pieces that follow each other: one, or one for each part of a multipart upload.
    pub body: Vec<Piece>,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_disposition: Option<String>,
    pub content_language: Option<String>,
    pub cache_control: Option<String>,
    /// `x-amz-meta-…`, names in lower case without the prefix.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub checksum: Option<Checksum>,
}

impl Versioned for ObjectRecord {
    const MARKER: &'static str = "s3.object/1";
}

/// An upload in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRecord {
    pub key: String,
    pub initiated: Timestamp,
    /// What the object will be, but for its body.
    pub object: ObjectRecord,
}

impl Versioned for UploadRecord {
    const MARKER: &'static str = "s3.upload/1";
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// The MD5 of the part in hexadecimal.
    pub etag: String,
    pub piece: Piece,
}

impl Versioned for PartRecord {
    const MARKER: &'static str = "s3.part/1";
}

/// A piece of a body, which lies in the object store under a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// A checksum the caller sent with the object and which held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// As in the header's name: `crc32`, `sha256`.
    pub algorithm: String,
    /// Base64.
    pub value: String,
}

/// The row of an object. Bucket names hold no slash.
pub fn object_key(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}")
}

/// The row of an upload.
pub fn upload_key(bucket: &str, upload: &str) -> String {
    format!("{bucket}/{upload}")
}

/// The row of a part; rows come in the order of their numbers, of which the largest has five digits.
pub fn part_key(upload: &str, number: u16) -> String {
    format!("{upload}/{number:05}")
}

/// What a row of [`LOOSE`] holds: its name says everything.
pub fn loose_marker() -> Bytes {
    Bytes::from_static(b"1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_reads_as_it_was_written() {
        let object = ObjectRecord {
            size: 3,
            etag: "e".into(),
            modified: "2026-09-14T11:00:00Z".parse().unwrap(),
            body: vec![Piece { name: "b/1".into(), size: 3 }],
            metadata: BTreeMap::from([("a".into(), "b".into())]),
            checksum: Some(Checksum { algorithm: "crc32".into(), value: "AAAAAA==".into() }),
            ..ObjectRecord::default()
        };
        let stored = keywatch_store::encode(&object).unwrap();
        assert_eq!(keywatch_store::decode::<ObjectRecord>(&stored).unwrap(), object);
        assert_eq!(object_key("b", "a/b"), "b/a/b");
    }
}
