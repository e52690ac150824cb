//! The clocks: the world's, and a test clock that stands still until it is moved.
//!
//! Domain code takes a `now`; only the shell reads a clock, and only here. Signatures are always judged by the
//! world's clock, since the caller's machine dated them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use keywatch_api::Clock;
use keywatch_monitor::engine::MovableClock;
use keywatch_store::{Batch, CommitError, Kind, Store, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

/// The time of this machine.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
pub fn world_now() -> Timestamp {
    Timestamp::now()
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct WorldClock;

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        world_now()
    }
}

/// A clock that moves only when it is told to. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock {
    microseconds: Arc<AtomicI64>,
}

impl TestClock {
    pub fn at(time: Timestamp) -> Self {
        Self { microseconds: Arc::new(AtomicI64::new(time.as_microsecond())) }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.microseconds.load(Ordering::Acquire)).unwrap_or(Timestamp::MAX)
    }
}

impl MovableClock for TestClock {
    fn set(&self, now: Timestamp) {
        self.microseconds.fetch_max(now.as_microsecond(), Ordering::AcqRel);
    }
}

/// A test clock's time in the store, so that a restart continues where it stood.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredClock {
    now: Timestamp,
}

const CLOCK: Kind = Kind("server.clock");
const CLOCK_KEY: &str = "test";

impl Versioned for StoredClock {
    const MARKER: &'static str = "server.clock/1";
}

impl StoredClock {
    /// Keeps the time.
    pub async fn keep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let puts = vec![(CLOCK, CLOCK_KEY.to_owned(), encode(&Self { now })?)];
        let committed = store.commit(Batch { puts, ..Batch::default() }).await;
        committed.map(drop).map_err(|error| match error {
            CommitError::Store(error) => error,
            CommitError::Conflict { .. } => StoreError::corrupt("an unchecked row conflicts"),
        })
    }

    /// The time a clock was left at, if there ever was one.
    pub async fn read(store: &Store) -> Result<Option<Timestamp>, StoreError> {
        let row = store.get(CLOCK, CLOCK_KEY).await?;
        row.map(|row| decode::<Self>(&row.bytes).map(|stored| stored.now)).transpose()
    }
}

/// A step that no clock can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock only moves forward, and not past the year 9999")]
pub struct OutOfRange;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_test_clock_moves_only_forward() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let clock = TestClock::at(start);
        let twin = clock.clone();
        let later = start + SignedDuration::from_hours(1);
        clock.set(later);
        assert_eq!(twin.now(), later);
        clock.set(start);
        assert_eq!(twin.now(), later);
    }
}
