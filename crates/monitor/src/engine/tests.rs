//! The engine with a real store and a clock that is moved.

use std::sync::Mutex;

use jiff::{SignedDuration, ToSpan};
use keywatch_store::{Append, EntryKind, Partition};

use super::*;

#[derive(Debug)]
struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl MovableClock for TestClock {
    fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap() = now;
    }
}

/// Writes down what it sees; due every ten minutes, when it appends an entry itself.
struct Scribe {
    store: Store,
    position: Seq,
    due: Option<Timestamp>,
    seen: Arc<Mutex<Vec<(Timestamp, String)>>>,
}

impl Follower for Scribe {
    fn name(&self) -> &'static str {
        "scribe"
    }
    fn position(&self) -> Seq {
        self.position
    }
    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for entry in entries {
                assert_eq!(entry.seq, self.position + 1);
                self.position = entry.seq;
                self.seen.lock().unwrap().push((now, String::from_utf8_lossy(&entry.bytes).into_owned()));
            }
            commit_position(&self.store, self.name(), self.position, Batch::default()).await.unwrap();
            Ok(())
        })
    }
    fn next_due(&mut self, _: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async { Ok(self.due) })
    }
    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.due = Some(now + 10.minutes());
            self.store.commit(note(now, "due")).await.unwrap();
            Ok(())
        })
    }
}

fn note(time: Timestamp, text: &'static str) -> Batch {
    let partition = Partition::new("000000000000", "us-east-1");
    let append = Append { kind: EntryKind::Event, time, partition, bytes: text.into() };
    Batch { appends: vec![append], ..Batch::default() }
}

#[tokio::test]
async fn a_moved_clock_does_everything_in_order_and_positions_survive() {
    let dir = tempfile::tempdir().unwrap();
    let start: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(TestClock(Mutex::new(start)));
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let scribe =
        Scribe { store: store.clone(), position: 0, due: Some(start + 5.minutes()), seen: seen.clone() };
    let (engine, handle) =
        Engine::new(store.clone(), clock.clone(), Some(clock.clone()), vec![Box::new(scribe)]);
    let running = tokio::spawn(engine.run());

    store.commit(note(start, "first")).await.unwrap();
    assert!(handle.caught_up(Duration::from_secs(10)).await);
    let now = handle.advance_to(start + 30.minutes()).await.unwrap();
    assert_eq!(now, start + 30.minutes());
    let times: Vec<_> =
        seen.lock().unwrap().iter().map(|(now, text)| (now.duration_since(start), text.clone())).collect();
    let minutes = |n| SignedDuration::from_mins(n);
    let want =
        [(0, "first"), (5, "due"), (15, "due"), (25, "due")].map(|(at, text)| (minutes(at), text.to_owned()));
    assert_eq!(times, want);

    handle.stop().await;
    running.await.unwrap();
    assert_eq!(stored_position(&store, "scribe").await.unwrap(), 4);
    assert_eq!(stored_position(&store, "nobody").await.unwrap(), 0);
}

#[tokio::test]
async fn the_system_clock_cannot_be_moved() {
    let dir = tempfile::tempdir().unwrap();
    let start: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let (engine, handle) = Engine::new(store, Arc::new(TestClock(Mutex::new(start))), None, vec![]);
    let running = tokio::spawn(engine.run());
    assert!(matches!(handle.advance_to(start + 1.hour()).await, Err(AdvanceError::NotMovable)));
    handle.stop().await;
    running.await.unwrap();
}

#[tokio::test]
async fn nothing_is_not_worth_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let stored = async || stored_position(&store, "f").await.unwrap();
    let something = || note(Timestamp::UNIX_EPOCH, "derived");
    let mut standing = Standing::open(&store, "f").await.unwrap();
    standing.advance(&store, 5, Batch::default()).await.unwrap();
    assert_eq!((standing.position(), stored().await), (5, 0));
    standing.advance(&store, 7, something()).await.unwrap();
    assert_eq!((standing.position(), stored().await), (7, 7));
    standing.advance(&store, 9, Batch::default()).await.unwrap();
    standing.keep(&store).await.unwrap();
    assert_eq!((standing.position(), stored().await), (9, 9));
    standing.advance(&store, 9 + UNSTORED_MAX + 1, Batch::default()).await.unwrap();
    assert_eq!(stored().await, 9 + UNSTORED_MAX + 1, "what is read again after a restart is bounded");
    assert_eq!(Standing::open(&store, "f").await.unwrap().position(), standing.position());
}
