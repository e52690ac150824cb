//! `keywatch search`: records by their attributes, as a table or whole.

use std::path::Path;
use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;
use keywatch_api::WireTime;
use serde::{Deserialize, Serialize};

use super::{ClientError, finish, moment, print, request};
use crate::cli::SearchOptions;
use crate::data_dir;

/// Records asked for at once.
const PAGE_MAX: u64 = 500;

/// Prints the records found, newest first.
pub fn run(options: SearchOptions) -> ExitCode {
    finish(show(options))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask {
    start_time: Option<WireTime>,
    end_time: Option<WireTime>,
    event_id: Option<String>,
    event_name: Option<String>,
    event_source: Option<String>,
    key_id: Option<String>,
    principal: Option<String>,
    username: Option<String>,
    access_key_id: Option<String>,
    #[serde(rename = "SourceIPAddress")]
    source_ip_address: Option<String>,
    error_code: Option<String>,
    read_only: Option<bool>,
    all_regions: bool,
    max_results: u64,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    records: Vec<Found>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    event_time: WireTime,
    event_name: String,
    event_source: String,
    aws_region: String,
    principal: Option<String>,
    #[serde(rename = "SourceIPAddress")]
    source_ip_address: Option<String>,
    error_code: Option<String>,
    resources: Vec<String>,
    cloud_trail_event: String,
}

/// The server's time, from which moments are counted back.
pub(super) fn server_time(directory: &Path) -> Result<Timestamp, ClientError> {
    #[derive(Serialize)]
    struct Nothing {}
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Reading {
        now: WireTime,
    }
    let reading: Reading = request::call(directory, "DescribeClock", &Nothing {})?;
    Ok(reading.now.0)
}

/// A moment that an option gives.
pub(super) fn moment_of(text: Option<&str>, directory: &Path) -> Result<Option<WireTime>, ClientError> {
    let Some(text) = text else { return Ok(None) };
    let now = server_time(directory)?;
    moment::parse(text, now).map(|time| Some(WireTime(time))).map_err(ClientError::Usage)
}

fn show(options: SearchOptions) -> Result<(), ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    let mut ask = Ask {
        start_time: moment_of(options.since.as_deref(), &directory)?,
        end_time: moment_of(options.until.as_deref(), &directory)?,
        event_id: options.id,
        event_name: options.name,
        event_source: options.source,
        key_id: options.key,
        principal: options.principal,
        username: options.user,
        access_key_id: options.access_key,
        source_ip_address: options.address,
        error_code: options.error,
        read_only: options.read_only,
        all_regions: options.all_regions,
        max_results: 0,
        next_token: None,
    };
    let mut left = options.limit;
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["TIME", "EVENT", "SOURCE", "REGION", "PRINCIPAL", "ADDRESS", "ERROR", "RESOURCE"]);
    while left > 0 {
        ask.max_results = left.min(PAGE_MAX);
        let page: Page = request::call(&directory, "SearchTrail", &ask)?;
        left -= (page.records.len() as u64).min(left);
        for record in page.records {
            if options.json {
                print(&record.cloud_trail_event)?;
            } else {
                table.add_row(cells(record));
            }
        }
        ask.next_token = page.next_token;
        if ask.next_token.is_none() {
            break;
        }
    }
    if options.json { Ok(()) } else { print(&table.trim_fmt()) }
}

fn cells(record: Found) -> [String; 8] {
    [
        record.event_time.0.to_string(),
        record.event_name,
        record.event_source.strip_suffix(".amazonaws.com").unwrap_or(&record.event_source).to_owned(),
        record.aws_region,
        record.principal.unwrap_or_default(),
        record.source_ip_address.unwrap_or_default(),
        record.error_code.unwrap_or_default(),
        record.resources.join(" "),
    ]
}
