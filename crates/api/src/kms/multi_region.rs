//! Shapes of multi-Region keys.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::keys::KeyMetadata;
use super::member::{Defaulted, is_policy_text};
use super::tags::Tag;
use crate::{Region, shape, wire_enum};

shape! {
    /// `ReplicateKey`
    pub struct ReplicateKeyRequest: Pascal {
        key_id: String [len 1..=2048],
        replica_region: String [len 1..=32] [pattern is_region, "^([a-z]+-){2,3}\\d+$"],
        policy: Option<String> [len 1..=131072] [pattern is_policy_text, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"],
        bypass_policy_lockout_safety_check: Defaulted<bool>,
        description: Defaulted<String> [len 0..=8192],
        tags: Option<Vec<Tag>>,
    }
}

shape! {
    /// `UpdatePrimaryRegion`
    pub struct UpdatePrimaryRegionRequest: Pascal {
        key_id: String [len 1..=2048],
        primary_region: String [len 1..=32] [pattern is_region, "^([a-z]+-){2,3}\\d+$"],
    }
}

wire_enum! {
    pub enum MultiRegionKeyType { Primary = "PRIMARY", Replica = "REPLICA" }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MultiRegionConfiguration {
    pub multi_region_key_type: MultiRegionKeyType,
    pub primary_key: MultiRegionKey,
    /// The described key included, when it is one.
    pub replica_keys: Vec<MultiRegionKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MultiRegionKey {
    pub arn: String,
    pub region: Region,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicateKeyResponse {
    pub replica_key_metadata: KeyMetadata,
    /// JSON text.
    pub replica_policy: String,
    pub replica_tags: Option<Vec<Tag>>,
}

/// `([a-z]+-){2,3}\d+`
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    matches!(words.len(), 2 | 3)
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for good in ["us-east-1", "us-gov-west-1", "eu-central-12"] {
            assert!(is_region(good), "{good}");
        }
        for bad in ["", "us", "us-east", "us-east-x1", "useast1", "a-b-c-d-1", "US-east-1", "us--1"] {
            assert!(!is_region(bad), "{bad}");
        }
    }
}
