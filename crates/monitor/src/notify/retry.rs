//! When a failed delivery is tried again: a pure function of the policy and of how often it was tried.
//!
//! Source: SNS developer guide, "Message delivery retries": four phases of retries: at once, at the least delay, with growing
//! delays, at the greatest delay.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::topic::Protocol;

/// How often and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RetryPolicy {
    /// Retries in the growing phase.
    pub(crate) growing: u32,
    pub(crate) without_delay: u32,
    pub(crate) at_least_delay: u32,
    pub(crate) at_greatest_delay: u32,
    /// Seconds.
    pub(crate) least: u32,
    /// Seconds.
    pub(crate) greatest: u32,
    pub(crate) backoff: Backoff,
}

/// How delays grow from the least to the greatest. AWS shows curves and no formulas; these have their ends and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backoff {
    /// By the same amount each time.
    Linear,
    /// By an amount that itself grows by the same each time.
    Arithmetic,
    /// By the same factor each time.
    Geometric,
    /// By an amount that doubles each time.
    Exponential,
}

impl RetryPolicy {
    /// "numRetries 3, minDelayTarget 20, maxDelayTarget 20"
    const HTTP: Self = Self {
        growing: 3,
        without_delay: 0,
        at_least_delay: 0,
        at_greatest_delay: 0,
        least: 20,
        greatest: 20,
        backoff: Backoff::Linear,
    };
    /// "SMTP: 2 times, 10 seconds apart; 10 times, with exponential backoff, from 10 seconds to 600 seconds; 38 times, 600 seconds
    /// apart: 50 times over more than 6 hours"
    const SMTP: Self = Self {
        growing: 10,
        without_delay: 0,
        at_least_delay: 2,
        at_greatest_delay: 38,
        least: 10,
        greatest: 600,
        backoff: Backoff::Geometric,
    };

    pub(crate) fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http | Protocol::Https | Protocol::Sqs => Self::HTTP,
            Protocol::Email | Protocol::EmailJson => Self::SMTP,
        }
    }

    /// The delay before the attempt that follows `attempts` failed ones; `None` when it is time to give up.
    pub(crate) fn delay(&self, attempts: u32) -> Option<SignedDuration> {
        let mut retry = attempts.checked_sub(1)?;
        if retry < self.without_delay {
            return Some(SignedDuration::ZERO);
        }
        retry -= self.without_delay;
        if retry < self.at_least_delay {
            return Some(SignedDuration::from_secs(self.least.into()));
        }
        retry -= self.at_least_delay;
        if retry < self.growing {
            return Some(SignedDuration::from_secs(self.grown(retry).round() as i64));
        }
        retry -= self.growing;
        (retry < self.at_greatest_delay).then(|| SignedDuration::from_secs(self.greatest.into()))
    }

    /// From the least delay to the greatest.
    fn grown(&self, step: u32) -> f64 {
        let (least, greatest) = (f64::from(self.least), f64::from(self.greatest));
        let last = f64::from(self.growing.saturating_sub(1));
        if last <= 0.0 || least <= 0.0 {
            return greatest;
        }
        let step = f64::from(step);
        let share = match self.backoff {
            Backoff::Geometric => return least * (greatest / least).powf(step / last),
            Backoff::Linear => step / last,
            Backoff::Arithmetic => step * (step + 1.0) / (last * (last + 1.0)),
            Backoff::Exponential => (step.exp2() - 1.0) / (last.exp2() - 1.0),
        };
        least + (greatest - least) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(policy: RetryPolicy) -> Vec<i64> {
        (1..).map_while(|attempts| policy.delay(attempts)).map(|delay| delay.as_secs()).collect()
    }

    #[test]
    fn web_hooks_are_tried_three_times_more() {
        assert_eq!(delays(RetryPolicy::of(Protocol::Https)), [20, 20, 20]);
    }

    #[test]
    fn delays_grow_by_their_function() {
        for (backoff, want) in [
            (Backoff::Linear, [10, 20, 30, 40, 50]),
            (Backoff::Arithmetic, [10, 14, 22, 34, 50]),
            (Backoff::Geometric, [10, 15, 22, 33, 50]),
            (Backoff::Exponential, [10, 13, 18, 29, 50]),
        ] {
            let policy = RetryPolicy { growing: 5, least: 10, greatest: 50, backoff, ..RetryPolicy::HTTP };
            assert_eq!(delays(policy), want, "{backoff:?}");
        }
    }

    #[test]
    fn mails_are_tried_for_six_hours() {
        let delays = delays(RetryPolicy::of(Protocol::Email));
        assert_eq!(delays.len(), 50);
        assert_eq!(delays[..3], [10, 10, 10]);
        assert_eq!((delays[11], delays[12], delays[49]), (600, 600, 600));
        assert!(delays.is_sorted(), "{delays:?}");
        assert!(delays.iter().sum::<i64>() > 6 * 3600);
    }
}
