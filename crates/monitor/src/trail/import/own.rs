//! Which records of a file are in the history already because they are our own: someone imports what a trail of ours
//! delivered. Such records name the importing account as their recipient.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::AccountId;
use keywatch_store::{EntryKind, Store, StoreError};

use super::parse::{EventId, Found, event_id};
use crate::trail::lookup::Facts;

/// Event times are whole seconds, those of our entries are not.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The event IDs among `records` that our own records of `account` bear. Reads the history of the records' time span,
/// page by page, and only when a record may be our own.
pub(super) async fn own_ids(
    store: &Store,
    account: &AccountId,
    records: &[Found],
) -> Result<HashSet<EventId>, StoreError> {
    let candidates = || records.iter().filter(|record| record.may_be_own);
    let mut own = HashSet::new();
    let times = candidates().map(|record| record.time);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(own) };
    let mut wanted: HashSet<EventId> = candidates().map(|record| record.id).collect();
    let range = first..=last.checked_add(SECOND).unwrap_or(Timestamp::MAX);
    let mut page = None;
    loop {
        let (entries, following) = store.read_log_newest(range.clone(), &[EntryKind::Record], page).await?;
        for entry in entries.iter().filter(|entry| entry.partition.account() == account.as_str()) {
            let Some(facts) = Facts::read(&entry.bytes) else { continue };
            own.extend(wanted.take(&event_id(&facts.event_id, &entry.bytes)));
        }
        if following.is_none() || wanted.is_empty() {
            return Ok(own);
        }
        page = following;
    }
}
