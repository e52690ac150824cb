//! `keywatch:ListOutbox`: the mails that were kept because no SMTP server is configured, and the deliveries that were given up.

use serde::Serialize;
use serde_with::skip_serializing_none;

crate::shape! {
    /// `ListOutbox`
    pub struct ListOutboxRequest: Pascal {
        max_results: Option<i32> [range 1..=100],
        next_token: Option<String> [len 1..=4096],
        /// Lists what was given up instead of what was kept.
        dead: Option<bool>,
    }
}

/// A mail that was kept, or a delivery that was given up.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mail {
    /// RFC 3339.
    pub time: String,
    /// An address, a URL or an ARN.
    pub to: String,
    pub subject: String,
    pub body: String,
    /// Why it was given up; absent for kept mails.
    pub reason: Option<String>,
}

/// `ListOutbox`, oldest first.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListOutboxResponse {
    pub mails: Vec<Mail>,
    pub next_token: Option<String>,
}
