//! A group as stored and as shown. Its members are in the users' records; here is only how many there are.

use jiff::Timestamp;
use keywatch_api::iam::groups::Group;
use keywatch_api::{AccountId, Arn};
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

use super::InlinePolicies;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    pub(crate) name: String,
    /// `/`, or begins and ends with it.
    pub(crate) path: String,
    /// `AGPA…`
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) policies: InlinePolicies,
    /// ARNs of managed policies in the order of attaching.
    pub(crate) attached: Vec<String>,
    /// Users whose records name this group.
    pub(crate) members: u32,
}

impl Versioned for GroupRecord {
    const MARKER: &'static str = "iam.group/1";
}

impl GroupRecord {
    pub(crate) fn arn(&self, account: &AccountId) -> Arn {
        group_arn(account, &self.path, &self.name)
    }

    pub(crate) fn shown(&self, account: &AccountId) -> Group {
        Group {
            path: self.path.clone(),
            group_name: self.name.clone(),
            group_id: self.id.clone(),
            arn: self.arn(account).to_string(),
            create_date: self.created.into(),
        }
    }
}

/// `arn:aws:iam::A:group/path/name`
pub(crate) fn group_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), format!("group{path}{name}"))
}
