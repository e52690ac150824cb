//! Import sources: where log files of other accounts are fetched from, again and again.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{SecretText, WireTime};

/// Seconds between two polls.
pub const POLL_SECONDS_DEFAULT: i64 = 60;
/// How far back files may turn up late: CloudTrail delivers out of order within some minutes.
pub const LOOK_BACK_SECONDS_DEFAULT: i64 = 3_600;
const DAY_SECONDS: i64 = 86_400;

crate::shape! {
    /// Makes an import source of the caller's account.
    pub struct CreateImportSourceRequest: Pascal {
        name: String [len 1..=128] [pattern is_name, "[a-zA-Z0-9_.-]+"],
        /// `s3://bucket/prefix`, or the absolute path of a directory of the server.
        location: String [len 1..=2048] [pattern is_line, r"[^\u0000-\u001f\u007f]+"],
        /// Where S3 is, and CloudTrail for public keys, when not on AWS.
        endpoint: Option<String> [len 1..=1024] [pattern is_line, r"[^\u0000-\u001f\u007f]+"],
        /// The Region of the bucket.
        region: Option<String> [len 1..=32] [pattern is_region, "[a-z][a-z0-9-]*"],
        access_key_id: Option<String> [len 1..=128] [pattern is_word, r"[\w]+"],
        secret_access_key: Option<SecretText> [len 1..=256] [pattern is_visible, "[!-~]+"],
        session_token: Option<SecretText> [len 1..=4096] [pattern is_visible, "[!-~]+"],
        /// The queue that is told of new objects; without one the bucket is listed.
        queue_url: Option<String> [len 1..=1024] [pattern is_visible, "[!-~]+"],
        poll_interval_seconds: Option<i64> [range 1..=DAY_SECONDS],
        look_back_seconds: Option<i64> [range 60..=(30 * DAY_SECONDS)],
        validate_digests: Option<bool>,
        /// What `aws cloudtrail list-public-keys --output json` prints.
        public_keys: Option<String> [len 1..=65536],
        /// Ask the source's CloudTrail for public keys that are not known.
        fetch_public_keys: Option<bool>,
        /// Poll it once. Asked for again it goes on where it stood, with the settings given then.
        once: Option<bool>,
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_region(text: &str) -> bool {
    text.parse::<crate::Region>().is_ok()
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_line(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_control())
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateImportSourceResponse {
    pub name: String,
}

crate::shape! {
    /// Ends a source; what was imported from it stays.
    pub struct DeleteImportSourceRequest: Pascal {
        name: String [len 1..=128] [pattern is_name, "[a-zA-Z0-9_.-]+"],
    }
}

crate::shape! {
    /// The sources of the caller's account by name, or one of them.
    pub struct DescribeImportSourcesRequest: Pascal {
        name: Option<String> [len 1..=128] [pattern is_name, "[a-zA-Z0-9_.-]+"],
        max_results: Option<i32> [range 1..=100],
        next_token: Option<String> [len 1..=4096],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImportSourcesResponse {
    pub import_sources: Vec<ImportSourceDescription>,
    pub next_token: Option<String>,
}

/// A source: its settings, how the last poll went, and what came of all of them.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportSourceDescription {
    pub name: String,
    pub location: String,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key_id: Option<String>,
    pub queue_url: Option<String>,
    pub poll_interval_seconds: i64,
    pub look_back_seconds: i64,
    pub validate_digests: bool,
    pub fetch_public_keys: bool,
    pub public_key_count: u64,
    pub created: WireTime,
    pub created_by: String,
    /// When the last poll ended, and the last one that met no error.
    pub last_poll: Option<WireTime>,
    pub last_success: Option<WireTime>,
    /// None after the only poll of a source that is polled once.
    pub next_poll: Option<WireTime>,
    /// The poll under way.
    pub current_poll: Option<PollProgress>,
    pub once: bool,
    pub last_error: Option<String>,
    /// Failed polls since the last one that met no error.
    pub failures: u32,
    /// Log files whose records were taken in, those refused because a digest names another hash, and those without a usable record.
    pub files: u64,
    pub files_refused: u64,
    pub files_unusable: u64,
    /// Log files that were missing or refused, and are now as their digest says.
    pub files_restored: u64,
    pub records: u64,
    pub imported: u64,
    pub duplicates: u64,
    pub skipped: u64,
    /// Messages of the queue that were dealt with, and those that say nothing that is understood.
    pub notices: u64,
    pub malformed_notices: u64,
    pub digests: DigestVerdicts,
    pub places: Vec<ImportedPlace>,
    /// Which folder was read up to where.
    pub cursors: Vec<ImportCursor>,
    /// What was found wrong, the newest first; older ones are forgotten.
    pub findings: Vec<ImportFinding>,
}

/// How far a poll has come: files, digests included, and their bytes as they lie there.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PollProgress {
    pub files: u64,
    pub bytes: u64,
    /// Of the whole poll, once they are known.
    pub files_total: Option<u64>,
    pub bytes_total: Option<u64>,
}

/// What digests said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DigestVerdicts {
    /// Signed by a known public key, and whole.
    pub valid: u64,
    pub invalid: u64,
    /// Without a public key to judge them by.
    pub unproven: u64,
    /// Missing between others.
    pub missing: u64,
    /// Log files that are as a digest says.
    pub files_matching: u64,
    /// Log files whose digest came after their import and names another hash.
    pub files_changed: u64,
    /// Log files that a digest names and that are not there.
    pub files_missing: u64,
}

/// Records by the account and Region they are of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportedPlace {
    pub account_id: String,
    pub region: String,
    pub imported: u64,
    pub duplicates: u64,
    pub first_event: WireTime,
    pub last_event: WireTime,
}

/// How far a folder was read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportCursor {
    /// `AWSLogs/111122223333/CloudTrail/us-east-1`
    pub folder: String,
    /// The time in the name of its newest file.
    pub read_until: WireTime,
}

/// Something wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportFinding {
    pub time: WireTime,
    /// An object's key, a path or a message.
    pub place: String,
    pub reason: String,
}
