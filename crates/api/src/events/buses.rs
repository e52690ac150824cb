//! Shapes of event buses and of the permissions on them

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{DeadLetterConfig, ShownDeadLetter, Tag, is_bus, is_bus_name, is_name};
use crate::WireTime;

/// `aws.partner` and at least two steps.
fn is_partner_source(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("aws.partner/") else { return false };
    rest.contains('/') && rest.split('/').all(is_name)
}

pub(super) fn is_key_identifier(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/:".contains(&b))
}

fn is_action(text: &str) -> bool {
    text.strip_prefix("events:")
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
}

fn is_principal(text: &str) -> bool {
    text == "*" || (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()))
}

fn is_statement_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

crate::wire_enum! {
    pub enum IncludeDetail {
        None = "NONE",
        Full = "FULL",
    }
}

crate::wire_enum! {
    pub enum LogLevel {
        Off = "OFF",
        Error = "ERROR",
        Info = "INFO",
        Trace = "TRACE",
    }
}

crate::shape! {
    pub struct LogConfig: Pascal {
        include_detail: Option<IncludeDetail>,
        level: Option<LogLevel>,
    }
}

/// What a bus writes to logs, as it is shown and stored.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ShownLogConfig {
    pub include_detail: Option<IncludeDetail>,
    pub level: Option<LogLevel>,
}

crate::shape! {
    pub struct CreateEventBusRequest: Pascal {
        name: String [len 1..=256] [pattern is_bus_name, r"[/\.\-_A-Za-z0-9]+"],
        event_source_name: Option<String> [len 1..=256] [pattern is_partner_source, r"aws\.partner(/[\.\-_A-Za-z0-9]+){2,}"],
        description: Option<String> [len 0..=512],
        kms_key_identifier: Option<String> [len 0..=2048] [pattern is_key_identifier, r"^[a-zA-Z0-9_\-/:]*$"],
        dead_letter_config: Option<DeadLetterConfig>,
        log_config: Option<LogConfig>,
        tags: Option<Vec<Tag>>,
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateEventBusResponse {
    pub event_bus_arn: String,
    pub description: Option<String>,
    pub kms_key_identifier: Option<String>,
    pub dead_letter_config: Option<ShownDeadLetter>,
    pub log_config: Option<ShownLogConfig>,
}

crate::shape! {
    pub struct UpdateEventBusRequest: Pascal {
        name: Option<String> [len 1..=256] [pattern is_bus_name, r"[/\.\-_A-Za-z0-9]+"],
        kms_key_identifier: Option<String> [len 0..=2048] [pattern is_key_identifier, r"^[a-zA-Z0-9_\-/:]*$"],
        description: Option<String> [len 0..=512],
        dead_letter_config: Option<DeadLetterConfig>,
        log_config: Option<LogConfig>,
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateEventBusResponse {
    pub arn: String,
    pub name: String,
    pub kms_key_identifier: Option<String>,
    pub description: Option<String>,
    pub dead_letter_config: Option<ShownDeadLetter>,
    pub log_config: Option<ShownLogConfig>,
}

crate::shape! {
    pub struct DeleteEventBusRequest: Pascal {
        name: String [len 1..=256] [pattern is_bus_name, r"[/\.\-_A-Za-z0-9]+"],
    }
}

crate::shape! {
    pub struct DescribeEventBusRequest: Pascal {
        name: Option<String> [len 1..=1600] [pattern is_bus, "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeEventBusResponse {
    pub name: String,
    pub arn: String,
    pub description: Option<String>,
    pub kms_key_identifier: Option<String>,
    pub dead_letter_config: Option<ShownDeadLetter>,
    /// The text of a policy document.
    pub policy: Option<String>,
    pub log_config: Option<ShownLogConfig>,
    pub creation_time: Option<WireTime>,
    pub last_modified_time: Option<WireTime>,
}

crate::shape! {
    pub struct ListEventBusesRequest: Pascal {
        name_prefix: Option<String> [len 1..=256] [pattern is_bus_name, r"[/\.\-_A-Za-z0-9]+"],
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventBus {
    pub name: String,
    pub arn: String,
    pub description: Option<String>,
    /// The text of a policy document.
    pub policy: Option<String>,
    pub creation_time: Option<WireTime>,
    pub last_modified_time: Option<WireTime>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListEventBusesResponse {
    pub event_buses: Vec<EventBus>,
    pub next_token: Option<String>,
}

crate::shape! {
    pub struct PermissionCondition: Pascal {
        #[serde(rename = "Type")]
        operator: String,
        key: String,
        value: String,
    }
}

crate::shape! {
    pub struct PutPermissionRequest: Pascal {
        event_bus_name: Option<String> [len 1..=256] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        action: Option<String> [len 1..=64] [pattern is_action, "events:[a-zA-Z]+"],
        principal: Option<String> [len 1..=12] [pattern is_principal, r"(\d{12}|\*)"],
        statement_id: Option<String> [len 1..=64] [pattern is_statement_id, "[a-zA-Z0-9-_]+"],
        condition: Option<PermissionCondition>,
        policy: Option<String>,
    }
}

crate::shape! {
    pub struct RemovePermissionRequest: Pascal {
        statement_id: Option<String> [len 1..=64] [pattern is_statement_id, "[a-zA-Z0-9-_]+"],
        remove_all_permissions: Option<bool>,
        event_bus_name: Option<String> [len 1..=256] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
    }
}
