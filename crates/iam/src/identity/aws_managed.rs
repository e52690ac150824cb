//! # AWS managed policies
//! Those that concern the services served here, under the ARNs people know (`arn:aws:iam::aws:policy/…`). Their texts are data beside this
//! file, read once; they cannot be changed.
//! **Not here:** customer managed policies (`policy`).

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use keywatch_api::iam::policies::{Policy, PolicyVersion};
use serde::Deserialize;

use crate::policy::{PolicyDocument, PolicyKind};

/// A built-in policy.
#[derive(Debug)]
pub(crate) struct AwsManaged {
    pub(crate) name: String,
    /// `/`, `/service-role/`, `/aws-service-role/`
    pub(crate) path: String,
    /// `ANPA…`, made from the name: the same everywhere and always.
    pub(crate) id: String,
    pub(crate) arn: String,
    /// `v1`
    pub(crate) version: String,
    pub(crate) description: String,
    created: Timestamp,
    pub(crate) document: Arc<PolicyDocument>,
}

/// A member of the data file.
#[derive(Deserialize)]
struct Entry {
    name: String,
    path: String,
    version: String,
    description: String,
    /// When AWS made it.
    created: Timestamp,
    document: serde_json::Value,
}

static POLICIES: LazyLock<Vec<AwsManaged>> = LazyLock::new(|| {
    let entries: Vec<Entry> =
        serde_json::from_str(include_str!("aws_managed.json")).expect("the data file is checked by a test");
    let mut policies: Vec<AwsManaged> = entries.into_iter().map(AwsManaged::read).collect();
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    policies
});

/// All of them, by name.
pub(crate) fn all() -> &'static [AwsManaged] {
    &POLICIES
}

/// The one with this ARN.
pub(crate) fn find(arn: &str) -> Option<&'static AwsManaged> {
    POLICIES.iter().find(|policy| policy.arn == arn)
}

impl AwsManaged {
    fn read(entry: Entry) -> Self {
        let text = entry.document.to_string();
        let document =
            PolicyDocument::parse(PolicyKind::Identity, &text).expect("the data file is checked by a test");
        Self {
            arn: format!("arn:aws:iam::aws:policy{}{}", entry.path, entry.name),
            id: id_of(&entry.name),
            name: entry.name,
            path: entry.path,
            version: entry.version,
            description: entry.description,
            created: entry.created,
            document: Arc::new(document),
        }
    }

    /// As `GetPolicy` shows it, with the uses the account makes of it.
    pub(crate) fn shown(&self, attachments: u32, boundaries: u32) -> Policy {
        Policy {
            policy_name: self.name.clone(),
            policy_id: self.id.clone(),
            arn: self.arn.clone(),
            path: self.path.clone(),
            default_version_id: self.version.clone(),
            attachment_count: attachments,
            permissions_boundary_usage_count: boundaries,
            is_attachable: self.is_attachable(),
            description: Some(self.description.clone()),
            create_date: self.created.into(),
            update_date: self.created.into(),
            tags: None,
        }
    }

    /// Policies of service-linked roles are for AWS to attach.
    pub(crate) fn is_attachable(&self) -> bool {
        self.path != "/aws-service-role/"
    }

    /// Its one version, without the text.
    pub(crate) fn shown_version(&self) -> PolicyVersion {
        PolicyVersion {
            document: None,
            version_id: self.version.clone(),
            is_default_version: true,
            create_date: self.created.into(),
        }
    }
}

/// Sixteen characters of base 32 out of the name's digest.
fn id_of(name: &str) -> String {
    const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = keywatch_crypto::digest::sha256(name.as_bytes());
    let characters = digest.iter().take(16).map(|byte| char::from(BASE_32[usize::from(byte % 32)]));
    "ANPA".chars().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_reads() {
        assert!(all().len() >= 25, "{}", all().len());
        for policy in all() {
            assert_eq!(find(&policy.arn).map(|found| &found.name), Some(&policy.name));
            assert_eq!(policy.id.len(), 20);
            assert!(policy.document.size_without_white_space() <= 6_144, "{}", policy.name);
        }
        assert!(find("arn:aws:iam::aws:policy/AdministratorAccess").is_some_and(AwsManaged::is_attachable));
        assert!(find("arn:aws:iam::aws:policy/None").is_none());
    }
}
