//! Groups, their members and inline policies.

use serde::Serialize;

use super::users::User;
use super::{is_document, is_marker, is_name, is_path};
use crate::WireTime;

crate::shape! {
    /// `CreateGroup`
    pub struct CreateGroupRequest: Pascal {
        path: Option<String> [len 1..=512] [pattern is_path, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"],
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `DeleteGroup`
    pub struct GroupRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `GetGroup`, `ListGroupPolicies`
    pub struct GroupPageRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `UpdateGroup`
    pub struct UpdateGroupRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        new_path: Option<String> [len 1..=512] [pattern is_path, r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"],
        new_group_name: Option<String> [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `AddUserToGroup`, `RemoveUserFromGroup`
    pub struct MembershipRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        user_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `PutGroupPolicy`
    pub struct PutGroupPolicyRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_document: String [len 1..=131_072] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

crate::shape! {
    /// `GetGroupPolicy`, `DeleteGroupPolicy`
    pub struct GroupPolicyRequest: Pascal {
        group_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
        policy_name: String [len 1..=128] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Group {
    pub path: String,
    pub group_name: String,
    pub group_id: String,
    pub arn: String,
    pub create_date: WireTime,
}

/// `CreateGroup`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupResponse {
    pub group: Group,
}

/// `GetGroup`: the group and a page of its members.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetGroupResponse {
    pub group: Group,
    pub users: Vec<User>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// `ListGroups`, `ListGroupsForUser`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroupsResponse {
    pub groups: Vec<Group>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

/// `GetGroupPolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetGroupPolicyResponse {
    pub group_name: String,
    pub policy_name: String,
    /// Percent-encoded (RFC 3986).
    pub policy_document: String,
}
