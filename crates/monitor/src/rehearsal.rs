//! A small world for tests: a store in a temporary directory, a clock that is moved by hand, followers under the
//! engine, and calls that are committed as the server does.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::{
    AccountId, Clock, Fault, Service,
    codec::{Protocol, Wire},
};
use keywatch_iam::{Call, Caller, Notes, Origin};
use keywatch_store::{Append, CommitError, EntryKind, LogEntry, Partition, Store, StoreError, Transaction};
use serde_json::Value;
use tempfile::TempDir;

use crate::engine::{Engine, EngineHandle, Follower, MovableClock};

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";
const BEGIN: &str = "2026-09-14T11:00:00Z";
const LOG_BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub(crate) struct Rehearsal {
    pub(crate) store: Store,
    pub(crate) engine: EngineHandle,
    clock: Arc<HandClock>,
    calls: Mutex<u32>,
    _dir: TempDir,
}

#[derive(Debug)]
struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MovableClock for HandClock {
    fn set(&self, now: Timestamp) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *current = (*current).max(now);
    }
}

impl Rehearsal {
    /// Opens a new store and runs the followers that `followers` makes for it.
    pub(crate) async fn begin<F>(followers: F) -> Self
    where
        F: AsyncFnOnce(Store) -> Result<Vec<Box<dyn Follower>>, StoreError>,
    {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let clock = Arc::new(HandClock(Mutex::new(BEGIN.parse().unwrap())));
        let followers = followers(store.clone()).await.unwrap();
        let (engine, handle) = Engine::new(store.clone(), clock.clone(), Some(clock.clone()), followers);
        tokio::spawn(engine.run());
        Self { store, engine: handle, clock, calls: Mutex::new(0), _dir: dir }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock; what falls due on the way is done.
    pub(crate) async fn advance(&self, by: SignedDuration) {
        self.engine.advance_to(self.now() + by).await.unwrap();
    }

    /// Moves the clock as it moves while a server is down: what falls due on the way is not done.
    pub(crate) fn jump(&self, by: SignedDuration) {
        self.clock.set(self.now() + by);
    }

    /// Waits until the followers have taken in everything.
    pub(crate) async fn settle(&self) {
        assert!(self.engine.caught_up(Duration::from_secs(30)).await, "the followers lag");
    }

    /// Runs one operation by root and commits it.
    pub(crate) async fn call(
        &self,
        service: Service,
        operation: &'static str,
        body: &Value,
        run: impl AsyncFn(&Wire<'_>, &mut Call<'_>) -> Result<Vec<u8>, Fault>,
    ) -> Result<Value, Fault> {
        let body = body.to_string();
        let ids = self.next_ids();
        loop {
            let wire = Wire {
                protocol: Protocol::Json11,
                service,
                operation,
                request_id: &ids.0,
                body: body.as_bytes(),
            };
            let account: AccountId = ACCOUNT.parse().unwrap();
            let mut call = Call {
                now: self.now(),
                region: REGION.parse().unwrap(),
                caller: Arc::new(Caller::root(&account, None)),
                origin: Origin {
                    request_id: &ids.0,
                    event_id: &ids.1,
                    source_ip: None,
                    user_agent: None,
                    secure_transport: false,
                    endpoint: "http://127.0.0.1:4599",
                    via_service: None,
                },
                tx: Transaction::new(&self.store),
                notes: Notes::default(),
            };
            let answer = run(&wire, &mut call).await?;
            match call.tx.commit().await {
                Ok(_) if answer.is_empty() => return Ok(Value::Null),
                Ok(_) => return Ok(serde_json::from_slice(&answer).unwrap()),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => panic!("{error}"),
            }
        }
    }

    /// Appends a CloudTrail record as the server would.
    pub(crate) async fn record(&self, record: &Value) {
        let append = Append {
            kind: EntryKind::Record,
            time: self.now(),
            partition: Partition::new(ACCOUNT, REGION),
            bytes: record.to_string().into_bytes().into(),
        };
        let mut tx = Transaction::new(&self.store);
        tx.append(append);
        tx.commit().await.unwrap();
    }

    /// All entries of one kind in the log.
    pub(crate) async fn entries(&self, kind: EntryKind) -> Vec<LogEntry> {
        self.settle().await;
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let read = self.store.read_log(after, LOG_BYTES_MAX).await.unwrap();
            let Some(last) = read.last() else { return all };
            after = last.seq;
            all.extend(read.into_iter().filter(|entry| entry.kind == kind));
        }
    }

    fn next_ids(&self) -> (String, String) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        (format!("00000000-0000-4000-8000-{:012}", *calls), format!("00000000-0000-4000-9000-{:012}", *calls))
    }
}
