//! KMS calls by key and operation.
//!
//! The first [`KEYS_MAX`] keys that are used after the start are told apart; all others are counted together as `other`, so that an account
//! with many keys does not become as many time series elsewhere. CloudWatch's metrics here have every key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;
use keywatch_telemetry::{Family, Kind, Value};

use super::calls::Calls;

/// Keys that are told apart.
pub const KEYS_MAX: usize = 1_000;
const OTHER: &str = "other";
const OUTCOMES: [&str; 2] = ["success", "error"];

/// Counts by the key's ARN, then by operation and outcome.
#[derive(Debug, Default)]
pub struct KeyUses {
    keys: RwLock<HashMap<Box<str>, Counts, RandomState>>,
    other: RwLock<Counts>,
}

/// Few operations are used with one key, so they are found by looking through them.
#[derive(Debug, Default)]
struct Counts(Vec<(usize, [AtomicU64; OUTCOMES.len()])>);

impl Counts {
    /// Whether it could be counted without making room.
    fn add(&self, operation: usize, outcome: usize) -> bool {
        let found = self.0.iter().find(|(place, _)| *place == operation);
        found.map(|(_, counts)| counts[outcome].fetch_add(1, Relaxed)).is_some()
    }

    fn make_room(&mut self, operation: usize) {
        if !self.0.iter().any(|(place, _)| *place == operation) {
            self.0.push((operation, Default::default()));
        }
    }
}

impl KeyUses {
    /// Counts a call of the operation with that number.
    pub(super) fn count(&self, arn: &str, operation: usize, failed: bool) {
        let outcome = usize::from(failed);
        {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            match keys.get(arn) {
                Some(counts) if counts.add(operation, outcome) => return,
                None if keys.len() >= KEYS_MAX => {
                    drop(keys);
                    return self.count_other(operation, outcome);
                }
                _ => {}
            }
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have taken the last place meanwhile.
        if keys.len() >= KEYS_MAX && !keys.contains_key(arn) {
            drop(keys);
            return self.count_other(operation, outcome);
        }
        let counts = keys.entry(arn.into()).or_default();
        counts.make_room(operation);
        counts.add(operation, outcome);
    }

    fn count_other(&self, operation: usize, outcome: usize) {
        if !self.other.read().unwrap_or_else(PoisonError::into_inner).add(operation, outcome) {
            let mut other = self.other.write().unwrap_or_else(PoisonError::into_inner);
            other.make_room(operation);
            other.add(operation, outcome);
        }
    }

    /// What there is to tell of the keys, in the order of their ARNs.
    pub fn family(&self, calls: &Calls) -> Family {
        let mut family = Family::new(
            "keywatch_kms_key_requests",
            Kind::Counter,
            "KMS calls by key, operation and outcome; keys beyond the first 1000 since the start are `other`.",
        );
        let mut tell = |key: &str, counts: &Counts| {
            for (place, counts) in &counts.0 {
                for (outcome, count) in OUTCOMES.iter().zip(counts) {
                    let count = count.load(Relaxed);
                    if count > 0 {
                        let labels =
                            [("key", key), ("operation", calls.info(*place).name), ("outcome", outcome)];
                        family.push(&labels, Value::Number(count as f64));
                    }
                }
            }
        };
        {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let mut sorted: Vec<_> = keys.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            sorted.into_iter().for_each(|(key, counts)| tell(key, counts));
        }
        tell(OTHER, &self.other.read().unwrap_or_else(PoisonError::into_inner));
        family
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywatch_api::kms::KmsOperation;

    #[test]
    fn keys_beyond_the_limit_are_counted_together() {
        let (calls, uses) = (Calls::new(), KeyUses::default());
        let decrypt = calls.place(&KmsOperation::Decrypt.info()).unwrap();
        for key in 0..KEYS_MAX + 5 {
            uses.count(&format!("arn:aws:kms:::key/{key:05}"), decrypt, false);
        }
        uses.count("arn:aws:kms:::key/00000", decrypt, true);
        let family = uses.family(&calls);
        assert_eq!(family.samples.len(), KEYS_MAX + 2);
        let shown = |at: usize| {
            let sample = &family.samples[at];
            let labels: Vec<&str> = sample.labels.iter().map(|(_, value)| value.as_str()).collect();
            (labels.join(" "), sample.value.clone())
        };
        assert_eq!(shown(0), ("arn:aws:kms:::key/00000 Decrypt success".into(), Value::Number(1.0)));
        assert_eq!(shown(1), ("arn:aws:kms:::key/00000 Decrypt error".into(), Value::Number(1.0)));
        assert_eq!(shown(KEYS_MAX + 1), ("other Decrypt success".into(), Value::Number(5.0)));
    }
}
