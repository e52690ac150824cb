//! The digest file: its members, its name, what is signed, and our link. Pure.
//!
//! Source: CloudTrail user guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file integrity
//! validation".

use jiff::Timestamp;
use keywatch_crypto::digest::sha256;
use serde::{Deserialize, Serialize};

pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
pub const HASH_ALGORITHM: &str = "SHA-256";
/// Names of the object's metadata.
pub const SIGNATURE_METADATA: &str = "signature";
pub const SIGNATURE_ALGORITHM_METADATA: &str = "signature-algorithm";
/// First line of what a head is the hash of.
const HEAD_DOMAIN: &str = "keywatch-chain-1";
const NULL: &str = "null";

/// A digest, members in AWS's order. Times are `YYYY-MM-DDTHH:MM:SSZ`, hashes and signatures hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    pub aws_account_id: String,
    pub digest_start_time: String,
    pub digest_end_time: String,
    pub digest_s3_bucket: String,
    pub digest_s3_object: String,
    pub digest_public_key_fingerprint: String,
    pub digest_signature_algorithm: String,
    pub newest_event_time: Option<String>,
    pub oldest_event_time: Option<String>,
    pub previous_digest_s3_bucket: Option<String>,
    pub previous_digest_s3_object: Option<String>,
    /// Of the digest before, uncompressed.
    pub previous_digest_hash_value: Option<String>,
    pub previous_digest_hash_algorithm: Option<String>,
    pub previous_digest_signature: Option<String>,
    pub log_files: Vec<ListedFile>,
    /// Ours; AWS's digests have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywatch_link: Option<Link>,
}

/// A log file as a digest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedFile {
    pub s3_bucket: String,
    pub s3_object: String,
    /// Of the file, uncompressed.
    pub hash_value: String,
    pub hash_algorithm: String,
    pub newest_event_time: Option<String>,
    pub oldest_event_time: Option<String>,
    /// Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywatch_records: Option<Numbers>,
}

/// The numbers of a file and of its records in their chain, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    pub file: u64,
    pub first_record: u64,
    pub last_record: u64,
}

/// What links a digest to all before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The number of this digest in its chain, from 1 on.
    pub digest: u64,
    /// Log files and records in the chain up to here.
    pub files: u64,
    pub records: u64,
    /// Whether logging or validation ended with this digest.
    pub ends: bool,
    pub previous_head: Option<String>,
    pub head: String,
    /// Over the head's hexadecimal text, by the key that signs the digest: so that a copy of the file that lost its metadata can
    /// still prove itself.
    pub head_signature: String,
}

impl Digest {
    /// Reads a digest.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a digest has text keys")
    }

    /// What is signed; `text` is the uncompressed file.
    pub fn string_to_sign(&self, text: &[u8]) -> String {
        let previous = self.previous_digest_signature.as_deref().unwrap_or(NULL);
        string_to_sign(
            &self.digest_end_time,
            &self.digest_s3_bucket,
            &self.digest_s3_object,
            &hex::encode(sha256(text)),
            previous,
        )
    }

    /// The head that follows from a link's numbers and what the digest lists, whatever the link says.
    pub fn head(&self, link: &Link) -> String {
        let mut text = [
            HEAD_DOMAIN,
            link.previous_head.as_deref().unwrap_or(NULL),
            &format!("{} {} {} {}", link.digest, link.files, link.records, link.ends),
            &self.digest_start_time,
            &self.digest_end_time,
            &self.digest_s3_bucket,
            &self.digest_s3_object,
            &self.digest_public_key_fingerprint,
        ]
        .join("\n");
        for file in &self.log_files {
            let numbers = file.keywatch_records.map_or_else(
                || NULL.to_owned(),
                |numbers| format!("{} {} {}", numbers.file, numbers.first_record, numbers.last_record),
            );
            text.push('\n');
            text.push_str(
                &[&numbers, &file.hash_value, &file.s3_bucket, &file.s3_object]
                    .map(|part| part.as_str())
                    .join(" "),
            );
        }
        hex::encode(sha256(text.as_bytes()))
    }

    /// The trail and the Region whose folder it lies in, from its name; `None` for a name that is no digest's.
    pub fn chain_name(&self) -> Option<ChainName> {
        ChainName::of_object(&self.digest_s3_object)
    }
}

/// What is signed of a digest, from its parts, all as they stand in the digests.
pub fn string_to_sign(end: &str, bucket: &str, object: &str, hash: &str, previous_signature: &str) -> String {
    format!("{end}\n{bucket}/{object}\n{hash}\n{previous_signature}")
}

/// Names a chain: the digests of one trail in one Region's folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainName {
    pub account: String,
    /// Of the folder.
    pub region: String,
    pub trail: String,
    pub home_region: String,
}

impl ChainName {
    /// `[prefix/]AWSLogs/<account>/CloudTrail-Digest/<region>/YYYY/MM/DD/<account>_CloudTrail-Digest_<region>_<trail>_<homeRegion>_YYYYMMDDTHHMMSSZ.json.gz`
    pub fn object(&self, prefix: Option<&str>, end: Timestamp) -> String {
        let Self { account, region, trail, home_region } = self;
        let prefix = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let (day, second) = (end.strftime("%Y/%m/%d"), end.strftime("%Y%m%dT%H%M%SZ"));
        format!(
            "{prefix}AWSLogs/{account}/CloudTrail-Digest/{region}/{day}/\
             {account}_CloudTrail-Digest_{region}_{trail}_{home_region}_{second}.json.gz"
        )
    }

    /// The reverse, from the file's name alone. Trails' names may hold underscores; nothing else does.
    pub fn of_object(object: &str) -> Option<Self> {
        let name = object.rsplit('/').next()?.strip_suffix(".json.gz")?;
        let name = name.strip_suffix("_backfill").unwrap_or(name);
        let (account, rest) = name.split_once("_CloudTrail-Digest_")?;
        let (region, rest) = rest.split_once('_')?;
        let (rest, _) = rest.rsplit_once('_')?;
        let (trail, home_region) = rest.rsplit_once('_')?;
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
        })
    }
}

/// Seconds, as digests write times.
pub fn wire_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> Digest {
        Digest {
            aws_account_id: "111122223333".into(),
            digest_start_time: "2026-11-02T08:00:00Z".into(),
            digest_end_time: "2026-11-02T09:00:00Z".into(),
            digest_s3_bucket: "b".into(),
            digest_s3_object: "o".into(),
            digest_public_key_fingerprint: "f".into(),
            digest_signature_algorithm: SIGNATURE_ALGORITHM.into(),
            newest_event_time: None,
            oldest_event_time: None,
            previous_digest_s3_bucket: None,
            previous_digest_s3_object: None,
            previous_digest_hash_value: None,
            previous_digest_hash_algorithm: None,
            previous_digest_signature: None,
            log_files: vec![ListedFile {
                s3_bucket: "b".into(),
                s3_object: "l".into(),
                hash_value: "00".into(),
                hash_algorithm: HASH_ALGORITHM.into(),
                newest_event_time: None,
                oldest_event_time: None,
                keywatch_records: Some(Numbers { file: 1, first_record: 1, last_record: 2 }),
            }],
            keywatch_link: None,
        }
    }

    #[test]
    fn members_are_named_as_aws_names_them() {
        let text = String::from_utf8(digest().to_json()).unwrap();
        let want = concat!(
            r#"{"awsAccountId":"111122223333","digestStartTime":"2026-11-02T08:00:00Z","digestEndTime":"2026-11-02T09:00:00Z","#,
            r#""digestS3Bucket":"b","digestS3Object":"o","digestPublicKeyFingerprint":"f","digestSignatureAlgorithm":"SHA256withRSA","#,
            r#""newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"previousDigestS3Object":null,"#,
            r#""previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":["#,
            r#"{"s3Bucket":"b","s3Object":"l","hashValue":"00","hashAlgorithm":"SHA-256","newestEventTime":null,"#,
            r#""oldestEventTime":null,"keywatchRecords":{"file":1,"firstRecord":1,"lastRecord":2}}]}"#,
        );
        assert_eq!(text, want);
        assert_eq!(Digest::parse(text.as_bytes()), Some(digest()));
        assert_eq!(Digest::parse(b"{}"), None);
    }

    #[test]
    fn what_is_signed_ends_without_a_line_feed() {
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest().string_to_sign(b""), format!("2026-11-02T09:00:00Z\nb/o\n{hash}\nnull"));
        let second = Digest { previous_digest_signature: Some("ab".into()), ..digest() };
        assert!(second.string_to_sign(b"").ends_with("\nab"));
    }

    /// Each change of what a head covers gives another head; what the link says of itself does not count.
    #[test]
    fn a_head_covers_everything_listed() {
        let link = Link {
            digest: 1,
            files: 1,
            records: 2,
            ends: false,
            previous_head: None,
            head: String::new(),
            head_signature: String::new(),
        };
        let head = digest().head(&link);
        assert_eq!(
            digest().head(&Link { head: "x".into(), head_signature: "y".into(), ..link.clone() }),
            head
        );
        let changes: [fn(&mut Digest, &mut Link); 9] = [
            |_, link| link.digest = 2,
            |_, link| link.files = 2,
            |_, link| link.records = 3,
            |_, link| link.ends = true,
            |_, link| link.previous_head = Some("00".into()),
            |digest, _| digest.log_files[0].hash_value = "01".into(),
            |digest, _| digest.log_files.clear(),
            |digest, _| digest.log_files[0].keywatch_records = None,
            |digest, _| digest.digest_end_time = "2026-11-02T10:00:00Z".into(),
        ];
        for change in changes {
            let (mut digest, mut link) = (digest(), link.clone());
            change(&mut digest, &mut link);
            assert_ne!(digest.head(&link), head);
        }
    }

    #[test]
    fn names() {
        let name = ChainName {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            trail: "my_trail".into(),
            home_region: "us-east-1".into(),
        };
        let end = "2026-11-02T09:00:01Z".parse().unwrap();
        let object = name.object(Some("p"), end);
        assert_eq!(
            object,
            "p/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/02/\
             111122223333_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20261102T090001Z.json.gz"
        );
        assert_eq!(ChainName::of_object(&object), Some(name));
        assert_eq!(
            ChainName::of_object("111122223333_CloudTrail_eu-west-1_20261102T0900Z_0123456789abcdef.json.gz"),
            None
        );
    }
}
