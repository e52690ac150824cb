//! Inline policies: named documents that live in their user or role.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::{PolicyDocument, PolicyError, PolicyKind};

/// Documents by name, in the text they were given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct InlinePolicies(BTreeMap<String, String>);

/// All inline policies of an identity together exceed its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PolicyTooLarge;

impl InlinePolicies {
    /// Adds or replaces a policy unless all together would have more than `bytes_max` bytes without white space
    /// (IAM user guide, "IAM and AWS STS quotas").
    pub(crate) fn put(
        &mut self,
        name: &str,
        document: &PolicyDocument,
        bytes_max: usize,
    ) -> Result<(), PolicyTooLarge> {
        let others = self.0.iter().filter(|(other, _)| *other != name).map(|(_, text)| size(text));
        if others.sum::<usize>() + document.size_without_white_space() > bytes_max {
            return Err(PolicyTooLarge);
        }
        self.0.insert(name.to_owned(), document.text().to_string());
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there was one of that name.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The documents as the evaluation takes them. Fails only for what was not stored by [`InlinePolicies::put`].
    pub(crate) fn documents(&self) -> Result<Vec<Arc<PolicyDocument>>, PolicyError> {
        self.0.values().map(|text| PolicyDocument::parse(PolicyKind::Identity, text).map(Arc::new)).collect()
    }
}

fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_is_over_all_of_them_without_white_space() {
        let text = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
        let document = PolicyDocument::parse(PolicyKind::Identity, text).unwrap();
        let one = document.size_without_white_space();
        assert!(one < text.len());
        let mut policies = InlinePolicies::default();
        assert_eq!(policies.put("a", &document, 2 * one), Ok(()));
        assert_eq!(policies.put("b", &document, 2 * one), Ok(()));
        assert_eq!(policies.put("c", &document, 2 * one), Err(PolicyTooLarge));
        // Replacing one does not count the old text.
        assert_eq!(policies.put("a", &document, 2 * one), Ok(()));
        assert_eq!(policies.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(policies.documents().unwrap().len(), 2);
        assert!(policies.remove("a"));
        assert!(!policies.remove("a"));
        assert_eq!((policies.get("a"), policies.get("b")), (None, Some(text)));
    }
}
