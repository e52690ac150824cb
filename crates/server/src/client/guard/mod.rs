//! `keywatch guard`: puts, shows, tries and removes the pack of ready-made alarms, metric filters and event rules.
//!
//! The pack's definitions are `keywatch_monitor::guard::pack`; here they are put through the public API, where anyone can see and edit
//! them. What a person edited is shown and kept.

mod apply;
mod list;
mod remove;
mod test;
mod there;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use keywatch_api::Service;
use keywatch_monitor::guard::pack::{Guard, Place, guards};
use serde_json::{Value, json};

use super::{ClientError, finish, request};
use crate::cli::ClientOptions;
use crate::data_dir;

/// Put up ready-made alarms, metric filters and event rules that watch KMS keys
///
/// They are ordinary resources named keywatch-guard-…, to be inspected and edited with any AWS tool.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keywatch guard apply --topic arn:aws:sns:us-east-1:000000000000:alerts
  keywatch guard list
  keywatch guard test
  keywatch guard remove")]
pub struct GuardOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Put what is missing or outdated; what somebody edited is shown and kept
    Apply(ApplyOptions),
    /// Show every guard, whether it is up, and the state of its alarms
    List {
        /// Print everything as JSON, one part a line
        #[arg(long)]
        json: bool,
    },
    /// Play each guard's samples of CloudTrail records and see that it fires when it must; needs no server
    Test {
        /// Only this guard
        #[arg(value_name = "GUARD")]
        name: Option<String>,
    },
    /// Remove everything the pack put up, edited or not
    Remove,
}

#[derive(Debug, Args)]
pub struct ApplyOptions {
    /// Topic that alarms and rules tell; without it they keep the one they have
    #[arg(long, value_name = "ARN")]
    pub topic: Option<String>,
    /// Log group of a trail that gets metric filters [default: those of the server's trails]
    #[arg(long, value_name = "NAME")]
    pub log_group: Vec<String>,
    /// Put the pack's definitions over edits
    #[arg(long)]
    pub reset: bool,
}

/// Runs the command.
pub fn run(options: GuardOptions) -> ExitCode {
    let action = options.action;
    if let Action::Test { name } = &action {
        return test::run(name.as_deref());
    }
    finish(data_dir::locate(options.client.data_dir).map_err(ClientError::from).and_then(|directory| {
        match action {
            Action::Apply(options) => apply::run(&directory, &options),
            Action::List { json } => list::run(&directory, json),
            Action::Remove => remove::run(&directory),
            Action::Test { .. } => Ok(()),
        }
    }))
}

/// The pack for a server; without `log_groups` for those its trails deliver to.
fn pack(directory: &Path, log_groups: &[String]) -> Result<Vec<Guard>, ClientError> {
    let region = data_dir::read_server(directory)?.region;
    let log_groups = match log_groups {
        [] => groups_of_trails(directory, &region)?,
        given => given.to_vec(),
    };
    Ok(guards(&Place { log_groups }))
}

fn groups_of_trails(directory: &Path, region: &str) -> Result<Vec<String>, ClientError> {
    let answer: Value = request::call_service(directory, Service::CloudTrail, "DescribeTrails", &json!({}))?;
    let trails = answer["trailList"].as_array().into_iter().flatten();
    let group = |trail: &Value| {
        // arn:aws:logs:us-east-1:000000000000:log-group:NAME:*
        let mut parts = trail["CloudWatchLogsLogGroupArn"].as_str()?.split(':');
        (parts.nth(3) == Some(region)).then(|| parts.nth(2).map(str::to_owned)).flatten()
    };
    let mut groups: Vec<String> = trails.filter_map(group).collect();
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}
