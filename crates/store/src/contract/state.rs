//! Promises about rows, expectations and transactions, and about opening and closing.

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Counter, KIND, OTHER, counter, entry, in_time, place::Place, put, text, whole_log};
use crate::{
    BATCH_BYTES_MAX, Batch, CommitError, EntryKind, Expect, Scan, Store, StoreError, Touched, Transaction,
    Version, decode,
};

pub(super) async fn puts_gets_and_deletes(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.get(KIND, "a").await.unwrap(), None);
    let first = store.commit(put("a", "1")).await.unwrap().version;
    let second = store.commit(put("b", "2")).await.unwrap().version;
    assert!(second > first);
    let check = async |store: &Store| {
        let row = store.get(KIND, "a").await.unwrap().unwrap();
        assert_eq!((row.key.as_str(), row.version, row.bytes), ("a", first, text("1")));
        assert_eq!(store.get(OTHER, "a").await.unwrap(), None);
    };
    check(&store).await;
    let store = reopened(store, place).await;
    check(&store).await;
    let third = store.commit(put("a", "3")).await.unwrap().version;
    assert!(third > second, "versions grow across restarts");
    assert_eq!(version(&store, "a").await, Some(third));
    let delete = Batch { deletes: vec![(KIND, "a".into()), (KIND, "never".into())], ..Batch::default() };
    store.commit(delete).await.unwrap();
    assert_eq!(version(&store, "a").await, None);
    let store = reopened(store, place).await;
    assert_eq!((version(&store, "a").await, version(&store, "b").await), (None, Some(second)));
}

pub(super) async fn scans_in_byte_order(place: &Place) {
    let store = place.open().await;
    let keys = ["", "a", "a/", "a/1", "a/10", "a/2", "a/B", "a/b", "a/é", "a/\u{10FFFF}", "a0", "b"];
    let mut shuffled = keys;
    shuffled.reverse();
    let puts = shuffled.iter().map(|key| (KIND, (*key).to_owned(), text("v"))).collect();
    store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
    store.commit(Batch { puts: vec![(OTHER, "a/1".into(), text("w"))], ..Batch::default() }).await.unwrap();
    let list = async |prefix: &str, after: Option<&str>, limit: usize| {
        let rows = store.scan(KIND, Scan { prefix, after, limit }).await.unwrap();
        rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
    };
    assert_eq!(list("", None, 100).await, keys);
    assert_eq!(list("a/", None, 100).await, keys[2..10]);
    assert_eq!(list("a/", Some("a/10"), 100).await, keys[5..10]);
    assert_eq!(list("a/", Some("a"), 2).await, keys[2..4]);
    assert_eq!(list("a/", Some("b"), 100).await, [""; 0]);
    assert_eq!(list("a/\u{10FFFF}", None, 100).await, keys[9..10]);
    assert_eq!(list("c", None, 100).await, [""; 0]);
    assert_eq!(list("", None, 0).await, [""; 0]);
    let mut paged: Vec<String> = Vec::new();
    loop {
        let page = list("", paged.last().map(String::as_str), 5).await;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, keys);
}

pub(super) async fn expectations_decide(place: &Place) {
    let store = place.open().await;
    let first = store.commit(put("a", "1")).await.unwrap().version;
    let commit = async |key: &str, expect: Expect| {
        let batch = Batch {
            checks: vec![(KIND, key.to_owned(), expect)],
            puts: vec![(KIND, key.to_owned(), text("x")), (OTHER, "witness".into(), text("x"))],
            appends: vec![entry(EntryKind::Record, 1, "x")],
            ..Batch::default()
        };
        let head = store.head();
        match store.commit(batch).await {
            Ok(committed) => {
                assert_eq!((committed.first_seq, committed.last_seq), (Some(head + 1), Some(head + 1)));
                true
            }
            Err(CommitError::Conflict { kind, key: at }) => {
                assert_eq!((kind, at.as_str(), store.head()), (KIND, key, head), "a loser leaves nothing");
                false
            }
            Err(CommitError::Store(error)) => panic!("{error}"),
        }
    };
    assert!(!commit("a", Expect::Absent).await);
    assert!(!commit("a", Expect::Version(first + 100)).await);
    assert!(!commit("b", Expect::Version(first)).await);
    assert_eq!(store.get(OTHER, "witness").await.unwrap(), None);
    assert!(commit("a", Expect::Version(first)).await);
    assert!(!commit("a", Expect::Version(first)).await, "the version was used up");
    assert!(commit("b", Expect::Absent).await);
}

pub(super) async fn losers_retry_until_all_have_won(place: &Place) {
    let store = place.open().await;
    let mut tasks = JoinSet::new();
    for task in 0..16_u64 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                while !increments(&store, task * 100 + round).await {}
            }
        });
    }
    in_time(tasks.join_all()).await;
    let store = reopened(store, place).await;
    let row = store.get(KIND, "shared").await.unwrap().unwrap();
    assert_eq!(decode::<Counter>(&row.bytes).unwrap(), Counter { value: 160 });
    let log = whole_log(&store, 1 << 20).await;
    let steps: Vec<u64> =
        log.iter().map(|entry| std::str::from_utf8(&entry.bytes).unwrap().parse().unwrap()).collect();
    assert_eq!(steps, (1..=160).collect::<Vec<_>>(), "each value was logged once, in order");
}

/// Adds one to the shared counter unless somebody came between; logs the new value.
async fn increments(store: &Store, id: u64) -> bool {
    let mut tx = Transaction::new(store);
    let before = tx.get::<Counter>(KIND, "shared").await.unwrap().map_or(0, |counter| counter.value);
    tx.put(KIND, "shared", &Counter { value: before + 1 }).unwrap();
    tx.insert(OTHER, &format!("{id}/{before}"), &Counter { value: id }).unwrap();
    tx.append(entry(EntryKind::Record, 1, (before + 1).to_string()));
    match tx.commit().await {
        Ok(_) => true,
        Err(CommitError::Conflict { kind, key }) => {
            assert_eq!((kind, key.as_str()), (KIND, "shared"));
            false
        }
        Err(CommitError::Store(error)) => panic!("{error}"),
    }
}

pub(super) async fn generations_grow(place: &Place) {
    let store = place.open().await;
    let mut head = store.watch_head();
    let before = store.generation(KIND);
    store.commit(put("a", "1")).await.unwrap();
    let after_put = store.generation(KIND);
    assert!(after_put > before);
    assert!(!head.has_changed().unwrap());
    let append = Batch { appends: vec![entry(EntryKind::Record, 1, "x"); 3], ..Batch::default() };
    store.commit(append).await.unwrap();
    assert_eq!(store.generation(KIND), after_put, "an entry touches no kind");
    assert_eq!((*head.borrow_and_update(), store.head()), (3, 3));
    store.commit(Batch { deletes: vec![(KIND, "a".into())], ..Batch::default() }).await.unwrap();
    assert!(store.generation(KIND) > after_put);
}

pub(super) async fn touched_keys_are_told(place: &Place) {
    let keys = |keys: &[&str]| Touched::Keys(keys.iter().map(|key| (*key).to_owned()).collect());
    let store = place.open().await;
    store.commit(put("a", "1")).await.unwrap();
    let touched = store.touched_keys(KIND);
    assert_eq!(touched.take(), Touched::Any, "what was there before is unknown");
    store.commit(put("b", "1")).await.unwrap();
    store
        .commit(Batch { deletes: vec![(KIND, "a".into()), (OTHER, "c".into())], ..Batch::default() })
        .await
        .unwrap();
    assert_eq!(touched.take(), keys(&["a", "b"]));
    assert_eq!(store.get(KIND, "a").await.unwrap(), None);
    assert_eq!(touched.take(), keys(&[]));
}

pub(super) async fn transactions_see_their_own_writes(place: &Place) {
    let store = place.open().await;
    let puts = (0..6).map(|n| (KIND, format!("k{n}"), counter(n))).collect();
    store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
    let mut tx = Transaction::new(&store);
    tx.delete(KIND, "k1");
    tx.delete(KIND, "k2");
    tx.put(KIND, "k3", &Counter { value: 33 }).unwrap();
    tx.insert(KIND, "k35", &Counter { value: 35 }).unwrap();
    tx.insert(KIND, "k9", &Counter { value: 9 }).unwrap();
    tx.put(OTHER, "k4", &Counter { value: 44 }).unwrap();
    assert_eq!(tx.get::<Counter>(KIND, "k1").await.unwrap(), None);
    assert_eq!(tx.get::<Counter>(KIND, "k3").await.unwrap(), Some(Counter { value: 33 }));
    let mut list = async |after: Option<&str>, limit: usize| {
        let rows = tx.scan::<Counter>(KIND, Scan { prefix: "k", after, limit }).await.unwrap();
        rows.into_iter().map(|(_, counter)| counter.value).collect::<Vec<_>>()
    };
    let all = [0, 33, 35, 4, 5, 9];
    assert_eq!(list(None, 100).await, all);
    assert_eq!(list(Some("k3"), 100).await, all[2..]);
    for limit in 0..=all.len() {
        assert_eq!(list(None, limit).await, all[..limit], "limit {limit}");
    }
    tx.commit().await.unwrap();
    let rows = store.scan(KIND, Scan { prefix: "k", after: None, limit: 100 }).await.unwrap();
    assert_eq!(rows.iter().map(|row| decode::<Counter>(&row.bytes).unwrap().value).collect::<Vec<_>>(), all);
}

pub(super) async fn transactions_check_what_they_read(place: &Place) {
    let store = place.open().await;
    store.commit(Batch { puts: vec![(KIND, "a".into(), counter(1))], ..Batch::default() }).await.unwrap();
    let intrude = async |key: &str| {
        let put = Batch { puts: vec![(KIND, key.to_owned(), counter(7))], ..Batch::default() };
        store.commit(put).await.unwrap();
    };
    // Read and written.
    let mut tx = Transaction::new(&store);
    tx.get::<Counter>(KIND, "a").await.unwrap();
    tx.put(KIND, "a", &Counter { value: 2 }).unwrap();
    intrude("a").await;
    assert_conflict(tx, "a").await;
    // Listed and deleted.
    let mut tx = Transaction::new(&store);
    tx.scan::<Counter>(KIND, Scan { prefix: "", after: None, limit: 10 }).await.unwrap();
    tx.delete(KIND, "a");
    intrude("a").await;
    assert_conflict(tx, "a").await;
    // Read as absent and written; inserted unseen; inserted over what exists.
    let mut tx = Transaction::new(&store);
    assert_eq!(tx.get::<Counter>(KIND, "b").await.unwrap(), None);
    tx.put(KIND, "b", &Counter { value: 2 }).unwrap();
    intrude("b").await;
    assert_conflict(tx, "b").await;
    let mut tx = Transaction::new(&store);
    tx.get::<Counter>(KIND, "b").await.unwrap();
    tx.insert(KIND, "b", &Counter { value: 2 }).unwrap();
    assert_conflict(tx, "b").await;
    // Only read: checked on demand.
    for required in [false, true] {
        let mut tx = Transaction::new(&store);
        tx.get::<Counter>(KIND, "a").await.unwrap();
        tx.get::<Counter>(KIND, "absent").await.unwrap();
        if required {
            tx.require_unchanged(KIND, "a");
            tx.require_unchanged(KIND, "absent");
        }
        tx.put(OTHER, "x", &Counter { value: 2 }).unwrap();
        intrude("a").await;
        if required {
            assert_conflict(tx, "a").await;
        } else {
            tx.commit().await.unwrap();
        }
    }
    // Deleted and made anew in one go.
    let mut tx = Transaction::new(&store);
    tx.get::<Counter>(KIND, "a").await.unwrap();
    tx.delete(KIND, "a");
    tx.insert(KIND, "a", &Counter { value: 3 }).unwrap();
    tx.commit().await.unwrap();
}

async fn assert_conflict(tx: Transaction<'_>, want: &str) {
    match tx.commit().await {
        Err(CommitError::Conflict { kind: KIND, key }) => assert_eq!(key, want),
        other => panic!("{other:?} instead of a conflict on {want}"),
    }
}

pub(super) async fn keeps_big_values(place: &Place) {
    let store = place.open().await;
    let value: Bytes = (0..20_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let batch = Batch {
        puts: vec![(KIND, "big".into(), value.clone())],
        appends: vec![entry(EntryKind::Points, 1, value.clone())],
        ..Batch::default()
    };
    let committed = store.commit(batch).await.unwrap();
    let huge = Batch { puts: vec![(KIND, "k".into(), vec![0; BATCH_BYTES_MAX].into())], ..Batch::default() };
    assert!(matches!(store.commit(huge).await, Err(CommitError::Store(StoreError::TooLarge { .. }))));
    let store = reopened(store, place).await;
    assert!(store.get(KIND, "big").await.unwrap().unwrap().bytes == value);
    let log = store.read_log(0, 1).await.unwrap();
    assert!(log.len() == 1 && log[0].bytes == value && Some(log[0].seq) == committed.last_seq);
}

pub(super) async fn outlives_close_and_drop(place: &Place) {
    let store = place.open().await;
    let batch = || Batch { appends: vec![entry(EntryKind::Record, 1, "x"); 2], ..put("a", "1") };
    let first = store.commit(batch()).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!((version(&store, "a").await, store.head()), (Some(first.version), 2));
    let second = store.commit(batch()).await.unwrap();
    assert!(second.version > first.version);
    assert_eq!(second.first_seq, Some(3));
    let held = store.clone();
    in_time(store.close()).await;
    in_time(held.close()).await;
    assert!(matches!(held.get(KIND, "unread").await, Err(StoreError::Closed)));
    assert!(matches!(held.commit(put("a", "2")).await, Err(CommitError::Store(StoreError::Closed))));
    let store = place.open().await;
    assert_eq!((version(&store, "a").await, store.head()), (Some(second.version), 4));
}

pub(super) async fn one_server_at_a_time(place: &Place) {
    let store = place.open().await;
    let error = place.try_open().await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(error.to_string().ends_with(" is in use by another keywatch server"), "{error}");
    store.commit(put("a", "1")).await.unwrap();
    store.close().await;
    assert!(version(&place.open().await, "a").await.is_some());
}

pub(super) async fn a_newer_schema_is_refused(place: &Place) {
    place.open().await.close().await;
    place.tamper("UPDATE meta SET value = 1000 WHERE name = 'schema'").await;
    let error = place.try_open().await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 1000, .. }), "{error:?}");
}

/// Closes the store and opens it again, so that what is read comes from the disk.
async fn reopened(store: Store, place: &Place) -> Store {
    in_time(store.close()).await;
    place.open().await
}

async fn version(store: &Store, key: &str) -> Option<Version> {
    store.get(KIND, key).await.unwrap().map(|row| row.version)
}
