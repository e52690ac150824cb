//! Shapes of `GetKeyLastUsage`.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::WireTime;

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyLastUsageResponse {
    /// The key's ARN.
    pub key_id: String,
    pub key_last_usage: KeyLastUsageData,
    pub tracking_start_date: WireTime,
    pub key_creation_date: WireTime,
}

/// Empty when the key was never used.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyLastUsageData {
    pub operation: Option<String>,
    pub timestamp: Option<WireTime>,
    /// `eventID` of the operation's record.
    pub cloud_trail_event_id: Option<String>,
    pub kms_request_id: Option<String>,
}
