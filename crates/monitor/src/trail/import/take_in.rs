//! Takes records into the history of an account, within a transaction: each event once.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_api::{AccountId, Region};
use keywatch_history::{History, HistoryError};
use keywatch_store::{Append, EntryKind, Partition, StoreError, Transaction};

use super::own::own_ids;
use super::parse::{EventId, Found};
use super::record::{IMPORTED, minute_key};

const SECONDS_PER_MINUTE: i64 = 60;

/// A record that was new: what is left to say of it once it is on its way into the log.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) account: Option<String>,
    pub(super) region: Region,
    pub(super) time: Timestamp,
}

/// Why records could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum TakeInError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Notes what is new as imported by `account` and appends it, in the order of their times, as they happened.
pub(super) async fn take_in(
    tx: &mut Transaction<'_>,
    history: &History,
    account: &AccountId,
    found: Vec<Found>,
) -> Result<Vec<Taken>, TakeInError> {
    let mut new = only_new(tx, history, account, found).await?;
    new.sort_by_key(|record| record.time);
    let mut taken = Vec::with_capacity(new.len());
    for record in new {
        tx.append(Append {
            kind: EntryKind::ImportedRecord,
            time: record.time,
            partition: Partition::new(account.as_str(), record.region.as_str()),
            bytes: record.json,
        });
        taken.push(Taken { account: record.account, region: record.region, time: record.time });
    }
    Ok(taken)
}

/// Leaves out what was imported before, stands twice in the file or is our own, and notes the rest as imported.
async fn only_new(
    tx: &mut Transaction<'_>,
    history: &History,
    account: &AccountId,
    found: Vec<Found>,
) -> Result<Vec<Found>, TakeInError> {
    let own = own_ids(history, account, &found).await?;
    let mut minutes: BTreeMap<i64, Vec<Found>> = BTreeMap::new();
    for record in found.into_iter().filter(|record| !own.contains(&record.id)) {
        let minute = record.time.as_second().div_euclid(SECONDS_PER_MINUTE);
        minutes.entry(minute).or_default().push(record);
    }
    let mut new = Vec::new();
    for (minute, records) in minutes {
        let key = minute_key(account, minute);
        let mut known = known_ids(tx.get_bytes(IMPORTED, &key).await?.as_deref())?;
        let before = known.len();
        new.extend(records.into_iter().filter(|record| known.insert(record.id)));
        if known.len() > before {
            let bytes: Vec<u8> = known.into_iter().flatten().collect();
            tx.put_bytes(IMPORTED, &key, Bytes::from(bytes));
        }
    }
    Ok(new)
}

fn known_ids(row: Option<&[u8]>) -> Result<BTreeSet<EventId>, StoreError> {
    let (ids, rest) = row.unwrap_or_default().as_chunks();
    if rest.is_empty() {
        Ok(ids.iter().copied().collect())
    } else {
        Err(StoreError::corrupt("imported event IDs"))
    }
}
