//! AWS CloudTrail: API version 2013-11-01, JSON 1.1, target `CloudTrail_20131101`. All modelled errors are HTTP 400.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{Blob, WireTime};

/// The table of operations.
#[macro_export]
macro_rules! cloudtrail_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* CloudTrailOperation CloudTrail;
            AddTags add_tags Write;
            CancelQuery - Write;
            CreateChannel - Write;
            CreateDashboard - Write;
            CreateEventDataStore - Write;
            CreateTrail create_trail Write;
            DeleteChannel - Write;
            DeleteDashboard - Write;
            DeleteEventDataStore - Write;
            DeleteResourcePolicy - Write;
            DeleteTrail delete_trail Write;
            DeregisterOrganizationDelegatedAdmin - Write;
            DescribeQuery - Read;
            DescribeTrails describe_trails Read;
            DisableFederation - Write;
            EnableFederation - Write;
            GenerateQuery - Write;
            GetChannel - Read;
            GetDashboard - Read;
            GetEventConfiguration - Read;
            GetEventDataStore - Read;
            GetEventSelectors get_event_selectors Read;
            GetImport - Read;
            GetInsightSelectors - Read;
            GetQueryResults - Read;
            GetResourcePolicy - Read;
            GetTrail get_trail Read;
            GetTrailStatus get_trail_status Read;
            ListChannels - Read;
            ListDashboards - Read;
            ListEventDataStores - Read;
            ListImportFailures - Read;
            ListImports - Read;
            ListInsightsData - Read;
            ListInsightsMetricData - Read;
            ListPublicKeys list_public_keys Read;
            ListQueries - Read;
            ListTags list_tags Read;
            ListTrails list_trails Read;
            LookupEvents lookup_events Read;
            PutEventConfiguration - Write;
            PutEventSelectors put_event_selectors Write;
            PutInsightSelectors - Write;
            PutResourcePolicy - Write;
            RegisterOrganizationDelegatedAdmin - Write;
            RemoveTags remove_tags Write;
            RestoreEventDataStore - Write;
            SearchSampleQueries - Read;
            StartDashboardRefresh - Write;
            StartEventDataStoreIngestion - Write;
            StartImport - Write;
            StartLogging start_logging Write;
            StartQuery - Write;
            StopEventDataStoreIngestion - Write;
            StopImport - Write;
            StopLogging stop_logging Write;
            UpdateChannel - Write;
            UpdateDashboard - Write;
            UpdateEventDataStore - Write;
            UpdateTrail update_trail Write;
        }
    };
}

crate::cloudtrail_operations!(crate::define_operations);

crate::wire_enum! {
    /// What `LookupEvents` can ask for.
    pub enum LookupAttributeKey {
        EventId = "EventId",
        EventName = "EventName",
        ReadOnly = "ReadOnly",
        Username = "Username",
        ResourceType = "ResourceType",
        ResourceName = "ResourceName",
        EventSource = "EventSource",
        AccessKeyId = "AccessKeyId",
    }
}

crate::shape! {
    pub struct LookupAttribute: Pascal {
        attribute_key: LookupAttributeKey,
        attribute_value: String [len 1..=2000],
    }
}

crate::shape! {
    pub struct LookupEventsRequest: Pascal {
        lookup_attributes: Option<Vec<LookupAttribute>>,
        start_time: Option<WireTime>,
        end_time: Option<WireTime>,
        event_category: Option<String>,
        max_results: Option<i32>,
        next_token: Option<String>,
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupEventsResponse {
    pub events: Vec<Event>,
    pub next_token: Option<String>,
}

/// An event of the history; `CloudTrailEvent` is the whole record as text.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    pub event_id: String,
    pub event_name: String,
    /// `"true"` or `"false"`
    pub read_only: String,
    pub access_key_id: Option<String>,
    pub event_time: WireTime,
    pub event_source: String,
    pub username: Option<String>,
    pub resources: Vec<EventResource>,
    pub cloud_trail_event: String,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventResource {
    pub resource_type: Option<String>,
    pub resource_name: Option<String>,
}

crate::shape! {
    pub struct Tag: Pascal { key: String [len 1..=128], value: Option<String> [len 1..=256] }
}

crate::shape! {
    pub struct CreateTrailRequest: Pascal {
        name: String,
        s3_bucket_name: String,
        s3_key_prefix: Option<String>,
        sns_topic_name: Option<String>,
        include_global_service_events: Option<bool>,
        is_multi_region_trail: Option<bool>,
        enable_log_file_validation: Option<bool>,
        cloud_watch_logs_log_group_arn: Option<String>,
        cloud_watch_logs_role_arn: Option<String>,
        kms_key_id: Option<String>,
        is_organization_trail: Option<bool>,
        tags_list: Option<Vec<Tag>> [len 0..=200],
    }
}

crate::shape! {
    pub struct UpdateTrailRequest: Pascal {
        name: String,
        s3_bucket_name: Option<String>,
        s3_key_prefix: Option<String>,
        sns_topic_name: Option<String>,
        include_global_service_events: Option<bool>,
        is_multi_region_trail: Option<bool>,
        enable_log_file_validation: Option<bool>,
        cloud_watch_logs_log_group_arn: Option<String>,
        cloud_watch_logs_role_arn: Option<String>,
        kms_key_id: Option<String>,
        is_organization_trail: Option<bool>,
    }
}

/// The answer of `CreateTrail` and `UpdateTrail`.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrailSettings {
    pub name: String,
    pub s3_bucket_name: String,
    pub s3_key_prefix: Option<String>,
    pub sns_topic_name: Option<String>,
    #[serde(rename = "SnsTopicARN")]
    pub sns_topic_arn: Option<String>,
    pub include_global_service_events: bool,
    pub is_multi_region_trail: bool,
    #[serde(rename = "TrailARN")]
    pub trail_arn: String,
    pub log_file_validation_enabled: bool,
    pub cloud_watch_logs_log_group_arn: Option<String>,
    pub cloud_watch_logs_role_arn: Option<String>,
    pub kms_key_id: Option<String>,
    pub is_organization_trail: bool,
}

/// A trail as `DescribeTrails` and `GetTrail` show it.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrailDescription {
    pub name: String,
    pub s3_bucket_name: String,
    pub s3_key_prefix: Option<String>,
    pub sns_topic_name: Option<String>,
    #[serde(rename = "SnsTopicARN")]
    pub sns_topic_arn: Option<String>,
    pub include_global_service_events: bool,
    pub is_multi_region_trail: bool,
    pub home_region: String,
    #[serde(rename = "TrailARN")]
    pub trail_arn: String,
    pub log_file_validation_enabled: bool,
    pub cloud_watch_logs_log_group_arn: Option<String>,
    pub cloud_watch_logs_role_arn: Option<String>,
    pub kms_key_id: Option<String>,
    pub has_custom_event_selectors: bool,
    pub has_insight_selectors: bool,
    pub is_organization_trail: bool,
}

crate::shape! {
    /// `DeleteTrail`, `GetTrail`, `GetTrailStatus`, `StartLogging`, `StopLogging`: a name or an ARN.
    pub struct TrailNameRequest: Pascal { name: String }
}

crate::shape! {
    pub struct DescribeTrailsRequest: Camel {
        trail_name_list: Option<Vec<String>>,
        include_shadow_trails: Option<bool>,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTrailsResponse {
    pub trail_list: Vec<TrailDescription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetTrailResponse {
    pub trail: TrailDescription,
}

crate::shape! {
    pub struct ListTrailsRequest: Pascal { next_token: Option<String> }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTrailsResponse {
    pub trails: Vec<TrailInfo>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrailInfo {
    #[serde(rename = "TrailARN")]
    pub trail_arn: String,
    pub name: String,
    pub home_region: String,
}

#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetTrailStatusResponse {
    pub is_logging: bool,
    pub latest_delivery_error: Option<String>,
    pub latest_delivery_time: Option<WireTime>,
    pub start_logging_time: Option<WireTime>,
    pub stop_logging_time: Option<WireTime>,
    pub latest_notification_time: Option<WireTime>,
    pub latest_digest_delivery_time: Option<WireTime>,
    pub latest_digest_delivery_error: Option<String>,
    pub latest_cloud_watch_logs_delivery_time: Option<WireTime>,
}

crate::wire_enum! {
    pub enum ReadWriteType { ReadOnly = "ReadOnly", WriteOnly = "WriteOnly", All = "All" }
}

crate::shape! {
    /// Resources whose data events a trail records.
    pub struct DataResource: Pascal {
        #[serde(rename = "Type")]
        kind: Option<String>,
        values: Option<Vec<String>>,
    }
}

crate::shape! {
    pub struct EventSelector: Pascal {
        read_write_type: Option<ReadWriteType>,
        include_management_events: Option<bool>,
        data_resources: Option<Vec<DataResource>>,
        exclude_management_event_sources: Option<Vec<String>>,
    }
}

crate::shape! {
    /// What an advanced selector asks of one field.
    pub struct AdvancedFieldSelector: Pascal {
        field: String [len 1..=1000] [pattern is_selector_field, "[\\w|\\d|\\.|_]+"],
        equals: Option<Vec<String>> [len 1..=usize::MAX] [each 1..=2048, is_one_line, ".+"],
        starts_with: Option<Vec<String>> [len 1..=usize::MAX] [each 1..=2048, is_one_line, ".+"],
        ends_with: Option<Vec<String>> [len 1..=usize::MAX] [each 1..=2048, is_one_line, ".+"],
        not_equals: Option<Vec<String>> [len 1..=usize::MAX] [each 1..=2048, is_one_line, ".+"],
        not_starts_with: Option<Vec<String>> [len 1..=usize::MAX] [each 1..=2048, is_one_line, ".+"],
        not_ends_with: Option<Vec<String>> [len 1..=usize::MAX] [each 1..=2048, is_one_line, ".+"],
    }
}

crate::shape! {
    pub struct AdvancedEventSelector: Pascal {
        name: Option<String> [len 0..=1000] [pattern is_one_line, ".*"],
        field_selectors: Vec<AdvancedFieldSelector> [len 1..=usize::MAX],
    }
}

/// A dot of a pattern stands for all but line ends.
fn is_one_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

fn is_selector_field(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.|".contains(c))
}

crate::shape! {
    pub struct PutEventSelectorsRequest: Pascal {
        trail_name: String,
        event_selectors: Option<Vec<EventSelector>>,
        advanced_event_selectors: Option<Vec<AdvancedEventSelector>>,
    }
}

crate::shape! {
    pub struct ListPublicKeysRequest: Pascal {
        start_time: Option<WireTime>,
        end_time: Option<WireTime>,
        next_token: Option<String>,
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPublicKeysResponse {
    pub public_key_list: Vec<PublicKey>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublicKey {
    /// `RSAPublicKey` of PKCS#1 in DER.
    pub value: Blob,
    pub validity_start_time: WireTime,
    pub validity_end_time: WireTime,
    /// MD5 of `value` in hexadecimal.
    pub fingerprint: String,
}

crate::shape! {
    pub struct GetEventSelectorsRequest: Pascal { trail_name: String }
}

/// Basic or advanced selectors.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventSelectorsResponse {
    #[serde(rename = "TrailARN")]
    pub trail_arn: String,
    pub event_selectors: Option<Vec<EventSelectorShown>>,
    pub advanced_event_selectors: Option<Vec<AdvancedEventSelectorShown>>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdvancedEventSelectorShown {
    pub name: Option<String>,
    pub field_selectors: Vec<AdvancedFieldSelectorShown>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdvancedFieldSelectorShown {
    pub field: String,
    pub equals: Option<Vec<String>>,
    pub starts_with: Option<Vec<String>>,
    pub ends_with: Option<Vec<String>>,
    pub not_equals: Option<Vec<String>>,
    pub not_starts_with: Option<Vec<String>>,
    pub not_ends_with: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventSelectorShown {
    pub read_write_type: ReadWriteType,
    pub include_management_events: bool,
    pub data_resources: Vec<()>,
    pub exclude_management_event_sources: Vec<String>,
}

crate::shape! {
    pub struct AddTagsRequest: Pascal { resource_id: String, tags_list: Vec<Tag> [len 0..=200] }
}

crate::shape! {
    pub struct RemoveTagsRequest: Pascal { resource_id: String, tags_list: Vec<Tag> [len 0..=200] }
}

crate::shape! {
    pub struct ListTagsRequest: Pascal { resource_id_list: Vec<String>, next_token: Option<String> }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsResponse {
    pub resource_tag_list: Vec<ResourceTag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceTag {
    pub resource_id: String,
    pub tags_list: Vec<TagShown>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagShown {
    pub key: String,
    pub value: Option<String>,
}
