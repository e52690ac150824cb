//! Measures what one durable record costs: many callers commit batches of one entry each, as calls that only leave a
//! record do, and the rate, the latency and the CPU time are printed.
//!
//! `cargo run --release -p keywatch-store --example append_rate -- [CALLERS] [SECONDS] [DIRECTORY | postgres://…]`

use std::{
    env, fs,
    num::NonZero,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use keywatch_store::{Append, Batch, EntryKind, Store};
use tokio::{runtime, task::JoinSet};

/// Threads the callers are spread over, each with a runtime of its own, as the server's connections are.
const THREADS: usize = 2;
const CALLERS: NonZero<usize> = NonZero::new(64).expect("not zero");
const SECONDS: NonZero<u64> = NonZero::new(5).expect("not zero");
/// Clock ticks per second in /proc, fixed on Linux.
const TICKS: f64 = 100.0;

fn main() {
    let mut args = env::args().skip(1);
    let callers =
        args.next().map_or(CALLERS, |text: String| text.parse().expect("a number of callers, at least 1"));
    let callers = callers.get();
    let seconds: NonZero<u64> =
        args.next().map_or(SECONDS, |text| text.parse().expect("a number of seconds, at least 1"));
    let place = args.next();
    let scratch = tempfile::TempDir::new().expect("a temporary directory");
    let background =
        runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let store = background.block_on(async {
        match place.as_deref() {
            Some(url) if url.contains("://") => Store::open_postgres(url).await,
            Some(dir) => Store::open_embedded(Path::new(dir)).await,
            None => Store::open_embedded(scratch.path()).await,
        }
    });
    let store = store.expect("an open store");
    let stop = Arc::new(AtomicBool::new(false));
    let (head, cpu, start) = (store.head(), cpu_seconds(), Instant::now());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            let callers = callers / THREADS + usize::from(thread < callers % THREADS);
            thread::spawn(move || run_callers(&store, &stop, callers))
        })
        .collect();
    thread::sleep(Duration::from_secs(seconds.get()));
    stop.store(true, Ordering::Relaxed);
    let mut waits: Vec<Duration> =
        threads.into_iter().flat_map(|thread| thread.join().expect("callers")).collect();
    let (elapsed, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert_eq!(store.head() - head, waits.len() as u64, "every commit is one entry");
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    report(&format!(
        "{callers} callers: {:.0} commits/s, {:.1} µs CPU each; p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms",
        waits.len() as f64 / elapsed,
        cpu / waits.len() as f64 * 1e6,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
    ));
    background.block_on(store.close());
}

/// Each caller commits one record after the other until told to stop; returns how long each commit took.
fn run_callers(store: &Store, stop: &Arc<AtomicBool>, callers: usize) -> Vec<Duration> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            tasks.spawn(call_until_stopped(store.clone(), Arc::clone(stop), caller));
        }
        tasks.join_all().await.concat()
    })
}

async fn call_until_stopped(store: Store, stop: Arc<AtomicBool>, caller: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let batch = Batch { appends: vec![record(caller, waits.len())], ..Batch::default() };
        let start = Instant::now();
        store.commit(batch).await.expect("a commit");
        waits.push(start.elapsed());
    }
    waits
}

/// A record of the size and regularity of a CloudTrail record.
fn record(caller: usize, number: usize) -> Append {
    let (id, time) = (format!("{caller:08x}-{number:08x}"), number as i64);
    let key = format!("arn:aws:kms:us-east-1:000000000000:key/{:032x}", caller * 7 + number % 12);
    let text = format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDACKCEVSQ6C2EXAMPLE","arn":"arn:aws:iam::000000000000:user/caller{caller}","accountId":"000000000000","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"caller{caller}"}},"eventTime":"2026-11-22T06:00:00Z","eventSource":"kms.amazonaws.com","eventName":"Encrypt","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.{}","userAgent":"aws-sdk-rust/1.3.10 os/linux lang/rust/1.95.0","requestParameters":{{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":"{key}","encryptionContext":{{"purpose":"measurement {number}"}}}},"responseElements":null,"requestID":"{id}","eventID":"{id}","readOnly":true,"resources":[{{"accountId":"000000000000","type":"AWS::KMS::Key","ARN":"{key}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"000000000000","eventCategory":"Management"}}"#,
        caller % 250,
    );
    Append {
        kind: EntryKind::Record,
        time: Timestamp::from_second(1_795_000_000 + time).expect("a time"),
        partition: "000000000000/us-east-1".into(),
        bytes: text.into(),
    }
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit_once(')').expect("a process name").1;
    let fields: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).map(|n| n.parse().expect("ticks")).collect();
    fields.iter().sum::<f64>() / TICKS
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn report(line: &str) {
    println!("{line}");
}
