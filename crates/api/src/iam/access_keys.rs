//! Access keys of users.

use serde::Serialize;

use super::{is_id, is_marker, is_name};
use crate::{SecretText, WireTime};

crate::wire_enum! {
    /// Whether an access key signs requests.
    pub enum AccessKeyStatus { Active = "Active", Inactive = "Inactive", Expired = "Expired" }
}

crate::shape! {
    /// `CreateAccessKey`
    pub struct CreateAccessKeyRequest: Pascal {
        user_name: Option<String> [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `ListAccessKeys`
    pub struct ListAccessKeysRequest: Pascal {
        user_name: Option<String> [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `UpdateAccessKey`
    pub struct UpdateAccessKeyRequest: Pascal {
        user_name: Option<String> [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        access_key_id: String [len 16..=128] [pattern is_id, r"[\w]+"],
        status: AccessKeyStatus,
    }
}

crate::shape! {
    /// `DeleteAccessKey`
    pub struct DeleteAccessKeyRequest: Pascal {
        user_name: Option<String> [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        access_key_id: String [len 16..=128] [pattern is_id, r"[\w]+"],
    }
}

crate::shape! {
    /// `GetAccessKeyLastUsed`
    pub struct GetAccessKeyLastUsedRequest: Pascal {
        access_key_id: String [len 16..=128] [pattern is_id, r"[\w]+"],
    }
}

/// When and for what a key last signed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyLastUsed {
    /// Absent for a key that never signed.
    pub last_used_date: Option<WireTime>,
    /// `kms`, or `N/A`.
    pub service_name: String,
    /// Or `N/A`.
    pub region: String,
}

/// `GetAccessKeyLastUsed`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccessKeyLastUsedResponse {
    pub user_name: String,
    pub access_key_last_used: AccessKeyLastUsed,
}

/// `CreateAccessKey`: the only answer that ever holds the secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAccessKeyResponse {
    pub access_key: AccessKey,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKey {
    pub user_name: String,
    pub access_key_id: String,
    pub status: AccessKeyStatus,
    pub secret_access_key: SecretText,
    pub create_date: WireTime,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyMetadata {
    /// Absent for keys of the root user.
    pub user_name: Option<String>,
    pub access_key_id: String,
    pub status: AccessKeyStatus,
    pub create_date: WireTime,
}

/// `ListAccessKeys`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccessKeysResponse {
    pub access_key_metadata: Vec<AccessKeyMetadata>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}
