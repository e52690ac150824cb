//! Queues in order. Messages of one group come in the order of their sequence numbers, and while one of them is out nothing that
//! follows it comes: the group can be received when its first message can. An index row for each group says when that is.
//!
//! **Invariants:** a group that has messages has a record and one index row, of its first message; a change of a group reads and
//! writes its record, so that two changes at once conflict and one runs again; sequence numbers of a group only grow, also when the
//! group was empty in between: they begin with the log's head, which every call moves on.

use jiff::Timestamp;
use keywatch_crypto::{Random, SystemRandom};
use keywatch_store::{Kind, Scan, Seq, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use super::rows::{Placed, QUEUED, message_key, write};
use super::{QueueRecord, QueuedMessage};
use crate::notify::delivery::moment;

/// `incarnation/group`, the group in hexadecimal.
pub(crate) const GROUP: Kind = Kind("sqs.group");
/// `incarnation/moment/sequence/group`: when a group can be received.
pub(crate) const READY: Kind = Kind("sqs.ready");

/// Sequence numbers have twenty digits, which the least one must have.
const SEQUENCE_MIN: u64 = 10_000_000_000_000_000_000;
/// Each entry of the log leaves room for so many messages, in bits: 10 for the place in its call and 10 by chance.
const PLACE_BITS: u32 = 10;
const CHANCE_BITS: u32 = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct GroupRecord {
    last: u64,
    /// The key of the group's index row.
    ready: String,
}

impl Versioned for GroupRecord {
    const MARKER: &'static str = "sqs.group/1";
}

/// The value of a group's index row: the key says all.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct ReadyRecord {}

impl Versioned for ReadyRecord {
    const MARKER: &'static str = "sqs.ready/1";
}

fn group_prefix(incarnation: &str, group: &str) -> String {
    format!("{incarnation}/{}/", hex::encode(group))
}

fn group_key(incarnation: &str, group: &str) -> String {
    format!("{incarnation}/{}", hex::encode(group))
}

fn ready_key(incarnation: &str, first: &QueuedMessage, group: &str) -> String {
    let sequence = first.sequence.as_deref().unwrap_or_default();
    format!("{incarnation}/{}/{sequence}/{}", moment(first.visible), hex::encode(group))
}

/// The next number of a group: beyond its last one, and beyond all that were given when the log was shorter. `place` tells apart
/// what one call sends.
fn next_sequence(last: Option<u64>, head: Seq, place: usize, chance: u16) -> u64 {
    let place_max = (1_u64 << PLACE_BITS) - 1;
    let place = u64::try_from(place).unwrap_or(place_max).min(place_max);
    let chance = u64::from(chance) & ((1 << CHANCE_BITS) - 1);
    let fresh = SEQUENCE_MIN
        .saturating_add(head.saturating_mul(1 << (PLACE_BITS + CHANCE_BITS)))
        .saturating_add((place << CHANCE_BITS) | chance);
    fresh.max(last.map_or(0, |last| last.saturating_add(1)))
}

/// The number after `last`, for what `tx` is about to write.
pub(super) fn fresh_sequence(tx: &Transaction<'_>, last: Option<u64>) -> u64 {
    let mut chance = [0; 2];
    SystemRandom.fill(&mut chance);
    next_sequence(last, tx.store.head(), tx.writes.len(), u16::from_be_bytes(chance))
}

/// Puts a message at the end of its group.
pub(super) async fn append(
    tx: &mut Transaction<'_>,
    queue: &QueueRecord,
    mut message: QueuedMessage,
) -> Result<Placed, StoreError> {
    let incarnation = &queue.incarnation;
    let group = message.group.clone().unwrap_or_default();
    let key = group_key(incarnation, &group);
    let record = tx.get::<GroupRecord>(GROUP, &key).await?;
    let sequence = fresh_sequence(tx, record.as_ref().map(|record| record.last));
    message.sequence = Some(sequence.to_string());
    let locator = format!("{}/{sequence}", hex::encode(&group));
    let ready = match record {
        Some(record) => record.ready,
        None => {
            let ready = ready_key(incarnation, &message, &group);
            tx.put(READY, &ready, &ReadyRecord {})?;
            ready
        }
    };
    tx.put(GROUP, &key, &GroupRecord { last: sequence, ready })?;
    let placed = Placed { locator, message };
    write(tx, incarnation, &placed)?;
    Ok(placed)
}

/// Looks which message of a group is its first now.
pub(super) async fn refresh(
    tx: &mut Transaction<'_>,
    incarnation: &str,
    group: &str,
) -> Result<(), StoreError> {
    let key = group_key(incarnation, group);
    let record = tx.get::<GroupRecord>(GROUP, &key).await?;
    if let Some(record) = &record {
        tx.delete(READY, &record.ready);
    }
    let prefix = group_prefix(incarnation, group);
    let first: Vec<(String, QueuedMessage)> =
        tx.scan(QUEUED, Scan { prefix: &prefix, after: None, limit: 1 }).await?;
    let Some((_, first)) = first.into_iter().next() else {
        tx.delete(GROUP, &key);
        return Ok(());
    };
    let ready = ready_key(incarnation, &first, group);
    tx.put(READY, &ready, &ReadyRecord {})?;
    tx.put(GROUP, &key, &GroupRecord { last: record.map_or(0, |record| record.last), ready })
}

/// The beginnings of the groups that can be received at `now`.
pub(super) async fn front(
    tx: &mut Transaction<'_>,
    incarnation: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Placed>, StoreError> {
    let prefix = format!("{incarnation}/");
    let end = format!("{incarnation}/{}/~", moment(now));
    let ready: Vec<(String, ReadyRecord)> =
        tx.scan(READY, Scan { prefix: &prefix, after: None, limit }).await?;
    let mut found: Vec<Placed> = Vec::new();
    for (key, _) in ready.into_iter().take_while(|(key, _)| *key <= end) {
        let Some(group) = key.rsplit('/').next().filter(|_| found.len() < limit) else { break };
        let messages = message_key(incarnation, &format!("{group}/"));
        let scan = Scan { prefix: &messages, after: None, limit: limit - found.len() };
        let messages: Vec<(String, QueuedMessage)> = tx.scan(QUEUED, scan).await?;
        let visible = messages.into_iter().take_while(|(_, message)| message.visible <= now);
        found.extend(
            visible.map(|(key, message)| Placed { locator: key[prefix.len()..].to_owned(), message }),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_grow_and_have_twenty_digits() {
        assert_eq!(next_sequence(None, 0, 0, 0), SEQUENCE_MIN);
        let early = next_sequence(None, 7, 3, 5);
        for (last, head, place, chance) in [
            (Some(early), 7, 3, 5),
            (Some(early), 0, 0, 0),
            (None, 7, 4, 0),
            (None, 8, 0, 0),
            (None, 1 << 40, usize::MAX, u16::MAX),
        ] {
            let next = next_sequence(last, head, place, chance);
            assert!(next > early, "{last:?} {head} {place} {chance}");
            assert_eq!(next.to_string().len(), 20);
        }
    }
}
