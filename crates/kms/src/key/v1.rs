//! The first form of a kept key, from when all keys were symmetric. Frozen.

use super::*;

#[derive(Serialize, Deserialize)]
pub(super) struct Key {
    id: String,
    account: AccountId,
    region: Region,
    created: Timestamp,
    manager: KeyManager,
    origin: Origin,
    description: String,
    state: State,
    materials: Vec<Material>,
    rotation: Option<AutomaticRotation>,
    policy: String,
    tags: BTreeMap<String, String>,
    aliases: BTreeSet<String>,
}

impl Versioned for Key {
    const MARKER: &'static str = "kms.key/1";
}

impl From<Key> for super::Key {
    fn from(old: Key) -> Self {
        super::Key {
            id: old.id,
            account: old.account,
            region: old.region,
            created: old.created,
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            manager: old.manager,
            origin: old.origin,
            description: old.description,
            state: old.state,
            materials: old.materials,
            public_key: None,
            rotation: old.rotation,
            policy: old.policy,
            tags: old.tags,
            aliases: old.aliases,
            family: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_of_the_first_form_is_symmetric() {
        let row = json!({
            "id": "1234abcd-12ab-34cd-56ef-1234567890ab", "account": "111122223333", "region": "us-west-2",
            "created": "2026-11-22T10:00:00Z", "manager": "CUSTOMER", "origin": "AWS_KMS", "description": "old",
            "state": "Enabled", "materials": [], "rotation": null, "policy": "{}", "tags": {}, "aliases": ["alias/a"],
        });
        let key: super::super::Key = keywatch_store::decode(format!("kms.key/1\n{row}").as_bytes()).unwrap();
        assert_eq!((key.spec, key.usage), (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt));
        assert_eq!((key.description.as_str(), key.state), ("old", State::Enabled));
    }
}
