//! Measures questions to a history of many records: the newest page, all that one key or one principal did in a day, one
//! event, and the uses of a key since ever. Records are made up, committed and closed into segments first.
//!
//! `cargo run --release -p keywatch-history --example at_size -- [RECORDS] [DIRECTORY] [ask]`
//!
//! `ask` writes nothing and asks what is in the directory: of a filling that was broken off, the days it came to.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, path::PathBuf};

use jiff::{SignedDuration, Timestamp};
use keywatch_history::{Column, Condition, Gather, History, Keeper, KeeperOptions, Place, Query, Use};
use keywatch_store::{Append, Batch, EntryKind, Seq, Store};

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORDS: u64 = 100_000;
/// Records are spread over so many days, keys and roles.
const DAYS: u64 = 30;
const KEYS: u64 = 1_000;
const ROLES: u64 = 200;
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";
const START: i64 = 1_767_225_600;
const SECONDS_A_DAY: u64 = 86_400;
const BATCH: u64 = 1_024;
const ROUNDS: u32 = 20;
const PAGE: usize = 500;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let records = arguments.next().map_or(Ok(RECORDS), |text| text.parse())?;
    let scratch = tempfile::TempDir::new()?;
    let directory = arguments.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let fills = arguments.next().is_none_or(|mode| mode != "ask");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(records, directory, fills))
}

async fn measure(records: u64, directory: PathBuf, fills: bool) -> Result<(), Failure> {
    let store = Store::open_embedded(&directory.join("data")).await?;
    let place = Place::open_directory(&directory.join("history"))?;
    let history = History::new(store.clone(), place);
    let begun = Instant::now();
    if fills {
        fill(&store, &history, records).await?;
    }
    let built = begun.elapsed();
    let (files, bytes) = segments(&directory)?;
    let head = store.head();
    println!(
        "{head} records of {records}, {} MB in {files} segments, database {} MB, written and closed in {:.1} s; most memory held {} MiB",
        bytes / 1_000_000,
        fs::metadata(directory.join("data/keywatch.db"))?.len() / 1_000_000,
        built.as_secs_f64(),
        peak_mib()?
    );
    let since_ever = Query::of(ACCOUNT, Some(REGION));
    let middle = (head * DAYS / records / 2) as i64;
    let day = Timestamp::from_second(START)? + SignedDuration::from_hours(24 * middle);
    let range = day..=(day + SignedDuration::from_hours(24));
    let of_day = |conditions| Query { range: range.clone(), conditions, ..since_ever.clone() };
    let by_key = Condition::is(&[Column::Resources], &key_arn(7));
    let by_role = Condition::is(&[Column::Principal, Column::SessionIssuer], &role_arn(7));
    let by_id = Condition::is(&[Column::EventId], &event_id(head / 3));
    ask(&history, "newest page of 50", since_ever.clone(), Some(50)).await?;
    ask(&history, "one key, one day, all", of_day(vec![by_key.clone()]), None).await?;
    ask(&history, "one principal, one day, all", of_day(vec![by_role]), None).await?;
    ask(
        &history,
        "one event id, any time",
        Query { conditions: vec![by_id], ..since_ever.clone() },
        Some(50),
    )
    .await?;
    let begun = Instant::now();
    let query = Arc::new(Query { conditions: vec![by_key], ..since_ever });
    let count = history.gather(query, &Count(0)).await?.0;
    println!("uses of one key since ever: {count} counted in {:.1} ms", millis(begun.elapsed()));
    println!("most memory held: {} MiB", peak_mib()?);
    store.close().await;
    Ok(())
}

/// Writes what is missing and closes it.
async fn fill(store: &Store, history: &History, records: u64) -> Result<(), Failure> {
    let all = Arc::new(|store: Store| Box::pin(async move { Ok(store.head()) }) as _);
    let options = KeeperOptions::default();
    let mut keeper = Keeper::new(history.clone(), options, all);
    let now = Timestamp::from_second(START)? + SignedDuration::from_hours(24 * DAYS as i64);
    let mut since_round = 0;
    while store.head() < records {
        let first = store.head() + 1;
        let appends = (first..(first + BATCH).min(records + 1)).map(|seq| record(seq, records)).collect();
        store.commit(Batch { appends, ..Batch::default() }).await?;
        since_round += BATCH;
        if since_round >= options.close_entries {
            since_round = 0;
            while keeper.round(now).await? {}
        }
    }
    Ok(())
}

fn record(seq: Seq, records: u64) -> Append {
    let second = seq * DAYS * SECONDS_A_DAY / records;
    let time = Timestamp::from_second(START + second as i64).unwrap_or(Timestamp::MAX);
    // Multiplied by primes, so that keys and roles are spread over the day.
    let (key, role) = (seq.wrapping_mul(7_919) % KEYS, seq.wrapping_mul(104_729) / 7 % ROLES);
    let name = ["Decrypt", "Encrypt", "GenerateDataKey"][(seq % 3) as usize];
    let (arn, role_arn, id) = (key_arn(key), role_arn(role), event_id(seq));
    let text = format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE{role:08}:session-{seq}","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/role-{role}/session-{seq}","accountId":"{ACCOUNT}","accessKeyId":"ASIAEXAMPLE{role:09}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{role:08}","arn":"{role_arn}","accountId":"{ACCOUNT}","userName":"role-{role}"}},"attributes":{{"creationDate":"{time}","mfaAuthenticated":"false"}}}}}},"eventTime":"{time}","eventSource":"kms.amazonaws.com","eventName":"{name}","awsRegion":"{REGION}","sourceIPAddress":"10.0.{}.{}","userAgent":"aws-sdk-java/2.31.0 Linux/6.1 OpenJDK_64-Bit_Server_VM/21","requestParameters":{{"keyId":"{arn}","encryptionContext":{{"tenant":"{}","purpose":"orders"}},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}},"responseElements":null,"additionalEventData":{{"keyMaterialId":"{key:064x}"}},"requestID":"{id}","eventID":"{id}","readOnly":true,"resources":[{{"accountId":"{ACCOUNT}","type":"AWS::KMS::Key","ARN":"{arn}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_256_GCM_SHA384","clientProvidedHostHeader":"kms.{REGION}.amazonaws.com"}}}}"#,
        role % 8,
        seq % 250,
        seq % 5_000,
    );
    let partition = format!("{ACCOUNT}/{REGION}");
    Append { kind: EntryKind::Record, time, partition: partition.as_str().into(), bytes: text.into() }
}

fn key_arn(key: u64) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-{key:012}")
}

fn role_arn(role: u64) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/role-{role}")
}

/// Looks as random as real ids do.
fn event_id(seq: Seq) -> String {
    let mut mixed = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^= mixed >> 27;
    format!("{:08x}-{:04x}-4000-8000-{seq:012x}", mixed >> 32, mixed & 0xffff)
}

/// Asks for one page of `limit`, or for everything by pages; prints the best and the worst of several rounds.
async fn ask(history: &History, what: &str, query: Query, limit: Option<usize>) -> Result<(), Failure> {
    let query = Arc::new(query);
    let (mut best, mut worst, mut found) = (Duration::MAX, Duration::ZERO, 0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        found = pages(history, &query, limit).await?;
        let took = begun.elapsed();
        (best, worst) = (best.min(took), worst.max(took));
    }
    println!(
        "{what}: {found} records in {:.1} ms at best, {:.1} ms at worst; {} MiB",
        millis(best),
        millis(worst),
        peak_mib()?
    );
    Ok(())
}

async fn pages(history: &History, query: &Arc<Query>, limit: Option<usize>) -> Result<usize, Failure> {
    let (mut found, mut after) = (0, None);
    loop {
        let page = history.search(query, after, limit.unwrap_or(PAGE)).await?;
        found += page.entries.len();
        after = page.more.filter(|_| limit.is_none());
        if after.is_none() {
            return Ok(found);
        }
    }
}

#[derive(Clone)]
struct Count(u64);

impl Gather for Count {
    fn take(&mut self, _: &Use<'_>) {
        self.0 += 1;
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Files and their bytes.
fn segments(directory: &std::path::Path) -> Result<(u64, u64), Failure> {
    let (mut files, mut bytes) = (0, 0);
    for file in fs::read_dir(directory.join("history"))? {
        files += 1;
        bytes += file?.metadata()?.len();
    }
    Ok((files, bytes))
}

fn peak_mib() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1_024)
}
