//! The promise that matters most, tried for real: a process is killed in the middle of its commits, and what it was
//! told to be durable is there, whole, once.

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use super::{
    Counter, KIND, counter, entry, in_time,
    place::{Place, open_address},
    whole_log,
};
use crate::{Batch, EntryKind, decode};

/// Where the child finds the store.
const ADDRESS_VARIABLE: &str = "KEYWATCH_STORE_CRASH_TEST";
const TASKS: u64 = 8;
const ROUNDS: usize = 5;

pub(super) async fn acknowledged_commits_survive_a_kill(place: &Place) {
    let mut acknowledged: HashMap<u64, u64> = HashMap::new();
    for round in 0..ROUNDS {
        let address = place.address();
        // Later rounds die later, so that they also die in checkpoints and after restarts.
        let lines =
            tokio::task::spawn_blocking(move || run_and_kill(&address, 60 + round * 150)).await.unwrap();
        for (task, step) in lines {
            acknowledged.insert(task, step);
        }
        check(place, &acknowledged).await;
    }
}

/// Starts a child on the store, kills it after `enough` acknowledgements, and returns all it wrote: (task, step).
fn run_and_kill(address: &str, enough: usize) -> Vec<(u64, u64)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "contract::crash::child_that_is_killed", "--ignored", "--nocapture"])
        .env(ADDRESS_VARIABLE, address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The test harness writes lines of its own; the kill may leave half a line, without its line feed.
        let Ok(line) = line else { break };
        let Some((task, step)) =
            line.strip_prefix("done ").and_then(|rest| rest.strip_suffix('.')?.split_once(' '))
        else {
            continue;
        };
        acknowledged.push((task.parse().unwrap(), step.parse().unwrap()));
        if acknowledged.len() == enough {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= enough, "the child stopped by itself");
    acknowledged
}

async fn check(place: &Place, acknowledged: &HashMap<u64, u64>) {
    let store = place.open().await;
    let log = whole_log(&store, 1 << 20).await;
    assert_eq!(log.last().map_or(0, |entry| entry.seq), store.head());
    let mut steps: HashMap<u64, u64> = HashMap::new();
    for (pair, seq) in log.chunks(2).zip((1..).step_by(2)) {
        let [before, after] = pair else { panic!("half a batch at {seq}") };
        assert_eq!((before.seq, after.seq), (seq, seq + 1));
        let text = std::str::from_utf8(&before.bytes).unwrap();
        assert_eq!(after.bytes, format!("{text}, done"), "the two entries of one batch");
        let (task, step) = text.split_once(' ').unwrap();
        let (task, step): (u64, u64) = (task.parse().unwrap(), step.parse().unwrap());
        assert_eq!(step, steps.get(&task).map_or(0, |last| last + 1), "task {task} lost or doubled a step");
        steps.insert(task, step);
    }
    for task in 0..TASKS {
        let row = store.get(KIND, &task.to_string()).await.unwrap();
        let state = row.map(|row| decode::<Counter>(&row.bytes).unwrap().value);
        assert_eq!(state, steps.get(&task).copied(), "state and log agree");
        assert!(state >= acknowledged.get(&task).copied(), "task {task} was told of {acknowledged:?}");
    }
    in_time(store.close()).await;
}

/// Not a test of its own: commits and says so until it is killed.
#[tokio::test]
#[ignore = "the child process of acknowledged_commits_survive_a_kill"]
async fn child_that_is_killed() {
    let address = env::var(ADDRESS_VARIABLE).expect("only the parent test starts this");
    let store = open_address(&address).await.unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let stored = store.get(KIND, &task.to_string()).await.unwrap();
                let next = stored.map_or(0, |row| decode::<Counter>(&row.bytes).unwrap().value + 1);
                for step in next..100_000 {
                    let text = format!("{task} {step}");
                    let batch = Batch {
                        puts: vec![(KIND, task.to_string(), counter(step))],
                        appends: vec![
                            entry(EntryKind::Record, 1, text.clone()),
                            entry(EntryKind::Record, 1, format!("{text}, done")),
                        ],
                        ..Batch::default()
                    };
                    store.commit(batch).await.unwrap();
                    std::io::stdout().write_all(format!("done {text}.\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
