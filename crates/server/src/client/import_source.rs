//! `keywatch import-source`: makes, lists and ends the sources that the running server imports from.
//!
//! Credentials come from the environment, as the AWS tools take them, and never from the command line, which others can read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::source::{Ask, BucketOptions, Digests, Page, Source, is_bucket, read, wait};
use super::{ClientError, finish, print, request};
use crate::cli::ClientOptions;
use crate::{data_dir, exit};

/// Findings printed of a source; `--json` has all that are kept.
const FINDINGS_SHOWN: usize = 5;
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
    #[command(flatten)]
    bucket: BucketOptions,
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

fn add(directory: &Path, options: AddOptions) -> Result<bool, ClientError> {
    let is_bucket = is_bucket(&options.location);
    let location = if is_bucket { options.location } else { absolute(&options.location)? };
    let public_keys = options.public_keys.map(|path| {
        std::fs::read_to_string(&path)
            .map_err(|error| ClientError::Usage(format!("cannot read {}: {error}", path.display())))
    });
    let ask = Ask {
        queue_url: options.queue_url,
        poll_interval_seconds: Some(seconds(&options.every)?),
        look_back_seconds: Some(seconds(&options.look_back)?),
        validate_digests: !options.no_digests,
        public_keys: public_keys.transpose()?,
        ..Ask::new(&options.name, location, options.bucket)
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
    if json {
        return Ok(());
    }
    print(&table(&sources))?;
    sources.iter().flat_map(findings).try_for_each(|line| print(&line))
}

/// What was found wrong at a source, the newest first.
fn findings(source: &Source) -> Vec<String> {
    let Source { name, findings, .. } = source;
    let shown = findings.iter().take(FINDINGS_SHOWN);
    let mut lines: Vec<String> =
        shown.map(|finding| format!("{name}: {}: {}", finding.place, finding.reason)).collect();
    if findings.len() > FINDINGS_SHOWN {
        lines.push(format!("{name}: {} more, see --json", findings.len() - FINDINGS_SHOWN));
    }
    lines
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
        "RESTORED",
        "UNUSABLE",
        "IMPORTED",
        "THERE ALREADY",
        "PLACES",
        "DIGESTS",
        "STATE",
    ]);
    for source in sources {
        let Digests { valid, invalid, unproven, missing, files_changed, .. } = &source.digests;
        table.add_row([
            source.name.clone(),
            source.location.clone(),
            source.last_poll.map_or_else(|| "-".to_owned(), |time| time.0.to_string()),
            source.files.to_string(),
            source.files_refused.to_string(),
            source.files_restored.to_string(),
            source.files_unusable.to_string(),
            source.imported.to_string(),
            source.duplicates.to_string(),
            source.places.len().to_string(),
            format!("{valid} valid, {invalid} invalid, {unproven} unproven, {missing} missing; {files_changed} files contradicted"),
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
