//! `keywatch usage`: who uses a key, as a table or as rows of JSON.

use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use keywatch_api::WireTime;
use serde::{Deserialize, Serialize};

use super::search::moment_of;
use super::{ClientError, finish, print, request};
use crate::cli::UsageOptions;
use crate::data_dir;

/// Rows asked for at once.
const PAGE_MAX: u64 = 1000;

/// Prints the rows, those of the newest day first.
pub fn run(options: UsageOptions) -> ExitCode {
    finish(show(options))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask {
    key_id: String,
    start_time: Option<WireTime>,
    end_time: Option<WireTime>,
    include_management: bool,
    max_results: u64,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    key_arn: String,
    calls: u64,
    failed_calls: u64,
    encryption_context_keys: Vec<String>,
    usage: Vec<Row>,
    next_token: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    day: String,
    principal: String,
    operation: String,
    outcome: String,
    #[serde(rename = "SourceIPAddress")]
    source_ip_address: String,
    user_agent: String,
    calls: u64,
    first_use: WireTime,
    last_use: WireTime,
    encryption_context_keys: Vec<String>,
}

fn show(options: UsageOptions) -> Result<(), ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    let mut ask = Ask {
        key_id: options.key,
        start_time: moment_of(options.since.as_deref(), &directory)?,
        end_time: moment_of(options.until.as_deref(), &directory)?,
        include_management: options.management,
        max_results: 0,
        next_token: None,
    };
    let mut left = options.limit.max(1);
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "DAY",
        "PRINCIPAL",
        "OPERATION",
        "OUTCOME",
        "ADDRESS",
        "CALLS",
        "CONTEXT KEYS",
        "USER AGENT",
    ]);
    loop {
        ask.max_results = left.min(PAGE_MAX);
        let answer: Answer = request::call(&directory, "GetKeyUsage", &ask)?;
        left -= (answer.usage.len() as u64).min(left);
        for row in &answer.usage {
            if options.json {
                print(&serde_json::to_string(row).map_err(ClientError::Answer)?)?;
            } else {
                table.add_row(cells(row));
            }
        }
        if answer.next_token.is_some() && left > 0 {
            ask.next_token = answer.next_token;
            continue;
        }
        return if options.json { Ok(()) } else { print(&page(&answer, &table)) };
    }
}

fn page(answer: &Answer, table: &Table) -> String {
    let keys = match answer.encryption_context_keys.as_slice() {
        [] => String::new(),
        keys => format!("\nencryption context: {}", keys.join(", ")),
    };
    let more = if answer.next_token.is_some() { "\nThere are more rows: raise --limit." } else { "" };
    let Answer { key_arn, calls, failed_calls, .. } = answer;
    format!("{key_arn}\n{calls} calls, {failed_calls} of them refused{keys}\n\n{}{more}", table.trim_fmt())
}

fn cells(row: &Row) -> [String; 8] {
    [
        row.day.clone(),
        row.principal.clone(),
        row.operation.clone(),
        row.outcome.clone(),
        row.source_ip_address.clone(),
        row.calls.to_string(),
        row.encryption_context_keys.join(","),
        row.user_agent.clone(),
    ]
}
