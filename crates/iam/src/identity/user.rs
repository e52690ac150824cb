//! A user as stored and as shown.

use jiff::Timestamp;
use keywatch_api::iam::policies::AttachedPermissionsBoundary;
use keywatch_api::iam::users::User;
use keywatch_api::{AccountId, Arn};
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

use super::{InlinePolicies, Tags};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    pub(crate) name: String,
    /// `/`, or begins and ends with it.
    pub(crate) path: String,
    /// `AIDA…`
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) policies: InlinePolicies,
    pub(crate) tags: Tags,
    /// Ids in the order of making.
    pub(crate) access_keys: Vec<String>,
    /// Names of groups as they are spelled, in the order of joining.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// ARNs of managed policies in the order of attaching.
    #[serde(default)]
    pub(crate) attached: Vec<String>,
    /// ARN of the policy that is the permissions boundary.
    #[serde(default)]
    pub(crate) boundary: Option<String>,
}

impl Versioned for UserRecord {
    const MARKER: &'static str = "iam.user/1";
}

impl UserRecord {
    pub(crate) fn arn(&self, account: &AccountId) -> Arn {
        user_arn(account, &self.path, &self.name)
    }

    pub(crate) fn shown(&self, account: &AccountId) -> User {
        User {
            path: self.path.clone(),
            user_name: Some(self.name.clone()),
            user_id: self.id.clone(),
            arn: self.arn(account).to_string(),
            create_date: self.created.into(),
            permissions_boundary: self.boundary.as_deref().map(AttachedPermissionsBoundary::new),
            tags: self.tags.shown(),
        }
    }
}

/// `arn:aws:iam::A:user/path/name`
pub(crate) fn user_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), format!("user{path}{name}"))
}
