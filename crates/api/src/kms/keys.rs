//! Shapes of keys and their life.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{Defaulted, GrantToken, is_marker, is_policy_text};
use super::multi_region::MultiRegionConfiguration;
use super::sets::{
    EncapsulationAlgorithm, EncryptionAlgorithm, ExpirationModel, KeyAgreementAlgorithm, KeyManager, KeySpec,
    KeyState, KeyUsage, MacAlgorithm, Origin, SigningAlgorithm,
};
use super::tags::Tag;
use crate::{WireTime, shape};

shape! {
    /// `CreateKey`
    pub struct CreateKeyRequest: Pascal {
        policy: Option<String> [len 1..=131072] [pattern is_policy_text, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"],
        description: Defaulted<String> [len 0..=8192],
        origin: Defaulted<Origin>,
        bypass_policy_lockout_safety_check: Defaulted<bool>,
        customer_master_key_spec: Option<KeySpec>,
        key_spec: Option<KeySpec>,
        key_usage: Option<KeyUsage>,
        custom_key_store_id: Option<String> [len 1..=64],
        tags: Option<Vec<Tag>>,
        multi_region: Option<bool>,
        xks_key_id: Option<String> [len 1..=128] [pattern is_xks_key_id, "^[a-zA-Z0-9-_.]+$"],
    }
}

shape! {
    /// `DescribeKey`
    pub struct DescribeKeyRequest: Pascal {
        key_id: String [len 1..=2048],
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
    }
}

shape! {
    /// `ListKeys`
    pub struct ListKeysRequest: Pascal {
        limit: Option<i32> [range 1..=1000],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
    }
}

shape! {
    /// A request that names a key and nothing else: `EnableKey`, `DisableKey`, `CancelKeyDeletion`, `DisableKeyRotation`,
    /// `GetKeyRotationStatus`, `RotateKeyOnDemand`.
    pub struct KeyRequest: Pascal {
        key_id: String [len 1..=2048],
    }
}

shape! {
    /// `UpdateKeyDescription`
    pub struct UpdateKeyDescriptionRequest: Pascal {
        key_id: String [len 1..=2048],
        description: String [len 0..=8192],
    }
}

shape! {
    /// `ScheduleKeyDeletion`
    pub struct ScheduleKeyDeletionRequest: Pascal {
        pending_window_in_days: Option<i32> [range 1..=365],
        key_id: String [len 1..=2048],
    }
}

/// `[a-zA-Z0-9-_.]+`
fn is_xks_key_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// `KeyMetadata`, members in the order of AWS's model; of the lists of algorithms only that of the key's usage is there.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    pub aws_account_id: String,
    pub key_id: String,
    pub arn: String,
    pub creation_date: WireTime,
    pub enabled: bool,
    pub description: String,
    pub key_usage: KeyUsage,
    pub key_state: KeyState,
    pub deletion_date: Option<WireTime>,
    pub valid_to: Option<WireTime>,
    pub origin: Origin,
    pub expiration_model: Option<ExpirationModel>,
    pub key_manager: KeyManager,
    pub customer_master_key_spec: KeySpec,
    pub key_spec: KeySpec,
    pub encryption_algorithms: Option<&'static [EncryptionAlgorithm]>,
    pub signing_algorithms: Option<&'static [SigningAlgorithm]>,
    pub key_agreement_algorithms: Option<&'static [KeyAgreementAlgorithm]>,
    pub encapsulation_algorithms: Option<&'static [EncapsulationAlgorithm]>,
    pub multi_region: bool,
    pub multi_region_configuration: Option<MultiRegionConfiguration>,
    pub pending_deletion_window_in_days: Option<i32>,
    pub mac_algorithms: Option<&'static [MacAlgorithm]>,
    /// Symmetric encryption keys only.
    pub current_key_material_id: Option<String>,
}

/// Answer of `CreateKey` and `DescribeKey`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadataResponse {
    pub key_metadata: KeyMetadata,
}

/// Answer of `ListKeys`.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeysResponse {
    pub keys: Vec<KeyListEntry>,
    pub next_marker: Option<String>,
    pub truncated: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyListEntry {
    pub key_id: String,
    pub key_arn: String,
}

/// Answer of `CancelKeyDeletion` and `RotateKeyOnDemand`: the key's ARN.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyResponse {
    pub key_id: String,
}

/// Answer of `ScheduleKeyDeletion`.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleKeyDeletionResponse {
    /// The key's ARN.
    pub key_id: String,
    /// `None` while replicas are to go first.
    pub deletion_date: Option<WireTime>,
    pub key_state: KeyState,
    pub pending_window_in_days: i32,
}
