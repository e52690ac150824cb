//! Shapes of API destinations: endpoints outside that rules call

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::{connections::is_endpoint_url, is_name};
use crate::WireTime;

/// `arn:aws:events:us-east-1:111122223333:connection/name/uuid`
fn is_connection_arn(text: &str) -> bool {
    let Some((head, rest)) = text.split_once(":connection/") else { return false };
    let head: Vec<&str> = head.split(':').collect();
    let [arn, partition, service, region, account] = head[..] else { return false };
    let is_region = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let is_account =
        account.is_empty() || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    arn == "arn"
        && partition.starts_with("aws")
        && service == "events"
        && is_region
        && is_account
        && rest.split_once('/').is_some_and(|(name, id)| is_name(name) && is_id(id))
}

fn is_one_line(text: &str) -> bool {
    !text.contains('\n')
}

crate::wire_enum! {
    pub enum ApiDestinationState {
        Active = "ACTIVE",
        Inactive = "INACTIVE",
    }
}

crate::wire_enum! {
    pub enum HttpMethod {
        Head = "HEAD",
        Post = "POST",
        Patch = "PATCH",
        Delete = "DELETE",
        Put = "PUT",
        Get = "GET",
        Options = "OPTIONS",
    }
}

crate::shape! {
    pub struct CreateApiDestinationRequest: Pascal {
        name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        connection_arn: String [len 1..=1600] [pattern is_connection_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:connection\/[\.\-_A-Za-z0-9]+\/[\-A-Za-z0-9]+$"],
        invocation_endpoint: String [len 1..=2048] [pattern is_endpoint_url, r"^((%[0-9A-Fa-f]{2}|[-()_.!~*';/?:@\x26=+$,A-Za-z0-9])+)([).!';/?:,])?$"],
        http_method: HttpMethod,
        invocation_rate_limit_per_second: Option<i32> [range 1..=i64::MAX],
    }
}

crate::shape! {
    pub struct UpdateApiDestinationRequest: Pascal {
        name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        description: Option<String> [len 0..=512] [pattern is_one_line, ".*"],
        connection_arn: Option<String> [len 1..=1600] [pattern is_connection_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:connection\/[\.\-_A-Za-z0-9]+\/[\-A-Za-z0-9]+$"],
        invocation_endpoint: Option<String> [len 1..=2048] [pattern is_endpoint_url, r"^((%[0-9A-Fa-f]{2}|[-()_.!~*';/?:@\x26=+$,A-Za-z0-9])+)([).!';/?:,])?$"],
        http_method: Option<HttpMethod>,
        invocation_rate_limit_per_second: Option<i32> [range 1..=i64::MAX],
    }
}

/// The answer of CreateApiDestination and UpdateApiDestination.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiDestinationResponse {
    pub api_destination_arn: String,
    pub api_destination_state: ApiDestinationState,
    pub creation_time: WireTime,
    pub last_modified_time: WireTime,
}

/// Requests that name one destination.
macro_rules! destination_request {
    ($($name:ident),*) => { $(
        crate::shape! {
            pub struct $name: Pascal {
                name: String [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
            }
        }
    )* };
}
destination_request!(DeleteApiDestinationRequest, DescribeApiDestinationRequest);

/// The answer of DeleteApiDestination, which has no members.
#[derive(Debug, Serialize)]
pub struct DeleteApiDestinationResponse {}

/// A destination as DescribeApiDestination and ListApiDestinations show it; the latter without the description.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiDestination {
    pub api_destination_arn: String,
    pub name: String,
    pub description: Option<String>,
    pub api_destination_state: ApiDestinationState,
    pub connection_arn: String,
    pub invocation_endpoint: String,
    pub http_method: HttpMethod,
    pub invocation_rate_limit_per_second: i32,
    pub creation_time: WireTime,
    pub last_modified_time: WireTime,
}

crate::shape! {
    pub struct ListApiDestinationsRequest: Pascal {
        name_prefix: Option<String> [len 1..=64] [pattern is_name, r"[\.\-_A-Za-z0-9]+"],
        connection_arn: Option<String> [len 1..=1600] [pattern is_connection_arn, r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:connection\/[\.\-_A-Za-z0-9]+\/[\-A-Za-z0-9]+$"],
        next_token: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListApiDestinationsResponse {
    pub api_destinations: Vec<ApiDestination>,
    pub next_token: Option<String>,
}
