//! Shapes of key policies.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{Defaulted, is_marker, is_policy_name, is_policy_text};
use crate::describe::Shape;
use crate::shape::{At, Measured, Violations};
use crate::{WireField, shape};

/// The name of a key policy; `default` when none is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PolicyName(pub String);

impl Default for PolicyName {
    fn default() -> Self {
        PolicyName("default".to_owned())
    }
}

impl WireField for PolicyName {
    type Raw = String;
    fn describe() -> Shape {
        String::describe()
    }
    fn from_raw(raw: String, _: At<'_>, _: &mut Violations) -> Option<Self> {
        Some(PolicyName(raw))
    }
}

impl Measured for PolicyName {
    fn length(&self) -> Option<usize> {
        self.0.length()
    }
    fn text(&self) -> Option<&str> {
        Some(&self.0)
    }
    fn shown(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

shape! {
    /// `GetKeyPolicy`
    pub struct GetKeyPolicyRequest: Pascal {
        key_id: String [len 1..=2048],
        policy_name: Defaulted<PolicyName> [len 1..=128] [pattern is_policy_name, "[\\w]+"],
    }
}

shape! {
    /// `PutKeyPolicy`
    pub struct PutKeyPolicyRequest: Pascal {
        key_id: String [len 1..=2048],
        policy_name: Defaulted<PolicyName> [len 1..=128] [pattern is_policy_name, "[\\w]+"],
        policy: String [len 1..=131072] [pattern is_policy_text, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"],
        bypass_policy_lockout_safety_check: Defaulted<bool>,
    }
}

shape! {
    /// `ListKeyPolicies`
    pub struct ListKeyPoliciesRequest: Pascal {
        key_id: String [len 1..=2048],
        limit: Option<i32> [range 1..=1000],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyPolicyResponse {
    /// The JSON text as it was put.
    pub policy: String,
    pub policy_name: String,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyPoliciesResponse {
    pub policy_names: Vec<String>,
    pub next_marker: Option<String>,
    pub truncated: bool,
}
