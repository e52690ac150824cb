//! Random work on a store beside a model of it: a map and a list. The seed is in every message; `STORE_SEED` replays one.

use std::{collections::BTreeMap, env};

use super::{KIND, OTHER, entry, in_time, place::Place, whole_log};
use crate::{Batch, CommitError, EntryKind, Expect, Kind, Scan, Store, Version};

const SEEDS: u64 = 3;
const STEPS: usize = 250;
const KEYS: [&str; 7] = ["", "a", "a/1", "a/2", "a/é", "b", "b/\u{10FFFF}"];

#[derive(Default)]
struct Model {
    rows: BTreeMap<(Kind, String), (Version, String)>,
    log: Vec<String>,
}

pub(super) async fn agrees_with_a_model(place: &Place) {
    let replayed = env::var("STORE_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds = replayed.map_or(1..SEEDS + 1, |seed: u64| seed..seed + 1);
    let (mut store, mut model) = (place.open().await, Model::default());
    for seed in seeds {
        let mut random = Random(seed);
        for step in 0..STEPS {
            let context = format!("seed {seed}, step {step}");
            match random.below(20) {
                0 => {
                    in_time(store.close()).await;
                    store = place.open().await;
                }
                1..4 => compare_scan(&store, &model, &mut random, &context).await,
                4..8 => compare_get(&store, &model, &mut random, &context).await,
                8 => compare_log(&store, &model, &mut random, &context).await,
                _ => commit(&store, &mut model, &mut random, &context).await,
            }
        }
        compare_log(&store, &model, &mut random, &format!("seed {seed}, end")).await;
    }
}

async fn commit(store: &Store, model: &mut Model, random: &mut Random, context: &str) {
    let mut batch = Batch::default();
    let mut holds = true;
    for _ in 0..random.below(3) {
        let row = random.row();
        let seen = model.rows.get(&row).map(|(version, _)| *version);
        let expect = match (random.below(8), seen) {
            (0, _) => Expect::Absent,
            (1, _) => Expect::Version(random.below(40)),
            (_, None) => Expect::Absent,
            (_, Some(version)) => Expect::Version(version),
        };
        holds &= expect == seen.map_or(Expect::Absent, Expect::Version);
        batch.checks.push((row.0, row.1, expect));
    }
    let mut changes: BTreeMap<(Kind, String), Option<String>> = BTreeMap::new();
    for number in 0..random.below(4) {
        let change = (random.below(3) > 0).then(|| format!("{context}, {number}"));
        changes.insert(random.row(), change);
    }
    for ((kind, key), change) in &changes {
        match change {
            Some(value) => batch.puts.push((*kind, key.clone(), value.clone().into())),
            None => batch.deletes.push((*kind, key.clone())),
        }
    }
    let entries: Vec<String> =
        (0..random.below(3)).map(|number| format!("{context}, entry {number}")).collect();
    batch.appends = entries.iter().map(|text| entry(EntryKind::Record, 1, text.clone())).collect();
    match in_time(store.commit(batch)).await {
        Ok(committed) => {
            assert!(holds, "{context}: committed against its checks");
            for (row, change) in changes {
                match change {
                    Some(value) => drop(model.rows.insert(row, (committed.version, value))),
                    None => drop(model.rows.remove(&row)),
                }
            }
            let first = (!entries.is_empty()).then_some(model.log.len() as u64 + 1);
            model.log.extend(entries);
            let last = first.map(|_| model.log.len() as u64);
            assert_eq!((committed.first_seq, committed.last_seq), (first, last), "{context}");
        }
        Err(CommitError::Conflict { .. }) => assert!(!holds, "{context}: refused although all checks hold"),
        Err(CommitError::Store(error)) => panic!("{context}: {error}"),
    }
}

async fn compare_get(store: &Store, model: &Model, random: &mut Random, context: &str) {
    let row = random.row();
    let got = store.get(row.0, &row.1).await.unwrap().map(|row| (row.version, row.bytes));
    let want = model.rows.get(&row).map(|(version, value)| (*version, value.clone().into()));
    assert_eq!(got, want, "{context}: {row:?}");
}

async fn compare_scan(store: &Store, model: &Model, random: &mut Random, context: &str) {
    let kind = random.row().0;
    let prefix = ["", "a", "a/", "b", "c"][random.below(5) as usize];
    let after = (random.below(2) == 0).then(|| random.row().1);
    let limit = random.below(9) as usize;
    let scan = Scan { prefix, after: after.as_deref(), limit };
    let got: Vec<String> = store.scan(kind, scan).await.unwrap().into_iter().map(|row| row.key).collect();
    let keys = model.rows.keys().filter(|(of, _)| *of == kind).map(|(_, key)| key);
    let wanted =
        keys.filter(|key| key.starts_with(prefix) && after.as_ref().is_none_or(|after| *key > after));
    assert_eq!(got, wanted.take(limit).cloned().collect::<Vec<_>>(), "{context}: {scan:?}");
}

async fn compare_log(store: &Store, model: &Model, random: &mut Random, context: &str) {
    let log = whole_log(store, random.below(500) as usize).await;
    let texts: Vec<&str> = log.iter().map(|entry| std::str::from_utf8(&entry.bytes).unwrap()).collect();
    assert_eq!(texts, model.log, "{context}");
    assert_eq!(store.head(), model.log.len() as u64, "{context}");
}

/// splitmix64: small, and enough to shuffle with.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn row(&mut self) -> (Kind, String) {
        let kind = if self.below(3) == 0 { OTHER } else { KIND };
        (kind, KEYS[self.below(KEYS.len() as u64) as usize].to_owned())
    }
}
