//! The task that attempts what is due: many endpoints at once, few attempts at the same endpoint, so that a slow one delays
//! nobody else.
//!
//! **Invariant:** a row is in one attempt at a time. A crash repeats the attempts it interrupted, for their rows are still there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keywatch_store::{Scan, StoreError, decode};
use tokio::task::JoinSet;

use super::Inner;
use super::attempt::attempt;
use super::delivery::{DELIVERY, Delivery, due_of};

/// Attempts at once.
const ATTEMPTS_MAX: usize = 512;
/// Attempts at once at one endpoint.
const LANE_MAX: usize = 4;
/// Rows looked at in one pass; more wait for the next.
const PASS_ROWS_MAX: usize = 20_000;
const PAGE: usize = 500;
/// Without news the task looks around this often.
const IDLE: Duration = Duration::from_secs(5);
/// After a failed pass.
const PAUSE: Duration = Duration::from_millis(250);
/// How long attempts on their way may take after the stop; they are made again after the next start.
const STOP_WAIT: Duration = Duration::from_secs(3);

struct Flights {
    tasks: JoinSet<(String, String)>,
    keys: HashSet<String>,
    /// Attempts by endpoint.
    lanes: HashMap<String, usize>,
}

impl Flights {
    fn has_room(&self, key: &str, endpoint: &str) -> bool {
        !self.keys.contains(key) && self.lanes.get(endpoint).is_none_or(|count| *count < LANE_MAX)
    }

    fn start(&mut self, inner: &Arc<Inner>, key: String, delivery: Delivery) {
        let endpoint = delivery.endpoint.clone();
        self.keys.insert(key.clone());
        *self.lanes.entry(endpoint.clone()).or_default() += 1;
        let inner = inner.clone();
        self.tasks.spawn(async move {
            if let Err(error) = attempt(&inner, &key, delivery).await {
                tracing::error!(%error, "The store failed during a delivery, which will be made again");
                tokio::time::sleep(PAUSE).await;
            }
            (key, endpoint)
        });
    }

    fn end(&mut self, key: &str, endpoint: &str) {
        self.keys.remove(key);
        if let Some(count) = self.lanes.get_mut(endpoint) {
            *count -= 1;
            if *count == 0 {
                self.lanes.remove(endpoint);
            }
        }
    }
}

/// Attempts what is due until the stop.
pub(super) async fn run(inner: &Arc<Inner>) {
    let mut stop = inner.stop.subscribe();
    let mut wake = inner.wake.subscribe();
    let mut head = inner.store.watch_head();
    let mut flights = Flights { tasks: JoinSet::new(), keys: HashSet::new(), lanes: HashMap::new() };
    // Made before the first message needs it; failing that, the message's attempt tries again.
    if let Err(error) = inner.signer().await {
        tracing::error!(%error, "The key that signs messages could not be read or made");
    }
    while !*stop.borrow_and_update() {
        head.borrow_and_update();
        wake.borrow_and_update();
        let wait = match pass(inner, &mut flights).await {
            Ok(due) => wait_for(due, inner.clock.now()),
            Err(error) => {
                tracing::error!(%error, "The deliveries could not be read");
                PAUSE
            }
        };
        let generation = inner.store.generation(DELIVERY);
        // Most news are about other things than deliveries.
        let news = async {
            loop {
                tokio::select! {
                    changed = head.changed() => if changed.is_err() { return },
                    changed = wake.changed() => return drop(changed),
                }
                if inner.store.generation(DELIVERY) != generation {
                    return;
                }
            }
        };
        tokio::select! {
            () = news => {}
            Some(done) = flights.tasks.join_next() => ended(inner, &mut flights, done),
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => {}
        }
    }
    let rest = async { while flights.tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WAIT, rest).await.is_err() {
        tracing::info!("Deliveries on their way at the stop will be made again");
    }
}

fn ended(inner: &Inner, flights: &mut Flights, done: Result<(String, String), tokio::task::JoinError>) {
    match done {
        Ok((key, endpoint)) => flights.end(&key, &endpoint),
        Err(error) => {
            // Which attempt it was is not known any more: its endpoint keeps one place less until the restart.
            tracing::error!(%error, "An attempt of a delivery ended in a fault of ours");
        }
    }
    inner.progress.send_modify(|count| *count += 1);
}

/// Starts what is due and has room; gives the next due moment.
async fn pass(inner: &Arc<Inner>, flights: &mut Flights) -> Result<Option<Timestamp>, StoreError> {
    let now = inner.clock.now();
    let mut after: Option<String> = None;
    for _ in 0..PASS_ROWS_MAX / PAGE {
        let scan = Scan { prefix: "", after: after.as_deref(), limit: PAGE };
        let rows = inner.store.scan(DELIVERY, scan).await?;
        let last_page = rows.len() < PAGE;
        for row in rows {
            match due_of(&row.key) {
                Some(due) if due > now => return Ok(Some(due)),
                Some(_) => {}
                None => return Err(StoreError::corrupt("the key of a delivery")),
            }
            if flights.tasks.len() >= ATTEMPTS_MAX {
                return Ok(None);
            }
            let delivery: Delivery = decode(&row.bytes)?;
            if flights.has_room(&row.key, &delivery.endpoint) {
                flights.start(inner, row.key.clone(), delivery);
            }
            after = Some(row.key);
        }
        if last_page {
            return Ok(None);
        }
    }
    Ok(None)
}

fn wait_for(due: Option<Timestamp>, now: Timestamp) -> Duration {
    due.map_or(IDLE, |due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO).min(IDLE))
}
