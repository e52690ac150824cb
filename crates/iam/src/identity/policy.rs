//! A customer managed policy as stored and as shown. Up to five versions of its text; one of them is the default and counts.
//! **Invariant:** the counts of attachments are those of the entities that name the policy; whoever attaches or detaches writes both
//! rows in one transaction, so a policy that is in use cannot be deleted.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::iam::policies::{Policy, PolicyVersion};
use keywatch_api::{AccountId, Arn};
use keywatch_store::{StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use super::{POLICY, Tags, aws_managed, name_key};
use crate::policy::{PolicyDocument, PolicyError, PolicyKind};

/// "Versions per managed policy: 5"
pub(crate) const VERSIONS_MAX: usize = 5;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) name: String,
    /// `/`, or begins and ends with it.
    pub(crate) path: String,
    /// `ANPA…`
    pub(crate) id: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) tags: Tags,
    /// In the order of making; never empty.
    versions: Vec<StoredVersion>,
    /// The number of the version that counts.
    default: u32,
    /// The number of the next version; numbers do not return.
    next: u32,
    /// Users, groups and roles that have it attached.
    pub(crate) attachments: u32,
    /// Users and roles whose boundary it is.
    pub(crate) boundaries: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredVersion {
    number: u32,
    pub(crate) text: String,
    created: Timestamp,
}

impl Versioned for PolicyRecord {
    const MARKER: &'static str = "iam.policy/1";
}

/// Why a version cannot be had, added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionError {
    None,
    TooMany,
    /// The default version goes with its policy only.
    Default,
}

impl PolicyRecord {
    /// A policy nobody uses yet, with `text` as its first version.
    pub(crate) fn new(name: String, path: String, id: String, text: String, now: Timestamp) -> Self {
        Self {
            name,
            path,
            id,
            description: None,
            created: now,
            updated: now,
            tags: Tags::default(),
            versions: vec![StoredVersion { number: 1, text, created: now }],
            default: 1,
            next: 2,
            attachments: 0,
            boundaries: 0,
        }
    }

    pub(crate) fn arn(&self, account: &AccountId) -> Arn {
        policy_arn(account, &self.path, &self.name)
    }

    /// The text that counts.
    pub(crate) fn text(&self) -> &str {
        let default = self.versions.iter().find(|version| version.number == self.default);
        &default.expect("the default version is never removed").text
    }

    /// The policy that counts, as the evaluation takes it.
    pub(crate) fn document(&self) -> Result<Arc<PolicyDocument>, PolicyError> {
        PolicyDocument::parse(PolicyKind::Identity, self.text()).map(Arc::new)
    }

    /// The version called `v3` or so.
    pub(crate) fn version(&self, id: &str) -> Result<&StoredVersion, VersionError> {
        self.versions.iter().find(|version| version.id() == id).ok_or(VersionError::None)
    }

    /// Adds a version and returns it.
    pub(crate) fn add(
        &mut self,
        text: String,
        as_default: bool,
        now: Timestamp,
    ) -> Result<&StoredVersion, VersionError> {
        if self.versions.len() >= VERSIONS_MAX {
            return Err(VersionError::TooMany);
        }
        let number = self.next;
        self.next += 1;
        self.updated = now;
        if as_default {
            self.default = number;
        }
        self.versions.push(StoredVersion { number, text, created: now });
        Ok(&self.versions[self.versions.len() - 1])
    }

    pub(crate) fn set_default(&mut self, id: &str, now: Timestamp) -> Result<(), VersionError> {
        self.default = self.version(id)?.number;
        self.updated = now;
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str, now: Timestamp) -> Result<(), VersionError> {
        let number = self.version(id)?.number;
        if number == self.default {
            return Err(VersionError::Default);
        }
        self.versions.retain(|version| version.number != number);
        self.updated = now;
        Ok(())
    }

    pub(crate) fn versions(&self) -> &[StoredVersion] {
        &self.versions
    }

    /// As `GetPolicy` shows it.
    pub(crate) fn shown(&self, account: &AccountId) -> Policy {
        Policy {
            policy_name: self.name.clone(),
            policy_id: self.id.clone(),
            arn: self.arn(account).to_string(),
            path: self.path.clone(),
            default_version_id: format!("v{}", self.default),
            attachment_count: self.attachments,
            permissions_boundary_usage_count: self.boundaries,
            is_attachable: true,
            description: self.description.clone(),
            create_date: self.created.into(),
            update_date: self.updated.into(),
            tags: self.tags.shown(),
        }
    }

    /// A version without its text.
    pub(crate) fn shown_version(&self, version: &StoredVersion) -> PolicyVersion {
        PolicyVersion {
            document: None,
            version_id: version.id(),
            is_default_version: version.number == self.default,
            create_date: version.created.into(),
        }
    }
}

impl StoredVersion {
    /// `v1`
    pub(crate) fn id(&self) -> String {
        format!("v{}", self.number)
    }

    /// What lists order by: newest first, as AWS lists versions.
    pub(crate) fn order(&self) -> String {
        format!("{:010}", u32::MAX - self.number)
    }
}

/// Whether a managed policy with this ARN exists for `account`: one of its own, or one of AWS's.
pub(crate) async fn managed_exists(
    tx: &mut Transaction<'_>,
    account: &AccountId,
    arn: &str,
) -> Result<bool, StoreError> {
    if aws_managed::find(arn).is_some() {
        return Ok(true);
    }
    let key = name_key(account, arn.rsplit('/').next().unwrap_or_default());
    let found: Option<PolicyRecord> = tx.get(POLICY, &key).await?;
    Ok(found.is_some_and(|policy| policy.arn(account).to_string() == arn))
}

/// `arn:aws:iam::A:policy/path/name`
pub(crate) fn policy_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), format!("policy{path}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_and_go() {
        let now = Timestamp::UNIX_EPOCH;
        let mut policy = PolicyRecord::new("p".into(), "/".into(), "ANPA".into(), "1".into(), now);
        assert_eq!(policy.text(), "1");
        assert_eq!(policy.add("2".into(), false, now).map(StoredVersion::id), Ok("v2".to_owned()));
        assert_eq!(policy.text(), "1");
        policy.add("3".into(), true, now).unwrap();
        assert_eq!(policy.text(), "3");
        assert_eq!(policy.remove("v3", now), Err(VersionError::Default));
        assert_eq!(policy.remove("v9", now), Err(VersionError::None));
        policy.set_default("v2", now).unwrap();
        policy.remove("v3", now).unwrap();
        policy.add("4".into(), false, now).unwrap();
        assert_eq!(policy.versions().iter().map(StoredVersion::id).collect::<Vec<_>>(), ["v1", "v2", "v4"]);
        policy.add("5".into(), false, now).unwrap();
        policy.add("6".into(), false, now).unwrap();
        assert_eq!(policy.add("7".into(), false, now).map(StoredVersion::id), Err(VersionError::TooMany));
        assert_eq!(policy.text(), "2");
    }
}
