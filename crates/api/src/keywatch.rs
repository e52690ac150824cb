//! Our own service, for what AWS has no operation: JSON 1.1, target `Keywatch_20261101`, signed like the rest.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{Blob, WireTime};

mod evidence;
mod import_source;

pub use evidence::{
    DeletionReadiness, GetAutomaticDashboardRequest, GetAutomaticDashboardResponse,
    GetDeletionReadinessRequest, GetKeyUsageRequest, GetKeyUsageResponse, GrantEvidence, KeyUser, LastUse,
    UsageRow, Verdict,
};
pub use import_source::{
    CreateImportSourceRequest, CreateImportSourceResponse, DeleteImportSourceRequest,
    DescribeImportSourcesRequest, DescribeImportSourcesResponse, DigestVerdicts, ImportCursor, ImportFinding,
    ImportSourceDescription, ImportedPlace, LOOK_BACK_SECONDS_DEFAULT, POLL_SECONDS_DEFAULT, PollProgress,
};

/// The table of operations.
#[macro_export]
macro_rules! keywatch_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* KeywatchOperation Keywatch;
            AdvanceClock advance_clock Write;
            CreateImportSource create_import_source Write;
            DeleteImportSource delete_import_source Write;
            DescribeClock describe_clock Read;
            DescribeImportSources describe_import_sources Read;
            DescribeImports describe_imports Read;
            GetAutomaticDashboard get_automatic_dashboard Read;
            GetDeletionReadiness get_deletion_readiness Read;
            GetKeyUsage get_key_usage Read;
            ImportTrail import_trail Write;
            ListOutbox list_outbox Read;
            SearchTrail search_trail Read;
        }
    };
}

crate::keywatch_operations!(crate::define_operations);

/// A hundred years.
const ADVANCE_SECONDS_MAX: i64 = 100 * 366 * 86_400;

crate::shape! {
    /// Moves the test clock forward by whole seconds.
    pub struct AdvanceClockRequest: Pascal { seconds: i64 [range 1..=ADVANCE_SECONDS_MAX] }
}

crate::shape! {
    pub struct DescribeClockRequest: Pascal {}
}

/// What the server's clock shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClockReading {
    pub now: WireTime,
    /// Whether it is a test clock, which only `AdvanceClock` moves.
    pub test: bool,
}

crate::shape! {
    /// Takes the records of one CloudTrail log file, plain or gzip, into the caller's event history.
    pub struct ImportTrailRequest: Pascal {
        log_file: Blob,
        /// What the list of imports calls the file.
        name: Option<String> [len 1..=1024],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportTrailResponse {
    /// Absent when nothing new was imported.
    pub import_id: Option<String>,
    pub records: u64,
    pub imported: u64,
    /// Records whose event was imported before or stands twice in the file.
    pub duplicates: u64,
    pub skipped: u64,
    /// What was wrong with the file, in words.
    pub faults: Vec<String>,
}

crate::shape! {
    /// The imports of the caller's account, the newest first.
    pub struct DescribeImportsRequest: Pascal {
        max_results: Option<i32> [range 1..=1000],
        next_token: Option<String> [len 1..=4096],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImportsResponse {
    pub imports: Vec<ImportDescription>,
    pub next_token: Option<String>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportDescription {
    pub import_id: String,
    pub time: WireTime,
    pub name: Option<String>,
    pub principal_arn: String,
    pub records: u64,
    pub imported: u64,
    pub duplicates: u64,
    pub skipped: u64,
    pub faults: Vec<String>,
}

crate::shape! {
    /// Asks for the records that have all of the given attributes, the newest first.
    pub struct SearchTrailRequest: Pascal {
        start_time: Option<WireTime>,
        end_time: Option<WireTime>,
        event_id: Option<String> [len 1..=256],
        event_name: Option<String> [len 1..=256],
        event_source: Option<String> [len 1..=256],
        /// A key's ARN, or the id of a key of the caller's account and Region.
        key_id: Option<String> [len 1..=2048],
        /// The ARN of the caller, or of the role that its session is of.
        principal: Option<String> [len 1..=2048],
        username: Option<String> [len 1..=2000],
        access_key_id: Option<String> [len 1..=128],
        #[serde(rename = "SourceIPAddress")]
        source_ip_address: Option<String> [len 1..=256],
        error_code: Option<String> [len 1..=256],
        read_only: Option<bool>,
        /// Records of every Region of the account.
        all_regions: Option<bool>,
        max_results: Option<i32> [range 1..=500],
        next_token: Option<String> [len 1..=4096],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SearchTrailResponse {
    pub records: Vec<FoundRecord>,
    pub next_token: Option<String>,
}

/// A record, with what it is mostly read for beside it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FoundRecord {
    pub event_id: String,
    pub event_time: WireTime,
    pub event_name: String,
    pub event_source: String,
    pub aws_region: String,
    pub read_only: Option<bool>,
    pub principal: Option<String>,
    pub username: Option<String>,
    pub access_key_id: Option<String>,
    #[serde(rename = "SourceIPAddress")]
    pub source_ip_address: Option<String>,
    pub error_code: Option<String>,
    /// ARNs.
    pub resources: Vec<String>,
    /// Whether it came from another account's log files.
    pub imported: bool,
    /// The record as JSON text.
    pub cloud_trail_event: String,
}
