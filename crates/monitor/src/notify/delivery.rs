//! Deliveries: what has to leave, when, and what became of it.
//!
//! A delivery is a row keyed by the moment it is due, in microseconds, and its id, so that the next one is the first row. A failed
//! attempt moves the row to a later moment; the last one turns it into a dead row. The message itself is kept once for all its
//! deliveries, and for as long as one of them is left.

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Batch, Kind, StoreError, Versioned, encode};
use serde::{Deserialize, Serialize};

use super::retry::RetryPolicy;
use super::topic::{Protocol, SignatureVersion};
use crate::entry::Message;

pub(crate) const DELIVERY: Kind = Kind("notify.delivery");
/// Deliveries that were given up, by the moment.
pub(crate) const DEAD: Kind = Kind("notify.dead");
/// Messages that deliveries refer to, by their id.
pub(crate) const MESSAGE: Kind = Kind("notify.message");
/// What to look after later, by the moment.
pub(crate) const EXPIRY: Kind = Kind("notify.expiry");

/// A message is looked after once a day: kept while a delivery needs it.
pub(crate) const MESSAGE_LOOK: SignedDuration = SignedDuration::from_hours(24);

/// One thing to tell one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) topic_arn: String,
    /// A UUID.
    pub(crate) subscription: String,
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    pub(crate) signature: SignatureVersion,
    /// `DisplayName` of the topic: the sender's name in mails.
    pub(crate) display_name: String,
    pub(crate) raw: bool,
    /// Failed attempts so far.
    pub(crate) attempts: u32,
    pub(crate) created: Timestamp,
    pub(crate) work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Asks whether the endpoint wants the subscription. The token is sealed.
    Confirm { message_id: String, token: String },
    /// A published message.
    Notify { message_id: String },
    /// Tells a web hook that it was unsubscribed. The token, sealed, brings the subscription back.
    Farewell { message_id: String, token: String },
}

impl Work {
    pub(crate) fn message_id(&self) -> &str {
        match self {
            Self::Confirm { message_id, .. }
            | Self::Notify { message_id }
            | Self::Farewell { message_id, .. } => message_id,
        }
    }
}

impl Versioned for Delivery {
    const MARKER: &'static str = "notify.delivery/1";
}

/// A delivery that was given up, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeadDelivery {
    pub(crate) delivery: Delivery,
    pub(crate) message: Option<StoredMessage>,
    pub(crate) reason: String,
}

impl Versioned for DeadDelivery {
    const MARKER: &'static str = "notify.dead/1";
}

/// A message on its way, with when it was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredMessage {
    pub(crate) message: Message,
    pub(crate) published: Timestamp,
}

impl Versioned for StoredMessage {
    const MARKER: &'static str = "notify.message/1";
}

/// What to look after at a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Expiry {
    /// A message whose deliveries may all be done.
    Message { id: String },
    /// A token, and the subscription it was for if that is still unconfirmed.
    Token { key: String, subscription_key: String },
    /// The messages of a queue that was purged or deleted.
    Messages { incarnation: String },
    /// Messages of a queue that may have expired; `after` is where a look before ended.
    Retention { queue: String, after: Option<String> },
    /// What a queue in order remembered for five minutes.
    Slice { prefix: String },
    /// A task that moves dead letters.
    Move { task: String },
}

impl Versioned for Expiry {
    const MARKER: &'static str = "notify.expiry/1";
}

impl Expiry {
    /// The row that has this looked after at `at`.
    pub(crate) fn row(&self, at: Timestamp) -> Result<(Kind, String, bytes::Bytes), StoreError> {
        Ok((EXPIRY, due_key(at), encode(self)?))
    }
}

impl Delivery {
    /// The row of a delivery that is due at `at`.
    pub(crate) fn row(&self, at: Timestamp) -> Result<(Kind, String, bytes::Bytes), StoreError> {
        Ok((DELIVERY, due_key(at), encode(self)?))
    }
}

/// A key that sorts by the moment; unique.
pub(crate) fn due_key(at: Timestamp) -> String {
    format!("{}/{}", moment(at), uuid::Uuid::new_v4())
}

/// The moment in digits of equal number; times before 1970 count as 1970.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{:020}", at.as_microsecond().max(0))
}

/// The moment a key begins with.
pub(crate) fn due_of(key: &str) -> Option<Timestamp> {
    let digits = key.split('/').next()?;
    Timestamp::from_microsecond(digits.parse().ok()?).ok()
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    /// Nobody wants it any more.
    Dropped,
    /// It may work later.
    Failed(String),
    /// It will never work.
    Refused(String),
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Done,
    /// Try again then, with one more failed attempt.
    Again(Timestamp),
    GiveUp(String),
}

/// Decides after an attempt of a delivery that had failed `attempts` times before.
pub(crate) fn next(policy: &RetryPolicy, attempts: u32, outcome: Outcome, now: Timestamp) -> Next {
    match outcome {
        Outcome::Delivered | Outcome::Dropped => Next::Done,
        Outcome::Refused(reason) => Next::GiveUp(reason),
        Outcome::Failed(reason) => match policy.delay(attempts + 1) {
            Some(delay) => Next::Again(now + delay),
            None => Next::GiveUp(reason),
        },
    }
}

/// The changes that follow from an attempt.
pub(crate) fn settle(
    key: &str,
    delivery: Delivery,
    message: Option<StoredMessage>,
    next: Next,
    now: Timestamp,
) -> Result<Batch, StoreError> {
    let mut batch = Batch { deletes: vec![(DELIVERY, key.to_owned())], ..Batch::default() };
    match next {
        Next::Done => {}
        Next::Again(at) => {
            let delivery = Delivery { attempts: delivery.attempts + 1, ..delivery };
            batch.puts.push(delivery.row(at)?);
        }
        Next::GiveUp(reason) => {
            let dead = DeadDelivery { delivery, message, reason };
            batch.puts.push((DEAD, due_key(now), encode(&dead)?));
        }
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_attempt() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let policy = RetryPolicy::of(Protocol::Http);
        let failed = || Outcome::Failed("x".into());
        let soon = now + SignedDuration::from_secs(20);
        for (attempts, outcome, want) in [
            (0, Outcome::Delivered, Next::Done),
            (2, Outcome::Dropped, Next::Done),
            (0, failed(), Next::Again(soon)),
            (2, failed(), Next::Again(soon)),
            (3, failed(), Next::GiveUp("x".into())),
            (0, Outcome::Refused("no".into()), Next::GiveUp("no".into())),
        ] {
            assert_eq!(next(&policy, attempts, outcome, now), want);
        }
    }

    #[test]
    fn keys_sort_by_their_moment() {
        let (early, late): (Timestamp, Timestamp) =
            ("2001-09-09T01:46:39Z".parse().unwrap(), "2001-09-09T01:46:40Z".parse().unwrap());
        assert!(due_key(early) < due_key(late));
        assert_eq!(due_of(&due_key(late)), Some(late));
        assert_eq!(due_of("x/y"), None);
    }
}
