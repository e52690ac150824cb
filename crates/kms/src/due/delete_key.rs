//! `DeleteKey`: the waiting period of a scheduled deletion is over; key, aliases, grants and material go.

use jiff::Timestamp;
use keywatch_store::Transaction;

use super::append_service_record;
use crate::error::KmsError;
use crate::key::{KEYS, Key};
use crate::last_usage::LAST_USAGES;
use crate::{family, grants, key_count, rows};

/// Grants that go in one batch, so that a key with very many of them does not make one that is too large.
const GRANTS_AT_ONCE: usize = 1_000;

/// Whether the key is gone; before it go its grants, as many batches as it takes.
pub(super) async fn delete_key(
    tx: &mut Transaction<'_>,
    key: &Key,
    now: Timestamp,
) -> Result<bool, KmsError> {
    if grants::remove_some(tx, &key.row(), GRANTS_AT_ONCE).await? {
        // Cancelled meanwhile, it keeps what is left.
        tx.require_unchanged(KEYS, &key.row());
        return Ok(false);
    }
    family::leave(tx, key, now).await?;
    key_count::subtract(tx, key).await?;
    tx.delete(LAST_USAGES, &key.row());
    rows::remove(tx, key);
    append_service_record(tx, key, "DeleteKey", &format!("{{\"keyId\":\"{}\"}}", key.id), now);
    Ok(true)
}
