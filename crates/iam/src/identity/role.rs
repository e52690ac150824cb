//! A role as stored and as shown.

use jiff::Timestamp;
use keywatch_api::iam::policies::AttachedPermissionsBoundary;
use keywatch_api::iam::roles::{Role, RoleLastUsed};
use keywatch_api::{AccountId, Arn};
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

use super::{InlinePolicies, Tags};
use crate::iam::percent_encoded;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    pub(crate) name: String,
    /// `/`, or begins and ends with it.
    pub(crate) path: String,
    /// `AROA…`
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// The trust policy's text.
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) session_seconds_max: i32,
    pub(crate) policies: InlinePolicies,
    pub(crate) tags: Tags,
    /// ARNs of managed policies in the order of attaching.
    #[serde(default)]
    pub(crate) attached: Vec<String>,
    /// ARN of the policy that is the permissions boundary.
    #[serde(default)]
    pub(crate) boundary: Option<String>,
}

impl Versioned for RoleRecord {
    const MARKER: &'static str = "iam.role/1";
}

impl RoleRecord {
    pub(crate) fn arn(&self, account: &AccountId) -> Arn {
        role_arn(account, &self.path, &self.name)
    }

    pub(crate) fn shown(&self, account: &AccountId) -> Role {
        Role {
            path: self.path.clone(),
            role_name: self.name.clone(),
            role_id: self.id.clone(),
            arn: self.arn(account).to_string(),
            create_date: self.created.into(),
            assume_role_policy_document: percent_encoded(&self.trust),
            description: self.description.clone(),
            max_session_duration: Some(self.session_seconds_max),
            permissions_boundary: self.boundary.as_deref().map(AttachedPermissionsBoundary::new),
            tags: self.tags.shown(),
            role_last_used: Some(RoleLastUsed {}),
        }
    }
}

/// `arn:aws:iam::A:role/path/name`
pub(crate) fn role_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), format!("role{path}{name}"))
}
