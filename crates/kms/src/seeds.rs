//! # Seeds
//! Keys that a file names, for tests that need to know ids and material beforehand: made when a server first starts with them,
//! and left alone ever after. Only here can anybody choose a key's id.
//!
//! **Invariants:** the whole file is checked before its first key is made; a key that is there is not touched, whatever the file
//! says of it now. **Not here:** reading the file (`server`).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use keywatch_api::kms::sets::{KeyManager, KeySpec, KeyUsage, Origin};
use keywatch_api::kms::tags::Tag;
use keywatch_api::{AccountId, Region, SecretText};
use keywatch_crypto::{KeyMaterial, KeyName, SecretBytes, SystemRandom};
use keywatch_store::{CommitError, Store, StoreError, Transaction};
use serde::Deserialize;

use crate::aliases::{self, ALIASES, ALIASES_PER_KEY_MAX, Alias};
use crate::error::KmsError;
use crate::family::Family;
use crate::family_record::append_internal_call;
use crate::key::{KEYS, Key, Material, State};
use crate::open_key::seal;
use crate::{Kms, key_count, key_policy, opened, rows, tags};

/// Keys of one file.
const KEYS_MAX: usize = 10_000;
const DESCRIPTION_CHARS_MAX: usize = 8_192;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;
const ALIAS_CHARS_MAX: usize = 256;

/// A file of seeds: `[[key]]` once for each.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    #[serde(default, rename = "key")]
    keys: Vec<Seed>,
}

/// A symmetric encryption key. An id that begins with `mrk-` makes it a multi-Region primary.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    id: String,
    /// The server's own when absent; so is the Region.
    account: Option<AccountId>,
    region: Option<Region>,
    #[serde(default)]
    description: String,
    /// 32 bytes in base64; made at random when absent.
    material: Option<SecretText>,
    /// JSON text; the default policy when absent.
    policy: Option<String>,
    #[serde(default)]
    aliases: BTreeSet<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Why seeds could not be planted.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("key `{key}`: {reason}")]
    Key { key: String, reason: String },
    #[error("{0} keys are more than the {KEYS_MAX} that one file may have")]
    TooMany(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A seed that was checked.
struct Checked {
    key: Key,
    material: SecretBytes,
}

impl Seeds {
    /// Makes the keys that are not there yet; how many they were. `account` and `region` are those of seeds that name none.
    pub async fn plant(
        self,
        store: &Store,
        kms: &Kms,
        (account, region): (&AccountId, &Region),
        now: Timestamp,
    ) -> Result<usize, SeedError> {
        if self.keys.len() > KEYS_MAX {
            return Err(SeedError::TooMany(self.keys.len()));
        }
        let mut checked = Vec::with_capacity(self.keys.len());
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for seed in self.keys {
            let id = seed.id.clone();
            let wrong = |reason: String| SeedError::Key { key: id.clone(), reason };
            let seed = seed.check(account, region, now).map_err(wrong)?;
            if !ids.insert(seed.key.row()) {
                return Err(wrong("the file names this key twice".to_owned()));
            }
            for name in &seed.key.aliases {
                if !names.insert(aliases::row(&seed.key.account, &seed.key.region, name)) {
                    return Err(wrong(format!("the file gives {name} twice")));
                }
            }
            checked.push(seed);
        }
        let mut planted = 0;
        for seed in checked {
            planted += usize::from(seed.plant(store, kms, now).await?);
        }
        Ok(planted)
    }
}

impl Seed {
    /// The key it describes, without its material; what is wrong with it otherwise.
    fn check(self, account: &AccountId, region: &Region, now: Timestamp) -> Result<Checked, String> {
        let name: KeyName =
            self.id.parse().map_err(|_| "its id is neither a UUID nor `mrk-` and 32 hexadecimal digits")?;
        let account = self.account.unwrap_or_else(|| account.clone());
        let region = self.region.unwrap_or_else(|| region.clone());
        let material = material(name, self.material.as_ref())?;
        let policy = self.policy.unwrap_or_else(|| key_policy::default_policy(&account));
        key_policy::parse(&policy).map_err(|error| format!("its policy: {error}"))?;
        check_names(&self.description, &self.aliases, &self.tags)?;
        let key = Key {
            id: self.id,
            account,
            family: name.is_multi_region().then(|| Family::founded(region.clone())),
            region,
            created: now,
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            manager: KeyManager::Customer,
            origin: Origin::AwsKms,
            description: self.description,
            state: State::Enabled,
            materials: Vec::new(),
            public_key: None,
            rotation: None,
            policy,
            tags: self.tags,
            aliases: self.aliases,
        };
        Ok(Checked { key, material })
    }
}

fn material(name: KeyName, given: Option<&SecretText>) -> Result<SecretBytes, String> {
    let Some(text) = given else {
        return Ok(SecretBytes::new(KeyMaterial::generate(name, &mut SystemRandom).expose().to_vec()));
    };
    let bytes = BASE64.decode(text.expose()).map_err(|_| "its material is not base64")?;
    opened::from_outside(KeySpec::SymmetricDefault, SecretBytes::new(bytes))
        .map_err(|why| format!("its material: {why}"))
}

/// The limits that requests have by their shapes.
fn check_names(
    description: &str,
    names: &BTreeSet<String>,
    pairs: &BTreeMap<String, String>,
) -> Result<(), String> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(format!("its description is longer than {DESCRIPTION_CHARS_MAX} characters"));
    }
    if names.len() > ALIASES_PER_KEY_MAX {
        return Err(format!("it has more than {ALIASES_PER_KEY_MAX} aliases"));
    }
    for name in names {
        aliases::check_name(name).map_err(|error| format!("{name}: {error}"))?;
        let spelled = keywatch_api::kms::member::is_alias_name(name) && name.len() <= ALIAS_CHARS_MAX;
        if !spelled || aliases::is_reserved(name) {
            return Err(format!("{name} is no name for an alias of one's own"));
        }
    }
    for (key, value) in pairs {
        let fits = (1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count())
            && value.chars().count() <= TAG_VALUE_CHARS_MAX;
        if !fits {
            return Err(format!("the tag `{key}` is too long, or has no key"));
        }
    }
    let added: Vec<Tag> =
        pairs.iter().map(|(key, value)| Tag { tag_key: key.clone(), tag_value: value.clone() }).collect();
    tags::merged(BTreeMap::new(), &added).map(drop).map_err(|error| error.to_string())
}

impl Checked {
    /// Makes the key unless it is there; whether it was made. Nobody else uses the store yet.
    async fn plant(self, store: &Store, kms: &Kms, now: Timestamp) -> Result<bool, SeedError> {
        let id = self.key.id.clone();
        let wrong = |reason: String| SeedError::Key { key: id.clone(), reason };
        let mut tx = Transaction::new(store);
        if tx.get::<Key>(KEYS, &self.key.row()).await?.is_some() {
            return Ok(false);
        }
        self.write(&mut tx, kms, now).await.map_err(|error| wrong(error.to_string()))?;
        match tx.commit().await {
            Ok(_) => Ok(true),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Conflict { key, .. }) => Err(wrong(format!("somebody else writes {key}"))),
        }
    }

    async fn write(self, tx: &mut Transaction<'_>, kms: &Kms, now: Timestamp) -> Result<(), KmsError> {
        let mut key = self.key;
        let (id, sealed) = seal(&key, &self.material, kms.keyring())?;
        key.materials.push(Material::generated(id, sealed));
        for name in &key.aliases {
            let row = aliases::row(&key.account, &key.region, name);
            if tx.get::<Alias>(ALIASES, &row).await?.is_some() {
                return Err(KmsError::AlreadyExists(format!("{name} already names another key")));
            }
            let alias = Alias { target: key.id.clone(), created: now, updated: now };
            tx.insert(ALIASES, &row, &alias)?;
        }
        key_count::add(tx, &key).await?;
        rows::insert(tx, &key)?;
        append_internal_call(tx, &key, "CreateKey", now);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
