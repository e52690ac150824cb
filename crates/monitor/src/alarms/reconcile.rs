//! # The alarm reconciler: evaluates, and writes what changed
//! Looks only at stored alarms, mute rules and live series, so a missed wake-up costs time and never correctness. An alarm on one
//! metric is evaluated when its series got points (a period that already breaches for certain counts at once) and by the clock at its
//! cadence; one whose window is empty is **quiet**: it is not evaluated again before its series or its configuration changes. Alarms on
//! queries are evaluated by the clock. A composite alarm is evaluated when a child or its configuration changed. What is held back is
//! looked at after every change, and when its time has come.
//! **Invariant:** nothing is committed while no state changes.
//! **Not here:** the decisions (`evaluate.rs`, `composite`, `hold.rs`), what a change writes (`change.rs`).

mod judge;
mod known;
mod writes;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use keywatch_store::{LogEntry, Seq, Store, StoreError};

use self::{
    judge::{Judgement, judge},
    known::{Known, Role},
    writes::Write,
};
use super::{
    alarm::Alarm,
    hold::{Around, Next},
    mute::{MUTE_RULE, MuteRule, muting},
    store::{ALARM, alarm_key, all_rows, forget_old_history},
};
use crate::{
    engine::Follower,
    metrics::{Second, live::LiveSeries, series::SeriesId, stream::DAY_SECONDS},
};

/// Composite alarms above each other that one change may run through at once.
const LEVELS_MAX: usize = 1_000;

/// Evaluates the alarms of all accounts and Regions.
#[derive(Debug)]
pub struct AlarmReconciler {
    store: Store,
    live: Arc<LiveSeries>,
    position: Seq,
    /// The store's generation of alarms that `known` shows; none when they must be read again.
    generation: Option<u64>,
    /// The same of mute rules.
    mute_generation: Option<u64>,
    known: HashMap<String, Known>,
    /// Alarms by the series they watch.
    by_series: HashMap<SeriesId, Vec<String>>,
    /// Composite alarms by their children.
    parents: HashMap<String, Vec<String>>,
    /// Mute rules by account and Region.
    mutes: HashMap<String, Vec<MuteRule>>,
    /// Alarms with something that is held back.
    held: BTreeSet<String>,
    /// Alarms that changed since composite alarms were last looked at.
    changed: BTreeSet<String>,
    /// No metric alarm is due by the clock before this.
    soonest: Option<Second>,
    /// How many series there were when alarms without one last looked for theirs.
    series_known: usize,
    /// The day for which old history was last deleted.
    forgotten_on: i64,
}

impl AlarmReconciler {
    pub fn new(store: Store, live: Arc<LiveSeries>) -> Self {
        let position = live.position();
        Self {
            store,
            live,
            position,
            generation: None,
            mute_generation: None,
            known: HashMap::new(),
            by_series: HashMap::new(),
            parents: HashMap::new(),
            mutes: HashMap::new(),
            held: BTreeSet::new(),
            changed: BTreeSet::new(),
            soonest: None,
            series_known: 0,
            forgotten_on: 0,
        }
    }

    /// Reads alarms and mute rules again if any was written; alarms that did not change keep their place in time.
    async fn refresh(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.refresh_mutes().await?;
        let generation = self.store.generation(ALARM);
        if self.generation == Some(generation) {
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.known);
        for row in all_rows(&self.store, ALARM).await? {
            let seen = match before.remove(&row.key) {
                Some(known) if known.version == row.version => {
                    self.known.insert(row.key, known);
                    continue;
                }
                old => old.and_then(Known::into_seen),
            };
            self.changed.insert(row.key.clone());
            if let Some(known) = Known::read(&self.store, &row, seen, now).await? {
                self.known.insert(row.key, known);
            }
        }
        self.generation = Some(generation);
        self.relate();
        self.resolve();
        self.find_soonest();
        Ok(())
    }

    fn find_soonest(&mut self) {
        self.soonest = self.known.values().filter_map(Known::next).min();
    }

    async fn refresh_mutes(&mut self) -> Result<(), StoreError> {
        let generation = self.store.generation(MUTE_RULE);
        if self.mute_generation == Some(generation) {
            return Ok(());
        }
        self.mutes.clear();
        for row in all_rows(&self.store, MUTE_RULE).await? {
            let rule: MuteRule = keywatch_store::decode(&row.bytes)?;
            self.mutes.entry(format!("{}/{}", rule.account, rule.region)).or_default().push(rule);
        }
        self.mute_generation = Some(generation);
        Ok(())
    }

    /// Who is whose parent, and what is held back.
    fn relate(&mut self) {
        self.parents.clear();
        self.held.clear();
        for (key, known) in &self.known {
            if let Role::Composite(composite) = &known.role {
                for child in &composite.children {
                    self.parents.entry(child.clone()).or_default().push(key.clone());
                }
            }
            if known.holds_something() {
                self.held.insert(key.clone());
            }
        }
    }

    /// Finds the series of alarms that have none yet, and who watches which.
    fn resolve(&mut self) {
        self.live.read(|series| {
            self.series_known = series.len();
            self.known.values_mut().for_each(|known| known.resolve(series));
        });
        self.by_series.clear();
        for (key, known) in &self.known {
            if let Some(id) = known.series() {
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
            let next = self.known.get_mut(key).and_then(|known| known.wake(now.as_second()));
            self.soonest = self.soonest.into_iter().chain(next).min();
        }
        touched
    }

    /// Evaluates some metric alarms and writes those that changed.
    async fn evaluate(&mut self, keys: &[String], now: Timestamp, by_clock: bool) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        let live = Arc::clone(&self.live);
        live.read(|series| {
            for key in keys {
                let around = self.around(key, now);
                let Some(known) = self.known.get_mut(key) else { continue };
                let Some(Judgement { write, silent, quiet }) = judge(key, known, series, &around, now) else {
                    continue;
                };
                // Between evaluations by the clock only data decide; what silence means is the clock's to say.
                if silent && !by_clock {
                    continue;
                }
                if by_clock {
                    known.schedule(quiet, now.as_second());
                }
                writes.extend(write);
            }
        });
        self.commit(writes, now).await
    }

    /// Lets every change run through the composite alarms above it, and lets go what nothing holds back any more.
    async fn settle(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for _ in 0..LEVELS_MAX {
            self.refresh(now).await?;
            let mut writes = self.composites(now);
            let busy: HashSet<String> = writes.iter().map(|write| write.key.clone()).collect();
            writes.extend(self.releases(now).into_iter().filter(|write| !busy.contains(&write.key)));
            if writes.is_empty() {
                return Ok(());
            }
            self.commit(writes, now).await?;
        }
        tracing::error!("Composite alarms are still changing after {LEVELS_MAX} levels");
        Ok(())
    }

    /// What the composite alarms become that are above changed alarms, or changed themselves.
    fn composites(&mut self, now: Timestamp) -> Vec<Write> {
        let changed = std::mem::take(&mut self.changed);
        let mut above: BTreeSet<String> = changed
            .iter()
            .filter_map(|key| self.parents.get(key))
            .flatten()
            .chain(&changed)
            .cloned()
            .collect();
        above.retain(|key| matches!(self.known.get(key), Some(Known { role: Role::Composite(_), .. })));
        let mut writes = Vec::new();
        for key in above {
            if known::is_in_cycle(&self.known, &key) {
                tracing::warn!(
                    alarm.key = key,
                    "The composite alarm `{key}` depends on itself and is not evaluated"
                );
                continue;
            }
            let decided = known::decide_composite(&self.known, &key, now);
            let Some(known) = self.known.get_mut(&key) else { continue };
            let Role::Composite(composite) = &mut known.role else { continue };
            let Some((seen, state)) = decided else { continue };
            composite.seen = Some(seen);
            let version = known.version;
            writes
                .extend(state.map(|state| Write::state(key.clone(), version, state, self.around(&key, now))));
        }
        writes
    }

    /// What becomes of changes that were held back.
    fn releases(&self, now: Timestamp) -> Vec<Write> {
        let mut writes = Vec::new();
        for key in &self.held {
            let Some(known) = self.known.get(key) else { continue };
            let around = self.around(key, now);
            if let Some(held) = &known.alarm.held {
                let suppressor = known.alarm.config.composite().and_then(|rule| rule.suppressor.as_ref());
                match held.next(suppressor, &around, now) {
                    Next::Keep => {}
                    Next::Become(by) => writes.push(Write::hold(key.clone(), known.version, by)),
                    Next::Act { after_mute } => {
                        writes.push(Write::release(key.clone(), known.version, after_mute))
                    }
                }
            } else if around.muted.is_none() {
                writes.extend(known.untold().map(|(all, changed)| {
                    Write::tell_contributors(key.clone(), known.version, all, changed)
                }));
            }
        }
        writes
    }

    /// What is around an alarm.
    fn around(&self, key: &str, now: Timestamp) -> Around {
        let Some(Known { alarm, .. }) = self.known.get(key) else { return Around::default() };
        let partition = alarm.partition();
        let muted = self.mutes.get(&partition).and_then(|rules| muting(rules, &alarm.name, now));
        let suppressor = alarm.config.composite().and_then(|rule| rule.suppressor.as_ref());
        let other = suppressor.and_then(|other| self.known.get(&alarm_key(&partition, &other.name)));
        let suppressing = other.is_some_and(|other| other.alarm.state.value == StateValue::Alarm);
        Around { muted, suppressing }
    }

    /// When time alone may let something go.
    fn next_release(&self, now: Timestamp) -> Option<Timestamp> {
        let due = |key: &String| match self.known.get(key).map(|known| &known.alarm) {
            Some(Alarm { held: Some(held), .. }) => held.due(),
            Some(_) => self.around(key, now).muted.map(|window| window.end),
            None => None,
        };
        self.held.iter().filter_map(due).min()
    }

    /// Deletes history past its keeping, once a day.
    async fn forget(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let today = now.as_second().div_euclid(DAY_SECONDS);
        if today != self.forgotten_on {
            let partitions: HashSet<String> =
                self.known.values().map(|known| known.alarm.partition()).collect();
            forget_old_history(&self.store, now, &partitions.into_iter().collect::<Vec<_>>()).await?;
            self.forgotten_on = today;
        }
        Ok(())
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
            self.settle(now).await?;
            if let Some(last) = entries.last() {
                self.position = last.seq;
            }
            Ok(())
        })
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let evaluation = self.soonest.and_then(|next| Timestamp::from_second(next).ok());
            Ok(evaluation.into_iter().chain(self.next_release(now)).min())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let is_due = |known: &Known| known.next().is_some_and(|next| next <= now.as_second());
            let mut due: Vec<String> =
                self.known.iter().filter(|(_, known)| is_due(known)).map(|(key, _)| key.clone()).collect();
            due.sort_unstable();
            self.evaluate(&due, now, true).await?;
            self.find_soonest();
            self.settle(now).await?;
            self.forget(now).await
        })
    }
}

#[cfg(test)]
mod tests;
