//! `keywatch deletion-readiness`: the evidence for and against deleting a key.

use std::fmt::Write as _;
use std::process::ExitCode;

use keywatch_api::WireTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ClientError, finish, print, request};
use crate::cli::DeletionReadinessOptions;
use crate::data_dir;

/// Prints the evidence.
pub fn run(options: DeletionReadinessOptions) -> ExitCode {
    finish(show(options))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Evidence {
    key_arn: String,
    explanation: String,
    key_state: Option<String>,
    deletion_date: Option<WireTime>,
    last_use: Option<LastUse>,
    users: Vec<User>,
    user_count: u64,
    refused_by_state: u64,
    data_keys_issued: u64,
    aliases: Vec<String>,
    related_keys: Vec<String>,
    grants: Vec<Grant>,
    grant_count: u64,
    policy_principals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LastUse {
    time: WireTime,
    operation: String,
    principal: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    principal: String,
    calls: u64,
    failed_calls: u64,
    last_use: WireTime,
    operations: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Grant {
    grantee_principal: String,
    operations: Vec<String>,
}

fn show(options: DeletionReadinessOptions) -> Result<(), ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    let answer: Value = request::call(&directory, "GetDeletionReadiness", &Ask { key_id: options.key })?;
    if options.json {
        return print(&answer.to_string());
    }
    let evidence: Evidence = serde_json::from_value(answer).map_err(ClientError::Answer)?;
    print(page(&evidence).trim_end())
}

fn page(evidence: &Evidence) -> String {
    let mut text = format!("{}\n{}\n\n", evidence.key_arn, evidence.explanation);
    if let Some(state) = &evidence.key_state {
        let due =
            evidence.deletion_date.map(|due| format!(", to be deleted at {}", due.0)).unwrap_or_default();
        line(&mut text, "State", &format!("{state}{due}"));
    }
    let last = evidence.last_use.as_ref();
    let last = last.map(|last| format!("{}: {} by {}", last.time.0, last.operation, last.principal));
    line(&mut text, "Last use", last.as_deref().unwrap_or("none in the records"));
    line(&mut text, "Data keys issued", &evidence.data_keys_issued.to_string());
    line(&mut text, "Refused by state", &evidence.refused_by_state.to_string());
    line(&mut text, "Users of 90 days", &evidence.user_count.to_string());
    for User { principal, calls, failed_calls, last_use, operations } in &evidence.users {
        let what =
            format!("{calls} calls ({failed_calls} refused), last {}: {}", last_use.0, operations.join(", "));
        line(&mut text, "", &format!("{principal}: {what}"));
    }
    list(&mut text, "Aliases", evidence.aliases.iter().cloned());
    list(&mut text, "Related keys", evidence.related_keys.iter().cloned());
    line(&mut text, "Grants", &evidence.grant_count.to_string());
    for Grant { grantee_principal, operations } in &evidence.grants {
        line(&mut text, "", &format!("{grantee_principal}: {}", operations.join(", ")));
    }
    list(&mut text, "Policy allows", evidence.policy_principals.iter().cloned());
    text
}

fn list(text: &mut String, name: &str, values: impl Iterator<Item = String>) {
    let mut name = name;
    for value in values {
        line(text, name, &value);
        name = "";
    }
    if !name.is_empty() {
        line(text, name, "none");
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{name:<18}{value}");
}
