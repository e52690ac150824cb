//! `RotateKey`: new material becomes current, automatically here, or on demand for `RotateKeyOnDemand`.

use jiff::Timestamp;
use keywatch_api::kms::sets::RotationType;
use keywatch_crypto::{KeyMaterial, SecretBytes, SystemRandom};
use keywatch_store::Transaction;

use super::append_service_record;
use crate::Kms;
use crate::error::KmsError;
use crate::key::{Key, Sealed};
use crate::materials::Rotation;
use crate::open_key::{name_of, seal};
use crate::{family, rows};

pub(super) async fn rotate_key(
    tx: &mut Transaction<'_>,
    kms: &Kms,
    key: Key,
    now: Timestamp,
) -> Result<(), KmsError> {
    let fresh = fresh_material(kms, &key)?;
    let mut rotation = None;
    let key = rows::change(tx, key, |key| {
        let (key, done) = key.rotate_automatically(fresh, now);
        rotation = Some(done);
        Ok(key)
    })?;
    if let Some(rotation) = rotation {
        append_rotation(tx, &key, &rotation, RotationType::Automatic, now);
    }
    family::synchronize(tx, kms.keyring(), &key, now).await
}

/// New material for the symmetric `key`: its id, and sealed.
pub(crate) fn fresh_material(kms: &Kms, key: &Key) -> Result<(String, Sealed), KmsError> {
    let material = KeyMaterial::generate(name_of(key)?, &mut SystemRandom);
    seal(key, &SecretBytes::new(material.expose().to_vec()), kms.keyring())
}

/// The record of a rotation.
pub(crate) fn append_rotation(
    tx: &mut Transaction<'_>,
    key: &Key,
    rotation: &Rotation,
    kind: RotationType,
    now: Timestamp,
) {
    let details = format!(
        "{{\"rotationType\":\"{kind}\",\"keyOrigin\":\"{}\",\"previousKeyMaterialId\":\"{}\",\"currentKeyMaterialId\":\"{}\",\"keyId\":\"{}\"}}",
        key.origin, rotation.previous, rotation.current, key.id
    );
    append_service_record(tx, key, "RotateKey", &details, now);
}
