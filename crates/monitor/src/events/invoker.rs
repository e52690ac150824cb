//! The task that calls what is outside: API destinations. Many at once, few at the same destination, so that a slow one delays nobody
//! else.
//!
//! **Invariant:** an invocation is in one attempt at a time. A crash repeats the attempts it interrupted, for their rows are still
//! there.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use keywatch_api::Clock;
use keywatch_crypto::RootKeyring;
use keywatch_store::{Batch, CommitError, Scan, Store, StoreError, decode};
use tokio::{sync::watch, task::JoinSet};

use super::{
    dead_letter::{DeadLetter, dead_letter},
    destination_call::Caller,
    envelope::derived_id,
    hits,
    invocation::{INVOCATION, Invocation, Next, Outcome, next},
    record::DEFAULT_BUS,
};
use crate::{
    entry::Body,
    metrics::derive::services::{RuleCount, of_rules},
    notify::{due_of, moment},
};

/// Attempts at once.
const ATTEMPTS_MAX: usize = 256;
/// Attempts at once at one destination.
const LANE_MAX: usize = 16;
/// Rows looked at in one pass; more wait for the next.
const PASS_ROWS_MAX: usize = 10_000;
const PAGE: usize = 500;
/// Without news the task looks around this often.
const IDLE: Duration = Duration::from_secs(5);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_millis(250);
/// How long attempts on their way may take after the stop; they are made again after the next start.
const STOP_WAIT: Duration = Duration::from_secs(3);
/// How long a test clock waits for calls.
const SETTLE: Duration = Duration::from_secs(10);

/// Calls targets outside; cheap to clone.
#[derive(Clone, Debug)]
pub struct Invoker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    caller: Caller,
    /// Requests in the newest second, by destination.
    rates: Mutex<HashMap<String, (i64, i32)>>,
    /// The generation of invocations at which there were none.
    empty: Mutex<Option<u64>>,
    /// Grows when something may have become due.
    wake: watch::Sender<u64>,
    /// Grows when an invocation has been dealt with.
    progress: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

/// The HTTP client for API destinations cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for API destinations cannot be set up")]
pub struct NoClient(#[source] reqwest::Error);

impl Invoker {
    /// Opens no connection yet. Without `allow_private` only public addresses are called.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        keyring: Arc<RootKeyring>,
        allow_private: bool,
    ) -> Result<Self, NoClient> {
        let caller = Caller::new(store.clone(), keyring, allow_private).map_err(NoClient)?;
        let inner = Inner {
            store,
            clock,
            caller,
            rates: Mutex::default(),
            empty: Mutex::default(),
            wake: watch::Sender::new(0),
            progress: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes [`run`](Self::run) return.
    pub fn stop(&self) {
        self.inner.stop.send_replace(true);
    }

    fn empty(&self) -> MutexGuard<'_, Option<u64>> {
        self.inner.empty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.inner.wake.send_modify(|count| *count += 1);
    }

    /// The next invocation that is not due yet: what is due already is being seen to.
    pub(super) async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let generation = self.inner.store.generation(INVOCATION);
        if *self.empty() == Some(generation) {
            return Ok(None);
        }
        if self.inner.store.scan(INVOCATION, Scan { prefix: "", after: None, limit: 1 }).await?.is_empty() {
            *self.empty() = Some(generation);
            return Ok(None);
        }
        let after = format!("{}/~", moment(now));
        let scan = Scan { prefix: "", after: Some(&after), limit: 1 };
        let rows = self.inner.store.scan(INVOCATION, scan).await?;
        Ok(rows.first().and_then(|row| due_of(&row.key)))
    }

    /// Waits, within a bound, until nothing is due any more.
    pub(super) async fn settle(&self, now: Timestamp) {
        let mut progress = self.inner.progress.subscribe();
        self.wake();
        let wait = async {
            loop {
                progress.borrow_and_update();
                let first = Scan { prefix: "", after: None, limit: 1 };
                match self.inner.store.scan(INVOCATION, first).await {
                    Ok(rows)
                        if rows.first().and_then(|row| due_of(&row.key)).is_some_and(|due| due <= now) => {}
                    _ => return,
                }
                if progress.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(SETTLE, wait).await.is_err() {
            tracing::warn!("Calls of API destinations took longer than the clock waits for");
        }
    }

    /// Attempts what is due until [`stop`](Self::stop); then waits shortly for what is on its way. What is left is in the store.
    pub async fn run(&self) {
        let inner = &self.inner;
        let mut stop = inner.stop.subscribe();
        let mut wake = inner.wake.subscribe();
        let mut flights = Flights::default();
        while !*stop.borrow_and_update() {
            wake.borrow_and_update();
            let wait = match pass(inner, &mut flights).await {
                Ok(due) => wait_for(due, inner.clock.now()),
                Err(error) => {
                    tracing::error!(%error, "The calls of API destinations could not be read");
                    PAUSE
                }
            };
            tokio::select! {
                changed = wake.changed() => if changed.is_err() { return },
                Some(done) = flights.tasks.join_next() => {
                    match done {
                        Ok((key, lane)) => flights.end(&key, &lane),
                        // Which attempt it was is not known any more: its destination keeps one place less until the restart.
                        Err(error) => tracing::error!(%error, "A call of an API destination ended in a fault of ours"),
                    }
                    inner.progress.send_modify(|count| *count += 1);
                }
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => {}
            }
        }
        let rest = async { while flights.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT, rest).await.is_err() {
            tracing::info!("Calls of API destinations on their way at the stop will be made again");
        }
    }
}

#[derive(Default)]
struct Flights {
    tasks: JoinSet<(String, String)>,
    keys: HashSet<String>,
    /// Attempts by destination.
    lanes: HashMap<String, usize>,
}

impl Flights {
    fn has_room(&self, key: &str, lane: &str) -> bool {
        !self.keys.contains(key) && self.lanes.get(lane).is_none_or(|count| *count < LANE_MAX)
    }

    fn start(&mut self, inner: &Arc<Inner>, key: String, invocation: Invocation) {
        let lane = invocation.target.arn.clone();
        self.keys.insert(key.clone());
        *self.lanes.entry(lane.clone()).or_default() += 1;
        let inner = Arc::clone(inner);
        self.tasks.spawn(async move {
            if let Err(error) = inner.attempt(&key, invocation).await {
                tracing::error!(%error, "The store failed during a call of an API destination, which will be made again");
                tokio::time::sleep(PAUSE).await;
            }
            (key, lane)
        });
    }

    fn end(&mut self, key: &str, lane: &str) {
        self.keys.remove(key);
        if let Some(count) = self.lanes.get_mut(lane) {
            *count -= 1;
            if *count == 0 {
                self.lanes.remove(lane);
            }
        }
    }
}

/// Starts what is due and has room; gives the next due moment.
async fn pass(inner: &Arc<Inner>, flights: &mut Flights) -> Result<Option<Timestamp>, StoreError> {
    let now = inner.clock.now();
    let mut after: Option<String> = None;
    for _ in 0..PASS_ROWS_MAX / PAGE {
        let scan = Scan { prefix: "", after: after.as_deref(), limit: PAGE };
        let rows = inner.store.scan(INVOCATION, scan).await?;
        let last_page = rows.len() < PAGE;
        for row in rows {
            match due_of(&row.key) {
                Some(due) if due > now => return Ok(Some(due)),
                Some(_) => {}
                None => return Err(StoreError::corrupt("the key of an invocation")),
            }
            if flights.tasks.len() >= ATTEMPTS_MAX {
                return Ok(None);
            }
            let invocation: Invocation = decode(&row.bytes)?;
            if flights.has_room(&row.key, &invocation.target.arn) {
                flights.start(inner, row.key.clone(), invocation);
            }
            after = Some(row.key);
        }
        if last_page {
            break;
        }
    }
    Ok(None)
}

fn wait_for(due: Option<Timestamp>, now: Timestamp) -> Duration {
    due.map_or(IDLE, |due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO).min(IDLE))
}

impl Inner {
    /// Attempts the invocation in row `key` and commits what follows.
    async fn attempt(&self, key: &str, invocation: Invocation) -> Result<(), StoreError> {
        let outcome = match self.caller.prepare(&invocation, self.clock.now()).await? {
            Ok(call) if self.takes_one(&invocation.target.arn, call.rate()) => self.caller.call(call).await?,
            Ok(_) => Outcome::Full,
            Err(outcome) => outcome,
        };
        let now = self.clock.now();
        let counted = !matches!(outcome, Outcome::Full);
        let was_retry = invocation.attempts > 0;
        let next = next(&invocation, outcome, now);
        let mut batch = Batch { deletes: vec![(INVOCATION, key.to_owned())], ..Batch::default() };
        let mut counts: Vec<&'static str> = Vec::new();
        if counted {
            counts.push("InvocationAttempts");
            if was_retry {
                counts.push("RetryInvocationAttempts");
            }
        }
        match next {
            Next::Done => counts.push("SuccessfulInvocationAttempts"),
            Next::At(at, attempts) => {
                batch.puts.push(Invocation { attempts, ..invocation.clone() }.row(at)?);
            }
            Next::GiveUp(failure, condition) => {
                tracing::warn!(rule = %invocation.rule_arn, target = %invocation.target.arn, code = failure.code, "A call was given up");
                counts.push(hits::FAILED);
                let letter = DeadLetter {
                    id: derived_id(&["dead", &invocation.id]),
                    rule_arn: &invocation.rule_arn,
                    account: &invocation.account,
                    target: &invocation.target,
                    event: &invocation.event,
                    failure: &failure,
                    exhausted: condition.map(|condition| (condition, invocation.attempts)),
                    now,
                };
                let letter = dead_letter(&self.store, &letter).await?;
                if invocation.target.dead_letter_config.is_some() {
                    counts.push(if letter.is_some() { hits::TO_DLQ } else { hits::NOT_TO_DLQ });
                }
                batch.appends.extend(letter);
            }
        }
        batch.appends.extend(counted_as(&invocation, &counts, now));
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
            // The batch demands nothing that could conflict.
            Err(CommitError::Conflict { .. }) => Ok(()),
        }
    }

    /// Whether a destination takes one more request in this second.
    fn takes_one(&self, destination: &str, rate: i32) -> bool {
        let second = self.clock.now().as_second();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        // What was counted in seconds that are over says nothing any more.
        rates.retain(|_, (of, _)| *of == second);
        let (_, count) = rates.entry(destination.to_owned()).or_insert((second, 0));
        *count += 1;
        *count <= rate
    }
}

fn counted_as(
    invocation: &Invocation,
    metrics: &[&'static str],
    now: Timestamp,
) -> Option<keywatch_store::Append> {
    let bus = (invocation.bus != DEFAULT_BUS).then(|| invocation.bus.clone());
    let counts: Vec<RuleCount> = metrics
        .iter()
        .map(|metric| RuleCount { metric, rule: invocation.rule.clone(), bus: bus.clone(), count: 1 })
        .collect();
    (!counts.is_empty()).then(|| of_rules(&counts, now).append(invocation.partition(), now))
}
