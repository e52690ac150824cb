//! # The metrics follower: records and points become series
//! It feeds the live series, has their new points made into pages now and then, and lets pages age once a day.
//! **Invariant:** the stored position never runs ahead of the stored series; what lies between is replayed after a restart.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{LogEntry, Seq, Store, StoreError};

use super::{
    Second, aging,
    live::{FOLLOWER, LiveSeries},
    span::DAY_SECONDS,
};
use crate::engine::Follower;

/// Entries after which new points are stored: a restart replays at most this many.
const FLUSH_ENTRIES: u64 = 20_000;
/// Nor does it replay more points than this; an entry may hold a thousand.
const FLUSH_POINTS: u64 = 8_000_000;
/// Points of this age are in memory: what is asked for all the time.
const HOT_SECONDS: Second = 3 * 3_600;

/// Feeds [`LiveSeries`].
#[derive(Debug)]
pub struct MetricsFollower {
    store: Store,
    live: Arc<LiveSeries>,
    stored_at: Seq,
    /// The day (since 1970) for which series last aged.
    aged_on: i64,
}

impl MetricsFollower {
    /// Follows from where the live series stand. `now` only says which day it is.
    pub fn new(store: Store, live: Arc<LiveSeries>, now: Timestamp) -> Self {
        let stored_at = live.position();
        Self { store, live, stored_at, aged_on: day_of(now) }
    }

    /// Writes everything down that is not stored yet.
    pub async fn store(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.stored_at = self.live.flush(now.as_second() - HOT_SECONDS).await?;
        aging::expire(&self.store, &self.live, now.as_second()).await?;
        if day_of(now) != self.aged_on {
            aging::age(&self.store, &self.live, now.as_second()).await?;
            self.aged_on = day_of(now);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.live.position() - self.stored_at >= FLUSH_ENTRIES
            || self.live.look(|series| series.added()) >= FLUSH_POINTS
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY_SECONDS)
}

impl Follower for MetricsFollower {
    fn name(&self) -> &'static str {
        FOLLOWER
    }

    fn position(&self) -> Seq {
        self.live.position()
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.live.apply(entries, now)?;
            if self.is_full() {
                self.store(now).await?;
            }
            Ok(())
        })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async {
            if self.live.look(|series| series.is_empty()) {
                return Ok(None);
            }
            Ok(Timestamp::from_second((self.aged_on + 1) * DAY_SECONDS).ok())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.store(now))
    }
}

#[cfg(test)]
mod tests;
