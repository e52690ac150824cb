//! # Materials and their rotation
//! How materials come to a key, take turns and leave it, as pure transitions. Sources: KMS developer guide, "Rotate AWS KMS
//! keys", "Importing key material", "Rotating imported key material on demand"; API reference of the operations.
//! **Not here:** the material itself; here it is an id and a sealed text.

use jiff::Timestamp;
use keywatch_api::kms::sets::{ImportType, Origin, RotationType};

use crate::due::days_after;
use crate::error::KmsError;
use crate::key::{AutomaticRotation, Imported, Key, Material, Rotated, Sealed, Standing, State};
use crate::lifecycle::Act;

/// `RotationPeriodInDays` when none is given.
pub(crate) const ROTATION_PERIOD_DAYS_DEFAULT: i32 = 365;
/// Rotations on demand in a key's life; AWS does not adjust it.
pub(crate) const ROTATIONS_ON_DEMAND_MAX: usize = 25;
/// A rotation on demand so close before an automatic one is refused.
const ROTATION_CONFLICT_MINUTES: i64 = 20;

/// Imported material on its way into a key.
#[derive(Clone, Debug)]
pub(crate) struct Arriving {
    pub(crate) id: String,
    pub(crate) sealed: Sealed,
    pub(crate) valid_to: Option<Timestamp>,
    /// `None` keeps the one of the last import.
    pub(crate) description: Option<String>,
}

/// A material of a key that was just made current, and the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    pub(crate) previous: String,
    pub(crate) current: String,
}

impl Material {
    /// The first material of a key.
    pub(crate) fn generated(id: String, sealed: Sealed) -> Self {
        Material { id, sealed: Some(sealed), standing: Standing::Current, rotated: None, imported: None }
    }
}

impl Key {
    /// `EnableKeyRotation`: the first rotation is a period from now.
    pub(crate) fn rotate_every(self, period_days: i32, now: Timestamp) -> Result<Self, KmsError> {
        self.permit(Act::SetRotation)?;
        let rotation = AutomaticRotation { period_days, next: days_after(now, period_days) };
        Ok(Key { rotation: Some(rotation), ..self })
    }

    /// `DisableKeyRotation`
    pub(crate) fn stop_rotation(self) -> Result<Self, KmsError> {
        self.permit(Act::SetRotation)?;
        Ok(Key { rotation: None, ..self })
    }

    /// Whether `RotateKeyOnDemand` may go on; before material is generated for nothing.
    pub(crate) fn check_on_demand(&self, now: Timestamp) -> Result<(), KmsError> {
        self.permit(Act::RotateOnDemand)?;
        let arn = self.arn();
        if self.origin == Origin::External && self.pending_rotation().is_none() {
            return Err(self.nothing_pending());
        }
        let on_demand = |material: &&Material| {
            material.rotated.is_some_and(|rotated| rotated.kind == RotationType::OnDemand)
        };
        if self.materials.iter().filter(on_demand).count() >= ROTATIONS_ON_DEMAND_MAX {
            return Err(KmsError::LimitExceeded(format!(
                "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {arn}"
            )));
        }
        let close = |rotation: AutomaticRotation| {
            rotation.next.duration_since(now).as_mins() <= ROTATION_CONFLICT_MINUTES
        };
        if self.rotation.is_some_and(close) {
            return Err(KmsError::Conflict(format!(
                "An automatic rotation of the key {arn} is in progress or due within {ROTATION_CONFLICT_MINUTES} minutes."
            )));
        }
        Ok(())
    }

    pub(crate) fn nothing_pending(&self) -> KmsError {
        let arn = self.arn();
        KmsError::InvalidState(format!("No available key material pending rotation for the key: {arn}."))
    }

    /// The automatic rotation that this key carries out; a replica has that of its primary.
    pub(crate) fn own_rotation(&self) -> Option<AutomaticRotation> {
        self.rotation.filter(|_| !self.is_replica())
    }

    /// `RotateKeyOnDemand`, after [`Key::check_on_demand`]: `fresh` is the next material of a key that generates its own.
    pub(crate) fn rotate_on_demand(
        self,
        fresh: Option<(String, Sealed)>,
        now: Timestamp,
    ) -> Result<(Self, Rotation), KmsError> {
        self.check_on_demand(now)?;
        let mut key = self;
        if let Some((id, sealed)) = fresh {
            key.materials
                .push(Material { standing: Standing::PendingRotation, ..Material::generated(id, sealed) });
        }
        let next = key.pending_rotation().map(|material| material.id.clone());
        let next =
            next.ok_or_else(|| KmsError::Internal(format!("{} has nothing to rotate to", key.arn())))?;
        let rotated = Rotated { at: now, kind: RotationType::OnDemand };
        let previous = key.make_current(&next, rotated);
        Ok((key, Rotation { previous, current: next }))
    }

    /// The automatic rotation to `fresh`, and the next one's moment, which is always later than `now`.
    pub(crate) fn rotate_automatically(self, fresh: (String, Sealed), now: Timestamp) -> (Self, Rotation) {
        let mut key = self;
        let (id, sealed) = fresh;
        key.materials.push(Material {
            standing: Standing::PendingRotation,
            ..Material::generated(id.clone(), sealed)
        });
        let previous = key.make_current(&id, Rotated { at: now, kind: RotationType::Automatic });
        if let Some(rotation) = &mut key.rotation {
            let planned = days_after(rotation.next, rotation.period_days);
            // After a long time out of service or disabled, one rotation makes up for all that were missed.
            rotation.next = if planned > now { planned } else { days_after(now, rotation.period_days) };
        }
        (key, Rotation { previous, current: id })
    }

    fn make_current(&mut self, id: &str, rotated: Rotated) -> String {
        let mut previous = String::new();
        for material in &mut self.materials {
            if material.id == id {
                material.standing = Standing::Current;
                material.rotated = Some(rotated);
            } else if material.standing == Standing::Current {
                material.standing = Standing::NonCurrent;
                previous.clone_from(&material.id);
            }
        }
        previous
    }

    pub(crate) fn pending_rotation(&self) -> Option<&Material> {
        self.materials.iter().find(|material| material.standing == Standing::PendingRotation)
    }

    /// What an import is when the caller does not say.
    pub(crate) fn import_type(&self, asked: Option<ImportType>) -> ImportType {
        let natural = if self.materials.is_empty() { ImportType::New } else { ImportType::Existing };
        asked.unwrap_or(natural)
    }

    /// `ImportKeyMaterial`. A key that has all its material again is enabled.
    pub(crate) fn import(self, kind: ImportType, arriving: Arriving) -> Result<Self, KmsError> {
        self.permit(Act::ImportMaterial)?;
        let mut key = self;
        match kind {
            ImportType::New => key.add_material(arriving)?,
            ImportType::Existing => key.restore_material(arriving)?,
        }
        if key.state == State::PendingImport && !key.lacks_material() {
            key.state = State::Enabled;
        }
        Ok(key)
    }

    fn add_material(&mut self, arriving: Arriving) -> Result<(), KmsError> {
        let arn = self.arn();
        let Arriving { id, sealed, valid_to, description } = arriving;
        if self.material(&id).is_some_and(|known| known.standing != Standing::PendingRotation) {
            return Err(KmsError::IncorrectKeyMaterial(format!(
                "The key material (id: {id}) is already associated with KMS key {arn}."
            )));
        }
        match self.pending_rotation() {
            Some(pending) if pending.id != id => {
                return Err(KmsError::InvalidState(format!(
                    "New key material (id: {id}) cannot be imported into KMS key {arn}, because another key material (id: {}) is pending rotation.",
                    pending.id
                )));
            }
            // The same material once more: only its expiry and description change.
            Some(_) => return self.restore_material(Arriving { id, sealed, valid_to, description }),
            None => {}
        }
        let standing = if self.materials.is_empty() { Standing::Current } else { Standing::PendingRotation };
        let imported = Some(Imported { valid_to, description });
        self.materials.push(Material { id, sealed: Some(sealed), standing, rotated: None, imported });
        Ok(())
    }

    fn restore_material(&mut self, arriving: Arriving) -> Result<(), KmsError> {
        let arn = self.arn();
        let Some(known) = self.materials.iter_mut().find(|material| material.id == arriving.id) else {
            return Err(KmsError::IncorrectKeyMaterial(format!(
                "The key material (id: {}) is not associated with KMS key {arn}.",
                arriving.id
            )));
        };
        let kept = known.imported.take().and_then(|imported| imported.description);
        known.sealed = Some(arriving.sealed);
        known.imported =
            Some(Imported { valid_to: arriving.valid_to, description: arriving.description.or(kept) });
        Ok(())
    }

    /// `DeleteImportedKeyMaterial`, without an id of the current material. Gives the id of what is gone; deleting what is
    /// not there succeeds.
    pub(crate) fn delete_material(self, id: Option<&str>) -> Result<(Self, Option<String>), KmsError> {
        self.permit(Act::DeleteMaterial)?;
        let found = match id {
            Some(id) => {
                let missing = || {
                    KmsError::NotFound(format!(
                        "Key material (id: {id}) of the key {} does not exist",
                        self.arn()
                    ))
                };
                Some(self.material(id).ok_or_else(missing)?)
            }
            None => self.current(),
        };
        let found = found.map(|material| material.id.clone());
        let key = match &found {
            Some(id) => self.lose_material(id),
            None => self,
        };
        Ok((key, found))
    }

    /// Material that was deleted or has expired. One that pends its rotation was not yet the key's for good and is forgotten
    /// whole; without another the key pends its import.
    pub(crate) fn lose_material(self, id: &str) -> Self {
        let mut key = self;
        key.materials.retain(|material| material.id != id || material.standing != Standing::PendingRotation);
        for material in key.materials.iter_mut().filter(|material| material.id == id) {
            material.sealed = None;
        }
        if key.lacks_material()
            && matches!(key.state, State::Enabled | State::Disabled | State::Updating { .. })
        {
            key.state = State::PendingImport;
        }
        key
    }

    /// The first material that has expired by `now`.
    pub(crate) fn expired_material(&self, now: Timestamp) -> Option<&Material> {
        let expired = |material: &&Material| material.expiry().is_some_and(|expiry| expiry <= now);
        self.materials.iter().filter(expired).min_by_key(|material| material.expiry())
    }
}

#[cfg(test)]
mod tests;
