//! When a failed delivery is tried again: a pure function of the policy and of how often it was tried.
//!
//! Source: SNS developer guide, "Message delivery retries": four phases of retries: at once, at the least delay, with growing
//! delays, at the greatest delay.

use jiff::SignedDuration;

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

    /// Exponential from the least delay to the greatest.
    fn grown(&self, step: u32) -> f64 {
        let (least, greatest) = (f64::from(self.least), f64::from(self.greatest));
        let last = self.growing.saturating_sub(1);
        if last == 0 || least <= 0.0 {
            return greatest;
        }
        least * (greatest / least).powf(f64::from(step) / f64::from(last))
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
    fn mails_are_tried_for_six_hours() {
        let delays = delays(RetryPolicy::of(Protocol::Email));
        assert_eq!(delays.len(), 50);
        assert_eq!(delays[..3], [10, 10, 10]);
        assert_eq!((delays[11], delays[12], delays[49]), (600, 600, 600));
        assert!(delays.is_sorted(), "{delays:?}");
        assert!(delays.iter().sum::<i64>() > 6 * 3600);
    }
}
