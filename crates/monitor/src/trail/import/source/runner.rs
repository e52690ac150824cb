//! The task that polls what is due: each source in a task of its own, so that a slow one delays nobody else.
//!
//! **Invariant:** a source is in one poll at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keywatch_store::{Batch, CommitError, Scan, StoreError, decode};
use tokio::task::JoinSet;

use super::Inner;
use super::poll::poll;
use super::record::{CHAIN, CURSOR, GONE, LISTED, PROGRESS, SCHEDULE, SEEN, ScheduleRecord};

/// Polls at once.
const POLLS_MAX: usize = 256;
const PAGE: usize = 1_000;
/// Without news the task looks around this often.
const IDLE: Duration = Duration::from_secs(5);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_millis(250);
/// How long polls may take to end after the stop; what they did not commit is done again after the next start.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// Polls until the stop.
pub(super) async fn run(inner: &Arc<Inner>) {
    let mut stop = inner.stop.subscribe();
    let mut wake = inner.wake.subscribe();
    let mut head = inner.store.watch_head();
    let mut polls: JoinSet<String> = JoinSet::new();
    let mut flying: HashSet<String> = HashSet::new();
    while !*stop.borrow_and_update() {
        head.borrow_and_update();
        wake.borrow_and_update();
        let generation = inner.store.generation(SCHEDULE);
        let wait = match pass(inner, &mut polls, &mut flying).await {
            Ok(due) => wait_for(due, inner.clock.now()),
            Err(error) => {
                tracing::error!(%error, "The import sources could not be read");
                PAUSE
            }
        };
        // Most news are about other things than sources.
        let news = async {
            loop {
                tokio::select! {
                    changed = head.changed() => if changed.is_err() { return },
                    changed = wake.changed() => return drop(changed),
                }
                if inner.store.generation(SCHEDULE) != generation {
                    return;
                }
            }
        };
        tokio::select! {
            () = news => {}
            Some(done) = polls.join_next() => ended(inner, &mut flying, done),
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => {}
        }
    }
    let rest = async { while polls.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WAIT, rest).await.is_err() {
        tracing::info!("Polls of import sources under way at the stop go on after the next start");
    }
}

fn ended(inner: &Inner, flying: &mut HashSet<String>, done: Result<String, tokio::task::JoinError>) {
    match done {
        Ok(key) => drop(flying.remove(&key)),
        // Which one it was is not known any more: its source rests until the restart.
        Err(error) => tracing::error!(%error, "A poll of an import source ended in a fault of ours"),
    }
    inner.progress.send_modify(|count| *count += 1);
}

/// Starts what is due; gives the next due moment.
async fn pass(
    inner: &Arc<Inner>,
    polls: &mut JoinSet<String>,
    flying: &mut HashSet<String>,
) -> Result<Option<Timestamp>, StoreError> {
    sweep(inner).await?;
    let now = inner.clock.now();
    let mut next: Option<Timestamp> = None;
    for (key, schedule) in schedules(inner).await? {
        if schedule.due > now {
            next = Some(next.map_or(schedule.due, |next| next.min(schedule.due)));
        } else if polls.len() < POLLS_MAX && flying.insert(key.clone()) {
            let inner = inner.clone();
            polls.spawn(async move {
                if let Err(error) = poll(&inner, &key).await {
                    tracing::error!(%error, "The store failed during a poll, which will be made again");
                    tokio::time::sleep(PAUSE).await;
                }
                key
            });
        }
    }
    Ok(next)
}

/// When each source is due.
pub(super) async fn schedules(inner: &Inner) -> Result<Vec<(String, ScheduleRecord)>, StoreError> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let scan = Scan { prefix: "", after: after.as_deref(), limit: PAGE };
        let rows = inner.store.scan(SCHEDULE, scan).await?;
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| row.key.clone());
        for row in rows {
            found.push((row.key, decode(&row.bytes)?));
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// Removes what deleted sources left, a page at a time.
async fn sweep(inner: &Inner) -> Result<(), StoreError> {
    for gone in inner.store.scan(GONE, Scan { prefix: "", after: None, limit: PAGE }).await? {
        inner.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&gone.key);
        inner.asked().remove(&gone.key);
        let prefix = format!("{}/", gone.key);
        for kind in [CURSOR, SEEN, LISTED, CHAIN] {
            loop {
                let rows = inner.store.scan(kind, Scan { prefix: &prefix, after: None, limit: PAGE }).await?;
                let is_last = rows.len() < PAGE;
                let deletes = rows.into_iter().map(|row| (kind, row.key)).collect();
                commit(inner, Batch { deletes, ..Batch::default() }).await?;
                if is_last {
                    break;
                }
            }
        }
        let deletes = vec![(PROGRESS, gone.key.clone()), (GONE, gone.key)];
        commit(inner, Batch { deletes, ..Batch::default() }).await?;
    }
    Ok(())
}

/// Commits what demands nothing.
async fn commit(inner: &Inner, batch: Batch) -> Result<(), StoreError> {
    match inner.store.commit(batch).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

fn wait_for(due: Option<Timestamp>, now: Timestamp) -> Duration {
    due.map_or(IDLE, |due| Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO).min(IDLE))
}
