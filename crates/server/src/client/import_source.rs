//! `keywatch import-source`: makes, lists and ends the sources that the running server imports from.
//!
//! Credentials come from the environment, as the AWS tools take them, and never from the command line, which others can read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use keywatch_api::{SecretText, WireTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ClientError, finish, print, request};
use crate::cli::ClientOptions;
use crate::{data_dir, exit};

/// Between two looks at a source that is waited for.
const LOOK: Duration = Duration::from_millis(250);
const PAGE: u64 = 100;

/// Import log files from buckets and directories, again and again
///
/// The server polls its sources by itself, goes on after a restart where it stood, and takes each event in once.
#[derive(Debug, Args)]
#[command(after_help = "\
Credentials of a bucket are those of the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
The server keeps them sealed under its root key. `aws configure export-credentials --format env` prints those of a profile.

Examples:
  keywatch import-source add prod s3://org-trail --region eu-west-1 --fetch-public-keys
  keywatch import-source add prod s3://org-trail --queue-url https://sqs.eu-west-1.amazonaws.com/111122223333/trail
  keywatch import-source add archive /srv/cloudtrail --public-keys keys.json --wait
  keywatch import-source list")]
pub struct ImportSourceOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a source; its first poll begins at once
    Add(Box<AddOptions>),
    /// Show sources, how their last poll went and what came of all of them
    List {
        /// Only this one
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Print everything as JSON, one source a line
        #[arg(long)]
        json: bool,
    },
    /// End a source; what was imported stays
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct AddOptions {
    #[arg(value_name = "NAME")]
    name: String,
    /// s3://bucket/prefix (the prefix as the trail has it), or a directory of the server
    #[arg(value_name = "LOCATION")]
    location: String,
    /// Where S3 is, and CloudTrail for --fetch-public-keys, when not on AWS
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Queue that is told of new objects (S3 event notifications, or notices of the trail's topic); without it the bucket is listed
    #[arg(long, value_name = "URL")]
    queue_url: Option<String>,
    /// Time between two polls: 60s, 5m, 1h
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    every: String,
    /// How late files may turn up
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    look_back: String,
    /// Do not read digests
    #[arg(long)]
    no_digests: bool,
    /// Answer of `aws cloudtrail list-public-keys`; digests are held against these keys
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// Ask the source's CloudTrail for public keys (action cloudtrail:ListPublicKeys)
    #[arg(long)]
    fetch_public_keys: bool,
    /// Wait until the first poll is over, and exit with 1 when it failed or found something wrong
    #[arg(long)]
    wait: bool,
}

/// Does it.
pub fn run(options: ImportSourceOptions) -> ExitCode {
    match act(options) {
        Ok(true) => exit::DONE.into(),
        Ok(false) => exit::FAILED.into(),
        Err(error) => finish(Err(error)),
    }
}

fn act(options: ImportSourceOptions) -> Result<bool, ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    match options.action {
        Action::Add(options) => add(&directory, *options),
        Action::List { name, json } => list(&directory, name, json).map(|()| true),
        Action::Remove { name } => {
            let _: Value = request::call(&directory, "DeleteImportSource", &json!({ "Name": name }))?;
            Ok(true)
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask<'a> {
    name: &'a str,
    location: String,
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<SecretText>,
    session_token: Option<SecretText>,
    queue_url: Option<String>,
    poll_interval_seconds: i64,
    look_back_seconds: i64,
    validate_digests: bool,
    public_keys: Option<String>,
    fetch_public_keys: bool,
}

fn add(directory: &Path, options: AddOptions) -> Result<bool, ClientError> {
    let is_bucket = options.location.starts_with("s3://");
    let variable = |name: &str| std::env::var(name).ok().filter(|text| is_bucket && !text.is_empty());
    let secret = |name: &str| variable(name).map(SecretText::new);
    let location = if is_bucket { options.location } else { absolute(&options.location)? };
    let public_keys = options.public_keys.map(|path| {
        std::fs::read_to_string(&path)
            .map_err(|error| ClientError::Usage(format!("cannot read {}: {error}", path.display())))
    });
    let ask = Ask {
        name: &options.name,
        location,
        endpoint: options.endpoint,
        region: options.region.or_else(|| variable("AWS_REGION")),
        access_key_id: variable("AWS_ACCESS_KEY_ID"),
        secret_access_key: secret("AWS_SECRET_ACCESS_KEY"),
        session_token: secret("AWS_SESSION_TOKEN"),
        queue_url: options.queue_url,
        poll_interval_seconds: seconds(&options.every)?,
        look_back_seconds: seconds(&options.look_back)?,
        validate_digests: !options.no_digests,
        public_keys: public_keys.transpose()?,
        fetch_public_keys: options.fetch_public_keys,
    };
    let _: Value = request::call(directory, "CreateImportSource", &ask)?;
    if !options.wait {
        return Ok(true);
    }
    let source = wait(directory, &options.name)?;
    print(&table(std::slice::from_ref(&source)))?;
    for finding in source.findings.iter().rev() {
        exit::complain(&format!("{}: {}", finding.place, finding.reason));
    }
    if let Some(error) = &source.last_error {
        exit::complain(error);
    }
    Ok(source.last_error.is_none() && source.findings.is_empty())
}

fn absolute(path: &str) -> Result<String, ClientError> {
    let path = std::fs::canonicalize(path)
        .map_err(|error| ClientError::Usage(format!("cannot read {path}: {error}")))?;
    path.into_os_string().into_string().map_err(|_| ClientError::Usage("the path is not UTF-8".to_owned()))
}

fn seconds(text: &str) -> Result<i64, ClientError> {
    let expected = || ClientError::Usage(format!("{text}: expected a duration such as 60s, 5m or 1h"));
    text.parse::<SignedDuration>().map(|duration| duration.as_secs()).map_err(|_| expected())
}

/// Waits for the end of the first poll, with a bar on a terminal.
fn wait(directory: &Path, name: &str) -> Result<Source, ClientError> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    loop {
        let source = named(directory, name)?;
        if source.last_poll.is_some() {
            bar.finish_and_clear();
            return Ok(source);
        }
        bar.set_message(format!(
            "{} files, {} records imported, {} were there already",
            source.files, source.imported, source.duplicates
        ));
        bar.tick();
        thread::sleep(LOOK);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    import_sources: Vec<Value>,
    next_token: Option<String>,
}

/// What the table shows of a source.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Source {
    name: String,
    location: String,
    last_poll: Option<WireTime>,
    last_error: Option<String>,
    files: u64,
    files_refused: u64,
    files_unusable: u64,
    imported: u64,
    duplicates: u64,
    digests: Digests,
    places: Vec<Value>,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Digests {
    valid: u64,
    invalid: u64,
    unproven: u64,
    missing: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Finding {
    place: String,
    reason: String,
}

fn named(directory: &Path, name: &str) -> Result<Source, ClientError> {
    let page: Page = request::call(directory, "DescribeImportSources", &json!({ "Name": name }))?;
    read(page.import_sources.into_iter().next().unwrap_or_default())
}

fn read(value: Value) -> Result<Source, ClientError> {
    serde_json::from_value(value).map_err(ClientError::Answer)
}

fn list(directory: &Path, name: Option<String>, json: bool) -> Result<(), ClientError> {
    let mut sources = Vec::new();
    let mut ask = match name {
        Some(name) => json!({ "Name": name }),
        None => json!({ "MaxResults": PAGE }),
    };
    loop {
        let page: Page = request::call(directory, "DescribeImportSources", &ask)?;
        for source in page.import_sources {
            if json {
                print(&source.to_string())?;
            } else {
                sources.push(read(source)?);
            }
        }
        let Some(token) = page.next_token else { break };
        ask["NextToken"] = token.into();
    }
    if json { Ok(()) } else { print(&table(&sources)) }
}

fn table(sources: &[Source]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "NAME",
        "LOCATION",
        "LAST POLL",
        "FILES",
        "REFUSED",
        "UNUSABLE",
        "IMPORTED",
        "THERE ALREADY",
        "PLACES",
        "DIGESTS",
        "STATE",
    ]);
    for source in sources {
        let Digests { valid, invalid, unproven, missing } = source.digests;
        table.add_row([
            source.name.clone(),
            source.location.clone(),
            source.last_poll.map_or_else(|| "-".to_owned(), |time| time.0.to_string()),
            source.files.to_string(),
            source.files_refused.to_string(),
            source.files_unusable.to_string(),
            source.imported.to_string(),
            source.duplicates.to_string(),
            source.places.len().to_string(),
            format!("{valid} valid, {invalid} invalid, {unproven} unproven, {missing} missing"),
            source.last_error.clone().unwrap_or_else(|| "ok".to_owned()),
        ]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let read = |text: &str| seconds(text).ok();
        assert_eq!([read("60s"), read("5m"), read("1h")], [Some(60), Some(300), Some(3600)]);
        assert_eq!(read("often"), None);
    }
}
