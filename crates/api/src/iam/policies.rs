//! Managed policies, their versions, and what they are attached to.

use serde::Serialize;

use super::{Tag, is_document, is_marker, is_name, is_path, is_tag_text};
use crate::WireTime;

crate::wire_enum! {
    /// Whose policies `ListPolicies` lists.
    pub enum PolicyScope { All = "All", Aws = "AWS", Local = "Local" }
}

crate::wire_enum! {
    /// How an entity uses a policy.
    pub enum PolicyUsage { PermissionsPolicy = "PermissionsPolicy", PermissionsBoundary = "PermissionsBoundary" }
}

crate::wire_enum! {
    /// Which entities `ListEntitiesForPolicy` lists.
    pub enum EntityType {
        User = "User",
        Role = "Role",
        Group = "Group",
        LocalManagedPolicy = "LocalManagedPolicy",
        AwsManagedPolicy = "AWSManagedPolicy",
    }
}

crate::shape! {
    /// `CreatePolicy`
    pub struct CreatePolicyRequest: Pascal {
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        path: Option<String> [len 1..=512] [pattern is_policy_path, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"],
        policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        description: Option<String> [len 0..=1000],
        tags: Option<Vec<Tag>> [len 0..=50],
    }
}

crate::shape! {
    /// `GetPolicy`, `DeletePolicy`
    pub struct PolicyRequest: Pascal {
        policy_arn: String [len 20..=2048],
    }
}

crate::shape! {
    /// `ListPolicies`
    pub struct ListPoliciesRequest: Pascal {
        scope: Option<PolicyScope>,
        only_attached: Option<bool>,
        path_prefix: Option<String> [len 1..=512] [pattern is_policy_path, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"],
        policy_usage_filter: Option<PolicyUsage>,
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `CreatePolicyVersion`
    pub struct CreatePolicyVersionRequest: Pascal {
        policy_arn: String [len 20..=2048],
        policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        set_as_default: Option<bool>,
    }
}

crate::shape! {
    /// `GetPolicyVersion`, `DeletePolicyVersion`, `SetDefaultPolicyVersion`
    pub struct PolicyVersionRequest: Pascal {
        policy_arn: String [len 20..=2048],
        version_id: String [pattern is_version, r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"],
    }
}

crate::shape! {
    /// `ListPolicyVersions`, `ListPolicyTags`
    pub struct PolicyPageRequest: Pascal {
        policy_arn: String [len 20..=2048],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `TagPolicy`
    pub struct TagPolicyRequest: Pascal {
        policy_arn: String [len 20..=2048],
        tags: Vec<Tag> [len 0..=50],
    }
}

crate::shape! {
    /// `UntagPolicy`
    pub struct UntagPolicyRequest: Pascal {
        policy_arn: String [len 20..=2048],
        tag_keys: Vec<String> [len 0..=50] [each 1..=128, is_tag_text, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"],
    }
}

crate::shape! {
    /// `AttachUserPolicy`, `DetachUserPolicy`
    pub struct UserAttachmentRequest: Pascal {
        user_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        policy_arn: String [len 20..=2048],
    }
}

crate::shape! {
    /// `AttachGroupPolicy`, `DetachGroupPolicy`
    pub struct GroupAttachmentRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_arn: String [len 20..=2048],
    }
}

crate::shape! {
    /// `AttachRolePolicy`, `DetachRolePolicy`
    pub struct RoleAttachmentRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        policy_arn: String [len 20..=2048],
    }
}

crate::shape! {
    /// `ListAttachedUserPolicies`
    pub struct ListAttachedUserPoliciesRequest: Pascal {
        user_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        path_prefix: Option<String> [len 1..=512] [pattern is_policy_path, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `ListAttachedGroupPolicies`
    pub struct ListAttachedGroupPoliciesRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        path_prefix: Option<String> [len 1..=512] [pattern is_policy_path, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `ListAttachedRolePolicies`
    pub struct ListAttachedRolePoliciesRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        path_prefix: Option<String> [len 1..=512] [pattern is_policy_path, r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `ListEntitiesForPolicy`
    pub struct ListEntitiesForPolicyRequest: Pascal {
        policy_arn: String [len 20..=2048],
        entity_filter: Option<EntityType>,
        path_prefix: Option<String> [len 1..=512] [pattern is_path, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"],
        policy_usage_filter: Option<PolicyUsage>,
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `PutUserPermissionsBoundary`
    pub struct PutUserPermissionsBoundaryRequest: Pascal {
        user_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        permissions_boundary: String [len 20..=2048],
    }
}

crate::shape! {
    /// `DeleteUserPermissionsBoundary`
    pub struct DeleteUserPermissionsBoundaryRequest: Pascal {
        user_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `PutRolePermissionsBoundary`
    pub struct PutRolePermissionsBoundaryRequest: Pascal {
        role_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        permissions_boundary: String [len 20..=2048],
    }
}

/// A managed policy; `description` and `tags` only where AWS shows them (not in lists).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    pub policy_name: String,
    pub policy_id: String,
    pub arn: String,
    pub path: String,
    /// `v1`
    pub default_version_id: String,
    pub attachment_count: u32,
    pub permissions_boundary_usage_count: u32,
    pub is_attachable: bool,
    pub description: Option<String>,
    pub create_date: WireTime,
    pub update_date: WireTime,
    pub tags: Option<Vec<Tag>>,
}

/// `CreatePolicy`, `GetPolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyResponse {
    pub policy: Policy,
}

/// `ListPolicies`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPoliciesResponse {
    pub policies: Vec<Policy>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersion {
    /// Percent-encoded (RFC 3986); only in the answer to `GetPolicyVersion`.
    pub document: Option<String>,
    pub version_id: String,
    pub is_default_version: bool,
    pub create_date: WireTime,
}

/// `CreatePolicyVersion`, `GetPolicyVersion`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersionResponse {
    pub policy_version: PolicyVersion,
}

/// `ListPolicyVersions`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPolicyVersionsResponse {
    pub versions: Vec<PolicyVersion>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicy {
    pub policy_name: String,
    pub policy_arn: String,
}

/// `ListAttachedUserPolicies`, `ListAttachedGroupPolicies`, `ListAttachedRolePolicies`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAttachedPoliciesResponse {
    pub attached_policies: Vec<AttachedPolicy>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyGroup {
    pub group_name: String,
    pub group_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyUser {
    pub user_name: String,
    pub user_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyRole {
    pub role_name: String,
    pub role_id: String,
}

/// `ListEntitiesForPolicy`
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListEntitiesForPolicyResponse {
    pub policy_groups: Vec<PolicyGroup>,
    pub policy_users: Vec<PolicyUser>,
    pub policy_roles: Vec<PolicyRole>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// The boundary of a user or role.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPermissionsBoundary {
    /// `Policy`
    pub permissions_boundary_type: &'static str,
    pub permissions_boundary_arn: String,
}

impl AttachedPermissionsBoundary {
    pub fn new(arn: &str) -> Self {
        Self { permissions_boundary_type: "Policy", permissions_boundary_arn: arn.to_owned() }
    }
}

/// `/`, or segments of letters, digits and `.,+@=_-` between slashes.
fn is_policy_path(text: &str) -> bool {
    let segment = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".,+@=_-".contains(&byte))
    };
    let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    text == "/" || inner.is_some_and(|inner| inner.split('/').all(segment))
}

/// `v1`, with an optional suffix after a dot.
fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let (number, suffix) = rest.split_once('.').unwrap_or((rest, ""));
    !number.is_empty()
        && !number.starts_with('0')
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, path, version) in [
            ("/", true, false),
            ("/a/b-c/", true, false),
            ("/a", false, false),
            ("//", false, false),
            ("/a b/", false, false),
            ("v1", false, true),
            ("v12.a-b", false, true),
            ("v01", false, false),
            ("v", false, false),
            ("1", false, false),
        ] {
            assert_eq!((is_policy_path(text), is_version(text)), (path, version), "{text}");
        }
    }
}
