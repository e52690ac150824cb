//! Roles, their trust and inline policies and tags.

use serde::Serialize;

use super::policies::AttachedPermissionsBoundary;
use super::{Tag, is_document, is_marker, is_name, is_path, is_tag_text};
use crate::WireTime;

crate::shape! {
    /// `CreateRole`
    pub struct CreateRoleRequest: Pascal {
        path: Option<String> [len 1..=512] [pattern is_path, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"],
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        assume_role_policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        description: Option<String> [len 0..=1000] [pattern is_description, r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"],
        max_session_duration: Option<i32> [range 3600..=43_200],
        permissions_boundary: Option<String> [len 20..=2048],
        tags: Option<Vec<Tag>> [len 0..=50],
    }
}

crate::shape! {
    /// `GetRole`, `DeleteRole`, `DeleteRolePermissionsBoundary`
    pub struct RoleRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `UpdateRole`
    pub struct UpdateRoleRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        description: Option<String> [len 0..=1000] [pattern is_description, r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"],
        max_session_duration: Option<i32> [range 3600..=43_200],
    }
}

crate::shape! {
    /// `UpdateRoleDescription`
    pub struct UpdateRoleDescriptionRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        description: String [len 0..=1000] [pattern is_description, r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"],
    }
}

crate::shape! {
    /// `UpdateAssumeRolePolicy`
    pub struct UpdateAssumeRolePolicyRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `PutRolePolicy`
    pub struct PutRolePolicyRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `GetRolePolicy`, `DeleteRolePolicy`
    pub struct RolePolicyRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `ListRolePolicies`, `ListRoleTags`, `ListInstanceProfilesForRole`
    pub struct RolePageRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `TagRole`
    pub struct TagRoleRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        tags: Vec<Tag> [len 0..=50],
    }
}

crate::shape! {
    /// `UntagRole`
    pub struct UntagRoleRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        tag_keys: Vec<String> [len 0..=50] [each 1..=128, is_tag_text, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"],
    }
}

/// When a role was last used. Nobody follows that here, so it has no member, as for a role that was never used.
#[derive(Debug, Serialize)]
pub struct RoleLastUsed {}

/// `ListInstanceProfilesForRole`. There are no instances here, and so no profiles.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstanceProfilesResponse {
    pub instance_profiles: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// A role in answers; boundary, last use and `tags` only where AWS shows them (not in lists).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    pub path: String,
    pub role_name: String,
    pub role_id: String,
    pub arn: String,
    pub create_date: WireTime,
    /// Percent-encoded (RFC 3986).
    pub assume_role_policy_document: String,
    pub description: Option<String>,
    /// Seconds; not in the answer to `CreateRole`.
    pub max_session_duration: Option<i32>,
    pub permissions_boundary: Option<AttachedPermissionsBoundary>,
    pub tags: Option<Vec<Tag>>,
    pub role_last_used: Option<RoleLastUsed>,
}

/// `CreateRole`, `GetRole`, `UpdateRoleDescription`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleResponse {
    pub role: Role,
}

/// `ListRoles`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRolesResponse {
    pub roles: Vec<Role>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// `UpdateRole`: an empty result.
#[derive(Debug, Serialize)]
pub struct UpdateRoleResponse {}

/// `GetRolePolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRolePolicyResponse {
    pub role_name: String,
    pub policy_name: String,
    /// Percent-encoded (RFC 3986).
    pub policy_document: String,
}

fn is_description(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ff}'))
}
