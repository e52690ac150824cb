//! Promises about a database that goes away under a living store. A directory has no connections to lose and keeps
//! them for free.

use std::time::Duration;

use tokio::{sync::mpsc, task::JoinSet};

use super::{Counter, KIND, counter, entry, in_time, place::Place, put, whole_log};
use crate::{Batch, CommitError, EntryKind, Store, StoreError, decode};

const TASKS: u64 = 8;
const STEPS: u64 = 150;
/// Connections are cut each time so many steps are done.
const STEPS_BETWEEN_CUTS: usize = 100;

pub(super) async fn lost_connections_lose_and_double_nothing(place: &Place) {
    let store = place.open().await;
    let (done, mut steps_done) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, done) = (store.clone(), done.clone());
        tasks.spawn(async move {
            for step in 0..STEPS {
                take_step(&store, task, step).await;
                done.send(()).unwrap();
            }
        });
    }
    drop(done);
    let mut steps = 0;
    while in_time(steps_done.recv()).await.is_some() {
        steps += 1;
        if steps % STEPS_BETWEEN_CUTS == 0 {
            place.cut_connections().await;
        }
    }
    in_time(tasks.join_all()).await;
    assert_eq!(store.head(), TASKS * STEPS);
    in_time(store.close()).await;
    let log = whole_log(&place.open().await, 1 << 20).await;
    for task in 0..TASKS {
        let prefix = format!("{task}/");
        let texts = log.iter().map(|entry| std::str::from_utf8(&entry.bytes).unwrap());
        let steps: Vec<u64> = texts.filter_map(|text| text.strip_prefix(&prefix)?.parse().ok()).collect();
        assert_eq!(steps, (0..STEPS).collect::<Vec<_>>(), "each step of task {task} once, in order");
    }
}

/// Commits one step, again after each failure: a failure that is reported while the database can be reached again means
/// that nothing was committed.
async fn take_step(store: &Store, task: u64, step: u64) {
    loop {
        let batch = Batch {
            puts: vec![(KIND, task.to_string(), counter(step))],
            appends: vec![entry(EntryKind::Record, 1, format!("{task}/{step}"))],
            ..Batch::default()
        };
        match store.commit(batch).await {
            Ok(_) => break,
            Err(CommitError::Store(StoreError::Unreachable { .. } | StoreError::Database { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let row = store.get(KIND, &task.to_string()).await.unwrap().unwrap();
    assert_eq!(decode::<Counter>(&row.bytes).unwrap(), Counter { value: step });
}

/// For PostgreSQL: whoever finds that another server wrote to its schema writes nothing any more.
pub(super) async fn an_overtaken_writer_does_nothing(place: &Place) {
    let store = place.open().await;
    store.commit(put("a", "1")).await.unwrap();
    place.tamper("UPDATE position SET version = version + 1").await;
    for _ in 0..2 {
        let error = store.commit(put("a", "2")).await.unwrap_err();
        assert!(matches!(error, CommitError::Store(StoreError::InUse { .. })), "{error:?}");
    }
    in_time(store.close()).await;
    let store = place.open().await;
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().bytes, "1");
}

/// For PostgreSQL: nobody there is one clear error, and not after minutes.
pub(super) async fn an_absent_server_is_unreachable() {
    let nobody = "postgres://me:hunter2@127.0.0.1:1/keys";
    let opened = tokio::time::timeout(Duration::from_secs(10), Store::open_postgres(nobody)).await.unwrap();
    assert_eq!(opened.unwrap_err().to_string(), "cannot reach the database at 127.0.0.1:1/keys");
}
