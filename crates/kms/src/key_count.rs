//! How many keys an account has made in a Region, so that "KMS keys: 100,000" costs one read. The count lies in sixteen rows, by
//! the first digit of a key's id, so that keys made at the same time seldom wait for each other. AWS managed keys do not count.

use keywatch_api::kms::sets::KeyManager;
use keywatch_store::{Kind, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use crate::error::KmsError;
use crate::key::Key;

/// Counts: `account/region/digit`.
const KEY_COUNTS: Kind = Kind("kms.key_count");
/// "KMS keys", per account and Region.
const KEYS_MAX: u32 = 100_000;
/// With fewer in its own row the other fifteen are not asked: ids are random, so rows fill alike.
const ROW_CALM: u32 = 4_096;
const DIGITS: &str = "0123456789abcdef";

#[derive(Default, Serialize, Deserialize)]
struct KeyCount {
    keys: u32,
}

impl Versioned for KeyCount {
    const MARKER: &'static str = "kms.key_count/1";
}

fn row(key: &Key, digit: char) -> String {
    format!("{}/{}/{digit}", key.account, key.region)
}

fn own_row(key: &Key) -> Option<String> {
    let id = key.id.strip_prefix("mrk-").unwrap_or(&key.id);
    (key.manager == KeyManager::Customer).then(|| row(key, id.chars().next().unwrap_or('0')))
}

/// Counts a new key, unless there are too many.
pub(crate) async fn add(tx: &mut Transaction<'_>, key: &Key) -> Result<(), KmsError> {
    let Some(own) = own_row(key) else { return Ok(()) };
    let mut count = tx.get::<KeyCount>(KEY_COUNTS, &own).await?.unwrap_or_default();
    if count.keys >= ROW_CALM && all(tx, key).await? >= KEYS_MAX {
        return Err(KmsError::LimitExceeded(format!(
            "The account {} already has {KEYS_MAX} keys in {}.",
            key.account, key.region
        )));
    }
    count.keys += 1;
    Ok(tx.put(KEY_COUNTS, &own, &count)?)
}

/// A key is gone.
pub(crate) async fn subtract(tx: &mut Transaction<'_>, key: &Key) -> Result<(), KmsError> {
    let Some(own) = own_row(key) else { return Ok(()) };
    let Some(mut count) = tx.get::<KeyCount>(KEY_COUNTS, &own).await? else { return Ok(()) };
    count.keys = count.keys.saturating_sub(1);
    Ok(tx.put(KEY_COUNTS, &own, &count)?)
}

async fn all(tx: &mut Transaction<'_>, key: &Key) -> Result<u32, KmsError> {
    let mut sum = 0_u32;
    for digit in DIGITS.chars() {
        let count = tx.get::<KeyCount>(KEY_COUNTS, &row(key, digit)).await?;
        sum = sum.saturating_add(count.unwrap_or_default().keys);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{House, key};

    #[tokio::test]
    async fn the_last_key_that_fits_is_the_last() {
        let house = House::open().await;
        let mut tx = Transaction::new(&house.store);
        for digit in DIGITS.chars() {
            // Sixteen times 6,250 is 100,000; one digit has room for one more.
            let keys = if digit == '0' { 6_249 } else { 6_250 };
            tx.put(KEY_COUNTS, &row(&key(), digit), &KeyCount { keys }).unwrap();
        }
        tx.commit().await.unwrap();
        let last = house.key().await;
        let refused = house.refused("CreateKey", json!({})).await;
        assert!(refused.starts_with("LimitExceededException"), "{refused}");
        house.ok("ScheduleKeyDeletion", json!({"KeyId": last, "PendingWindowInDays": 7})).await;
        house.advance_to("2026-12-01T00:00:00Z").await;
        house.key().await;
    }
}
