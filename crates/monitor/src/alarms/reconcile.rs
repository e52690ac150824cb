//! # The alarm reconciler: evaluates, and writes what changed
//! Looks only at stored alarms, mute rules and live series, so a missed wake-up costs time and never correctness. A metric alarm is
//! evaluated by the clock at its cadence, and **early**, when its series got points, where the outcome is certain already (`early.rs`).
//! An alarm whose window is empty is **quiet**, if it is known what it follows from: it is not evaluated again before its series or its configuration changes.
//! A composite alarm is evaluated when a child or its configuration changed. What is held back is looked at after every change, and when
//! its time has come. Alarms are kept in memory (`roster.rs`) and read again one by one as they change. What is due at one moment is
//! evaluated by **slices**, so that what comes in meanwhile waits for none but the slice under way.
//! **Invariants:** nothing is committed while no state changes; composite alarms are not looked at in the middle of a moment.
//! **Not here:** the decisions (`evaluate.rs`, `composite`, `hold.rs`), what a change writes (`change.rs`).

mod bands;
mod early;
mod judge;
mod known;
mod roster;
mod writes;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use keywatch_store::{LogEntry, Row, Scan, Seq, Store, StoreError, Touched, TouchedKeys};

use self::{
    bands::Learnt,
    early::judge_early,
    judge::judge,
    known::{Known, Role},
    roster::{Key, Roster},
    writes::Write,
};
use super::{
    alarm::Alarm,
    hold::{Around, Next},
    mute::{MUTE_RULE, MuteRule, muting},
    store::{ALARM, alarm_key, all_rows, forget_old_history},
};
use crate::{
    detectors::Models,
    engine::Follower,
    metrics::{live::LiveSeries, series::SeriesStore, span::DAY_SECONDS},
};

/// Models that are kept for alarms; one has some 3 KB, and an alarm on a band of minutes needs two.
const MODELS_KEPT: usize = 50_000;
/// Composite alarms above each other that one change may run through at once.
const LEVELS_MAX: usize = 1_000;
/// Alarms evaluated by the clock before the log is looked at again.
const SLICE: usize = 2_000;
/// Alarms evaluated while the series are held.
const READ_AT_ONCE: usize = 500;

/// Evaluates the alarms of all accounts and Regions.
#[derive(Debug)]
pub struct AlarmReconciler {
    store: Store,
    live: Arc<LiveSeries>,
    /// Models of the bands that alarms compare with.
    models: Models,
    position: Seq,
    /// Tells which alarms were written.
    touched: TouchedKeys,
    /// Alarms that are still to be read again.
    unread: Touched,
    /// The store's generation of mute rules that `mutes` shows.
    mute_generation: Option<u64>,
    roster: Roster,
    /// Mute rules by account and Region.
    mutes: HashMap<String, Vec<MuteRule>>,
    /// Alarms that changed since composite alarms were last looked at.
    changed: BTreeSet<String>,
    /// The day for which old history was last deleted.
    forgotten_on: i64,
}

/// Why alarms are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    /// It is their time.
    Due,
    /// Their series got points.
    Points,
}

impl AlarmReconciler {
    pub fn new(store: Store, live: Arc<LiveSeries>) -> Self {
        let position = live.position();
        let touched = store.touched_keys(ALARM);
        Self {
            store,
            live,
            models: Models::new(MODELS_KEPT),
            position,
            touched,
            unread: Touched::Any,
            mute_generation: None,
            roster: Roster::default(),
            mutes: HashMap::new(),
            changed: BTreeSet::new(),
            forgotten_on: 0,
        }
    }

    /// Reads again what was written of alarms and mute rules.
    async fn refresh(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.refresh_mutes().await?;
        match (&mut self.unread, self.touched.take()) {
            (Touched::Keys(unread), Touched::Keys(touched)) => unread.extend(touched),
            (unread, Touched::Any) => *unread = Touched::Any,
            (Touched::Any, Touched::Keys(_)) => {}
        }
        if self.unread == Touched::Any {
            self.read_all(now).await?;
            self.unread = Touched::Keys(BTreeSet::new());
        }
        while let Touched::Keys(unread) = &self.unread
            && let Some(key) = unread.first().cloned()
        {
            match self.store.get(ALARM, &key).await? {
                Some(row) => self.learn(&row, now).await?,
                None => self.forget_alarm(&key),
            }
            if let Touched::Keys(unread) = &mut self.unread {
                unread.remove(&key);
            }
        }
        Ok(())
    }

    async fn read_all(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut gone: HashSet<Key> = self.roster.alarms().map(|(key, _)| Arc::clone(key)).collect();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: READ_AT_ONCE };
            let rows = self.store.scan(ALARM, scan).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            for row in &rows {
                gone.remove(row.key.as_str());
                self.learn(row, now).await?;
            }
        }
        gone.iter().for_each(|key| self.forget_alarm(key));
        Ok(())
    }

    /// Takes in an alarm as it is stored; one that did not change keeps its place in time.
    async fn learn(&mut self, row: &Row, now: Timestamp) -> Result<(), StoreError> {
        let before = self.roster.get(&row.key);
        if before.is_some_and(|before| before.version == row.version) {
            return Ok(());
        }
        let seen = before.and_then(Known::seen);
        match Known::read(&self.store, row, seen, now).await? {
            Some(known) => self.live.look(|series| self.roster.put(&row.key, known, series)),
            None => self.live.look(|series| self.roster.remove(&row.key, series)),
        }
        self.changed.insert(row.key.clone());
        Ok(())
    }

    fn forget_alarm(&mut self, key: &str) {
        self.live.look(|series| self.roster.remove(key, series));
        self.changed.insert(key.to_owned());
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

    /// The alarms to be evaluated early because of points since the last call; none of those that got any is quiet any more.
    async fn early(&mut self, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        let changed = self.live.change(|series, _| series.take_changed());
        let mut early = BTreeSet::new();
        let look = |series: &SeriesStore| {
            self.roster.meet(series);
            for id in &changed {
                self.roster.touch(*id, series, now, &mut early);
            }
        };
        self.live.read(look).await?;
        Ok(early.into_iter().collect())
    }

    /// Evaluates some metric alarms and writes those that changed.
    async fn evaluate(&mut self, keys: &[Key], now: Timestamp, because: Because) -> Result<(), StoreError> {
        let learnt = match because {
            Because::Points => Learnt::default(),
            Because::Due => self.learn_bands(keys, now).await?,
        };
        let (mut writes, mut evaluated) = (Vec::new(), Vec::new());
        for some in keys.chunks(READ_AT_ONCE) {
            match self.judge_some(some, &learnt, now, because).await {
                Ok(judged) => take(judged, &mut writes, &mut evaluated),
                // More old points than may be read at once: each alarm by itself may need few.
                Err(StoreError::TooLarge { .. }) => {
                    for one in some {
                        match self.judge_some(std::slice::from_ref(one), &learnt, now, because).await {
                            Ok(judged) => take(judged, &mut writes, &mut evaluated),
                            Err(error @ StoreError::TooLarge { .. }) => {
                                tracing::warn!(alarm.key = %one, %error, "The alarm `{one}` looks at too many points");
                                evaluated.push((Key::clone(one), false));
                            }
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.commit(writes, now).await?;
        // Not before: what could not be written is due again.
        for (key, quiet) in evaluated.iter().filter(|_| because == Because::Due) {
            self.roster.schedule(key, *quiet, now.as_second());
        }
        Ok(())
    }

    /// What is to be written of some alarms, and which were evaluated and are quiet now.
    async fn judge_some(
        &self,
        keys: &[Key],
        learnt: &Learnt,
        now: Timestamp,
        because: Because,
    ) -> Result<Judged, StoreError> {
        let judged = |series: &SeriesStore| {
            let (mut writes, mut evaluated) = (Vec::new(), Vec::new());
            for key in keys {
                let Some(known) = self.roster.get(key) else { continue };
                let around = || self.around(known, now);
                match because {
                    Because::Points => writes.extend(judge_early(key, known, series, &around, now)),
                    Because::Due => {
                        // Not learnt yet, it stays due.
                        let Some(bands) = learnt.of(key) else { continue };
                        let Some(judgement) = judge(key, known, series, &around, bands, now) else {
                            continue;
                        };
                        writes.extend(judgement.write);
                        evaluated.push((Key::clone(key), judgement.quiet));
                    }
                }
            }
            (writes, evaluated)
        };
        self.live.read(judged).await
    }

    /// Whether the clock has alarms to evaluate at `now`.
    fn is_behind(&self, now: Timestamp) -> bool {
        self.roster.soonest().is_some_and(|soonest| soonest <= now.as_second())
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
            .flat_map(|key| self.roster.parents(key))
            .map(|key| key.to_string())
            .chain(changed.iter().cloned())
            .collect();
        above.retain(|key| matches!(self.roster.get(key), Some(Known { role: Role::Composite(_), .. })));
        let mut writes = Vec::new();
        for key in above {
            if known::is_in_cycle(&self.roster, &key) {
                tracing::warn!(
                    alarm.key = key,
                    "The composite alarm `{key}` depends on itself and is not evaluated"
                );
                continue;
            }
            let decided = known::decide_composite(&self.roster, &key, now);
            let Some((seen, state)) = decided else { continue };
            let Some(known) = self.roster.get_mut(&key) else { continue };
            let Role::Composite(composite) = &mut known.role else { continue };
            composite.seen = Some(seen);
            let Some(known) = self.roster.get(&key) else { continue };
            let write = |state| Write::state(key.clone(), known.version, state, self.around(known, now));
            writes.extend(state.map(write));
        }
        writes
    }

    /// What becomes of changes that were held back.
    fn releases(&self, now: Timestamp) -> Vec<Write> {
        let mut writes = Vec::new();
        for key in self.roster.held() {
            let Some(known) = self.roster.get(key) else { continue };
            let (around, key) = (self.around(known, now), key.to_string());
            if let Some(held) = &known.alarm.held {
                let suppressor = known.alarm.config.composite().and_then(|rule| rule.suppressor.as_ref());
                match held.next(suppressor, &around, now) {
                    Next::Keep => {}
                    Next::Become(by) => writes.push(Write::hold(key, known.version, by)),
                    Next::Act { after_mute } => writes.push(Write::release(key, known.version, after_mute)),
                }
            } else if around.muted.is_none() {
                writes.extend(
                    known
                        .untold()
                        .map(|(all, changed)| Write::tell_contributors(key, known.version, all, changed)),
                );
            }
        }
        writes
    }

    /// What is around an alarm.
    fn around(&self, Known { alarm, .. }: &Known, now: Timestamp) -> Around {
        let partition = alarm.partition();
        let muted = self.mutes.get(&partition).and_then(|rules| muting(rules, &alarm.name, now));
        let suppressor = alarm.config.composite().and_then(|rule| rule.suppressor.as_ref());
        let other = suppressor.and_then(|other| self.roster.get(&alarm_key(&partition, &other.name)));
        let suppressing = other.is_some_and(|other| other.alarm.state.value == StateValue::Alarm);
        Around { muted, suppressing }
    }

    /// When time alone may let something go.
    fn next_release(&self, now: Timestamp) -> Option<Timestamp> {
        let due = |known: &Known| match &known.alarm {
            Alarm { held: Some(held), .. } => held.due(),
            _ => self.around(known, now).muted.map(|window| window.end),
        };
        self.roster.held().filter_map(|key| due(self.roster.get(key)?)).min()
    }

    /// Deletes history past its keeping, once a day.
    async fn forget(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let today = now.as_second().div_euclid(DAY_SECONDS);
        if today != self.forgotten_on {
            let partitions: HashSet<String> =
                self.roster.alarms().map(|(_, known)| known.alarm.partition()).collect();
            forget_old_history(&self.store, now, &partitions.into_iter().collect::<Vec<_>>()).await?;
            self.forgotten_on = today;
        }
        Ok(())
    }
}

/// Writes, and the alarms that were evaluated with whether they are quiet.
type Judged = (Vec<Write>, Vec<(Key, bool)>);

fn take(judged: Judged, writes: &mut Vec<Write>, evaluated: &mut Vec<(Key, bool)>) {
    writes.extend(judged.0);
    evaluated.extend(judged.1);
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
            let early = self.early(now).await?;
            self.evaluate(&early, now, Because::Points).await?;
            if !self.is_behind(now) {
                self.settle(now).await?;
            }
            if let Some(last) = entries.last() {
                self.position = last.seq;
            }
            Ok(())
        })
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let evaluation = self.roster.soonest().and_then(|next| Timestamp::from_second(next).ok());
            Ok(evaluation.into_iter().chain(self.next_release(now)).chain(self.roster.next_rested()).min())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            let rested = self.roster.rested(now);
            self.evaluate(&rested, now, Because::Points).await?;
            let due = self.roster.due(now.as_second(), SLICE);
            self.evaluate(&due, now, Because::Due).await?;
            if self.is_behind(now) {
                return Ok(());
            }
            self.settle(now).await?;
            self.forget(now).await
        })
    }
}

#[cfg(test)]
mod tests;
