//! Which records of a file are in the history already because they are our own: someone imports what a trail of ours
//! delivered. Such records name the importing account as their recipient.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::AccountId;
use keywatch_history::{Column, Condition, Facts, History, HistoryError, Query, Test};
use uuid::Uuid;

use super::parse::{EventId, Found, event_id};

/// Event times are whole seconds, those of our entries are not.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// Records read at once.
const PAGE: usize = 1_000;

/// The event IDs among `records` that records of `account` bear. Reads the history of the records' time span,
/// page by page, and only when a record may be our own.
pub(super) async fn own_ids(
    history: &History,
    account: &AccountId,
    records: &[Found],
) -> Result<HashSet<EventId>, HistoryError> {
    let candidates = || records.iter().filter(|record| record.may_be_own);
    let mut own = HashSet::new();
    let times = candidates().map(|record| record.time);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(own) };
    let ids: HashSet<String> = candidates().map(|record| Uuid::from_bytes(record.id).to_string()).collect();
    let asked = Test::OneOf(Arc::new(ids));
    let query = Arc::new(Query {
        range: first..=last.checked_add(SECOND).unwrap_or(Timestamp::MAX),
        conditions: vec![Condition::passes(&[Column::EventId], asked, None)],
        ..Query::of(account.as_str(), None)
    });
    let mut after = None;
    loop {
        let found = history.search(&query, after, PAGE).await?;
        for entry in &found.entries {
            let Some(facts) = Facts::read(&entry.bytes) else { continue };
            own.insert(event_id(&facts.event_id, &entry.bytes));
        }
        after = found.more;
        if after.is_none() {
            return Ok(own);
        }
    }
}
