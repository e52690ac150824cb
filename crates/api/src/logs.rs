//! Amazon CloudWatch Logs: API version 2014-03-28, JSON 1.1, target `Logs_20140328`. Times are milliseconds since the epoch.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Number;
use crate::iam::is_tag_text;

/// The table of operations, as in botocore 1.43's model.
#[macro_export]
macro_rules! logs_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* LogsOperation Logs;
            AssociateKmsKey - Write;
            AssociateSourceToS3TableIntegration - Write;
            CancelExportTask - Write;
            CancelImportTask - Write;
            CreateDelivery - Write;
            CreateExportTask - Write;
            CreateImportTask - Write;
            CreateLogAnomalyDetector - Write;
            CreateLogGroup create_log_group Write;
            CreateLogStream create_log_stream Write;
            CreateLookupTable - Write;
            CreateScheduledQuery - Write;
            DeleteAccountPolicy - Write;
            DeleteDataProtectionPolicy - Write;
            DeleteDelivery - Write;
            DeleteDeliveryDestination - Write;
            DeleteDeliveryDestinationPolicy - Write;
            DeleteDeliverySource - Write;
            DeleteDestination - Write;
            DeleteIndexPolicy - Write;
            DeleteIntegration - Write;
            DeleteLogAnomalyDetector - Write;
            DeleteLogGroup delete_log_group Write;
            DeleteLogStream delete_log_stream Write;
            DeleteLookupTable - Write;
            DeleteMetricFilter delete_metric_filter Write;
            DeleteQueryDefinition - Write;
            DeleteResourcePolicy - Write;
            DeleteRetentionPolicy delete_retention_policy Write;
            DeleteScheduledQuery - Write;
            DeleteSubscriptionFilter - Write;
            DeleteTransformer - Write;
            DescribeAccountPolicies - Read;
            DescribeConfigurationTemplates - Read;
            DescribeDeliveries - Read;
            DescribeDeliveryDestinations - Read;
            DescribeDeliverySources - Read;
            DescribeDestinations - Read;
            DescribeExportTasks - Read;
            DescribeFieldIndexes - Read;
            DescribeImportTaskBatches - Read;
            DescribeImportTasks - Read;
            DescribeIndexPolicies - Read;
            DescribeLogGroups describe_log_groups Read;
            DescribeLogStreams describe_log_streams Read;
            DescribeLookupTables - Read;
            DescribeMetricFilters describe_metric_filters Read;
            DescribeQueries - Read;
            DescribeQueryDefinitions - Read;
            DescribeResourcePolicies - Read;
            DescribeSubscriptionFilters - Read;
            DisassociateKmsKey - Write;
            DisassociateSourceFromS3TableIntegration - Write;
            FilterLogEvents filter_log_events Read;
            GetDataProtectionPolicy - Read;
            GetDelivery - Read;
            GetDeliveryDestination - Read;
            GetDeliveryDestinationPolicy - Read;
            GetDeliverySource - Read;
            GetIntegration - Read;
            GetLogAnomalyDetector - Read;
            GetLogEvents get_log_events Read;
            GetLogFields - Read;
            GetLogGroupFields - Read;
            GetLogObject - Read;
            GetLogRecord - Read;
            GetLookupTable - Read;
            GetQueryResults - Read;
            GetScheduledQuery - Read;
            GetScheduledQueryHistory - Read;
            GetTransformer - Read;
            ListAggregateLogGroupSummaries - Read;
            ListAnomalies - Read;
            ListIntegrations - Read;
            ListLogAnomalyDetectors - Read;
            ListLogGroups - Read;
            ListLogGroupsForQuery - Read;
            ListScheduledQueries - Read;
            ListSourcesForS3TableIntegration - Read;
            ListTagsForResource list_tags_for_resource Read;
            ListTagsLogGroup list_tags_log_group Read;
            PutAccountPolicy - Write;
            PutBearerTokenAuthentication - Write;
            PutDataProtectionPolicy - Write;
            PutDeliveryDestination - Write;
            PutDeliveryDestinationPolicy - Write;
            PutDeliverySource - Write;
            PutDestination - Write;
            PutDestinationPolicy - Write;
            PutIndexPolicy - Write;
            PutIntegration - Write;
            PutLogEvents put_log_events Write;
            PutLogGroupDeletionProtection - Write;
            PutMetricFilter put_metric_filter Write;
            PutQueryDefinition - Write;
            PutResourcePolicy - Write;
            PutRetentionPolicy put_retention_policy Write;
            PutSubscriptionFilter - Write;
            PutTransformer - Write;
            StartLiveTail - Read;
            StartQuery - Read;
            StopQuery - Write;
            TagLogGroup tag_log_group Write;
            TagResource tag_resource Write;
            TestMetricFilter test_metric_filter Read;
            TestTransformer - Read;
            UntagLogGroup untag_log_group Write;
            UntagResource untag_resource Write;
            UpdateAnomaly - Write;
            UpdateDeliveryConfiguration - Write;
            UpdateLogAnomalyDetector - Write;
            UpdateLookupTable - Write;
            UpdateScheduledQuery - Write;
        }
    };
}

crate::logs_operations!(crate::define_operations);

/// Longest name of a group or a stream, in characters.
pub const NAME_CHARS_MAX: usize = 512;
/// Page size of the Describe operations, and their default.
pub const DESCRIBE_PAGE_MAX: i32 = 50;
/// Page size of GetLogEvents and FilterLogEvents, and their default.
pub const EVENTS_PAGE_MAX: i32 = 10_000;

fn is_group_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/#".contains(&b))
}

fn is_group_part(text: &str) -> bool {
    text.is_empty() || is_group_name(text)
}

fn is_stream_name(text: &str) -> bool {
    !text.contains([':', '*'])
}

/// The name or the ARN of a log group.
fn is_identifier(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_#+=/:,.@-".contains(&b))
}

fn is_arn_text(text: &str) -> bool {
    is_identifier(text) && !text.contains('#')
}

fn is_metric_name(text: &str) -> bool {
    !text.contains([':', '*', '$'])
}

crate::wire_enum! {
    pub enum LogGroupClass { Standard = "STANDARD", InfrequentAccess = "INFREQUENT_ACCESS", Delivery = "DELIVERY" }
}

crate::wire_enum! {
    pub enum OrderBy { LogStreamName = "LogStreamName", LastEventTime = "LastEventTime" }
}

crate::wire_enum! {
    pub enum StandardUnit {
        Seconds = "Seconds",
        Microseconds = "Microseconds",
        Milliseconds = "Milliseconds",
        Bytes = "Bytes",
        Kilobytes = "Kilobytes",
        Megabytes = "Megabytes",
        Gigabytes = "Gigabytes",
        Terabytes = "Terabytes",
        Bits = "Bits",
        Kilobits = "Kilobits",
        Megabits = "Megabits",
        Gigabits = "Gigabits",
        Terabits = "Terabits",
        Percent = "Percent",
        Count = "Count",
        BytesPerSecond = "Bytes/Second",
        KilobytesPerSecond = "Kilobytes/Second",
        MegabytesPerSecond = "Megabytes/Second",
        GigabytesPerSecond = "Gigabytes/Second",
        TerabytesPerSecond = "Terabytes/Second",
        BitsPerSecond = "Bits/Second",
        KilobitsPerSecond = "Kilobits/Second",
        MegabitsPerSecond = "Megabits/Second",
        GigabitsPerSecond = "Gigabits/Second",
        TerabitsPerSecond = "Terabits/Second",
        CountPerSecond = "Count/Second",
        None = "None",
    }
}

crate::shape! {
    pub struct CreateLogGroupRequest: Camel {
        log_group_name: String [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        kms_key_id: Option<String> [len 0..=256],
        tags: Option<BTreeMap<String, String>> [len 1..=50] [keys 1..=128, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"] [each 0..=256, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"],
        log_group_class: Option<LogGroupClass>,
        deletion_protection_enabled: Option<bool>,
    }
}

crate::shape! {
    pub struct DeleteLogGroupRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
    }
}

crate::shape! {
    pub struct DescribeLogGroupsRequest: Camel {
        log_group_name_prefix: Option<String> [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_group_name_pattern: Option<String> [len 0..=512] [pattern is_group_part, "[\\.\\-_/#A-Za-z0-9]*"],
        log_group_class: Option<LogGroupClass>,
        log_group_identifiers: Option<Vec<String>> [len 1..=50] [each 1..=2048, is_identifier, r"[\w#+=/:,.@-]*"],
        next_token: Option<String> [len 1..=usize::MAX],
        limit: Option<i32> [range 1..=50],
    }
}

/// One group as DescribeLogGroups shows it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    pub log_group_name: String,
    pub creation_time: i64,
    pub retention_in_days: Option<i32>,
    pub metric_filter_count: i32,
    /// With `:*` at the end.
    pub arn: String,
    pub stored_bytes: i64,
    pub kms_key_id: Option<String>,
    pub log_group_class: LogGroupClass,
    /// Without `:*`.
    pub log_group_arn: String,
    pub deletion_protection_enabled: bool,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeLogGroupsResponse {
    pub log_groups: Vec<LogGroup>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct CreateLogStreamRequest: Camel {
        log_group_name: String [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_stream_name: String [len 1..=usize::MAX] [pattern is_stream_name, "[^:*]*"],
    }
}

crate::shape! {
    pub struct DeleteLogStreamRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_stream_name: String [len 1..=512] [pattern is_stream_name, "[^:*]*"],
    }
}

crate::shape! {
    pub struct DescribeLogStreamsRequest: Camel {
        log_group_name: Option<String> [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_group_identifier: Option<String> [len 1..=2048] [pattern is_identifier, r"[\w#+=/:,.@-]*"],
        log_stream_name_prefix: Option<String> [len 1..=512] [pattern is_stream_name, "[^:*]*"],
        order_by: Option<OrderBy>,
        descending: Option<bool>,
        next_token: Option<String> [len 1..=usize::MAX],
        limit: Option<i32> [range 1..=50],
    }
}

/// One stream as DescribeLogStreams shows it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogStream {
    pub log_stream_name: String,
    pub creation_time: i64,
    pub first_event_timestamp: Option<i64>,
    pub last_event_timestamp: Option<i64>,
    pub last_ingestion_time: Option<i64>,
    pub upload_sequence_token: Option<String>,
    pub arn: String,
    /// Always 0, as on AWS since 2019.
    pub stored_bytes: i64,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeLogStreamsResponse {
    pub log_streams: Vec<LogStream>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct InputLogEvent: Camel {
        timestamp: i64 [range 0..=i64::MAX],
        message: String [len 1..=usize::MAX],
    }
}

crate::shape! {
    pub struct PutLogEventsRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_stream_name: String [len 1..=512] [pattern is_stream_name, "[^:*]*"],
        log_events: Vec<InputLogEvent> [len 1..=10_000],
        sequence_token: Option<String> [len 1..=usize::MAX],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PutLogEventsResponse {
    pub next_sequence_token: String,
    pub rejected_log_events_info: Option<RejectedLogEventsInfo>,
}

/// Which events of a put were not taken.
#[skip_serializing_none]
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedLogEventsInfo {
    /// The first event that is too new; so are all after it.
    pub too_new_log_event_start_index: Option<usize>,
    /// Behind the last event that is too old.
    pub too_old_log_event_end_index: Option<usize>,
    /// Behind the last event older than the group's retention.
    pub expired_log_event_end_index: Option<usize>,
}

crate::shape! {
    pub struct GetLogEventsRequest: Camel {
        log_group_name: Option<String> [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_group_identifier: Option<String> [len 1..=2048] [pattern is_identifier, r"[\w#+=/:,.@-]*"],
        log_stream_name: String [len 1..=512] [pattern is_stream_name, "[^:*]*"],
        start_time: Option<i64> [range 0..=i64::MAX],
        end_time: Option<i64> [range 0..=i64::MAX],
        next_token: Option<String> [len 1..=usize::MAX],
        limit: Option<i32> [range 1..=10_000],
        start_from_head: Option<bool>,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputLogEvent {
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetLogEventsResponse {
    pub events: Vec<OutputLogEvent>,
    pub next_forward_token: String,
    pub next_backward_token: String,
}

crate::shape! {
    pub struct FilterLogEventsRequest: Camel {
        log_group_name: Option<String> [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        log_group_identifier: Option<String> [len 1..=2048] [pattern is_identifier, r"[\w#+=/:,.@-]*"],
        log_stream_names: Option<Vec<String>> [len 1..=100] [each 1..=512, is_stream_name, "[^:*]*"],
        log_stream_name_prefix: Option<String> [len 1..=512] [pattern is_stream_name, "[^:*]*"],
        start_time: Option<i64> [range 0..=i64::MAX],
        end_time: Option<i64> [range 0..=i64::MAX],
        filter_pattern: Option<String> [len 0..=1024],
        next_token: Option<String> [len 1..=usize::MAX],
        limit: Option<i32> [range 1..=10_000],
        interleaved: Option<bool>,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilteredLogEvent {
    pub log_stream_name: String,
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
    pub event_id: String,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilterLogEventsResponse {
    pub events: Vec<FilteredLogEvent>,
    /// Empty, as on AWS since 2021.
    pub searched_log_streams: [(); 0],
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct MetricTransformation: Camel {
        metric_name: String [len 0..=255] [pattern is_metric_name, "[^:*$]*"],
        metric_namespace: String [len 0..=255] [pattern is_metric_name, "[^:*$]*"],
        metric_value: String [len 0..=100],
        default_value: Option<Number>,
        dimensions: Option<BTreeMap<String, String>> [keys 0..=255] [each 0..=255],
        unit: Option<StandardUnit>,
    }
}

crate::shape! {
    pub struct PutMetricFilterRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        filter_name: String [len 1..=512] [pattern is_stream_name, "[^:*]*"],
        filter_pattern: String [len 0..=1024],
        /// Exactly one; the handler checks it, because AWS prints the list in a notation of its own.
        metric_transformations: Vec<MetricTransformation>,
        apply_on_transformed_logs: Option<bool>,
        field_selection_criteria: Option<String> [len 0..=2000],
        emit_system_field_dimensions: Option<Vec<String>>,
    }
}

crate::shape! {
    pub struct DeleteMetricFilterRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        filter_name: String [len 1..=512] [pattern is_stream_name, "[^:*]*"],
    }
}

crate::shape! {
    pub struct DescribeMetricFiltersRequest: Camel {
        log_group_name: Option<String> [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        filter_name_prefix: Option<String> [len 1..=512] [pattern is_stream_name, "[^:*]*"],
        next_token: Option<String> [len 1..=usize::MAX],
        limit: Option<i32> [range 1..=50],
        metric_name: Option<String> [len 0..=255] [pattern is_metric_name, "[^:*$]*"],
        metric_namespace: Option<String> [len 0..=255] [pattern is_metric_name, "[^:*$]*"],
    }
}

/// A transformation as DescribeMetricFilters shows it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownTransformation {
    pub metric_name: String,
    pub metric_namespace: String,
    pub metric_value: String,
    pub default_value: Option<f64>,
    pub dimensions: Option<BTreeMap<String, String>>,
    pub unit: Option<StandardUnit>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricFilter {
    pub filter_name: String,
    pub filter_pattern: String,
    pub metric_transformations: Vec<ShownTransformation>,
    pub creation_time: i64,
    pub log_group_name: String,
    pub apply_on_transformed_logs: bool,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeMetricFiltersResponse {
    pub metric_filters: Vec<MetricFilter>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct TestMetricFilterRequest: Camel {
        filter_pattern: String [len 0..=1024],
        log_event_messages: Vec<String> [len 1..=50] [each 1..=usize::MAX],
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricFilterMatchRecord {
    /// From 1.
    pub event_number: usize,
    pub event_message: String,
    pub extracted_values: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestMetricFilterResponse {
    pub matches: Vec<MetricFilterMatchRecord>,
}

crate::shape! {
    pub struct PutRetentionPolicyRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        retention_in_days: i32,
    }
}

crate::shape! {
    pub struct DeleteRetentionPolicyRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
    }
}

crate::shape! {
    pub struct TagResourceRequest: Camel {
        resource_arn: String [len 1..=1011] [pattern is_arn_text, r"[\w+=/:,.@-]*"],
        tags: BTreeMap<String, String> [len 1..=50] [keys 1..=128, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"] [each 0..=256, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"],
    }
}

crate::shape! {
    pub struct UntagResourceRequest: Camel {
        resource_arn: String [len 1..=1011] [pattern is_arn_text, r"[\w+=/:,.@-]*"],
        tag_keys: Vec<String> [len 0..=50] [each 1..=128, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"],
    }
}

crate::shape! {
    pub struct ListTagsForResourceRequest: Camel {
        resource_arn: String [len 1..=1011] [pattern is_arn_text, r"[\w+=/:,.@-]*"],
    }
}

crate::shape! {
    pub struct TagLogGroupRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        tags: BTreeMap<String, String> [len 1..=50] [keys 1..=128, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"] [each 0..=256, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"],
    }
}

crate::shape! {
    pub struct UntagLogGroupRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
        tags: Vec<String> [len 1..=usize::MAX] [each 1..=128, is_tag_text, r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"],
    }
}

crate::shape! {
    pub struct ListTagsLogGroupRequest: Camel {
        log_group_name: String [len 1..=512] [pattern is_group_name, "[\\.\\-_/#A-Za-z0-9]+"],
    }
}

#[derive(Debug, Serialize)]
pub struct TagsResponse {
    pub tags: BTreeMap<String, String>,
}
