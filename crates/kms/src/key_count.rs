//! "KMS keys: 100,000", per account and Region. AWS managed keys do not count, nor do keys from before there was a count.

use keywatch_api::kms::sets::KeyManager;
use keywatch_store::{Kind, Transaction};

use crate::count::Counted;
use crate::error::KmsError;
use crate::key::Key;

const KEY_COUNTS: Kind = Kind("kms.key_count");
const KEYS_MAX: u32 = 100_000;

fn own_id(key: &Key) -> Option<&str> {
    let id = key.id.strip_prefix("mrk-").unwrap_or(&key.id);
    (key.manager == KeyManager::Customer).then_some(id)
}

/// Counts a new key, unless there are too many.
pub(crate) async fn add(tx: &mut Transaction<'_>, key: &Key) -> Result<(), KmsError> {
    let Some(id) = own_id(key) else { return Ok(()) };
    let owner = key.partition();
    let counted = Counted { kind: KEY_COUNTS, owner: owner.as_str(), max: KEYS_MAX };
    if counted.add(tx, id).await? {
        return Ok(());
    }
    Err(KmsError::LimitExceeded(format!(
        "The account {} already has {KEYS_MAX} keys in {}.",
        key.account, key.region
    )))
}

/// A key is gone.
pub(crate) async fn subtract(tx: &mut Transaction<'_>, key: &Key) -> Result<(), KmsError> {
    let Some(id) = own_id(key) else { return Ok(()) };
    let owner = key.partition();
    Counted { kind: KEY_COUNTS, owner: owner.as_str(), max: KEYS_MAX }.subtract(tx, id).await
}
