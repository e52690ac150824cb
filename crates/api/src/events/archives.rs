//! Shapes of archives and replays

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{buses::is_key_identifier, is_name};
use crate::WireTime;

/// `arn:aws:events:us-east-1:111122223333:event-bus/default`
fn is_source_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (arn, partition, service, region, account, resource) =
        (next(), next(), next(), next(), next(), next());
    let is_region = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let is_account =
        account.is_empty() || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
    let steps = resource.split_once('/').is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty());
    arn == "arn" && partition.starts_with("aws") && service == "events" && is_region && is_account && steps
}

fn is_one_line(text: &str) -> bool {
    !text.contains('\n')
}

crate::wire_enum! {
    pub enum ArchiveState {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
        Creating = "CREATING",
        Updating = "UPDATING",
        CreateFailed = "CREATE_FAILED",
        UpdateFailed = "UPDATE_FAILED",
    }
}

crate::wire_enum! {
    pub enum ReplayState {
        Starting = "STARTING",
        Running = "RUNNING",
        Cancelling = "CANCELLING",
        Completed = "COMPLETED",
        Cancelled = "CANCELLED",
        Failed = "FAILED",
    }
}

crate::shape! {
    pub struct CreateArchiveRequest: Pascal {
        archive_name: String [len 1..=48] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        event_source_arn: String [len 1..=1600] [pattern is_source_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+$"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        event_pattern: Option<String> [len 0..=4096],
        retention_days: Option<i32> [range 0..=i64::MAX],
        kms_key_identifier: Option<String> [len 0..=2048] [pattern is_key_identifier, r"^[a-zA-Z0-9_\-/:]*$"],
    }
}

crate::shape! {
    pub struct UpdateArchiveRequest: Pascal {
        archive_name: String [len 1..=48] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        event_pattern: Option<String> [len 0..=4096],
        retention_days: Option<i32> [range 0..=i64::MAX],
        kms_key_identifier: Option<String> [len 0..=2048] [pattern is_key_identifier, r"^[a-zA-Z0-9_\-/:]*$"],
    }
}

/// The answer of CreateArchive and UpdateArchive.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ArchiveResponse {
    pub archive_arn: String,
    pub state: ArchiveState,
    pub creation_time: WireTime,
}

/// Requests that name one archive.
macro_rules! archive_request {
    ($($name:ident),*) => { $(
        crate::shape! {
            pub struct $name: Pascal {
                archive_name: String [len 1..=48] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
            }
        }
    )* };
}
archive_request!(DeleteArchiveRequest, DescribeArchiveRequest);

/// The answer of DeleteArchive, which has no members.
#[derive(Debug, Serialize)]
pub struct DeleteArchiveResponse {}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeArchiveResponse {
    pub archive_arn: String,
    pub archive_name: String,
    pub event_source_arn: String,
    pub description: Option<String>,
    pub event_pattern: Option<String>,
    pub state: ArchiveState,
    /// 0 means for ever.
    pub retention_days: i32,
    pub size_bytes: u64,
    pub event_count: u64,
    pub creation_time: WireTime,
}

crate::shape! {
    pub struct ListArchivesRequest: Pascal {
        name_prefix: Option<String> [len 1..=48] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        event_source_arn: Option<String> [len 1..=1600] [pattern is_source_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+$"],
        state: Option<ArchiveState>,
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Archive {
    pub archive_name: String,
    pub event_source_arn: String,
    pub state: ArchiveState,
    pub retention_days: i32,
    pub size_bytes: u64,
    pub event_count: u64,
    pub creation_time: WireTime,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListArchivesResponse {
    pub archives: Vec<Archive>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct ReplayDestination: Pascal {
        arn: String [len 1..=1600],
        filter_arns: Option<Vec<String>> [each 1..=1600],
    }
}

/// Where a replay goes, as it is shown and stored.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownDestination {
    /// A bus.
    pub arn: String,
    /// Rules; all of the bus where absent.
    pub filter_arns: Option<Vec<String>>,
}

crate::shape! {
    pub struct StartReplayRequest: Pascal {
        replay_name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        event_source_arn: String [len 1..=1600] [pattern is_source_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+$"],
        event_start_time: WireTime,
        event_end_time: WireTime,
        destination: ReplayDestination,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StartReplayResponse {
    pub replay_arn: String,
    pub state: ReplayState,
    pub replay_start_time: WireTime,
}

/// Requests that name one replay.
macro_rules! replay_request {
    ($($name:ident),*) => { $(
        crate::shape! {
            pub struct $name: Pascal {
                replay_name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
            }
        }
    )* };
}
replay_request!(CancelReplayRequest, DescribeReplayRequest);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelReplayResponse {
    pub replay_arn: String,
    pub state: ReplayState,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeReplayResponse {
    pub replay_name: String,
    pub replay_arn: String,
    pub description: Option<String>,
    pub state: ReplayState,
    pub state_reason: Option<String>,
    pub event_source_arn: String,
    pub destination: ShownDestination,
    pub event_start_time: WireTime,
    pub event_end_time: WireTime,
    pub event_last_replayed_time: Option<WireTime>,
    pub replay_start_time: WireTime,
    pub replay_end_time: Option<WireTime>,
}

crate::shape! {
    pub struct ListReplaysRequest: Pascal {
        name_prefix: Option<String> [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        state: Option<ReplayState>,
        event_source_arn: Option<String> [len 1..=1600] [pattern is_source_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+$"],
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Replay {
    pub replay_name: String,
    pub event_source_arn: String,
    pub state: ReplayState,
    pub state_reason: Option<String>,
    pub event_start_time: WireTime,
    pub event_end_time: WireTime,
    pub event_last_replayed_time: Option<WireTime>,
    pub replay_start_time: WireTime,
    pub replay_end_time: Option<WireTime>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListReplaysResponse {
    pub replays: Vec<Replay>,
    pub next_token: Option<String>,
}
