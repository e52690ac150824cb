//! The promises of a store, one function each, kept by every backend. `Place` is all a promise knows of the backend.

mod cluster;
mod crash;
mod log;
mod lost;
mod model;
mod place;
mod state;

use std::{future::Future, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;

use self::place::Place;
use crate::{Append, Batch, EntryKind, Kind, LogEntry, Store, encode};

const KIND: Kind = Kind("t.one");
const OTHER: Kind = Kind("t.other");

/// One test per promise for the embedded store; one test of all promises for PostgreSQL, which is started once and keeps
/// each promise in a database of its own.
macro_rules! keeps {
    ($($module:ident :: $promise:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() { super::$module::$promise(&super::Place::embedded()).await })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let Some(mut cluster) = cluster::Cluster::start().await else { return };
            $(eprintln!("{}", stringify!($promise));
            $module::$promise(&Place::postgres(&mut cluster).await).await;)*
            lost::an_overtaken_writer_does_nothing(&Place::postgres(&mut cluster).await).await;
            lost::an_absent_server_is_unreachable().await;
        }
    };
}

keeps! {
    state::puts_gets_and_deletes,
    state::scans_in_byte_order,
    state::expectations_decide,
    state::losers_retry_until_all_have_won,
    state::generations_grow,
    state::touched_keys_are_told,
    state::transactions_see_their_own_writes,
    state::transactions_check_what_they_read,
    state::keeps_big_values,
    state::outlives_close_and_drop,
    state::one_server_at_a_time,
    state::a_newer_schema_is_refused,
    log::numbers_entries_without_gaps,
    log::pages_through_the_log,
    log::reads_newest_first,
    log::steps_over_unknown_kinds,
    log::forgets_the_front,
    crash::acknowledged_commits_survive_a_kill,
    lost::lost_connections_lose_and_double_nothing,
    model::agrees_with_a_model,
}

fn text(value: &'static str) -> Bytes {
    Bytes::from_static(value.as_bytes())
}

fn put(key: &str, value: &'static str) -> Batch {
    Batch { puts: vec![(KIND, key.to_owned(), text(value))], ..Batch::default() }
}

fn entry(kind: EntryKind, seconds: i64, bytes: impl Into<Bytes>) -> Append {
    Append {
        kind,
        time: Timestamp::from_second(seconds).unwrap(),
        partition: "000000000000/us-east-1".into(),
        bytes: bytes.into(),
    }
}

/// The whole log, by pages of `max_bytes`.
async fn whole_log(store: &Store, max_bytes: usize) -> Vec<LogEntry> {
    let mut entries: Vec<LogEntry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.seq);
        let page = store.read_log(after, max_bytes).await.unwrap();
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

/// Fails instead of hanging when `work` never ends.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("the store answers")
}

#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct Counter {
    value: u64,
}

impl crate::Versioned for Counter {
    const MARKER: &'static str = "t.counter/1";
}

fn counter(value: u64) -> Bytes {
    encode(&Counter { value }).unwrap()
}
