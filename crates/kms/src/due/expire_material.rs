//! `DeleteExpiredKeyMaterial`: imported material has reached its `ValidTo` and goes; the key pends its import.

use jiff::Timestamp;
use keywatch_store::Transaction;

use super::append_service_record;
use crate::error::KmsError;
use crate::key::Key;
use crate::rows;

pub(super) fn expire_material(
    tx: &mut Transaction<'_>,
    key: Key,
    material: &str,
    now: Timestamp,
) -> Result<(), KmsError> {
    let key = rows::change(tx, key, |key| Ok(key.lose_material(material)))?;
    let details = format!("{{\"keyId\":\"{}\",\"keyMaterialId\":\"{material}\"}}", key.id);
    append_service_record(tx, &key, "DeleteExpiredKeyMaterial", &details, now);
    Ok(())
}
