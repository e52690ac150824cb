//! Invocations: calls of targets outside that are to be made, when, and what follows from an attempt
//!
//! An invocation is a row keyed by the moment it is due, so that the next one is the first row. A failed attempt moves the row to a
//! later moment, further and further off, until the target's retry policy is exhausted. Source: EventBridge User Guide, "Retry policy
//! and using dead-letter queues"; the delays are ours.

use jiff::{SignedDuration, Timestamp};
use keywatch_api::events::{ShownRetry, ShownTarget};
use keywatch_store::{Kind, Partition, StoreError, Versioned, encode};
use serde::{Deserialize, Serialize};

use super::call_target::Failure;
use crate::notify::moment;

/// `moment/id`
pub(crate) const INVOCATION: Kind = Kind("events.invocation");

const ATTEMPTS_MAX: i32 = 185;
const AGE_MAX: i32 = 86_400;
/// Seconds before the first retry, and at most.
const DELAY_LEAST: u64 = 1;
const DELAY_MAX: u64 = 600;
/// Seconds after which every event is too old.
const NEVER: u64 = 86_401;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invocation {
    /// The same in all rows of this invocation.
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) bus: String,
    pub(crate) rule_arn: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) target: ShownTarget,
    /// As it came.
    pub(crate) event: String,
    /// What the target is sent.
    pub(crate) body: String,
    pub(crate) created: Timestamp,
    /// Failed attempts so far.
    pub(crate) attempts: u32,
}

impl Versioned for Invocation {
    const MARKER: &'static str = "events.invocation/1";
}

impl Invocation {
    pub(crate) fn partition(&self) -> Partition {
        Partition::new(&self.account, &self.region)
    }

    /// The row of an invocation that is due at `at`.
    pub(crate) fn row(&self, at: Timestamp) -> Result<(Kind, String, bytes::Bytes), StoreError> {
        Ok((INVOCATION, format!("{}/{}", moment(at), self.id), encode(self)?))
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The destination takes no more in this second.
    Full,
    /// It may work later; the target may say how many seconds later.
    Failed(Failure, Option<u64>),
    /// It will never work.
    Refused(Failure),
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    /// Try then, with so many failed attempts.
    At(Timestamp, u32),
    /// Why, and which limit of the retry policy was reached.
    GiveUp(Failure, Option<&'static str>),
}

pub(super) fn next(invocation: &Invocation, outcome: Outcome, now: Timestamp) -> Next {
    let (failure, asked) = match outcome {
        Outcome::Done => return Next::Done,
        Outcome::Full => return Next::At(now + SignedDuration::from_secs(1), invocation.attempts),
        Outcome::Refused(failure) => return Next::GiveUp(failure, None),
        Outcome::Failed(failure, asked) => (failure, asked),
    };
    let (retries_max, age_max) = limits(invocation.target.retry_policy.as_ref());
    if invocation.attempts >= retries_max {
        return Next::GiveUp(failure, Some("MaximumRetryAttempts"));
    }
    // What a target asks for beyond any age is as good as never.
    let wait = asked.unwrap_or(0).max(delay(&invocation.id, invocation.attempts)).min(NEVER);
    let at = now + SignedDuration::from_secs(i64::try_from(wait).unwrap_or_default());
    if at > invocation.created + age_max {
        return Next::GiveUp(failure, Some("MaximumEventAgeInSeconds"));
    }
    Next::At(at, invocation.attempts + 1)
}

fn limits(policy: Option<&ShownRetry>) -> (u32, SignedDuration) {
    let retries = policy.and_then(|policy| policy.maximum_retry_attempts).unwrap_or(ATTEMPTS_MAX);
    let age = policy.and_then(|policy| policy.maximum_event_age_in_seconds).unwrap_or(AGE_MAX);
    (u32::try_from(retries).unwrap_or(0), SignedDuration::from_secs(age.into()))
}

/// Seconds: twice as many each time, and up to as many again by chance, which the invocation's id decides.
fn delay(id: &str, attempts: u32) -> u64 {
    let grown = DELAY_LEAST << attempts.min(20);
    let chance = keywatch_crypto::digest::sha256(format!("{id} {attempts}").as_bytes())[0];
    (grown + grown * u64::from(chance) / 256).min(DELAY_MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::events) fn invocation(attempts: u32, retry_policy: Option<ShownRetry>) -> Invocation {
        let target = ShownTarget {
            id: "1".into(),
            arn: "arn:aws:events:us-east-1:111122223333:api-destination/d/i".into(),
            role_arn: None,
            input: None,
            input_path: None,
            input_transformer: None,
            kinesis_parameters: None,
            sqs_parameters: None,
            http_parameters: None,
            dead_letter_config: None,
            retry_policy,
        };
        Invocation {
            id: "i".into(),
            rule: "r".into(),
            bus: "default".into(),
            rule_arn: "arn:aws:events:us-east-1:111122223333:rule/r".into(),
            account: "111122223333".into(),
            region: "us-east-1".into(),
            target,
            event: "{}".into(),
            body: "{}".into(),
            created: "2026-09-14T11:00:00Z".parse().unwrap(),
            attempts,
        }
    }

    #[test]
    fn after_an_attempt() {
        let now: Timestamp = "2026-09-14T11:00:00Z".parse().unwrap();
        let failure = Failure { code: "ERROR_FROM_TARGET", message: "500".into() };
        let failed = |asked| Outcome::Failed(failure.clone(), asked);
        let policy = |retries, age| {
            Some(ShownRetry {
                maximum_retry_attempts: Some(retries),
                maximum_event_age_in_seconds: Some(age),
            })
        };
        let after = |seconds| now + SignedDuration::from_secs(seconds);
        assert_eq!(next(&invocation(0, None), Outcome::Done, now), Next::Done);
        assert_eq!(next(&invocation(3, None), Outcome::Full, now), Next::At(after(1), 3));
        assert_eq!(
            next(&invocation(3, None), Outcome::Refused(failure.clone()), now),
            Next::GiveUp(failure.clone(), None)
        );
        assert_eq!(next(&invocation(0, None), failed(Some(90)), now), Next::At(after(90), 1));
        assert_eq!(
            next(&invocation(2, policy(2, 3_600)), failed(None), now),
            Next::GiveUp(failure.clone(), Some("MaximumRetryAttempts"))
        );
        assert_eq!(
            next(&invocation(0, policy(2, 60)), failed(None), after(60)),
            Next::GiveUp(failure.clone(), Some("MaximumEventAgeInSeconds"))
        );
        assert_eq!(
            next(&invocation(0, None), failed(Some(u64::MAX)), now),
            Next::GiveUp(failure.clone(), Some("MaximumEventAgeInSeconds"))
        );
    }

    #[test]
    fn delays_grow_to_ten_minutes() {
        let delays: Vec<u64> = (0..185).map(|attempts| delay("i", attempts)).collect();
        for (attempts, delay) in delays.iter().enumerate() {
            let grown = 1 << attempts.min(20);
            assert!((grown.min(600)..=(2 * grown).min(600)).contains(delay), "{attempts}: {delay}");
        }
        assert_eq!(delays[184], 600);
    }
}
