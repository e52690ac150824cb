//! # The alarm reconciler: evaluates, and writes what changed
//! Looks only at stored alarms and live series, so a missed wake-up costs time and never correctness. An alarm is evaluated when
//! its series got points (a period that already breaches for certain counts at once) and by the clock at its cadence. An alarm
//! whose window is empty is **quiet**: it is not evaluated again before its series or its configuration changes.
//! **Invariant:** nothing is committed while no state changes.
//! **Not here:** the decision (`evaluate.rs`), what a change writes (`change.rs`).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{CommitError, LogEntry, Seq, Store, StoreError, Transaction};

use super::{
    alarm::{Alarm, State},
    change,
    evaluate::{Datapoint, Decision, Verdict, evaluate},
    reason::{INITIAL, reason, reason_data},
    spec::Spec,
    store::{ALARM, all_alarms, forget_old_history},
};
use crate::{
    engine::Follower,
    metrics::{
        Second,
        live::LiveSeries,
        series::{Bucket, MetricRef, SeriesId, SeriesStore, Window},
        stream::DAY_SECONDS,
    },
};

/// Evaluates the alarms of all accounts and Regions.
#[derive(Debug)]
pub struct AlarmReconciler {
    store: Store,
    live: Arc<LiveSeries>,
    position: Seq,
    /// The store's generation of alarms that `watched` shows; none when it must be read again.
    generation: Option<u64>,
    watched: HashMap<String, Watched>,
    /// Alarms by the series they watch.
    by_series: HashMap<SeriesId, Vec<String>>,
    /// How many series there were when alarms without one last looked for theirs.
    series_known: usize,
    /// The day for which old history was last deleted.
    forgotten_on: i64,
}

/// An alarm in memory.
#[derive(Debug)]
struct Watched {
    version: u64,
    alarm: Alarm,
    spec: Spec,
    series: Option<SeriesId>,
    /// When the clock evaluates it next; never while it is quiet.
    next: Option<Second>,
}

impl AlarmReconciler {
    pub fn new(store: Store, live: Arc<LiveSeries>) -> Self {
        let position = live.position();
        Self {
            store,
            live,
            position,
            generation: None,
            watched: HashMap::new(),
            by_series: HashMap::new(),
            series_known: 0,
            forgotten_on: 0,
        }
    }

    /// Reads alarms again if any was written; alarms that did not change keep their place in time.
    async fn refresh(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let generation = self.store.generation(ALARM);
        if self.generation == Some(generation) {
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.watched);
        for (key, version, alarm) in all_alarms(&self.store).await? {
            let kept = before.remove(&key).filter(|watched| watched.version == version);
            let watched = kept.or_else(|| {
                let Some(spec) = alarm.spec() else {
                    tracing::error!(
                        alarm.name = alarm.name,
                        "Alarm `{}` has a damaged configuration",
                        alarm.name
                    );
                    return None;
                };
                let next = Some(boundary_after(&spec, now.as_second()));
                Some(Watched { version, alarm, spec, series: None, next })
            });
            self.watched.extend(watched.map(|watched| (key, watched)));
        }
        self.generation = Some(generation);
        self.resolve();
        Ok(())
    }

    /// Finds the series of alarms that have none yet, and who watches which.
    fn resolve(&mut self) {
        self.live.read(|series| {
            self.series_known = series.len();
            for watched in self.watched.values_mut().filter(|watched| watched.series.is_none()) {
                watched.series = find_series(series, &watched.alarm);
            }
        });
        self.by_series.clear();
        for (key, watched) in &self.watched {
            if let Some(id) = watched.series {
                self.by_series.entry(id).or_default().push(key.clone());
            }
        }
    }

    /// The alarms whose series got points since the last call; they are not quiet any more.
    fn touched(&mut self, now: Timestamp) -> Vec<String> {
        let (changed, known) = self.live.change(|series, _| (series.take_changed(), series.len()));
        if known != self.series_known {
            self.resolve();
        }
        let mut touched: Vec<String> =
            changed.iter().filter_map(|id| self.by_series.get(id)).flatten().cloned().collect();
        touched.sort_unstable();
        for key in &touched {
            if let Some(watched) = self.watched.get_mut(key) {
                watched.next.get_or_insert(boundary_after(&watched.spec, now.as_second()));
            }
        }
        touched
    }

    /// Evaluates some alarms and writes those that changed.
    async fn evaluate(&mut self, keys: &[String], now: Timestamp, by_clock: bool) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        self.live.read(|series| {
            for key in keys {
                let Some(watched) = self.watched.get_mut(key) else { continue };
                let Judgement { verdict, silent, quiet } = judge(watched, series, now.as_second());
                // Between evaluations by the clock only data decide; what silence means is the clock's to say.
                if silent && !by_clock {
                    continue;
                }
                if by_clock {
                    watched.next = (!quiet).then(|| boundary_after(&watched.spec, now.as_second()));
                }
                changes.extend(
                    next_state(watched, verdict, now).map(|state| (key.clone(), watched.version, state)),
                );
            }
        });
        for (key, version, state) in changes {
            self.commit(&key, version, state, now).await?;
        }
        Ok(())
    }

    /// Writes a state, unless the alarm changed meanwhile: then it is read again and evaluated anew.
    async fn commit(
        &mut self,
        key: &str,
        version: u64,
        state: State,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.generation = None;
        let current = self.store.get(ALARM, key).await?.map(|row| row.version);
        if current != Some(version) {
            return Ok(());
        }
        let mut tx = Transaction::new(&self.store);
        let Some(alarm) = tx.get::<Alarm>(ALARM, key).await? else { return Ok(()) };
        let (name, from, to) = (alarm.name.clone(), alarm.state.value, state.value);
        change::write(&mut tx, alarm, state, now)?;
        match tx.commit().await {
            Ok(_) => {
                tracing::info!(
                    alarm.name = name,
                    from = from.as_str(),
                    to = to.as_str(),
                    "Alarm `{name}` went from {from} to {to}"
                );
                Ok(())
            }
            Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// Deletes history past its keeping, once a day.
    async fn forget(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let today = now.as_second().div_euclid(DAY_SECONDS);
        if today != self.forgotten_on {
            let partitions: HashSet<String> =
                self.watched.values().map(|watched| watched.alarm.partition()).collect();
            forget_old_history(&self.store, now, &partitions.into_iter().collect::<Vec<_>>()).await?;
            self.forgotten_on = today;
        }
        Ok(())
    }
}

/// The next moment of the alarm's cadence.
fn boundary_after(spec: &Spec, now: Second) -> Second {
    (now.div_euclid(spec.cadence()) + 1) * spec.cadence()
}

fn find_series(series: &SeriesStore, alarm: &Alarm) -> Option<SeriesId> {
    let partition = alarm.partition();
    series.find(&MetricRef {
        partition: &partition,
        namespace: &alarm.config.namespace,
        name: &alarm.config.metric_name,
        dimensions: &alarm.sorted_dimensions(),
    })
}

/// What an evaluation found.
struct Judgement {
    verdict: Verdict,
    /// No period of the window has data.
    silent: bool,
    /// Nor will one get any by time alone.
    quiet: bool,
}

/// Evaluates one alarm.
fn judge(watched: &Watched, series: &SeriesStore, now: Second) -> Judgement {
    let spec = &watched.spec;
    let window = spec.window(now);
    let Some(id) = watched.series else {
        return Judgement { verdict: evaluate(spec, &vec![None; window.count]), silent: true, quiet: true };
    };
    let running = spec.running_window(now);
    let buckets = series.read(id, watched.alarm.config.unit, &running, now);
    let newest = running.time(running.count - 1);
    if buckets.iter().any(|bucket| bucket.time == newest && spec.is_certain(&bucket.set)) {
        let verdict = evaluate(spec, &datapoints(spec, &running, &buckets));
        return Judgement { verdict, silent: false, quiet: false };
    }
    let buckets = series.read(id, watched.alarm.config.unit, &window, now);
    let points = datapoints(spec, &window, &buckets);
    let silent = points.iter().all(Option::is_none);
    let quiet = silent && !series.counts_down(id, now) && !series.has_point_after(id, window.start);
    Judgement { verdict: evaluate(spec, &points), silent, quiet }
}

/// The statistic of each period. Of several units in a period the first by name counts, as in queries without a unit.
fn datapoints(spec: &Spec, window: &Window, buckets: &[Bucket]) -> Vec<Option<Datapoint>> {
    let mut points: Vec<Option<Datapoint>> = vec![None; window.count];
    for bucket in buckets {
        let place = &mut points[((bucket.time - window.start) / window.period) as usize];
        if place.is_none() {
            let value = spec.statistic.of(&bucket.set);
            *place = value.map(|value| Datapoint { time: bucket.time, value, samples: bucket.set.count });
        }
    }
    points
}

/// The state to write; none when nothing changes. The reason of a new alarm is replaced by its first evaluation.
fn next_state(watched: &Watched, verdict: Verdict, now: Timestamp) -> Option<State> {
    let Verdict::State(decision) = verdict else { return None };
    let was = &watched.alarm.state;
    if decision.value == was.value && was.reason != INITIAL {
        return None;
    }
    Some(state_of(watched, &decision, now))
}

fn state_of(watched: &Watched, decision: &Decision, now: Timestamp) -> State {
    let Watched { alarm, spec, .. } = watched;
    let was = &alarm.state;
    State {
        value: decision.value,
        reason: reason(spec, decision),
        reason_data: Some(reason_data(spec, decision, alarm.statistic_name(), alarm.config.unit, now)),
        updated_at: now,
        transitioned_at: if decision.value == was.value { was.transitioned_at } else { now },
    }
}

impl Follower for AlarmReconciler {
    fn name(&self) -> &'static str {
        "alarms"
    }

    fn position(&self) -> Seq {
        self.position
    }

    fn stores_position(&self) -> bool {
        false
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let touched = self.touched(now);
            self.evaluate(&touched, now, false).await?;
            if let Some(last) = entries.last() {
                self.position = last.seq;
            }
            Ok(())
        })
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let next = self.watched.values().filter_map(|watched| watched.next).min();
            Ok(next.and_then(|next| Timestamp::from_second(next).ok()))
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let is_due = |watched: &Watched| watched.next.is_some_and(|next| next <= now.as_second());
            let mut due: Vec<String> = self
                .watched
                .iter()
                .filter(|(_, watched)| is_due(watched))
                .map(|(key, _)| key.clone())
                .collect();
            due.sort_unstable();
            self.evaluate(&due, now, true).await?;
            self.forget(now).await
        })
    }
}

#[cfg(test)]
mod tests;
