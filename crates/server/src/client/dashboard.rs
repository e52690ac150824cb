//! `keywatch dashboard`: prints the body of an automatic dashboard, or keeps it under a name.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use keywatch_api::Service;
use serde_json::{Value, json};

use super::{ClientError, finish, print, request};
use crate::cli::ClientOptions;
use crate::data_dir;

/// Make a dashboard of KMS, or of one key, of the metrics that exist
///
/// Prints the body as `PutDashboard` takes it, or puts it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keywatch dashboard --put kms
  keywatch dashboard alias/orders --put orders
  keywatch dashboard 1234abcd-12ab-34cd-56ef-1234567890ab | jq .widgets")]
pub struct DashboardOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    /// Id, ARN or alias of a key; without it the dashboard is of all keys of the account and Region
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
    /// Keep the dashboard under this name instead of printing it
    #[arg(long, value_name = "NAME")]
    pub put: Option<String>,
}

/// Runs the command.
pub fn run(options: DashboardOptions) -> ExitCode {
    finish(
        data_dir::locate(options.client.data_dir)
            .map_err(ClientError::from)
            .and_then(|directory| make(&directory, options.key.as_deref(), options.put.as_deref())),
    )
}

fn make(directory: &Path, key: Option<&str>, put: Option<&str>) -> Result<(), ClientError> {
    let ask = key.map_or_else(|| json!({}), |key| json!({"KeyId": key}));
    let answer: Value = request::call(directory, "GetAutomaticDashboard", &ask)?;
    let body = answer["DashboardBody"].as_str().unwrap_or_default();
    let Some(name) = put else { return print(body) };
    let ask = json!({"DashboardName": name, "DashboardBody": body});
    let _: Value = request::call_service(directory, Service::CloudWatch, "PutDashboard", &ask)?;
    print(&format!("dashboard {name}"))
}
