//! Promises about the log: numbers, order, paging and history.

use std::cmp::Reverse;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{KIND, entry, in_time, place::Place, put, whole_log};
use crate::{Append, Batch, CommitError, EntryKind, Expect, LogEntry, Store};

fn append(entries: Vec<Append>) -> Batch {
    Batch { appends: entries, ..Batch::default() }
}

pub(super) async fn numbers_entries_without_gaps(place: &Place) {
    let store = place.open().await;
    let mut tasks = JoinSet::new();
    for task in 0..32 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..20 {
                let texts: Vec<String> =
                    (0..=round % 3).map(|part| format!("{task}/{round}/{part}")).collect();
                let entries = texts.iter().map(|text| entry(EntryKind::Record, 1, text.clone())).collect();
                let committed = store.commit(append(entries)).await.unwrap();
                acknowledged.push((committed.first_seq.unwrap(), committed.last_seq.unwrap(), texts));
            }
            acknowledged
        });
    }
    let mut acknowledged: Vec<_> = in_time(tasks.join_all()).await.into_iter().flatten().collect();
    acknowledged.sort();
    let head = store.head();
    assert_eq!(*store.watch_head().borrow(), head);
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.head(), head);
    let log = whole_log(&store, 10_000).await;
    assert_eq!(log.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=head).collect::<Vec<_>>());
    let mut next = 1;
    for (first, last, texts) in acknowledged {
        assert_eq!(first, next, "batches are contiguous");
        let stored = log[first as usize - 1..last as usize].iter().map(|entry| &entry.bytes[..]);
        assert!(stored.eq(texts.iter().map(String::as_bytes)));
        next = last + 1;
    }
    assert_eq!(next, head + 1);
}

pub(super) async fn pages_through_the_log(place: &Place) {
    let store = place.open().await;
    assert!(store.read_log(0, 1 << 20).await.unwrap().is_empty());
    for block in 0..10_i64 {
        let entries = (0..=block).map(|n| entry(EntryKind::Event, block, format!("{block}/{n}"))).collect();
        store.commit(append(entries)).await.unwrap();
    }
    let all = whole_log(&store, usize::MAX).await;
    assert_eq!((all.len(), store.head()), (55, 55));
    let partition = &all[7].partition;
    assert_eq!((partition.account(), partition.region()), ("000000000000", "us-east-1"));
    check_pages(&store, &all).await;
    // Once more from the disk, and then with a part of the log in memory.
    in_time(store.close()).await;
    let store = place.open().await;
    check_pages(&store, &all).await;
    let more = store.commit(append(vec![entry(EntryKind::Event, 10, "more"); 3])).await.unwrap();
    assert_eq!(more.first_seq, Some(56));
    let all = whole_log(&store, usize::MAX).await;
    assert_eq!(all.len(), 58);
    check_pages(&store, &all).await;
}

async fn check_pages(store: &Store, all: &[LogEntry]) {
    assert_eq!(whole_log(store, 0).await, all, "at least a block at a time");
    for after in 0..=all.len() as u64 + 1 {
        let page = store.read_log(after, 1).await.unwrap();
        let rest = &all[(after as usize).min(all.len())..];
        assert_eq!(page.is_empty(), rest.is_empty(), "after {after}");
        assert_eq!(page, rest[..page.len()], "after {after}");
        assert!(page.len() <= 10, "one block is enough for one byte");
    }
}

pub(super) async fn reads_newest_first(place: &Place) {
    let store = place.open().await;
    // Times that jump, repeat and overlap between blocks; kinds in turn.
    let times = (0..300_i64).map(|n| (n * 7_919) % 1_000 + if n % 50 == 0 { 5_000 } else { 0 });
    let kinds = [EntryKind::Record, EntryKind::ImportedRecord, EntryKind::Points];
    let appends: Vec<Append> = times
        .zip(kinds.into_iter().cycle())
        .map(|(time, kind)| entry(kind, time, format!("{time}")))
        .collect();
    for block in appends.chunks(2) {
        store.commit(append(block.to_vec())).await.unwrap();
    }
    let all = whole_log(&store, usize::MAX).await;
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    for (from, to) in [(0, 10_000), (100, 700), (5_000, 5_999), (42, 42), (9_000, 9_999)] {
        for kinds in [&[][..], &[EntryKind::Record], &[EntryKind::Points, EntryKind::ImportedRecord]] {
            let mut want: Vec<_> = all
                .iter()
                .filter(|entry| (at(from)..=at(to)).contains(&entry.time))
                .filter(|entry| kinds.is_empty() || kinds.contains(&entry.kind))
                .cloned()
                .collect();
            want.sort_by_key(|entry| Reverse((entry.time, entry.seq)));
            assert_eq!(history(&store, at(from), at(to), kinds).await, want, "{from}..={to} {kinds:?}");
        }
    }
}

/// Merges the pages the way a look-up does: what is older than the next page may hold back is held back.
async fn history(store: &Store, from: Timestamp, to: Timestamp, kinds: &[EntryKind]) -> Vec<LogEntry> {
    let (mut settled, mut held): (Vec<LogEntry>, Vec<LogEntry>) = (Vec::new(), Vec::new());
    let mut page = None;
    loop {
        let (entries, next) = store.read_log_newest(from..=to, kinds, page).await.unwrap();
        assert!(entries.is_sorted_by_key(|entry| Reverse((entry.time, entry.seq))));
        held.extend(entries);
        held.sort_by_key(|entry| Reverse((entry.time, entry.seq)));
        let settles =
            next.map_or(held.len(), |next| held.partition_point(|entry| entry.time > next.time_max));
        settled.extend(held.drain(..settles));
        if next.is_none() {
            return settled;
        }
        page = next;
    }
}

pub(super) async fn steps_over_unknown_kinds(place: &Place) {
    let store = place.open().await;
    let kinds = [EntryKind::Unknown(7), EntryKind::Unknown(200), EntryKind::Message];
    for kind in kinds {
        store.commit(append(vec![entry(kind, 1, "x")])).await.unwrap();
    }
    in_time(store.close()).await;
    let log = whole_log(&place.open().await, 1).await;
    assert_eq!(log.iter().map(|entry| entry.kind).collect::<Vec<_>>(), kinds);
}

pub(super) async fn forgets_the_front(place: &Place) {
    let store = place.open().await;
    for block in 0..5 {
        let entries = (0..4).map(|n| entry(EntryKind::Record, block, format!("{block}/{n}"))).collect();
        store.commit(append(entries)).await.unwrap();
    }
    let all = whole_log(&store, usize::MAX).await;
    // A refused batch forgets nothing, and one through the middle of a block keeps the block.
    let refused =
        Batch { forget: Some(8), checks: vec![(KIND, "a".into(), Expect::Version(7))], ..put("a", "1") };
    assert!(matches!(store.commit(refused).await, Err(CommitError::Conflict { .. })));
    let forgetting = Batch { forget: Some(10), ..put("a", "1") };
    let version = store.commit(forgetting).await.unwrap().version;
    in_time(store.close()).await;
    let store = place.open().await;
    assert_eq!(store.read_log(0, usize::MAX).await.unwrap(), all[8..]);
    assert_eq!(store.read_log(10, usize::MAX).await.unwrap(), all[10..]);
    assert_eq!(store.get(KIND, "a").await.unwrap().map(|row| row.version), Some(version));
    assert_eq!(history(&store, all[0].time, all[19].time, &[]).await.len(), 12);
    // The newest block always stays, so that numbering goes on behind it.
    let last = Batch { forget: Some(u64::MAX >> 1), ..Batch::default() };
    store.commit(last).await.unwrap();
    in_time(store.close()).await;
    let store = place.open().await;
    assert_eq!(store.read_log(0, usize::MAX).await.unwrap(), all[16..]);
    let more = store.commit(append(vec![entry(EntryKind::Record, 9, "more")])).await.unwrap();
    assert_eq!((more.first_seq, store.head()), (Some(21), 21));
    in_time(store.close()).await;
}
