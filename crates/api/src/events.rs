//! Amazon EventBridge: API version 2015-10-07, JSON 1.1, target `AWSEvents`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::WireTime;

mod archives;
mod buses;
mod connections;
mod destinations;

pub use archives::*;
pub use buses::*;
pub use connections::*;
pub use destinations::*;

/// The table of operations, as in botocore 1.43's model.
#[macro_export]
macro_rules! events_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* EventsOperation Events;
            ActivateEventSource - Write;
            CancelReplay cancel_replay Write;
            CreateApiDestination create_api_destination Write;
            CreateArchive create_archive Write;
            CreateConnection create_connection Write;
            CreateEndpoint - Write;
            CreateEventBus create_event_bus Write;
            CreatePartnerEventSource - Write;
            DeactivateEventSource - Write;
            DeauthorizeConnection deauthorize_connection Write;
            DeleteApiDestination delete_api_destination Write;
            DeleteArchive delete_archive Write;
            DeleteConnection delete_connection Write;
            DeleteEndpoint - Write;
            DeleteEventBus delete_event_bus Write;
            DeletePartnerEventSource - Write;
            DeleteRule delete_rule Write;
            DescribeApiDestination describe_api_destination Read;
            DescribeArchive describe_archive Read;
            DescribeConnection describe_connection Read;
            DescribeEndpoint - Read;
            DescribeEventBus describe_event_bus Read;
            DescribeEventSource - Read;
            DescribePartnerEventSource - Read;
            DescribeReplay describe_replay Read;
            DescribeRule describe_rule Read;
            DisableRule disable_rule Write;
            EnableRule enable_rule Write;
            ListApiDestinations list_api_destinations Read;
            ListArchives list_archives Read;
            ListConnections list_connections Read;
            ListEndpoints - Read;
            ListEventBuses list_event_buses Read;
            ListEventSources - Read;
            ListPartnerEventSourceAccounts - Read;
            ListPartnerEventSources - Read;
            ListReplays list_replays Read;
            ListRuleNamesByTarget list_rule_names_by_target Read;
            ListRules list_rules Read;
            ListTagsForResource list_tags_for_resource Read;
            ListTargetsByRule list_targets_by_rule Read;
            PutEvents put_events Write;
            PutPartnerEvents - Write;
            PutPermission put_permission Write;
            PutRule put_rule Write;
            PutTargets put_targets Write;
            RemovePermission remove_permission Write;
            RemoveTargets remove_targets Write;
            StartReplay start_replay Write;
            TagResource tag_resource Write;
            TestEventPattern test_event_pattern Read;
            UntagResource untag_resource Write;
            UpdateApiDestination update_api_destination Write;
            UpdateArchive update_archive Write;
            UpdateConnection update_connection Write;
            UpdateEndpoint - Write;
            UpdateEventBus update_event_bus Write;
        }
    };
}

crate::events_operations!(crate::define_operations);

/// Page size of the lists, and their default.
pub const PAGE_MAX: i32 = 100;

/// Names of rules and targets.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// The name or the ARN of a bus.
fn is_bus(text: &str) -> bool {
    let name = text
        .strip_prefix("arn:")
        .and_then(|arn| arn.split_once(":event-bus/"))
        .map_or(text, |(_, name)| name);
    is_bus_name(name)
}

fn is_bus_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.-_".contains(&b))
}

/// The name of a variable of an input transformer.
fn is_variable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// The id of a global endpoint: two words and a dot between them.
fn is_endpoint(text: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.split_once('.').is_some_and(|(first, second)| word(first) && word(second))
}

/// More than blanks.
fn is_visible(text: &str) -> bool {
    !text.trim().is_empty()
}

/// The name of an HTTP header.
fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+,-.^_`|~".contains(&b))
}

/// Printable ASCII between blanks.
fn is_header_value(text: &str) -> bool {
    !text.trim_matches('\t').is_empty() && text.bytes().all(|b| b == b'\t' || (0x20..0x7f).contains(&b))
}

fn is_query_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c >= ' ' && c != '\u{7f}')
}

fn is_query_value(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, '\n' | '\r') || (c >= ' ' && c != '\u{7f}'))
}

crate::wire_enum! {
    pub enum RuleState {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
        EnabledWithAllCloudTrailManagementEvents = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    }
}

crate::shape! {
    pub struct Tag: Pascal {
        key: String [len 1..=128],
        value: String [len 0..=256],
    }
}

/// A tag in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownTag {
    pub key: String,
    pub value: String,
}

crate::shape! {
    pub struct PutRuleRequest: Pascal {
        name: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        schedule_expression: Option<String> [len 0..=256],
        event_pattern: Option<String> [len 0..=4096],
        state: Option<RuleState>,
        description: Option<String> [len 0..=512],
        role_arn: Option<String> [len 1..=1600],
        tags: Option<Vec<Tag>>,
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutRuleResponse {
    pub rule_arn: String,
}

/// Requests that name one rule.
macro_rules! rule_request {
    ($($name:ident),*) => { $(
        crate::shape! {
            pub struct $name: Pascal {
                name: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
                event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
            }
        }
    )* };
}
rule_request!(DescribeRuleRequest, EnableRuleRequest, DisableRuleRequest);

crate::shape! {
    pub struct DeleteRuleRequest: Pascal {
        name: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        force: Option<bool>,
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeRuleResponse {
    pub name: String,
    pub arn: String,
    pub event_pattern: Option<String>,
    pub schedule_expression: Option<String>,
    pub state: RuleState,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub event_bus_name: String,
    /// The account.
    pub created_by: String,
}

crate::shape! {
    pub struct ListRulesRequest: Pascal {
        name_prefix: Option<String> [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    pub name: String,
    pub arn: String,
    pub event_pattern: Option<String>,
    pub state: RuleState,
    pub description: Option<String>,
    pub schedule_expression: Option<String>,
    pub role_arn: Option<String>,
    pub event_bus_name: String,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRulesResponse {
    pub rules: Vec<Rule>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct InputTransformer: Pascal {
        input_paths_map: Option<BTreeMap<String, String>> [len 0..=100] [keys 1..=256, is_variable, r"[A-Za-z0-9\_\-]+"] [each 0..=256],
        input_template: String [len 1..=8192],
    }
}

crate::shape! {
    pub struct RetryPolicy: Pascal {
        maximum_retry_attempts: Option<i32> [range 0..=185],
        maximum_event_age_in_seconds: Option<i32> [range 60..=86_400],
    }
}

crate::shape! {
    pub struct DeadLetterConfig: Pascal {
        arn: Option<String> [len 1..=1600],
    }
}

crate::shape! {
    pub struct SqsParameters: Pascal {
        message_group_id: Option<String> [len 0..=100],
    }
}

crate::shape! {
    pub struct KinesisParameters: Pascal {
        partition_key_path: String [len 0..=256],
    }
}

crate::shape! {
    pub struct HttpParameters: Pascal {
        path_parameter_values: Option<Vec<String>> [each 0..=usize::MAX, is_visible, r"^(?!\s*$).+"],
        header_parameters: Option<BTreeMap<String, String>> [keys 0..=512, is_header_name, "^[!#$%&'*+-.^_`|~0-9a-zA-Z]+$"] [each 0..=512, is_header_value, r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$"],
        query_string_parameters: Option<BTreeMap<String, String>> [keys 0..=512, is_query_key, r"[^\x00-\x1F\x7F]+"] [each 0..=512, is_query_value, r"[^\x00-\x09\x0B\x0C\x0E-\x1F\x7F]+"],
    }
}

crate::shape! {
    pub struct Target: Pascal {
        id: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        arn: String [len 1..=1600],
        role_arn: Option<String> [len 1..=1600],
        input: Option<String> [len 0..=8192],
        input_path: Option<String> [len 0..=256],
        input_transformer: Option<InputTransformer>,
        kinesis_parameters: Option<KinesisParameters>,
        sqs_parameters: Option<SqsParameters>,
        http_parameters: Option<HttpParameters>,
        dead_letter_config: Option<DeadLetterConfig>,
        retry_policy: Option<RetryPolicy>,
    }
}

crate::shape! {
    pub struct PutTargetsRequest: Pascal {
        rule: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        targets: Vec<Target> [len 1..=100],
    }
}

/// A target that was not put or removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FailedTarget {
    pub target_id: String,
    pub error_code: String,
    pub error_message: String,
}

/// The answer of PutTargets and RemoveTargets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetsResponse {
    pub failed_entry_count: usize,
    pub failed_entries: Vec<FailedTarget>,
}

crate::shape! {
    pub struct RemoveTargetsRequest: Pascal {
        rule: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        ids: Vec<String> [len 1..=100] [each 1..=64, is_name, r"[\.\-_A-Za-z0-9]+"],
        force: Option<bool>,
    }
}

crate::shape! {
    pub struct ListTargetsByRuleRequest: Pascal {
        rule: String [len 1..=64] [pattern is_name, "[\\.\\-_A-Za-z0-9]+"],
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

/// A target as it is shown, and as it is stored.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownTarget {
    pub id: String,
    pub arn: String,
    pub role_arn: Option<String>,
    pub input: Option<String>,
    pub input_path: Option<String>,
    pub input_transformer: Option<ShownTransformer>,
    pub kinesis_parameters: Option<ShownKinesis>,
    pub sqs_parameters: Option<ShownSqs>,
    pub http_parameters: Option<ShownHttp>,
    pub dead_letter_config: Option<ShownDeadLetter>,
    pub retry_policy: Option<ShownRetry>,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownTransformer {
    pub input_paths_map: Option<BTreeMap<String, String>>,
    pub input_template: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownKinesis {
    pub partition_key_path: String,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownSqs {
    pub message_group_id: Option<String>,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownHttp {
    pub path_parameter_values: Option<Vec<String>>,
    pub header_parameters: Option<BTreeMap<String, String>>,
    pub query_string_parameters: Option<BTreeMap<String, String>>,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownDeadLetter {
    pub arn: Option<String>,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownRetry {
    pub maximum_retry_attempts: Option<i32>,
    pub maximum_event_age_in_seconds: Option<i32>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTargetsByRuleResponse {
    pub targets: Vec<ShownTarget>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct ListRuleNamesByTargetRequest: Pascal {
        target_arn: String [len 1..=1600],
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRuleNamesByTargetResponse {
    pub rule_names: Vec<String>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct PutEventsRequestEntry: Pascal {
        time: Option<WireTime>,
        source: Option<String>,
        resources: Option<Vec<String>> [each 0..=2048],
        detail_type: Option<String>,
        detail: Option<String>,
        event_bus_name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
        trace_header: Option<String> [len 1..=500],
    }
}

crate::shape! {
    pub struct PutEventsRequest: Pascal {
        entries: Vec<PutEventsRequestEntry> [len 1..=10],
        endpoint_id: Option<String> [len 1..=50] [pattern is_endpoint, r"^[A-Za-z0-9\-]+[\.][A-Za-z0-9\-]+$"],
    }
}

/// Either an id or an error.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutEventsResultEntry {
    pub event_id: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutEventsResponse {
    pub failed_entry_count: usize,
    pub entries: Vec<PutEventsResultEntry>,
}

crate::shape! {
    pub struct TestEventPatternRequest: Pascal {
        event_pattern: String [len 0..=4096],
        event: String,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TestEventPatternResponse {
    pub result: bool,
}

crate::shape! {
    pub struct TagResourceRequest: Pascal {
        #[serde(rename = "ResourceARN")]
        resource_arn: String [len 1..=1600],
        tags: Vec<Tag>,
    }
}

crate::shape! {
    pub struct UntagResourceRequest: Pascal {
        #[serde(rename = "ResourceARN")]
        resource_arn: String [len 1..=1600],
        tag_keys: Vec<String> [each 1..=128],
    }
}

crate::shape! {
    pub struct ListTagsForResourceRequest: Pascal {
        #[serde(rename = "ResourceARN")]
        resource_arn: String [len 1..=1600],
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourceResponse {
    pub tags: Vec<ShownTag>,
}
