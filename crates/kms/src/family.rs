//! # Multi-Region keys
//! A **family** is the keys of several Regions that share an id and their material; one is the **primary**, the others are its
//! **replicas**. Material, its rotation and who is primary are shared; policy, grants, aliases, tags, description, state and
//! deletion are each key's own. Every member's row holds the same [`Family`].
//!
//! **Invariant:** what is shared is written in one transaction for all members; a follower of one Region never sees half of it.
//! Source: KMS developer guide, "Multi-Region keys in AWS KMS", "Shared properties".

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::kms::multi_region::{MultiRegionConfiguration, MultiRegionKey, MultiRegionKeyType};
use keywatch_api::kms::sets::Origin;
use keywatch_api::{Arn, Region};
use keywatch_crypto::RootKeyring;
use keywatch_store::{Store, Transaction, decode};
use serde::{Deserialize, Serialize};

use crate::error::KmsError;
use crate::family_record::append_synchronization;
use crate::key::{Imported, KEYS, Key, Material, Sealed, State};
use crate::key_ref::KeyPlace;
use crate::open_key::reseal;
use crate::rows;

/// How long a replica is `Creating` and a change of the primary is `Updating`: AWS takes some seconds for what happens here at
/// once, and clients wait for the end of it.
pub(crate) const SETTLING: SignedDuration = SignedDuration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) primary: Region,
    /// Without the primary.
    pub(crate) replicas: BTreeSet<Region>,
}

impl Family {
    /// A primary key by itself.
    pub(crate) fn founded(primary: Region) -> Self {
        Family { primary, replicas: BTreeSet::new() }
    }

    /// Every Region of the family but `own`.
    pub(crate) fn others(&self, own: &Region) -> Vec<Region> {
        let all = self.replicas.iter().chain([&self.primary]);
        all.filter(|region| *region != own).cloned().collect()
    }

    fn with_primary(&self, region: Region) -> Self {
        let mut replicas = self.replicas.clone();
        replicas.remove(&region);
        replicas.insert(self.primary.clone());
        Family { primary: region, replicas }
    }
}

impl Key {
    pub(crate) fn is_primary(&self) -> bool {
        self.family.as_ref().is_some_and(|family| family.primary == self.region)
    }

    pub(crate) fn is_replica(&self) -> bool {
        self.family.as_ref().is_some_and(|family| family.primary != self.region)
    }

    pub(crate) fn has_replicas(&self) -> bool {
        self.is_primary() && self.family.as_ref().is_some_and(|family| !family.replicas.is_empty())
    }

    /// As `DescribeKey` shows it; `None` for a key of one Region.
    pub(crate) fn multi_region_configuration(&self) -> Option<MultiRegionConfiguration> {
        let family = self.family.as_ref()?;
        let member = |region: &Region| MultiRegionKey {
            arn: Arn::kms_key(region, &self.account, &self.id).to_string(),
            region: region.clone(),
        };
        Some(MultiRegionConfiguration {
            multi_region_key_type: self.family_role()?,
            primary_key: member(&family.primary),
            replica_keys: family.replicas.iter().map(member).collect(),
        })
    }

    pub(crate) fn family_role(&self) -> Option<MultiRegionKeyType> {
        let role = if self.is_primary() { MultiRegionKeyType::Primary } else { MultiRegionKeyType::Replica };
        self.family.as_ref().map(|_| role)
    }

    /// The same key in another Region.
    pub(crate) fn place_in(&self, region: &Region) -> Result<KeyPlace, KmsError> {
        let name = self.id.parse().map_err(|error| KmsError::internal(&error))?;
        Ok(KeyPlace { account: self.account.clone(), region: region.clone(), name })
    }

    pub(crate) fn not_primary(&self) -> KmsError {
        KmsError::Unsupported(format!("{} is not a multi-region primary key.", self.arn()))
    }

    /// The end of `Creating` and of `Updating`.
    pub(crate) fn settled(self) -> Self {
        let state = if self.lacks_material() { State::PendingImport } else { State::Enabled };
        Key { state, ..self }
    }
}

/// This replica with what it shares with `primary`. `copied` is material that came to the primary and not yet here: the caller
/// sealed it for this key. Imported material is never copied: whoever has it imports it here too.
fn mirrored(replica: Key, primary: &Key, mut copied: Vec<(String, Sealed)>) -> Key {
    let mut key = replica;
    let mut own = std::mem::take(&mut key.materials);
    for shared in &primary.materials {
        let held = own.iter().position(|material| material.id == shared.id).map(|at| own.swap_remove(at));
        let mut material = held.unwrap_or_else(|| arriving(shared, &mut copied));
        material.standing = shared.standing;
        material.rotated = shared.rotated;
        if let (Some(here), Some(there)) = (&mut material.imported, &shared.imported) {
            here.description.clone_from(&there.description);
        }
        key.materials.push(material);
    }
    key.public_key.clone_from(&primary.public_key);
    key.rotation = primary.rotation;
    key.family.clone_from(&primary.family);
    if key.state == State::Enabled && key.lacks_material() {
        key.state = State::PendingImport;
    }
    key
}

fn arriving(shared: &Material, copied: &mut Vec<(String, Sealed)>) -> Material {
    let at = copied.iter().position(|(id, _)| *id == shared.id);
    let imported = |imported: &Imported| Imported { valid_to: None, ..imported.clone() };
    Material {
        sealed: at.map(|at| copied.swap_remove(at).1),
        imported: shared.imported.as_ref().map(imported),
        ..shared.clone()
    }
}

/// `replica` with what it shares with `primary`, material sealed for its own row.
pub(crate) fn mirror(replica: Key, primary: &Key, keyring: &RootKeyring) -> Result<Key, KmsError> {
    let mut copied = Vec::new();
    for material in &primary.materials {
        let lacking = primary.origin != Origin::External && replica.material(&material.id).is_none();
        if let Some(sealed) = material.sealed.as_ref().filter(|_| lacking) {
            copied.push((material.id.clone(), reseal((primary, &replica), &material.id, sealed, keyring)?));
        }
    }
    Ok(mirrored(replica, primary, copied))
}

/// Brings all replicas of `primary` up to it, each with a record in its own Region.
pub(crate) async fn synchronize(
    tx: &mut Transaction<'_>,
    keyring: &RootKeyring,
    primary: &Key,
    now: Timestamp,
) -> Result<(), KmsError> {
    match &primary.family {
        // Boxed, since most keys have no replica.
        Some(family) if primary.is_primary() => {
            Box::pin(synchronize_family(tx, keyring, (primary, family), now)).await
        }
        Some(_) | None => Ok(()),
    }
}

async fn synchronize_family(
    tx: &mut Transaction<'_>,
    keyring: &RootKeyring,
    (primary, family): (&Key, &Family),
    now: Timestamp,
) -> Result<(), KmsError> {
    for region in &family.replicas {
        let replica = member(tx, primary, region).await?;
        let replica = rows::change(tx, replica, |replica| mirror(replica, primary, keyring))?;
        append_synchronization(tx, &replica, now);
    }
    Ok(())
}

/// Takes a member of the key's family into the transaction.
pub(crate) async fn member(tx: &mut Transaction<'_>, key: &Key, region: &Region) -> Result<Key, KmsError> {
    let place = key.place_in(region)?;
    let member = tx.get::<Key>(KEYS, &place.row()).await?;
    member.ok_or_else(|| KmsError::Internal(format!("{} is of a family and is not there", place.arn())))
}

/// Gives every other member the family of `key`, which has changed.
pub(crate) async fn tell_others(tx: &mut Transaction<'_>, key: &Key) -> Result<(), KmsError> {
    let Some(family) = &key.family else { return Ok(()) };
    for region in family.others(&key.region) {
        let other = member(tx, key, &region).await?;
        rows::change(tx, other, |other| Ok(Key { family: Some(family.clone()), ..other }))?;
    }
    Ok(())
}

/// `key` is deleted: its family goes on without it. A primary that waited for the last of its replicas begins its own period.
pub(crate) async fn leave(tx: &mut Transaction<'_>, key: &Key, now: Timestamp) -> Result<(), KmsError> {
    let Some(family) = key.family.as_ref().filter(|_| key.is_replica()) else { return Ok(()) };
    let mut rest = family.clone();
    rest.replicas.remove(&key.region);
    for region in rest.others(&key.region) {
        let other = member(tx, key, &region).await?;
        rows::change(tx, other, |other| {
            let other = Key { family: Some(rest.clone()), ..other };
            Ok(other.begin_own_period(now))
        })?;
    }
    Ok(())
}

/// The primary moves to `region`: both keys are `Updating` for a moment.
pub(crate) async fn move_primary(
    tx: &mut Transaction<'_>,
    primary: Key,
    region: &Region,
    now: Timestamp,
) -> Result<Key, KmsError> {
    let Some(family) = &primary.family else { return Err(primary.not_primary()) };
    let family = family.with_primary(region.clone());
    let until = now.saturating_add(SETTLING).unwrap_or(Timestamp::MAX);
    let updating =
        |key: Key| Ok(Key { family: Some(family.clone()), state: State::Updating { until }, ..key });
    let former = rows::change(tx, primary, updating)?;
    let next = member(tx, &former, region).await?;
    let next = rows::change(tx, next, updating)?;
    tell_others(tx, &next).await?;
    Ok(next)
}

/// Whether some replica still lacks the material that pends its rotation in `primary`.
pub(crate) async fn is_import_awaited(store: &Store, primary: &Key) -> Result<bool, KmsError> {
    let Some(pending) = primary.pending_rotation().filter(|_| primary.has_replicas()) else {
        return Ok(false);
    };
    for region in primary.family.iter().flat_map(|family| &family.replicas) {
        let row = primary.place_in(region)?.row();
        let Some(row) = Box::pin(store.get(KEYS, &row)).await? else { continue };
        let replica: Key = decode(&row.bytes)?;
        let held = replica.material(&pending.id).is_some_and(|material| material.sealed.is_some());
        if !held {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Standing;
    use crate::testing::key;

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    #[test]
    fn the_primary_moves_and_the_former_one_becomes_a_replica() {
        let family = Family {
            primary: region("us-west-2"),
            replicas: [region("eu-west-1"), region("us-east-1")].into(),
        };
        let moved = family.with_primary(region("eu-west-1"));
        assert_eq!(moved.primary, region("eu-west-1"));
        assert_eq!(moved.replicas, [region("us-east-1"), region("us-west-2")].into());
        assert_eq!(moved.others(&region("us-east-1")), [region("us-west-2"), region("eu-west-1")]);
    }

    #[test]
    fn a_replica_mirrors_material_and_rotation_and_keeps_its_own() {
        let mut primary = Key { family: Some(Family::founded(region("us-west-2"))), ..key() };
        let replica = Key {
            region: region("eu-west-1"),
            materials: Vec::new(),
            description: "own".to_owned(),
            ..primary.clone()
        };
        let copied = vec![("a".to_owned(), Sealed::new(b"for the replica"))];
        let replica = mirrored(replica, &primary, copied);
        assert_eq!(replica.current().unwrap().sealed, Some(Sealed::new(b"for the replica")));
        primary.materials[0].standing = Standing::NonCurrent;
        primary.materials.push(Material::generated("b".to_owned(), Sealed::new(b"b")));
        let replica = mirrored(replica, &primary, vec![("b".to_owned(), Sealed::new(b"b here"))]);
        let held: Vec<_> = replica.materials.iter().map(|m| (m.id.as_str(), m.standing)).collect();
        assert_eq!(held, [("a", Standing::NonCurrent), ("b", Standing::Current)]);
        assert_eq!(replica.materials[0].sealed, Some(Sealed::new(b"for the replica")));
        assert_eq!((replica.description.as_str(), replica.state), ("own", State::Enabled));
    }

    #[test]
    fn imported_material_is_not_copied() {
        let imported = Some(Imported { valid_to: Some(Timestamp::MAX), description: Some("d".to_owned()) });
        let material = Material { imported, ..Material::generated("a".to_owned(), Sealed::new(b"a")) };
        let primary = Key { origin: Origin::External, materials: vec![material], ..key() };
        let replica = mirrored(Key { materials: Vec::new(), ..primary.clone() }, &primary, Vec::new());
        assert_eq!(replica.state, State::PendingImport);
        let held = &replica.materials[0];
        assert_eq!((held.sealed.is_some(), held.expiry()), (false, None));
        assert_eq!(held.imported.as_ref().unwrap().description.as_deref(), Some("d"));
    }
}
