//! # Opened keys
//! An **opened key** is a key with its materials unsealed and its policy parsed: what a cryptographic operation needs and nothing
//! else. A bounded cache holds them; dropping one wipes its materials.
//!
//! **Coherence:** a held key is good for the store's generation of keys it was checked at. When the generation has moved on, the
//! row's version is compared, and only a changed row is opened again. So a change is seen by every call that begins after the
//! change was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keywatch_api::{AccountId, Region};
use keywatch_crypto::{Binding, KeyName, MaterialId, RootKeyring, SecretBytes, SystemRandom};
use keywatch_iam::RecordResource;
use keywatch_iam::policy::{PolicyDocument, PolicyKind};
use keywatch_store::{Store, Version, decode};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::aliases::{self, ALIASES, Alias};
use crate::error::KmsError;
use crate::key::{KEYS, Key, Material, Sealed, Standing};
use crate::key_ref::KeyPlace;
use crate::opened::Opened;

/// Type of KMS's resources in records.
pub(crate) const KEY_RESOURCE: &str = "AWS::KMS::Key";
/// Memory that held keys may take, by their own estimate.
const KEYS_BYTES: u64 = 64 << 20;
const KEYS_EXPECTED: usize = 10_000;
/// Aliases that are held; a row's reading is cheap beside an opening.
const ALIASES_HELD: usize = 20_000;

#[derive(Debug)]
pub(crate) struct OpenKey {
    pub(crate) key: Key,
    pub(crate) arn: String,
    pub(crate) policy: PolicyDocument,
    /// As records show the key.
    pub(crate) resource: RecordResource,
    materials: Vec<OpenMaterial>,
    current: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct OpenMaterial {
    pub(crate) opened: Opened,
    material_id: MaterialId,
    /// 64 hexadecimal digits.
    pub(crate) id: String,
    /// `additionalEventData` of records; those about asymmetric and HMAC keys have none.
    pub(crate) noted: Option<String>,
}

impl OpenMaterial {
    /// The id as answers show it: of symmetric keys only.
    pub(crate) fn shown_id(&self) -> Option<String> {
        matches!(self.opened, Opened::Symmetric(_)).then(|| self.id.clone())
    }
}

impl OpenKey {
    /// Unseals the materials of `key` and parses its policy.
    pub(crate) fn open(key: Key, keyring: &RootKeyring) -> Result<Self, KmsError> {
        let policy = stored_policy(&key)?;
        let mut materials = Vec::with_capacity(key.materials.len());
        let mut current = None;
        for material in &key.materials {
            let Some(sealed) = &material.sealed else { continue };
            if material.standing == Standing::Current {
                current = Some(materials.len());
            }
            materials.push(unseal(&key, material, sealed, keyring)?);
        }
        let arn = key.arn().to_string();
        let resource =
            RecordResource { arn: arn.clone(), account: key.account.to_string(), kind: KEY_RESOURCE };
        Ok(OpenKey { key, arn, policy, resource, materials, current })
    }

    /// The material that encrypts.
    pub(crate) fn current(&self) -> Option<&OpenMaterial> {
        self.current.map(|index| &self.materials[index])
    }

    /// The material of that id, current or former.
    pub(crate) fn material(&self, id: &MaterialId) -> Option<&OpenMaterial> {
        self.materials.iter().find(|open| open.material_id == *id)
    }
}

/// The key's policy, which was checked when it was put.
pub(crate) fn stored_policy(key: &Key) -> Result<PolicyDocument, KmsError> {
    PolicyDocument::parse(PolicyKind::Key, &key.policy)
        .map_err(|error| KmsError::Internal(format!("the stored policy of {}: {error}", key.arn())))
}

/// The key's id as envelopes carry it.
pub(crate) fn name_of(key: &Key) -> Result<KeyName, KmsError> {
    key.id.parse().map_err(|error| KmsError::internal(&error))
}

fn unseal(
    key: &Key,
    material: &Material,
    sealed: &Sealed,
    keyring: &RootKeyring,
) -> Result<OpenMaterial, KmsError> {
    let (material_id, secret) = reveal(key, material, sealed, keyring)?;
    let opened = Opened::open(key, name_of(key)?, &secret)
        .ok_or_else(|| KmsError::Internal(format!("material {} of {} is none", material.id, key.arn())))?;
    let noted = key.is_symmetric().then(|| format!("{{\"keyMaterialId\":\"{}\"}}", material.id));
    Ok(OpenMaterial { opened, material_id, id: material.id.clone(), noted })
}

/// The material in the clear, in the form in which it is kept.
fn reveal(
    key: &Key,
    material: &Material,
    sealed: &Sealed,
    keyring: &RootKeyring,
) -> Result<(MaterialId, SecretBytes), KmsError> {
    let trouble = |error: &dyn std::error::Error| {
        KmsError::Internal(format!("material {} of {} does not open: {error}", material.id, key.arn()))
    };
    let name = name_of(key)?;
    let id: MaterialId = material.id.parse().map_err(|error| trouble(&error))?;
    let sealed =
        sealed.bytes().ok_or_else(|| KmsError::Internal(format!("material {} is damaged", material.id)))?;
    let secret = keyring.open(&binding(key, &name, &id), &sealed).map_err(|error| trouble(&error))?;
    Ok((id, secret))
}

/// Seals material, in the form in which it is kept, for its key's row: its id, and sealed.
pub(crate) fn seal(
    key: &Key,
    material: &SecretBytes,
    keyring: &RootKeyring,
) -> Result<(String, Sealed), KmsError> {
    let name = name_of(key)?;
    let id = MaterialId::of(&name, material.expose());
    let sealed = keyring
        .seal(&binding(key, &name, &id), material.expose(), &mut SystemRandom)
        .map_err(|error| KmsError::internal(&error))?;
    Ok((id.to_string(), Sealed::new(&sealed)))
}

/// Material sealed for the row of one key, sealed for that of another of its family.
pub(crate) fn reseal(
    (from, to): (&Key, &Key),
    id: &str,
    sealed: &Sealed,
    keyring: &RootKeyring,
) -> Result<Sealed, KmsError> {
    let (name, id): (KeyName, MaterialId) =
        (name_of(from)?, id.parse().map_err(|error| KmsError::internal(&error))?);
    let bytes = sealed.bytes().ok_or_else(|| KmsError::Internal(format!("material {id} is damaged")))?;
    let secret =
        keyring.open(&binding(from, &name, &id), &bytes).map_err(|error| KmsError::internal(&error))?;
    let sealed = keyring
        .seal(&binding(to, &name, &id), secret.expose(), &mut keywatch_crypto::SystemRandom)
        .map_err(|error| KmsError::internal(&error))?;
    Ok(Sealed::new(&sealed))
}

fn binding<'a>(key: &'a Key, name: &'a KeyName, id: &'a MaterialId) -> Binding<'a> {
    Binding::KeyMaterial {
        account: key.account.as_str(),
        region: key.region.as_str(),
        key: name,
        material: id,
    }
}

/// The cache of opened keys and resolved aliases.
#[derive(Debug)]
pub(crate) struct OpenKeys {
    keys: Cache<KeyPlace, Arc<Held>, KeyWeight>,
    aliases: Cache<AliasPlace, HeldAlias>,
}

#[derive(Debug)]
struct Held {
    open: Arc<OpenKey>,
    version: Version,
    /// The greatest generation of keys at which the row had this version.
    checked: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct HeldAlias {
    target: KeyName,
    generation: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AliasPlace {
    account: AccountId,
    region: Region,
    name: String,
}

#[derive(Clone, Debug)]
struct KeyWeight;

impl Weighter<KeyPlace, Arc<Held>> for KeyWeight {
    fn weight(&self, _: &KeyPlace, held: &Arc<Held>) -> u64 {
        const KEY_BYTES: usize = 2048;
        const MATERIAL_BYTES: usize = 1536;
        let key = &held.open.key;
        // A parsed policy takes about twice its text.
        (KEY_BYTES + key.materials.len() * MATERIAL_BYTES + key.policy.len() * 3 + key.description.len())
            as u64
    }
}

impl OpenKeys {
    pub(crate) fn new() -> Self {
        OpenKeys {
            keys: Cache::with_weighter(KEYS_EXPECTED, KEYS_BYTES, KeyWeight),
            aliases: Cache::new(ALIASES_HELD),
        }
    }

    /// The key at `place`, opened; `None` when there is none.
    pub(crate) async fn get(
        &self,
        store: &Store,
        keyring: &RootKeyring,
        place: &KeyPlace,
    ) -> Result<Option<Arc<OpenKey>>, KmsError> {
        // Read before the row: what is read later is at least as new as this generation.
        let generation = store.generation(KEYS);
        let held = self.keys.get(place);
        if let Some(held) = &held
            && held.checked.load(Ordering::Acquire) == generation
        {
            return Ok(Some(held.open.clone()));
        }
        // Boxed, so that the usual case does not carry the rare one's future.
        Box::pin(self.load(store, keyring, place, generation, held)).await
    }

    async fn load(
        &self,
        store: &Store,
        keyring: &RootKeyring,
        place: &KeyPlace,
        generation: u64,
        held: Option<Arc<Held>>,
    ) -> Result<Option<Arc<OpenKey>>, KmsError> {
        let Some(row) = store.get(KEYS, &place.row()).await? else {
            self.keys.remove(place);
            return Ok(None);
        };
        if let Some(held) = held.filter(|held| held.version == row.version) {
            held.checked.fetch_max(generation, Ordering::AcqRel);
            return Ok(Some(held.open.clone()));
        }
        let open = Arc::new(OpenKey::open(decode(&row.bytes)?, keyring)?);
        let held = Held { open: open.clone(), version: row.version, checked: AtomicU64::new(generation) };
        self.keys.insert(place.clone(), Arc::new(held));
        Ok(Some(open))
    }

    /// The key an alias names; `None` when there is no such alias.
    pub(crate) async fn alias_target(
        &self,
        store: &Store,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<KeyName>, KmsError> {
        let generation = store.generation(ALIASES);
        let place = AliasPlace { account: account.clone(), region: region.clone(), name: name.to_owned() };
        match self.aliases.get(&place) {
            Some(held) if held.generation == generation => Ok(Some(held.target)),
            _ => Box::pin(self.load_alias(store, place, generation)).await,
        }
    }

    async fn load_alias(
        &self,
        store: &Store,
        place: AliasPlace,
        generation: u64,
    ) -> Result<Option<KeyName>, KmsError> {
        let row = aliases::row(&place.account, &place.region, &place.name);
        let Some(row) = store.get(ALIASES, &row).await? else {
            self.aliases.remove(&place);
            return Ok(None);
        };
        let alias: Alias = decode(&row.bytes)?;
        let target = alias.target.parse().map_err(|error| KmsError::internal(&error))?;
        self.aliases.insert(place, HeldAlias { target, generation });
        Ok(Some(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, House, REGION};
    use serde_json::json;

    async fn held(house: &House, id: &str) -> Option<Arc<OpenKey>> {
        let place = KeyPlace {
            account: ACCOUNT.parse().unwrap(),
            region: REGION.parse().unwrap(),
            name: id.parse().unwrap(),
        };
        house.kms.open().get(&house.store, house.kms.keyring(), &place).await.unwrap()
    }

    #[tokio::test]
    async fn a_key_is_opened_again_only_when_it_changed() {
        let house = House::open().await;
        let (key, other) = (house.key().await, house.key().await);
        let first = held(&house, &key).await.unwrap();
        assert!(Arc::ptr_eq(&first, &held(&house, &key).await.unwrap()));
        house.ok("DisableKey", json!({"KeyId": other})).await;
        assert!(Arc::ptr_eq(&first, &held(&house, &key).await.unwrap()));
        house.ok("DisableKey", json!({"KeyId": key})).await;
        let changed = held(&house, &key).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &changed));
        assert_ne!(first.key.state, changed.key.state);
    }

    #[tokio::test]
    async fn a_key_that_is_gone_is_not_held() {
        let house = House::open().await;
        let key = house.key().await;
        assert!(held(&house, &key).await.is_some());
        house.ok("ScheduleKeyDeletion", json!({"KeyId": key})).await;
        house.advance_to("2026-12-23T00:00:00Z").await;
        assert!(held(&house, &key).await.is_none());
    }

    #[tokio::test]
    async fn material_opens_only_in_its_own_row() {
        let house = House::open().await;
        let (one, two) = (house.key().await, house.key().await);
        let (one, two) = (held(&house, &one).await.unwrap(), held(&house, &two).await.unwrap());
        let stolen = Key { materials: one.key.materials.clone(), ..two.key.clone() };
        assert!(matches!(OpenKey::open(stolen, house.kms.keyring()), Err(KmsError::Internal(_))));
    }
}
