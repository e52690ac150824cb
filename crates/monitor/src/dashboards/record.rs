//! Dashboards as rows.

use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_api::cloudwatch::alarms::Tag;
use keywatch_iam::Call;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use crate::cloudwatch::CloudWatchError;

/// Key = account / name.
pub const DASHBOARD: Kind = Kind("cloudwatch.dashboard");

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardRecord {
    pub name: String,
    /// JSON text, as it came.
    pub body: String,
    pub modified: Timestamp,
    pub tags: Vec<Tag>,
}

impl Versioned for DashboardRecord {
    const MARKER: &'static str = "cloudwatch.dashboard/1";
}

pub(crate) fn key(account: &str, name: &str) -> String {
    format!("{account}/{name}")
}

/// `arn:aws:cloudwatch::000000000000:dashboard/name`
pub(crate) fn arn(account: &str, name: &str) -> String {
    Arn::new("cloudwatch", "", account, format!("dashboard/{name}")).to_string()
}

/// Whether the caller may do `action` to a dashboard, whose name is one that a dashboard can have.
///
/// Source: CloudWatch API Reference, `PutDashboard`.
pub(super) fn authorize(call: &Call<'_>, action: &str, name: &str) -> Result<(), CloudWatchError> {
    let is_name = (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_name {
        let text = "The value for field DashboardName contains invalid characters. \
                    It can only contain alphanumerics, dash (-) and underscore (_).\n";
        return Err(CloudWatchError::InvalidParameterValue(text.into()));
    }
    Ok(call.authorize_own(action, &arn(call.account().as_str(), name))?)
}
