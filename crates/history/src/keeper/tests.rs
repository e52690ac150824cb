//! Whatever the keeper does, and wherever it stops, history answers the same: no gap, no double, no file left over.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Append, Batch, EntryKind, LogEntry, Seq, Store};
use tempfile::TempDir;

use super::close::closing;
use super::compact::merging;
use super::*;
use crate::catalogue::Segment;
use crate::testing::record;
use crate::{Column, Condition, Gather, Mark, Place, Query, Use};

const OPTIONS: KeeperOptions = KeeperOptions { keep_entries: 20, close_entries: 30, fanout: 3 };
const ACCOUNT: &str = "111122223333";

struct World {
    dir: TempDir,
    store: Store,
    history: History,
}

impl World {
    async fn open() -> Self {
        Self::reopen(tempfile::tempdir().unwrap()).await
    }

    async fn reopen(dir: TempDir) -> Self {
        let store = Store::open_embedded(&dir.path().join("data")).await.unwrap();
        let history =
            History::new(store.clone(), Place::open_directory(&dir.path().join("history")).unwrap());
        Self { dir, store, history }
    }

    /// Ends this process, as it were, and starts another.
    async fn crash(self) -> Self {
        self.store.close().await;
        let world = Self::reopen(self.dir).await;
        world.keeper(OPTIONS).recover().await.unwrap();
        world
    }

    fn keeper(&self, options: KeeperOptions) -> Keeper {
        let all = Arc::new(|store: Store| Box::pin(async move { Ok(store.head()) }) as _);
        Keeper::new(self.history.clone(), options, all)
    }

    /// Appends records up to number `last`, in blocks of a few, with an entry that is no record in each block.
    async fn write(&self, last: Seq) {
        while self.store.head() < last {
            let next = self.store.head() + 1;
            let mut appends: Vec<Append> =
                (next..next + 4).map(|seq| append(record(seq, (seq * 37) % 400))).collect();
            appends.push(Append { kind: EntryKind::Points, ..append(record(next + 4, 1)) });
            self.store.commit(Batch { appends, ..Batch::default() }).await.unwrap();
        }
    }

    /// What all records up to the head should be.
    fn records(&self) -> Vec<LogEntry> {
        (1..=self.store.head()).filter(|seq| seq % 5 != 0).map(|seq| record(seq, (seq * 37) % 400)).collect()
    }

    /// Everything `query` finds, by pages.
    async fn find(&self, query: Query, page: usize) -> Vec<LogEntry> {
        let (query, mut found, mut after) = (Arc::new(query), Vec::new(), None);
        loop {
            let answer = self.history.search(&query, after, page).await.unwrap();
            assert!(answer.entries.len() <= page);
            found.extend(answer.entries);
            after = answer.more;
            if after.is_none() {
                return found;
            }
        }
    }

    async fn check_whole(&self, context: &str) {
        let by_key = vec![Condition::is(&[Column::Resources], "arn:aws:kms:us-east-1:111122223333:key/k5")];
        for conditions in [vec![], by_key] {
            let query = Query { conditions, ..Query::of(ACCOUNT, None) };
            let mut want = self.records();
            want.retain(|entry| query.accept(&entry.bytes).is_some());
            want.sort_by_key(|entry| std::cmp::Reverse((entry.time, entry.seq)));
            assert_eq!(self.find(query.clone(), 40).await, want, "{context}");
            let seen = self.history.gather(Arc::new(query), &Seen::default()).await.unwrap();
            let mut ids: Vec<String> = want.iter().map(|entry| format!("e-{}", entry.seq)).collect();
            let mut got = seen.0;
            ids.sort();
            got.sort();
            assert_eq!(got, ids, "{context}");
        }
        let catalogue = self.history.catalogue().await.unwrap();
        let mut named: Vec<String> = catalogue.segments.iter().map(|s| s.name.clone()).collect();
        let loose = self.store.scan(LOOSE, Scan { prefix: "", after: None, limit: 100 }).await.unwrap();
        named.extend(loose.into_iter().map(|row| row.key));
        named.sort();
        for file in self.history.place().list().await {
            assert!(named.binary_search(&file).is_ok(), "{context}: {file} is nobody's");
        }
    }
}

#[derive(Clone, Default)]
struct Seen(Vec<String>);

impl Gather for Seen {
    fn take(&mut self, seen: &Use<'_>) {
        self.0.push(seen.event_id.to_owned());
    }
}

fn append(entry: LogEntry) -> Append {
    Append { kind: entry.kind, time: entry.time, partition: entry.partition, bytes: entry.bytes }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_100_000).unwrap()
}

#[tokio::test]
async fn history_is_whole_wherever_its_records_lie() {
    let world = World::open().await;
    world.write(400).await;
    world.check_whole("all in the log").await;
    let mut keeper = world.keeper(OPTIONS);
    let mut rounds = 0;
    while keeper.round(now()).await.unwrap() {
        rounds += 1;
        world.check_whole(&format!("after round {rounds}")).await;
    }
    let catalogue = world.history.catalogue().await.unwrap();
    // Twelve closed, nine of them merged by three, and those three again.
    assert_eq!(catalogue.segments.iter().map(|s| s.level).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(catalogue.closed, 360);
    let later = now() + SignedDuration::from_hours(1);
    keeper.round(later).await.unwrap();
    assert_eq!(world.history.place().list().await.len(), 2, "replaced files are removed after a while");
    let world = world.crash().await;
    world.check_whole("after a restart").await;
    assert_eq!(world.store.read_log(0, usize::MAX).await.unwrap()[0].seq, 361);
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_neither_a_gap_nor_a_double() {
    let mut world = World::open().await;
    let mut stops = 0;
    for after in 0..24 {
        let last = world.store.head() + 35;
        world.write(last).await;
        let mut keeper = world.keeper(OPTIONS);
        keeper.stop_after = Some(after % 12);
        let stopped = loop {
            match keeper.round(now()).await {
                Ok(true) => {}
                Ok(false) => break false,
                Err(HistoryError::Stopping) => break true,
                Err(error) => panic!("{error}"),
            }
        };
        stops += u32::from(stopped);
        world = world.crash().await;
        world.check_whole(&format!("stopped after step {}", after % 12)).await;
    }
    assert!(stops > 12, "{stops} stops");
    let listed = world.history.place().list().await.len();
    assert_eq!(
        listed,
        world.history.catalogue().await.unwrap().segments.len(),
        "a start removes loose files"
    );
}

#[tokio::test]
async fn a_start_removes_what_was_being_written() {
    let world = World::open().await;
    let path = world.dir.path().join("history");
    for name in ["a.parquet#1", "b.parquet#2", "c.parquet"] {
        std::fs::write(path.join(name), "x").unwrap();
    }
    world.keeper(OPTIONS).recover().await.unwrap();
    let left: Vec<_> = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["c.parquet"]);
}

#[tokio::test]
async fn searches_beside_a_busy_keeper_see_each_record_once() {
    let world = World::open().await;
    world.write(200).await;
    let (store, history) = (world.store.clone(), world.history.clone());
    let options = KeeperOptions { keep_entries: 5, close_entries: 10, ..OPTIONS };
    let mut keeper = world.keeper(options);
    let keeping = tokio::spawn(async move {
        for step in 0_u64..60 {
            let next = store.head() + 1;
            // Newer than everything the search asks for.
            let later = append(record(next, 10_000 + step));
            store.commit(Batch { appends: vec![later], ..Batch::default() }).await.unwrap();
            keeper.round(now()).await.unwrap();
        }
    });
    let until = Timestamp::from_second(1_700_005_000).unwrap();
    let query = Query { range: Timestamp::MIN..=until, ..Query::of(ACCOUNT, None) };
    let mut want: Vec<LogEntry> = world.records();
    want.retain(|entry| entry.seq <= 200);
    want.sort_by_key(|entry| std::cmp::Reverse((entry.time, entry.seq)));
    while !keeping.is_finished() {
        assert_eq!(world.find(query.clone(), 11).await, want);
        let seen = history.gather(Arc::new(query.clone()), &Seen::default()).await.unwrap();
        assert_eq!(seen.0.len(), want.len());
    }
    keeping.await.unwrap();
}

/// Everything that is asked for leaves the log while it is asked for, and each file that was merged is removed at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn questions_are_answered_while_one_segment_after_the_other_is_closed() {
    const BLOCKS: Seq = 40;
    let world = World::open().await;
    let options = KeeperOptions { keep_entries: 3, close_entries: 5, fanout: 2 };
    let mut keeper = world.keeper(options);
    let store = world.store.clone();
    let keeping = tokio::spawn(async move {
        let (mut time, mut removed) = (now(), 0);
        for _ in 0..BLOCKS {
            for _ in 0..7 {
                let seq = store.head() + 1;
                let entry = append(record(seq, (seq * 37) % 400));
                store.commit(Batch { appends: vec![entry], ..Batch::default() }).await.unwrap();
            }
            for _ in 0..3 {
                time += LOOSE_FOR;
                let before = store.generation(LOOSE);
                keeper.round(time).await.unwrap();
                removed += store.generation(LOOSE) - before;
            }
        }
        assert!(removed > BLOCKS, "{removed}");
    });
    let query = Arc::new(Query::of(ACCOUNT, None));
    let mut asking = Vec::new();
    for page in [9, 1_000] {
        let (store, history, query) = (world.store.clone(), world.history.clone(), query.clone());
        asking.push(tokio::spawn(async move {
            let mut questions = 0;
            while store.head() < 7 * BLOCKS {
                let first = store.head();
                let gathered = history.gather(query.clone(), &Seen::default()).await.unwrap().0;
                is_whole(gathered, first, store.head());
                let (first, mut found, mut after) = (store.head(), Vec::new(), None);
                loop {
                    let answer = history.search(&query, after, page).await.unwrap();
                    found.extend(answer.entries.iter().map(|entry| format!("e-{}", entry.seq)));
                    questions += 1;
                    after = answer.more;
                    if after.is_none() {
                        break;
                    }
                }
                is_whole(found, first, store.head());
            }
            questions
        }));
    }
    for questions in asking {
        assert!(questions.await.unwrap() > 5);
    }
    keeping.await.unwrap();
}

/// Each record up to `first` is there once, and no other one than those up to `last`.
#[track_caller]
fn is_whole(mut ids: Vec<String>, first: Seq, last: Seq) {
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "a record is double");
    let lost: Vec<Seq> = (1..=first).filter(|seq| ids.binary_search(&format!("e-{seq}")).is_err()).collect();
    assert!(lost.is_empty() && count as u64 <= last, "lost {lost:?} of {first}; {count} of {last}");
}

#[tokio::test]
async fn what_holds_no_record_is_closed_without_a_segment() {
    let world = World::open().await;
    world.write(50).await;
    world.find(Query::of(ACCOUNT, None), 100).await;
    let points = Append { kind: EntryKind::Points, ..append(record(51, 1)) };
    world.store.commit(Batch { appends: vec![points; 90], ..Batch::default() }).await.unwrap();
    let mut keeper = world.keeper(KeeperOptions { fanout: 100, ..OPTIONS });
    while keeper.round(now()).await.unwrap() {
        // A question that remembers the catalogue from before the close.
        let found = world.find(Query::of(ACCOUNT, None), 100).await;
        assert_eq!(found.len(), 40);
        let query = Arc::new(Query::of(ACCOUNT, None));
        assert_eq!(world.history.gather(query, &Seen::default()).await.unwrap().0.len(), 40);
    }
    assert_eq!(world.history.catalogue_through(120).await.unwrap().segments.len(), 2);
}

#[tokio::test]
async fn a_file_stays_as_long_as_a_question_reads_it() {
    let world = World::open().await;
    world.write(120).await;
    let mut keeper = world.keeper(KeeperOptions { fanout: 100, ..OPTIONS });
    while keeper.round(now()).await.unwrap() {}
    let reading = world.history.catalogue().await.unwrap();
    let mut keeper = world.keeper(OPTIONS);
    let mut time = now();
    for _ in 0..4 {
        time += LOOSE_FOR;
        keeper.round(time).await.unwrap();
    }
    let listed = world.history.place().list().await;
    assert!(reading.segments.iter().all(|segment| listed.contains(&segment.name)), "{listed:?}");
    drop(reading);
    keeper.round(time).await.unwrap();
    assert_eq!(world.history.place().list().await.len(), 1);
}

#[tokio::test]
async fn retention_takes_whole_segments() {
    let world = World::open().await;
    world.write(120).await;
    let retention = Some(SignedDuration::from_hours(1));
    let world = World { history: world.history.clone().with_retention(retention), ..world };
    let mut keeper = world.keeper(KeeperOptions { fanout: 100, ..OPTIONS });
    let early = Timestamp::from_second(1_700_003_500).unwrap();
    while keeper.round(early).await.unwrap() {}
    assert_eq!(world.history.catalogue().await.unwrap().segments.len(), 3);
    while keeper.round(now()).await.unwrap() {}
    let catalogue = world.history.catalogue().await.unwrap();
    assert_eq!((catalogue.segments.len(), catalogue.closed), (0, 90));
    let left = world.find(Query::of(ACCOUNT, None), 50).await;
    assert!(left.iter().all(|entry| entry.seq > 90) && left.len() == 24, "{}", left.len());
    let after = Some(Mark { time: left[0].time, seq: left[0].seq });
    let found = world.history.search(&Arc::new(Query::of(ACCOUNT, None)), after, 50).await.unwrap();
    assert_eq!(found.entries, left[1..]);
}

#[tokio::test]
async fn nothing_leaves_that_a_follower_lacks() {
    let world = World::open().await;
    world.write(300).await;
    let slow = Arc::new(|_: Store| Box::pin(async { Ok(75 as Seq) }) as _);
    let mut keeper = Keeper::new(world.history.clone(), OPTIONS, slow);
    while keeper.round(now()).await.unwrap() {}
    assert_eq!(world.history.catalogue().await.unwrap().closed, 60);
}

#[test]
fn what_is_closed_next() {
    check((0, 49, 49), None);
    check((0, 50, 50), Some((1, 30)));
    check((0, 50, 29), None);
    check((30, 1000, 1000), Some((31, 60)));
    check((30, 1000, 60), Some((31, 60)));
    check((30, 1000, 59), None);
    check((0, 3, 0), None);

    fn check((closed, head, followed): (Seq, Seq, Seq), want: Option<(Seq, Seq)>) {
        let got = closing(closed, head, followed, &OPTIONS).map(|range| (*range.start(), *range.end()));
        assert_eq!(got, want, "{closed} {head} {followed}");
    }
}

#[test]
fn what_is_merged_next() {
    check(&[], None);
    check(&[0, 0], None);
    check(&[0, 0, 0, 0], Some(0));
    check(&[1, 0, 0, 0], Some(1));
    check(&[1, 1, 1, 0, 0, 0], Some(3));
    check(&[1, 1, 1, 0, 0], Some(0));
    check(&[2, 2, 2], None);
    check(&[1, 2, 1, 1], None);

    fn check(levels: &[u8], want: Option<usize>) {
        let segment = |(index, level): (usize, &u8)| {
            let (time_min, time_max) = (Timestamp::MIN, Timestamp::MAX);
            let first_seq = index as u64 + 1;
            let name = index.to_string();
            Arc::new(Segment {
                name,
                bytes: 1,
                first_seq,
                last_seq: first_seq,
                records: 1,
                time_min,
                time_max,
                level: *level,
            })
        };
        let segments: Vec<_> = levels.iter().enumerate().map(segment).collect();
        let got = merging(&segments, 3).map(|run| run[0].name.parse().unwrap());
        assert_eq!(got, want, "{levels:?}");
    }
}
