//! How the messages of a queue lie in rows.
//!
//! A message is a row by its **locator**: in a standard queue the moment it was sent and its id, so that the oldest comes first; in a
//! queue in order (FIFO) its group and sequence number, so that a group is read in order. An index row says when each can be received
//! next: a receipt only moves that row.
//!
//! **Invariant:** a message has exactly one index row, and in a queue in order its group knows its first message ([`fifo`]).

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{Kind, Scan, Store, StoreError, Transaction, Versioned, encode};
use serde::{Deserialize, Serialize};

use super::deduplication::{self, ATTEMPT, Accepted, DEDUPLICATION, SEQUENCE};
use super::fifo::{self, GROUP, READY};
use super::{QueueName, QueueRecord, QueuedMessage, retention};
use crate::notify::delivery::{due_of, moment};

/// `incarnation/locator`
pub(crate) const QUEUED: Kind = Kind("sqs.message");
/// `incarnation/moment/locator`: when a message can be received.
pub(crate) const VISIBLE: Kind = Kind("sqs.visible");

/// Everything that goes with the messages of an incarnation.
pub(crate) const OF_INCARNATION: [Kind; 6] = [QUEUED, VISIBLE, GROUP, READY, DEDUPLICATION, ATTEMPT];

/// What is remembered of an incarnation, or of a topic, for five minutes.
pub(crate) const OF_SLICE: [Kind; 3] = [DEDUPLICATION, ATTEMPT, SEQUENCE];

/// Index rows that are read at once.
const PAGE: usize = 10_000;

/// A message and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) locator: String,
    pub(crate) message: QueuedMessage,
}

/// The value of an index row; the key says the rest.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct VisibleRecord {
    /// Nobody has received it yet: until its moment it is delayed, not in flight.
    #[serde(default)]
    pub(crate) fresh: bool,
}

impl Versioned for VisibleRecord {
    const MARKER: &'static str = "sqs.visible/1";
}

pub(super) fn message_key(incarnation: &str, locator: &str) -> String {
    format!("{incarnation}/{locator}")
}

fn visible_key(incarnation: &str, visible: Timestamp, locator: &str) -> String {
    format!("{incarnation}/{}/{locator}", moment(visible))
}

/// The two rows of a message.
fn rows(incarnation: &str, placed: &Placed) -> Result<[(Kind, String, Bytes); 2], StoreError> {
    let Placed { locator, message } = placed;
    let index = VisibleRecord { fresh: message.receives == 0 };
    Ok([
        (QUEUED, message_key(incarnation, locator), encode(message)?),
        (VISIBLE, visible_key(incarnation, message.visible, locator), encode(&index)?),
    ])
}

/// Puts a message into a queue; one in order gets its sequence number.
pub(crate) async fn add(
    tx: &mut Transaction<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    message: QueuedMessage,
) -> Result<Placed, StoreError> {
    retention::watch(tx, name, queue, message.sent)?;
    if queue.is_fifo() {
        return fifo::append(tx, queue, message).await;
    }
    let locator = format!("{}-{}", moment(message.sent), message.id);
    let placed = Placed { locator, message };
    write(tx, &queue.incarnation, &placed)?;
    Ok(placed)
}

/// Puts a message into a queue, unless a queue in order took one with the same deduplication id lately: then that one is answered.
pub(crate) async fn add_once(
    tx: &mut Transaction<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    message: QueuedMessage,
) -> Result<Accepted, StoreError> {
    let (group, id) = (message.group.clone(), message.deduplication.clone());
    let (Some(group), Some(id), true) = (group, id, queue.is_fifo()) else {
        return add(tx, name, queue, message).await.map(Accepted::from);
    };
    if let Some(accepted) = deduplication::find(tx, &queue.memory(), &group, &id, message.sent).await? {
        return Ok(accepted);
    }
    let accepted = Accepted::from(add(tx, name, queue, message).await?);
    deduplication::remember(tx, &queue.memory(), &group, &id, &accepted)?;
    Ok(accepted)
}

pub(super) fn write(tx: &mut Transaction<'_>, incarnation: &str, placed: &Placed) -> Result<(), StoreError> {
    for (kind, key, bytes) in rows(incarnation, placed)? {
        tx.put_bytes(kind, &key, bytes);
    }
    Ok(())
}

/// The message at a locator; `None` when it is gone.
pub(crate) async fn get(
    tx: &mut Transaction<'_>,
    incarnation: &str,
    locator: &str,
) -> Result<Option<Placed>, StoreError> {
    let message = tx.get::<QueuedMessage>(QUEUED, &message_key(incarnation, locator)).await?;
    Ok(message.map(|message| Placed { locator: locator.to_owned(), message }))
}

/// Takes a message out. Of a queue in order the group is to be looked at afterwards ([`settle`]).
pub(crate) fn erase(tx: &mut Transaction<'_>, incarnation: &str, placed: &Placed) {
    tx.delete(VISIBLE, &visible_key(incarnation, placed.message.visible, &placed.locator));
    tx.delete(QUEUED, &message_key(incarnation, &placed.locator));
}

/// Writes a message that changed; `was` is the moment it could be received before. The group is to be looked at afterwards.
pub(crate) fn rewrite(
    tx: &mut Transaction<'_>,
    incarnation: &str,
    was: Timestamp,
    placed: &Placed,
) -> Result<(), StoreError> {
    tx.delete(VISIBLE, &visible_key(incarnation, was, &placed.locator));
    write(tx, incarnation, placed)
}

/// Brings the groups of messages that were changed up to date; nothing to do in a standard queue.
pub(crate) async fn settle<'a>(
    tx: &mut Transaction<'_>,
    queue: &QueueRecord,
    changed: impl IntoIterator<Item = &'a Placed>,
) -> Result<(), StoreError> {
    if !queue.is_fifo() {
        return Ok(());
    }
    let mut groups: Vec<&str> =
        changed.into_iter().filter_map(|placed| placed.message.group.as_deref()).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        fifo::refresh(tx, &queue.incarnation, group).await?;
    }
    Ok(())
}

/// Messages that can be received at `now`, the longest visible first; in a queue in order whole beginnings of groups.
pub(crate) async fn front(
    tx: &mut Transaction<'_>,
    queue: &QueueRecord,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Placed>, StoreError> {
    if queue.is_fifo() {
        return fifo::front(tx, &queue.incarnation, now, limit).await;
    }
    let prefix = format!("{}/", queue.incarnation);
    let end = visible_key(&queue.incarnation, now, "~");
    let index: Vec<(String, VisibleRecord)> =
        tx.scan(VISIBLE, Scan { prefix: &prefix, after: None, limit }).await?;
    let mut found = Vec::with_capacity(index.len());
    for (key, _) in index.into_iter().take_while(|(key, _)| *key <= end) {
        let Some(locator) = key.splitn(3, '/').nth(2) else { continue };
        match get(tx, &queue.incarnation, locator).await? {
            Some(placed) if visible_key(&queue.incarnation, placed.message.visible, locator) == key => {
                found.push(placed);
            }
            // Another caller took it between the two reads: this one looks again.
            Some(_) => tx.require_unchanged(VISIBLE, &key),
            // An index row without its message says nothing.
            None => tx.delete(VISIBLE, &key),
        }
    }
    Ok(found)
}

/// The first moment at which something in the queue can be received, which may be past.
pub(crate) async fn first_visible(
    store: &Store,
    queue: &QueueRecord,
) -> Result<Option<Timestamp>, StoreError> {
    let kind = if queue.is_fifo() { READY } else { VISIBLE };
    let prefix = format!("{}/", queue.incarnation);
    let rows = store.scan(kind, Scan { prefix: &prefix, after: None, limit: 1 }).await?;
    Ok(rows.first().and_then(|row| due_of(row.key.strip_prefix(&prefix)?)))
}

/// Messages by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: u64,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
}

/// Counts the messages of a queue at `now`; those that can be received already only if `whole`.
pub(crate) async fn count(
    store: &Store,
    queue: &QueueRecord,
    now: Timestamp,
    whole: bool,
) -> Result<Counts, StoreError> {
    let prefix = format!("{}/", queue.incarnation);
    let end = visible_key(&queue.incarnation, now, "~");
    let mut after = (!whole).then(|| end.clone());
    let mut counts = Counts::default();
    loop {
        let rows =
            store.scan(VISIBLE, Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE }).await?;
        for row in &rows {
            if row.key <= end {
                counts.visible += 1;
            } else if keywatch_store::decode::<VisibleRecord>(&row.bytes)?.fresh {
                counts.delayed += 1;
            } else {
                counts.in_flight += 1;
            }
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(counts),
        }
    }
}
