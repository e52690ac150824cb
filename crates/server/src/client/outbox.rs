//! `keywatch outbox`: the mails that were kept because no SMTP server is configured, and the deliveries that were given up.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::{ClientError, finish, print, request};
use crate::cli::OutboxOptions;
use crate::data_dir;

/// Mails asked for at once.
const PAGE: u32 = 100;

/// Prints the kept mails, oldest first.
pub fn run(options: OutboxOptions) -> ExitCode {
    finish(show(options))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask {
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    dead: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    mails: Vec<Mail>,
    next_token: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mail {
    /// RFC 3339.
    time: String,
    to: String,
    subject: String,
    body: String,
    /// Why it was given up; absent for kept mails.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn show(options: OutboxOptions) -> Result<(), ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    let mut next_token = None;
    loop {
        let ask = Ask { max_results: PAGE, next_token, dead: options.dead };
        let page: Page = request::call(&directory, "ListOutbox", &ask)?;
        for mail in &page.mails {
            if options.json {
                print(&serde_json::to_string(mail).map_err(ClientError::Answer)?)?;
            } else {
                print(&letter(mail))?;
            }
        }
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(());
        }
    }
}

/// A mail as people read it.
fn letter(mail: &Mail) -> String {
    let reason = mail.reason.as_ref().map(|reason| format!("Given up: {reason}\n")).unwrap_or_default();
    let body = mail.body.trim_end();
    format!("Date: {}\nTo: {}\nSubject: {}\n{reason}\n{body}\n", mail.time, mail.to, mail.subject)
}
