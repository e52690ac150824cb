//! What is told of deliveries: attempts since the start, what waits and what was given up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use keywatch_store::{Kind, Scan, Store, StoreError};

use super::delivery::{DEAD, DELIVERY, Next, Outcome};

/// Rows counted at most: beyond this a queue is merely long.
const COUNTED_MAX: usize = 10_000;
const PAGE: usize = 500;

/// Figures of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFigures {
    /// Attempts since the start, by what they came to.
    pub delivered: u64,
    pub dropped: u64,
    /// Failed, to be tried again.
    pub retried: u64,
    pub given_up: u64,
    /// Deliveries that wait for their attempt, 10,000 at most.
    pub waiting: u64,
    /// Deliveries that were given up and are kept, 10,000 at most.
    pub dead: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    delivered: AtomicU64,
    dropped: AtomicU64,
    retried: AtomicU64,
    given_up: AtomicU64,
    waiting: Rows,
    dead: Rows,
}

/// The rows of a kind, counted again when the kind has changed.
#[derive(Debug)]
struct Rows {
    count: AtomicU64,
    /// The generation at which they were counted.
    generation: AtomicU64,
}

impl Default for Rows {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), generation: AtomicU64::new(u64::MAX) }
    }
}

impl Rows {
    async fn count(&self, store: &Store, kind: Kind) -> Result<u64, StoreError> {
        let generation = store.generation(kind);
        if self.generation.load(Relaxed) != generation {
            let (mut count, mut after) = (0, None::<String>);
            while count < COUNTED_MAX {
                let rows =
                    store.scan(kind, Scan { prefix: "", after: after.as_deref(), limit: PAGE }).await?;
                count += rows.len();
                after = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.key.clone());
                if after.is_none() {
                    break;
                }
            }
            self.count.store(count.min(COUNTED_MAX) as u64, Relaxed);
            self.generation.store(generation, Relaxed);
        }
        Ok(self.count.load(Relaxed))
    }
}

impl Counters {
    /// Counts an attempt that was dropped, or what followed from one that was made.
    pub(super) fn attempted(&self, outcome: &Outcome, next: &Next) {
        let counter = match (outcome, next) {
            (Outcome::Dropped, _) => &self.dropped,
            (_, Next::Done) => &self.delivered,
            (_, Next::Again(_)) => &self.retried,
            (_, Next::GiveUp(_)) => &self.given_up,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) async fn read(&self, store: &Store) -> Result<DeliveryFigures, StoreError> {
        Ok(DeliveryFigures {
            delivered: self.delivered.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            retried: self.retried.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
            waiting: self.waiting.count(store, DELIVERY).await?,
            dead: self.dead.count(store, DEAD).await?,
        })
    }
}
