//! Which metrics got points in which minutes, and the entry that touched a minute first. Pure.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use hashbrown::{Equivalent, HashSet};
use keywatch_store::Seq;

use crate::metrics::{Second, series::MetricRef};

/// Points older than this are not sent, as those of imported records may be.
const LATE_MAX: Second = 14 * 86_400;

/// A metric by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) partition: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: Vec<(String, String)>,
}

/// Minutes with something to send.
#[derive(Debug, Default)]
pub(super) struct Touched {
    minutes: BTreeMap<Second, Minute>,
    count: usize,
}

#[derive(Debug)]
pub(super) struct Minute {
    /// The first entry that touched it.
    first: Seq,
    /// When it is sent: when it has ended, or for one that had ended already, with the next that does.
    due: Second,
    pub(super) metrics: HashSet<Named, foldhash::fast::RandomState>,
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let dimensions = self.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        hash((&self.partition, &self.namespace, &self.name), dimensions, state);
    }
}

/// A borrowed name that is looked up.
struct Sought<'a>(&'a MetricRef<'a>);

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash((self.0.partition, self.0.namespace, self.0.name), self.0.dimensions.iter().copied(), state);
    }
}

impl Equivalent<Named> for Sought<'_> {
    fn equivalent(&self, named: &Named) -> bool {
        let dimensions = named.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        (self.0.partition, self.0.namespace, self.0.name)
            == (named.partition.as_str(), named.namespace.as_str(), named.name.as_str())
            && self.0.dimensions.iter().copied().eq(dimensions)
    }
}

fn hash<'a, H: Hasher>(
    names: (&str, &str, &str),
    dimensions: impl Iterator<Item = (&'a str, &'a str)>,
    state: &mut H,
) {
    names.hash(state);
    dimensions.for_each(|pair| pair.hash(state));
}

impl Touched {
    /// Notes a point of `metric` at `time`, which entry `seq` brought at `now`, if somebody `wants` the metric.
    pub(super) fn touch(
        &mut self,
        seq: Seq,
        metric: &MetricRef<'_>,
        (time, now): (Second, Second),
        wants: impl FnOnce() -> bool,
    ) {
        let minute = time.div_euclid(60) * 60;
        if time < now - LATE_MAX {
            return;
        }
        let known = self.minutes.get(&minute).is_some_and(|minute| minute.metrics.contains(&Sought(metric)));
        if known || !wants() {
            return;
        }
        let due = minute.max(now.div_euclid(60) * 60) + 60;
        let of = self.minutes.entry(minute).or_insert_with(|| Minute {
            first: seq,
            due,
            metrics: HashSet::default(),
        });
        let dimensions = metric.dimensions.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        of.metrics.insert(Named {
            partition: metric.partition.into(),
            namespace: metric.namespace.into(),
            name: metric.name.into(),
            dimensions: dimensions.collect(),
        });
        self.count += 1;
    }

    /// Metrics in all minutes.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The first entry whose minute is still here.
    pub(super) fn oldest(&self) -> Option<Seq> {
        self.minutes.values().map(|minute| minute.first).min()
    }

    pub(super) fn next_due(&self) -> Option<Second> {
        self.minutes.values().map(|minute| minute.due).min()
    }

    /// The minutes that are due at `now`.
    pub(super) fn due(&self, now: Second) -> impl Iterator<Item = (Second, &Minute)> {
        self.minutes.iter().filter(move |(_, minute)| minute.due <= now).map(|(at, minute)| (*at, minute))
    }

    /// Forgets minutes that were sent.
    pub(super) fn forget(&mut self, minutes: &[Second]) {
        for minute in minutes.iter().filter_map(|minute| self.minutes.remove(minute)) {
            self.count -= minute.metrics.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_due_when_they_have_ended() {
        let mut touched = Touched::default();
        let mut touch = |seq, name, time, now| {
            let dimensions = [("D", "v")];
            let metric = MetricRef { partition: "p", namespace: "n", name, dimensions: &dimensions };
            touched.touch(seq, &metric, (time, now), || name != "unwanted");
        };
        let now = 2_000_000_000 / 60 * 60 + 30;
        touch(5, "a", now, now);
        touch(6, "a", now + 1, now);
        touch(7, "b", now - 3_600, now);
        touch(8, "unwanted", now, now);
        touch(9, "a", now - LATE_MAX - 1, now);
        touch(9, "a", now + 60, now);
        let minute = now / 60 * 60;
        assert_eq!((touched.count(), touched.oldest()), (3, Some(5)));
        assert_eq!(touched.next_due(), Some(minute + 60));
        assert_eq!(touched.due(minute + 59).count(), 0);
        let due: Vec<Second> = touched.due(minute + 60).map(|(at, _)| at).collect();
        assert_eq!(due, [minute - 3_600, minute]);
        touched.forget(&due);
        assert_eq!((touched.count(), touched.oldest(), touched.next_due()), (1, Some(9), Some(minute + 120)));
    }
}
