//! The condition keys of KMS, looked up only when a policy asks. Source: KMS developer guide, "AWS KMS condition keys". They
//! speak of effective values, defaults included.
//!
//! **Not here:** the global keys (`keywatch_iam::policy`), those that one operation reckons itself.

use std::collections::BTreeMap;

use keywatch_api::kms::sets::EncryptionAlgorithm;
use keywatch_iam::Call;
use keywatch_iam::policy::{ConditionKeys, Values};

use crate::key::Key;

/// An encryption context as it came.
pub(crate) type Context = Option<BTreeMap<String, String>>;

/// Keys of every request: who calls, and through which service.
#[derive(Clone, Copy)]
pub(crate) struct CallerKeys<'q> {
    pub(crate) account: &'q str,
    pub(crate) via_service: Option<&'q str>,
    /// Keys of one operation.
    pub(crate) more: &'q dyn ConditionKeys,
}

impl<'q> CallerKeys<'q> {
    pub(crate) fn of(call: &'q Call<'_>, more: &'q dyn ConditionKeys) -> Self {
        CallerKeys { account: call.caller.account.as_str(), via_service: call.origin.via_service, more }
    }
}

impl ConditionKeys for CallerKeys<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "kms:calleraccount" => Some(Values::one(self.account)),
            "kms:viaservice" => self.via_service.map(Values::one),
            _ => self.more.values(key),
        }
    }
}

/// Keys of a request about a key.
#[derive(Clone, Copy)]
pub(crate) struct KeyKeys<'q> {
    pub(crate) caller: CallerKeys<'q>,
    pub(crate) key: &'q Key,
    /// The alias by which the request names the key.
    pub(crate) alias: Option<&'q str>,
    pub(crate) context: Option<&'q BTreeMap<String, String>>,
}

impl ConditionKeys for KeyKeys<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        if let Some(name) = key.strip_prefix("kms:encryptioncontext:") {
            return self.context.and_then(|context| by_name(context, name));
        }
        if let Some(name) = key.strip_prefix("aws:resourcetag/") {
            return by_name(&self.key.tags, name);
        }
        match key {
            "kms:encryptioncontextkeys" => {
                let context = self.context.filter(|context| !context.is_empty())?;
                Some(Values::many(context.keys().map(String::as_str)))
            }
            "kms:keyspec" | "kms:customermasterkeyspec" => Some(Values::one(self.key.spec.as_str())),
            "kms:keyusage" | "kms:customermasterkeyusage" => Some(Values::one(self.key.usage.as_str())),
            "kms:keyorigin" => Some(Values::one(self.key.origin.as_str())),
            "kms:multiregion" => Some(Values::bool(self.key.family.is_some())),
            "kms:multiregionkeytype" => self.key.family_role().map(|role| Values::one(role.as_str())),
            "kms:requestalias" => self.alias.map(Values::one),
            "kms:resourcealiases" if self.key.aliases.is_empty() => None,
            "kms:resourcealiases" => Some(Values::many(self.key.aliases.iter().map(String::as_str))),
            _ => self.caller.values(key),
        }
    }
}

/// Condition keys ignore case, and so does the part that a caller chose.
fn by_name<'m>(map: &'m BTreeMap<String, String>, name: &str) -> Option<Values<'m>> {
    let (_, value) = map.iter().find(|(key, _)| key.to_lowercase() == name)?;
    Some(Values::one(value.as_str()))
}

/// Keys of the operations that encrypt or decrypt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CipherKeys {
    pub(crate) algorithm: EncryptionAlgorithm,
    /// `ReEncrypt` only.
    pub(crate) same_key: Option<bool>,
}

impl ConditionKeys for CipherKeys {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "kms:encryptionalgorithm" => Some(Values::one(self.algorithm.as_str())),
            "kms:reencryptonsamekey" => self.same_key.map(Values::bool),
            _ => None,
        }
    }
}

/// `aws:RequestTag/…` and `aws:TagKeys`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagKeys<'q>(pub(crate) &'q [keywatch_api::kms::tags::Tag]);

impl ConditionKeys for TagKeys<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        if let Some(name) = key.strip_prefix("aws:requesttag/") {
            let tag = self.0.iter().find(|tag| tag.tag_key.to_lowercase() == name)?;
            return Some(Values::one(tag.tag_value.as_str()));
        }
        (key == "aws:tagkeys" && !self.0.is_empty())
            .then(|| Values::many(self.0.iter().map(|tag| tag.tag_key.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywatch_iam::policy::NoKeys;

    #[test]
    fn keys_are_effective_values_without_regard_to_case() {
        let mut key = crate::testing::key();
        key.tags.insert("Team".to_owned(), "blue".to_owned());
        key.aliases.insert("alias/a".to_owned());
        let context = BTreeMap::from([("Project".to_owned(), "Alpha".to_owned())]);
        let caller = CallerKeys {
            account: "111122223333",
            via_service: None,
            more: &CipherKeys { algorithm: EncryptionAlgorithm::SymmetricDefault, same_key: Some(true) },
        };
        let keys = KeyKeys { caller, key: &key, alias: Some("alias/a"), context: Some(&context) };
        for (name, want) in [
            ("kms:encryptioncontext:project", Some(Values::one("Alpha"))),
            ("kms:encryptioncontext:other", None),
            ("kms:encryptioncontextkeys", Some(Values::many(["Project"]))),
            ("aws:resourcetag/team", Some(Values::one("blue"))),
            ("kms:keyorigin", Some(Values::one("AWS_KMS"))),
            ("kms:keyspec", Some(Values::one("SYMMETRIC_DEFAULT"))),
            ("kms:multiregion", Some(Values::one("false"))),
            ("kms:requestalias", Some(Values::one("alias/a"))),
            ("kms:resourcealiases", Some(Values::many(["alias/a"]))),
            ("kms:calleraccount", Some(Values::one("111122223333"))),
            ("kms:viaservice", None),
            ("kms:encryptionalgorithm", Some(Values::one("SYMMETRIC_DEFAULT"))),
            ("kms:reencryptonsamekey", Some(Values::one("true"))),
            ("kms:nonsense", None),
        ] {
            assert_eq!(keys.values(name), want, "{name}");
        }
        let caller = CallerKeys { more: &NoKeys, via_service: Some("s3.us-west-2.amazonaws.com"), ..caller };
        let bare =
            KeyKeys { caller, context: Some(&BTreeMap::new()), alias: None, key: &crate::testing::key() };
        assert_eq!(bare.values("kms:encryptioncontextkeys"), None);
        assert_eq!(bare.values("kms:resourcealiases"), None);
        assert_eq!(bare.values("kms:viaservice"), Some(Values::one("s3.us-west-2.amazonaws.com")));
    }
}
