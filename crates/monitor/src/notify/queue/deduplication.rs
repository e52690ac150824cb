//! What a queue or topic in order must not take twice within five minutes, and receive attempts that are made again.
//!
//! Rows lie in **slices** of five minutes, so that a slice is removed as a whole and none of its rows has to be looked at again. A
//! row is looked for in the slices around now and must be unchanged there at the commit: of two sends at once, one runs again.
//!
//! Source: SQS developer guide, "Using the Amazon SQS message deduplication ID" and "… receive request attempt ID".

use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::digest::{sha256, sha256_of};
use keywatch_store::{Kind, StoreError, Transaction, Versioned, encode};
use serde::{Deserialize, Serialize};

use super::fifo;
use super::rows::Placed;
use super::{QueueRecord, QueuedMessage};
use crate::notify::delivery::{EXPIRY, Expiry, moment};

/// `incarnation/slice/digest`
pub(crate) const DEDUPLICATION: Kind = Kind("sqs.deduplication");
/// `incarnation/slice/digest`
pub(crate) const ATTEMPT: Kind = Kind("sqs.attempt");

/// `place/slice/digest`: the last sequence number of a topic's group.
pub(crate) const SEQUENCE: Kind = Kind("sns.sequence");

const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    /// Only of queues in order.
    pub(crate) sequence: Option<String>,
    pub(crate) sent: Timestamp,
}

impl Versioned for Accepted {
    const MARKER: &'static str = "sqs.deduplication/1";
}

impl From<Placed> for Accepted {
    fn from(placed: Placed) -> Self {
        let QueuedMessage { id, sequence, sent, .. } = placed.message;
        Self { id, sequence, sent }
    }
}

/// What a receive attempt was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    /// Locators, and until when each was hidden.
    pub(crate) messages: Vec<(String, Timestamp)>,
}

impl Versioned for Attempt {
    const MARKER: &'static str = "sqs.attempt/1";
}

/// Where something in order remembers what it took.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Names it and nothing else, ever.
    pub(crate) place: String,
    /// Ids are told apart within a group only.
    pub(crate) by_group: bool,
}

impl QueueRecord {
    pub(crate) fn memory(&self) -> Memory {
        let by_group = self.attributes.get("DeduplicationScope").is_some_and(|scope| scope == "messageGroup");
        Memory { place: self.incarnation.clone(), by_group }
    }
}

/// The last sequence number of a group, so that two who give one at once conflict.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LastSequence {
    last: u64,
}

impl Versioned for LastSequence {
    const MARKER: &'static str = "sns.sequence/1";
}

fn slice(at: Timestamp) -> i64 {
    at.as_second().div_euclid(WINDOW.as_secs())
}

fn slice_prefix(memory: &Memory, slice: i64) -> String {
    format!("{}/{:012}/", memory.place, slice.max(0))
}

fn key(memory: &Memory, slice: i64, digest: &str) -> String {
    format!("{}{digest}", slice_prefix(memory, slice))
}

/// SHA-256 of the body: the id where the queue deduplicates by content.
pub(crate) fn id_of_content(body: &str) -> String {
    hex::encode(sha256(body.as_bytes()))
}

fn digest(group: Option<&str>, id: &str) -> String {
    let scope: &[u8] = if group.is_some() { b"group" } else { b"queue" };
    hex::encode(sha256_of(&[scope, b"\0", group.unwrap_or_default().as_bytes(), b"\0", id.as_bytes()]))
}

/// The message with that deduplication id that was taken less than five minutes before `now`.
pub(crate) async fn find(
    tx: &mut Transaction<'_>,
    memory: &Memory,
    group: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Accepted>, StoreError> {
    // What was taken while ids were told apart everywhere counts for every group.
    let mut digests = vec![digest(None, id)];
    if memory.by_group {
        digests.push(digest(Some(group), id));
    }
    for digest in digests {
        // A call that began a little later may have written into the next slice.
        for slice in slice(now) - 1..=slice(now) + 1 {
            let key = key(memory, slice, &digest);
            let found = tx.get::<Accepted>(DEDUPLICATION, &key).await?;
            if let Some(found) = found.filter(|found| now < found.sent + WINDOW) {
                return Ok(Some(found));
            }
            tx.require_unchanged(DEDUPLICATION, &key);
        }
    }
    Ok(None)
}

/// Remembers a message that was taken.
pub(crate) fn remember(
    tx: &mut Transaction<'_>,
    memory: &Memory,
    group: &str,
    id: &str,
    accepted: &Accepted,
) -> Result<(), StoreError> {
    let digest = digest(memory.by_group.then_some(group), id);
    let slice = slice(accepted.sent);
    tx.put(DEDUPLICATION, &key(memory, slice, &digest), accepted)?;
    forget_later(tx, memory, slice)
}

/// The next sequence number of a group of a topic.
pub(crate) async fn next_sequence(
    tx: &mut Transaction<'_>,
    memory: &Memory,
    group: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let digest = digest(Some(group), "");
    let slice = slice(now);
    let mut last = None;
    for slice in slice - 1..=slice + 1 {
        let key = key(memory, slice, &digest);
        let found = tx.get::<LastSequence>(SEQUENCE, &key).await?;
        last = last.max(found.map(|found| found.last));
        tx.require_unchanged(SEQUENCE, &key);
    }
    let next = fifo::fresh_sequence(tx, last);
    tx.put(SEQUENCE, &key(memory, slice, &digest), &LastSequence { last: next })?;
    forget_later(tx, memory, slice)?;
    Ok(next.to_string())
}

/// What the attempt of that id was given less than five minutes before `now`.
pub(crate) async fn attempt(
    tx: &mut Transaction<'_>,
    memory: &Memory,
    id: &str,
    now: Timestamp,
) -> Result<Option<Attempt>, StoreError> {
    let digest = digest(None, id);
    for slice in slice(now) - 1..=slice(now) {
        let found = tx.get::<Attempt>(ATTEMPT, &key(memory, slice, &digest)).await?;
        if let Some(found) = found.filter(|found| now < found.at + WINDOW) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

pub(crate) fn remember_attempt(
    tx: &mut Transaction<'_>,
    memory: &Memory,
    id: &str,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let slice = slice(attempt.at);
    tx.put(ATTEMPT, &key(memory, slice, &digest(None, id)), attempt)?;
    forget_later(tx, memory, slice)
}

/// One row for all of a slice, however much is in it.
fn forget_later(tx: &mut Transaction<'_>, memory: &Memory, slice: i64) -> Result<(), StoreError> {
    let end = Timestamp::from_second((slice + 2).saturating_mul(WINDOW.as_secs())).unwrap_or(Timestamp::MAX);
    let expiry = Expiry::Slice { prefix: slice_prefix(memory, slice) };
    tx.put_bytes(EXPIRY, &format!("{}/{}-slice", moment(end), memory.place), encode(&expiry)?);
    Ok(())
}
