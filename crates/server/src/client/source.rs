//! A source of the running server, as the commands about imports ask for it and read it.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use keywatch_api::{SecretText, WireTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ClientError, request};
use crate::progress::{Progress, Total};

/// Between two looks at a source that is waited for.
const LOOK: Duration = Duration::from_millis(250);

/// How a bucket is reached. Its credentials are those of the environment.
#[derive(Clone, Debug, Default, Args)]
pub struct BucketOptions {
    /// Where S3 is, and CloudTrail for --fetch-public-keys, when not on AWS
    #[arg(long, value_name = "URL", visible_alias = "endpoint-url")]
    pub endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Ask the bucket's CloudTrail for public keys (action cloudtrail:ListPublicKeys)
    #[arg(long)]
    pub fetch_public_keys: bool,
}

impl BucketOptions {
    pub(super) fn is_empty(&self) -> bool {
        self.endpoint.is_none() && self.region.is_none() && !self.fetch_public_keys
    }
}

/// What `CreateImportSource` is asked.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ask<'a> {
    pub(super) name: &'a str,
    pub(super) location: String,
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<SecretText>,
    pub(super) session_token: Option<SecretText>,
    pub(super) queue_url: Option<String>,
    pub(super) poll_interval_seconds: Option<i64>,
    pub(super) look_back_seconds: Option<i64>,
    pub(super) validate_digests: bool,
    pub(super) public_keys: Option<String>,
    pub(super) fetch_public_keys: bool,
    pub(super) once: bool,
}

impl<'a> Ask<'a> {
    /// For a directory nothing is taken from the environment.
    pub(super) fn new(name: &'a str, location: String, options: BucketOptions) -> Self {
        let is_bucket = is_bucket(&location);
        let variable = |name: &str| std::env::var(name).ok().filter(|text| is_bucket && !text.is_empty());
        let secret = |name: &str| variable(name).map(SecretText::new);
        Self {
            name,
            location,
            endpoint: options.endpoint,
            region: options.region.or_else(|| variable("AWS_REGION")),
            access_key_id: variable("AWS_ACCESS_KEY_ID"),
            secret_access_key: secret("AWS_SECRET_ACCESS_KEY"),
            session_token: secret("AWS_SESSION_TOKEN"),
            fetch_public_keys: options.fetch_public_keys,
            ..Self::default()
        }
    }
}

pub(super) fn is_bucket(location: &str) -> bool {
    location.starts_with("s3://")
}

pub(super) fn read_keys(path: &PathBuf) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path)
        .map_err(|error| ClientError::Usage(format!("cannot read {}: {error}", path.display())))
}

/// What the commands show of a source.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) location: String,
    pub(super) last_poll: Option<WireTime>,
    pub(super) last_error: Option<String>,
    current_poll: Option<Poll>,
    pub(super) files: u64,
    pub(super) files_refused: u64,
    pub(super) files_unusable: u64,
    pub(super) files_restored: u64,
    pub(super) imported: u64,
    pub(super) duplicates: u64,
    pub(super) skipped: u64,
    pub(super) digests: Digests,
    pub(super) places: Vec<Place>,
    /// The newest first.
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Poll {
    files: u64,
    bytes: u64,
    files_total: Option<u64>,
    bytes_total: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Digests {
    pub(super) valid: u64,
    pub(super) invalid: u64,
    pub(super) unproven: u64,
    pub(super) missing: u64,
    pub(super) files_matching: u64,
    pub(super) files_changed: u64,
    pub(super) files_missing: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Place {
    pub(super) account_id: String,
    pub(super) region: String,
    pub(super) first_event: WireTime,
    pub(super) last_event: WireTime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Finding {
    pub(super) place: String,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    pub(super) import_sources: Vec<Value>,
    pub(super) next_token: Option<String>,
}

pub(super) fn named(directory: &Path, name: &str) -> Result<Source, ClientError> {
    let page: Page = request::call(directory, "DescribeImportSources", &json!({ "Name": name }))?;
    read(page.import_sources.into_iter().next().unwrap_or_default())
}

pub(super) fn read(value: Value) -> Result<Source, ClientError> {
    serde_json::from_value(value).map_err(ClientError::Answer)
}

/// Waits for the end of the first poll, and shows how far it has come.
pub(super) fn wait(directory: &Path, name: &str) -> Result<Source, ClientError> {
    let progress = Progress::begin();
    loop {
        let source = named(directory, name)?;
        if source.last_poll.is_some() {
            progress.finish();
            return Ok(source);
        }
        let (files, bytes, total) = match &source.current_poll {
            Some(poll) => {
                let total = poll.files_total.zip(poll.bytes_total);
                (poll.files, poll.bytes, total.map(|(files, bytes)| Total { files, bytes }))
            }
            None => (source.files, 0, None),
        };
        let Source { imported, duplicates, .. } = &source;
        let more = format!(", {imported} records imported, {duplicates} were there already");
        progress.show(files, bytes, total, &more);
        thread::sleep(LOOK);
    }
}
