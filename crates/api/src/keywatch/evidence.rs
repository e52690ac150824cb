//! Shapes of the questions about one key: who uses it, what speaks for and against deleting it, and what a dashboard of it shows.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::WireTime;

crate::shape! {
    /// Makes a dashboard of KMS, of the metrics that exist.
    pub struct GetAutomaticDashboardRequest: Pascal {
        /// An id, an ARN of any account, or an alias; without it the dashboard is of the account and Region.
        key_id: Option<String> [len 1..=2048],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAutomaticDashboardResponse {
    pub key_arn: Option<String>,
    /// As `PutDashboard` takes it.
    pub dashboard_body: String,
}

crate::shape! {
    /// Counts the uses of a key that the caller's account has records of.
    pub struct GetKeyUsageRequest: Pascal {
        /// An id, an ARN of any account, or an alias.
        key_id: String [len 1..=2048],
        start_time: Option<WireTime>,
        end_time: Option<WireTime>,
        /// Counts calls that manage the key as well.
        include_management: Option<bool>,
        max_results: Option<i32> [range 1..=1000],
        next_token: Option<String> [len 1..=4096],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyUsageResponse {
    pub key_arn: String,
    pub calls: u64,
    pub failed_calls: u64,
    pub first_use: Option<WireTime>,
    pub last_use: Option<WireTime>,
    /// Names of the encryption context, of all calls together.
    pub encryption_context_keys: Vec<String>,
    /// One page of the rows, those of the newest day first.
    pub usage: Vec<UsageRow>,
    /// Whether addresses and agents were left out of rows because there are too many of them.
    pub folded: bool,
    pub next_token: Option<String>,
}

/// The calls of one day that agree in everything shown.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsageRow {
    /// `2026-01-31`, UTC.
    pub day: String,
    pub principal: String,
    pub operation: String,
    /// `Success`, or the error code.
    pub outcome: String,
    #[serde(rename = "SourceIPAddress")]
    pub source_ip_address: String,
    pub user_agent: String,
    pub calls: u64,
    pub first_use: WireTime,
    pub last_use: WireTime,
    pub encryption_context_keys: Vec<String>,
}

crate::shape! {
    /// Gathers what speaks for and against deleting a key.
    pub struct GetDeletionReadinessRequest: Pascal {
        /// An id, an ARN of any account, or an alias.
        key_id: String [len 1..=2048],
    }
}

crate::wire_enum! {
    /// What the records say. None of these says that nothing is lost with the key.
    pub enum Verdict {
        InUse = "IN_USE",
        UsedLately = "USED_LATELY",
        NoUseSeen = "NO_USE_SEEN",
        BeingWatched = "BEING_WATCHED",
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeletionReadiness {
    pub key_arn: String,
    pub verdict: Verdict,
    /// With `NO_USE_SEEN`.
    pub no_use_seen_since: Option<WireTime>,
    /// The verdict in words, with what it rests on.
    pub explanation: String,
    /// From when on a use would be in the records; absent when nothing is known of the key.
    pub watched_since: Option<WireTime>,
    pub watched_until: Option<WireTime>,
    /// Absent for keys that are not kept here.
    pub key_state: Option<String>,
    pub deletion_date: Option<WireTime>,
    pub last_use: Option<LastUse>,
    /// Who asked for a use within 90 days, the latest first; at most 100 of [`user_count`](Self::user_count).
    pub users: Vec<KeyUser>,
    pub user_count: u64,
    /// Calls within 90 days that were refused because of the state the key was in.
    pub refused_by_state: u64,
    /// Data keys and data key pairs that were issued under the key: what they encrypted elsewhere needs the key too.
    pub data_keys_issued: u64,
    pub aliases: Vec<String>,
    /// ARNs of the other keys of its multi-Region family.
    pub related_keys: Vec<String>,
    /// At most 100 of [`grant_count`](Self::grant_count).
    pub grants: Vec<GrantEvidence>,
    pub grant_count: u64,
    /// Whom the key policy allows something.
    pub policy_principals: Vec<String>,
}

/// The last successful use.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LastUse {
    pub time: WireTime,
    pub operation: String,
    pub principal: String,
    pub event_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyUser {
    pub principal: String,
    pub calls: u64,
    pub failed_calls: u64,
    pub last_use: WireTime,
    pub operations: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantEvidence {
    pub grant_id: String,
    pub grantee_principal: String,
    pub operations: Vec<String>,
}
