//! Messages that have been kept for as long as their queue keeps them are removed, whether somebody asks for them or not.
//!
//! Each send leaves a row that has the queue looked at when the message will have expired, rounded up so that many sends share one.

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Batch, Scan, Store, StoreError, Transaction, decode, encode};

use super::rows::{Placed, QUEUED, erase, settle};
use super::{QUEUE, QueueName, QueueRecord, QueuedMessage};
use crate::notify::delivery::{EXPIRY, Expiry, moment};

/// Looks are this far apart.
const STEP: SignedDuration = SignedDuration::from_secs(60);
/// Messages that are looked at in one turn: they may have a mebibyte each.
const TURN: usize = 32;

/// The first whole step from `at` on.
fn rounded_up(at: Timestamp) -> Timestamp {
    let step = STEP.as_secs();
    let seconds = at.as_second().saturating_add(step).div_euclid(step).saturating_mul(step);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// Has the queue looked at when a message sent at `sent` has expired.
pub(super) fn watch(
    tx: &mut Transaction<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    sent: Timestamp,
) -> Result<(), StoreError> {
    look_at(tx, name, queue, rounded_up(queue.expires(sent)))
}

/// Has the queue looked at at that moment.
pub(crate) fn look_at(
    tx: &mut Transaction<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    at: Timestamp,
) -> Result<(), StoreError> {
    let look = Expiry::Retention { queue: name.key(), after: None };
    tx.put_bytes(EXPIRY, &format!("{}/{}-retention", moment(at), queue.incarnation), encode(&look)?);
    Ok(())
}

/// Removes what has expired: a part of it, and has the rest looked at again. `after` is where the part before ended; only queues in
/// order, whose messages do not lie by age, have such parts.
pub(crate) async fn sweep(
    store: &Store,
    key: &str,
    after: Option<String>,
    now: Timestamp,
) -> Result<Batch, StoreError> {
    let mut tx = Transaction::new(store);
    let Some(name) = QueueName::from_key(key) else { return Ok(Batch::default()) };
    let Some(row) = store.get(QUEUE, key).await? else { return Ok(Batch::default()) };
    let queue: QueueRecord = decode(&row.bytes)?;
    let prefix = format!("{}/", queue.incarnation);
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: TURN };
    let found: Vec<(String, QueuedMessage)> = tx.scan(QUEUED, scan).await?;
    let last = found.last().filter(|_| found.len() == TURN).map(|(key, _)| key.clone());
    let mut expired = Vec::new();
    for (key, message) in found {
        let placed = Placed { locator: key[prefix.len()..].to_owned(), message };
        if queue.expires(placed.message.sent) <= now {
            erase(&mut tx, &queue.incarnation, &placed);
            expired.push(placed);
            continue;
        }
        // The queue may have kept messages for longer when this one was sent.
        watch(&mut tx, &name, &queue, placed.message.sent)?;
        if !queue.is_fifo() {
            // The oldest come first.
            return Ok(tx.into_batch());
        }
    }
    settle(&mut tx, &queue, &expired).await?;
    if let Some(after) = last {
        let look = Expiry::Retention { queue: key.to_owned(), after: Some(after) };
        let (kind, key, bytes) = look.row(now)?;
        tx.put_bytes(kind, &key, bytes);
    }
    Ok(tx.into_batch())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_at_whole_minutes_and_late_enough() {
        for (at, want) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            ("2026-01-01T00:00:59.5Z", "2026-01-01T00:01:00Z"),
        ] {
            assert_eq!(rounded_up(at.parse().unwrap()), want.parse().unwrap(), "{at}");
        }
    }
}
