//! What came of rules, counted for `AWS/Events`

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_store::{Append, Partition};

use super::record::{DEFAULT_BUS, RuleRecord};
use crate::{
    entry::Body,
    metrics::derive::services::{RuleCount, of_rules},
};

/// At most so many points in an entry as a request may put.
const COUNTS_AN_ENTRY: usize = 1_000;

pub(super) const MATCHED: &str = "MatchedEvents";
pub(super) const TRIGGERED: &str = "TriggeredRules";
pub(super) const INVOCATIONS: &str = "Invocations";
pub(super) const FAILED: &str = "FailedInvocations";
pub(super) const TO_DLQ: &str = "InvocationsSentToDlq";
pub(super) const NOT_TO_DLQ: &str = "InvocationsFailedToBeSentToDlq";

/// Counts by account and Region, then by bus, rule and metric.
#[derive(Debug, Default)]
pub(super) struct Hits(BTreeMap<Partition, BTreeMap<(String, String, &'static str), usize>>);

impl Hits {
    pub(super) fn add(
        &mut self,
        partition: &Partition,
        rule: &RuleRecord,
        metric: &'static str,
        count: usize,
    ) {
        let of_partition = self.0.entry(partition.clone()).or_default();
        *of_partition.entry((rule.bus.clone(), rule.name.clone(), metric)).or_default() += count;
    }

    pub(super) fn into_appends(self, now: Timestamp) -> Vec<Append> {
        let mut appends = Vec::new();
        for (partition, counts) in self.0 {
            let counts: Vec<RuleCount> = counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|((bus, rule, metric), count)| {
                    let bus = (bus != DEFAULT_BUS).then_some(bus);
                    RuleCount { metric, rule, bus, count }
                })
                .collect();
            for some in counts.chunks(COUNTS_AN_ENTRY) {
                appends.push(of_rules(some, now).append(partition.clone(), now));
            }
        }
        appends
    }
}
