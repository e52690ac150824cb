//! # The roster: the alarms in memory, and how they are found
//! By key, by the series they watch, by the moment the clock evaluates them, as parents of a child, and those that hold something back.
//! What changes is taken in alarm by alarm: nothing here looks at all of them because one changed.
//! Looking at queries for every point would be much work where there are many: after a look an alarm **rests**.
//! **Invariants:** an alarm with a next evaluation is in `due` at that second, others are not; an alarm on a metric is in `by_series` once
//! the metric has a series and in `waiting` before.
//! **Not here:** reading alarms (`known.rs`), deciding (`judge.rs`).

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    early::Running,
    known::{Known, Role},
};
use crate::metrics::{
    Second,
    series::{MetricRef, SeriesId, SeriesStore},
};

/// After a look at a query an alarm rests for so many milliseconds for every thousand metrics that the query may take in,
const REST_MS_OF_METRICS: i64 = 25;
/// and for so many for every thousand alarms that are looked at for the same points.
const REST_MS_OF_ALARMS: i64 = 250;

/// The key of an alarm, shared by everything that refers to it.
pub(super) type Key = Arc<str>;

#[derive(Debug, Default)]
pub(super) struct Roster {
    known: HashMap<Key, Known>,
    /// When the clock evaluates which metric alarm next.
    due: BTreeSet<(Second, Key)>,
    by_series: HashMap<SeriesId, Vec<Key>>,
    /// Alarms on metrics without a series, by the metric's names.
    waiting: HashMap<String, Vec<Key>>,
    /// Alarms that any metric of a name may decide.
    by_name: HashMap<String, Vec<Key>>,
    /// Alarms whose series got points that are looked at later.
    later: BTreeSet<(Timestamp, Key)>,
    /// Composite alarms by their children.
    parents: HashMap<String, BTreeSet<Key>>,
    /// Alarms with something that is held back.
    held: BTreeSet<Key>,
    /// Series up to this number are known to `waiting` or to `by_series`.
    series_known: Option<SeriesId>,
}

impl Roster {
    pub(super) fn get(&self, key: &str) -> Option<&Known> {
        self.known.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Known> {
        self.known.get_mut(key)
    }

    pub(super) fn alarms(&self) -> impl Iterator<Item = (&Key, &Known)> {
        self.known.iter()
    }

    /// The composite alarms that have an alarm as their child.
    pub(super) fn parents(&self, child: &str) -> impl Iterator<Item = &Key> {
        self.parents.get(child).into_iter().flatten()
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &Key> {
        self.held.iter()
    }

    /// Takes in an alarm that is new or changed. One that watches what it watched keeps its place.
    pub(super) fn put(&mut self, key: &str, mut known: Known, series: &SeriesStore) {
        let key = match self.known.remove_entry(key) {
            None => {
                let key = Key::from(key);
                self.relate(&key, &known, series);
                key
            }
            Some((key, old)) => {
                self.unschedule(&key, &old);
                if !known.takes_over(&old) {
                    self.unrelate(&key, &old, series);
                    self.relate(&key, &known, series);
                }
                key
            }
        };
        if let Some(next) = known.next() {
            self.due.insert((next, Arc::clone(&key)));
        }
        if known.holds_something() {
            self.held.insert(Arc::clone(&key));
        } else {
            self.held.remove(&key);
        }
        self.known.insert(key, known);
    }

    pub(super) fn remove(&mut self, key: &str, series: &SeriesStore) {
        if let Some((key, old)) = self.known.remove_entry(key) {
            self.unschedule(&key, &old);
            self.unrelate(&key, &old, series);
            self.held.remove(&key);
        }
    }

    fn unschedule(&mut self, key: &Key, known: &Known) {
        if let Some(next) = known.next() {
            self.due.remove(&(next, Arc::clone(key)));
        }
    }

    fn relate(&mut self, key: &Key, known: &Known, series: &SeriesStore) {
        match &known.role {
            Role::Composite(composite) => {
                for child in &composite.children {
                    self.parents.entry(child.clone()).or_default().insert(Arc::clone(key));
                }
            }
            Role::Metric(_) => {
                known.each_metric(&mut |metric| match series.find(metric) {
                    Some(id) => self.by_series.entry(id).or_default().push(Arc::clone(key)),
                    None => self.waiting.entry(names(metric)).or_default().push(Arc::clone(key)),
                });
                if let Some(name) = name_of_all(known) {
                    self.by_name.entry(name).or_default().push(Arc::clone(key));
                }
            }
        }
    }

    fn unrelate(&mut self, key: &Key, known: &Known, series: &SeriesStore) {
        match &known.role {
            Role::Composite(composite) => {
                for child in &composite.children {
                    let Some(parents) = self.parents.get_mut(child) else { continue };
                    parents.remove(key);
                    if parents.is_empty() {
                        self.parents.remove(child);
                    }
                }
            }
            Role::Metric(_) => {
                known.each_metric(&mut |metric| {
                    // It may have got its series after the last look for new ones.
                    if let Some(id) = series.find(metric) {
                        leave(&mut self.by_series, &id, key);
                    }
                    leave(&mut self.waiting, &names(metric), key);
                });
                if let Some(name) = name_of_all(known) {
                    leave(&mut self.by_name, &name, key);
                }
            }
        }
    }

    /// Alarms that the clock evaluates at `now` or should have, the longest due first.
    pub(super) fn due(&self, now: Second, limit: usize) -> Vec<Key> {
        let due = self.due.iter().take_while(|(next, _)| *next <= now);
        due.take(limit).map(|(_, key)| Arc::clone(key)).collect()
    }

    /// When the clock evaluates something next.
    pub(super) fn soonest(&self) -> Option<Second> {
        self.due.first().map(|(next, _)| *next)
    }

    /// An alarm was evaluated by the clock.
    pub(super) fn schedule(&mut self, key: &Key, quiet: bool, now: Second) {
        let Some(known) = self.known.get_mut(key) else { return };
        let before = known.next();
        let next = known.schedule(quiet, now);
        if let Some(before) = before {
            self.due.remove(&(before, Arc::clone(key)));
        }
        if let Some(next) = next {
            self.due.insert((next, Arc::clone(key)));
        }
    }

    /// Finds the series that came since the last call among those that alarms wait for.
    pub(super) fn meet(&mut self, series: &SeriesStore) {
        for id in series.ids_after(self.series_known) {
            self.series_known = Some(id);
            if self.waiting.is_empty() {
                continue;
            }
            let metric = series.metric(id);
            let dimensions: Vec<(&str, &str)> = metric.dimensions().collect();
            let names = names(&MetricRef {
                partition: metric.partition(),
                namespace: metric.namespace(),
                name: metric.name(),
                dimensions: &dimensions,
            });
            if let Some(waiting) = self.waiting.remove(&names) {
                self.by_series.entry(id).or_default().extend(waiting);
            }
        }
    }

    /// A series got points: alarms on it are not quiet any more. Gives those whose outcome may be certain before their time.
    pub(super) fn touch(
        &mut self,
        id: SeriesId,
        series: &SeriesStore,
        now: Timestamp,
        early: &mut BTreeSet<Key>,
    ) {
        let at = now.as_second();
        let mut running = Running::new(series, id, at);
        let keys = self.by_series.get(&id).map_or(&[][..], Vec::as_slice);
        for key in keys {
            let Some(known) = self.known.get_mut(key) else { continue };
            if let Some(next) = known.wake(at) {
                self.due.insert((next, Arc::clone(key)));
            }
            if !running.may_decide(known) || early.contains(key) {
                continue;
            }
            let pause = if known.watches_queries() {
                rest(keys.len(), REST_MS_OF_ALARMS)
            } else {
                SignedDuration::ZERO
            };
            match known.look(now, pause) {
                Ok(()) => early.insert(Arc::clone(key)),
                Err(later) => self.later.insert((later, Arc::clone(key))),
            };
        }
        if self.by_name.is_empty() {
            return;
        }
        let metric = series.metric(id);
        let (partition, namespace, name) = (metric.partition(), metric.namespace(), metric.name());
        let all = names(&MetricRef { partition, namespace, name, dimensions: &[] });
        let metrics = series.named(partition, namespace, name).len();
        for key in self.by_name.get(&all).into_iter().flatten() {
            let Some(known) = self.known.get_mut(key) else { continue };
            if let Some(next) = known.wake(at) {
                self.due.insert((next, Arc::clone(key)));
            }
            if early.contains(key) {
                continue;
            }
            match known.look(now, rest(metrics, REST_MS_OF_METRICS)) {
                Ok(()) => early.insert(Arc::clone(key)),
                Err(later) => self.later.insert((later, Arc::clone(key))),
            };
        }
    }

    /// Alarms that rested and are looked at by now.
    pub(super) fn rested(&mut self, now: Timestamp) -> Vec<Key> {
        let mut rested = Vec::new();
        while self.later.first().is_some_and(|(later, _)| *later <= now) {
            rested.extend(self.later.pop_first().map(|(_, key)| key));
        }
        rested
    }

    /// When the next alarm has rested.
    pub(super) fn next_rested(&self) -> Option<Timestamp> {
        self.later.first().map(|(later, _)| *later)
    }
}

/// How long an alarm rests after a look, by what grows with the work.
fn rest(number: usize, ms_a_thousand: i64) -> SignedDuration {
    SignedDuration::from_millis(ms_a_thousand * (number / 1_000) as i64)
}

/// The name of whose metrics any may decide an alarm, as one text.
fn name_of_all(known: &Known) -> Option<String> {
    let partition = known.alarm.partition();
    known.name_of_all().map(|name| names(&MetricRef { partition: &partition, ..name }))
}

/// Takes a key out of those at a place, and the place away with the last.
fn leave<P: Eq + Hash>(places: &mut HashMap<P, Vec<Key>>, place: &P, key: &Key) {
    let Some(keys) = places.get_mut(place) else { return };
    keys.retain(|other| !Arc::ptr_eq(other, key));
    if keys.is_empty() {
        places.remove(place);
    }
}

/// The names of a metric as one text; control characters are in none of them.
fn names(metric: &MetricRef<'_>) -> String {
    let mut names = format!("{}\0{}\0{}", metric.partition, metric.namespace, metric.name);
    for (name, value) in metric.dimensions {
        names.push('\0');
        names.push_str(name);
        names.push('\0');
        names.push_str(value);
    }
    names
}
