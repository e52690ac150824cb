//! Users, their inline policies and tags.

use serde::Serialize;

use super::policies::AttachedPermissionsBoundary;
use super::{Tag, is_document, is_marker, is_name, is_path, is_tag_text};
use crate::WireTime;

crate::shape! {
    /// `CreateUser`
    pub struct CreateUserRequest: Pascal {
        path: Option<String> [len 1..=512] [pattern is_path, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"],
        user_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        permissions_boundary: Option<String> [len 20..=2048],
        tags: Option<Vec<Tag>> [len 0..=50],
    }
}

crate::shape! {
    /// `GetUser`
    pub struct GetUserRequest: Pascal {
        user_name: Option<String> [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `DeleteUser`
    pub struct DeleteUserRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `UpdateUser`
    pub struct UpdateUserRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        new_path: Option<String> [len 1..=512] [pattern is_path, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"],
        new_user_name: Option<String> [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `PutUserPolicy`
    pub struct PutUserPolicyRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `GetUserPolicy`, `DeleteUserPolicy`
    pub struct UserPolicyRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `ListUserPolicies`, `ListUserTags`, `ListGroupsForUser`
    pub struct UserPageRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `TagUser`
    pub struct TagUserRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        tags: Vec<Tag> [len 0..=50],
    }
}

crate::shape! {
    /// `UntagUser`
    pub struct UntagUserRequest: Pascal {
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        tag_keys: Vec<String> [len 0..=50] [each 1..=128, is_tag_text, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"],
    }
}

/// A user in answers; boundary and `tags` only where AWS shows them (not in lists).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    pub path: String,
    /// Absent for the root user.
    pub user_name: Option<String>,
    pub user_id: String,
    pub arn: String,
    pub create_date: WireTime,
    pub permissions_boundary: Option<AttachedPermissionsBoundary>,
    pub tags: Option<Vec<Tag>>,
}

/// `CreateUser`, `GetUser`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserResponse {
    pub user: User,
}

/// `ListUsers`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsersResponse {
    pub users: Vec<User>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// `GetUserPolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUserPolicyResponse {
    pub user_name: String,
    pub policy_name: String,
    /// Percent-encoded (RFC 3986).
    pub policy_document: String,
}
