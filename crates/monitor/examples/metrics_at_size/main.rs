//! Measures metrics at size: the memory of many series of key × operation with a point a minute, the time of the busiest twenty keys among
//! them, how fast points go through the log into series, and whether a restart finds them all again.
//!
//! `cargo run --release -p keywatch-monitor --example metrics_at_size -- [SERIES] [MINUTES] [SERIES BESIDE PROMETHEUS]`

#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod prometheus;

use std::{env, fs, time::Instant};

use jiff::Timestamp;
use keywatch_monitor::{
    entry::{Body, Point, PointValue, Points},
    metrics::{
        Second, Unit,
        follower::MetricsFollower,
        insights,
        live::LiveSeries,
        series::{Datum, MetricRef, SeriesStore, Window},
        statistic_set::StatisticSet,
        tags::Tags,
    },
};
use keywatch_store::{Batch, Partition, Store};

use prometheus::Measured;

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERIES: u64 = 1_000_000;
const MINUTES: u64 = 180;
const SERIES_BESIDE: u64 = 100_000;
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";
const OPERATIONS: [&str; 10] = [
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "Sign",
    "Verify",
    "VerifyMac",
];
const START: Second = 1_767_225_600;
/// Points that go through the log: batches as large as a request may be, of so many series.
const LOGGED_BATCHES: u64 = 2_000;
const LOGGED_SERIES: u64 = 100_000;
const BATCH: u64 = 1_000;
/// As many as the server takes in before it stores them.
const STORED_POINTS: u64 = 8_000_000;
/// Points of this age are in memory after a restart.
const HOT_MINUTES: u64 = 180;
const ROUNDS: u32 = 7;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let series = arguments.next().map_or(Ok(SERIES), |text| text.parse())?;
    let minutes = arguments.next().map_or(Ok(MINUTES), |text| text.parse())?;
    let beside = arguments.next().map_or(Ok(SERIES_BESIDE), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ours = runtime.block_on(at_size(beside, minutes))?;
    runtime.block_on(at_size(series, minutes))?;
    let scratch = tempfile::TempDir::new()?;
    let logged = runtime.block_on(through_the_log(&scratch))?;
    let Some(theirs) = prometheus::measure(beside, minutes)? else {
        println!("There is no `prometheus` to compare with");
        return Ok(());
    };
    println!("| {beside} series × {minutes} min | keywatch | Prometheus | ratio |\n|---|---|---|---|");
    for (name, ours, theirs) in [
        ("bytes a series", ours.bytes_a_series, theirs.bytes_a_series),
        ("durable points a CPU-second", logged, theirs.samples_a_cpu_second),
        ("busiest 20 keys, ms", ours.top_seconds * 1e3, theirs.top_seconds * 1e3),
    ] {
        println!("| {name} | {ours:.1} | {theirs:.1} | {:.3} |", ours / theirs);
    }
    Ok(())
}

/// Series with a point a minute, held and stored as the server does; then the busiest among them, and a restart.
async fn at_size(count: u64, minutes: u64) -> Result<Measured, Failure> {
    let scratch = tempfile::TempDir::new()?;
    let store = Store::open_embedded(scratch.path()).await?;
    let live = LiveSeries::load(&store).await?;
    let mut follower = MetricsFollower::new(store.clone(), live.clone(), Timestamp::from_second(START)?);
    let begun = (Instant::now(), cpu_seconds()?);
    let mut stored = 0.0;
    for minute in 0..minutes {
        let now = Timestamp::from_second(START + 60 * minute as Second)?;
        live.change(|series, _| add_minute(series, count, minute))?;
        if live.look(|series| series.added()) >= STORED_POINTS || minute + 1 == minutes {
            let begun = cpu_seconds()?;
            follower.store(now).await?;
            stored += cpu_seconds()? - begun;
        }
    }
    let (took, points) = (cpu_seconds()? - begun.1, (count * minutes) as f64);
    let bytes = resident()?;
    println!(
        "{count} series × {minutes} min: {:.0} bytes a series, {} MiB resident, {:.0} points added a second, {:.0} a CPU-second ({:.1} s of {took:.1} s to store them)",
        bytes as f64 / count as f64,
        bytes >> 20,
        points / begun.0.elapsed().as_secs_f64(),
        points / took,
        stored,
    );
    let now = START + 60 * minutes as Second;
    let top_seconds = live.look(|series| busiest(series, now))?;
    drop((follower, live));
    let begun = Instant::now();
    let live = LiveSeries::load(&store).await?;
    println!(
        "a restart reads them in {:.2} s, {} MiB resident",
        begun.elapsed().as_secs_f64(),
        resident()? >> 20
    );
    if live.look(|series| total(series, now)) != expected(count, minutes) {
        return Err("a restart does not find every point".into());
    }
    let bytes_a_series = bytes as f64 / count as f64;
    Ok(Measured { bytes_a_series, samples_a_cpu_second: points / took, top_seconds })
}

fn add_minute(series: &mut SeriesStore, count: u64, minute: u64) -> Result<(), Failure> {
    let partition = format!("{ACCOUNT}/{REGION}");
    let time = START + 60 * minute as Second;
    for at in 0..count {
        let key = key_arn(at / OPERATIONS.len() as u64);
        let dimensions = dimensions(&key, at);
        let metric = MetricRef {
            partition: &partition,
            namespace: "AWS/KMS",
            name: "SuccessfulRequest",
            dimensions: &dimensions,
        };
        let set = StatisticSet::uniform(1.0, calls(at, minute));
        let unit = Unit::Count;
        series.add(minute + 1, &Datum { metric, time, unit, high_resolution: false, set: &set }, time)?;
    }
    Ok(())
}

/// What was added within the last hours.
fn expected(count: u64, minutes: u64) -> f64 {
    let first = minutes.saturating_sub(HOT_MINUTES);
    (0..count).map(|at| (first..minutes).map(|minute| calls(at, minute)).sum::<f64>()).sum()
}

/// The time of the busiest keys; prints that of other questions too.
fn busiest(store: &SeriesStore, now: Second) -> Result<f64, Failure> {
    let partition = format!("{ACCOUNT}/{REGION}");
    let mut top_seconds = f64::MAX;
    for query in [
        "GROUP BY KeyArn ORDER BY SUM() DESC LIMIT 20",
        "GROUP BY KeyArn ORDER BY MAX() DESC LIMIT 20",
        "GROUP BY KeyArn, Operation ORDER BY SUM() DESC LIMIT 20",
        "GROUP BY Operation",
        "GROUP BY KeyArn ORDER BY SUM() ASC LIMIT 20",
    ] {
        let parsed = insights::parse(&format!(
            "SELECT SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) {query}"
        ))?;
        for (name, start) in [("three hours", now - 10_800), ("three hours and a half past", now - 11_880)] {
            let window = Window::covering(start.div_euclid(60) * 60, now, 60);
            let mut best = f64::MAX;
            let mut shown = 0;
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                shown =
                    insights::execute(store, (&partition, Tags::NONE), &parsed, &window, now).groups.len();
                best = best.min(begun.elapsed().as_secs_f64());
            }
            if query.starts_with("GROUP BY KeyArn ORDER BY SUM() DESC") {
                top_seconds = top_seconds.min(best);
            }
            println!("{query} over {name}: {shown} groups in {:.1} ms", best * 1e3);
        }
    }
    Ok(top_seconds)
}

/// Points that a CPU-second makes, logs durably and takes in.
async fn through_the_log(scratch: &tempfile::TempDir) -> Result<f64, Failure> {
    let store = Store::open_embedded(scratch.path()).await?;
    let live = LiveSeries::load(&store).await?;
    let now = Timestamp::from_second(START)?;
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    let mut logged = 0.0;
    for batch in 0..LOGGED_BATCHES {
        let points: Vec<Point> = (0..BATCH).map(|at| point(batch * BATCH + at, now)).collect();
        logged += points
            .iter()
            .map(|point| if let PointValue::One(value) = point.value { value } else { 0.0 })
            .sum::<f64>();
        let append = Points { namespace: "App".into(), points }.append(Partition::new(ACCOUNT, REGION), now);
        store.commit(Batch { appends: vec![append], ..Batch::default() }).await?;
        live.catch_up(now).await?;
    }
    let took = begun.elapsed().as_secs_f64();
    let a_cpu_second = (LOGGED_BATCHES * BATCH) as f64 / (cpu_seconds()? - cpu);
    println!(
        "{} points made, logged durably and taken in, one batch after the other: {:.0} a second, {a_cpu_second:.0} a CPU-second",
        LOGGED_BATCHES * BATCH,
        (LOGGED_BATCHES * BATCH) as f64 / took
    );
    let begun = Instant::now();
    let mut follower = MetricsFollower::new(store.clone(), live.clone(), now);
    follower.store(now).await?;
    println!("series stored in {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let again = LiveSeries::load(&store).await?;
    again.catch_up(now).await?;
    println!("a restart reads them in {:.2} s", begun.elapsed().as_secs_f64());
    let sum = |live: &LiveSeries| live.look(|series| total(series, now.as_second()));
    let (before, after) = (sum(&live), sum(&again));
    if (before, after) != (logged, logged) {
        return Err(format!("{logged} was logged, {before} taken in and {after} found again").into());
    }
    Ok(a_cpu_second)
}

fn total(series: &SeriesStore, now: Second) -> f64 {
    let end = now.div_euclid(60) * 60 + 60;
    let window = Window::covering(end - 60 * HOT_MINUTES as Second - 60, end, 60);
    let mut sum = 0.0;
    for id in series.ids_after(None) {
        series.for_each_figures(id, &window, now, |_, figures| sum += figures.sum);
    }
    sum
}

fn point(number: u64, now: Timestamp) -> Point {
    let at = number % LOGGED_SERIES;
    let key = key_arn(at / OPERATIONS.len() as u64);
    let dimensions = dimensions(&key, at).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let value = PointValue::One(calls(at, number / LOGGED_SERIES));
    Point {
        metric_name: "Calls".into(),
        dimensions: dimensions.into(),
        time: now,
        unit: Some("Count".into()),
        resolution: 60,
        value,
    }
}

fn key_arn(key: u64) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{key:08x}-12ab-34cd-56ef-1234567890ab")
}

fn dimensions(key: &str, at: u64) -> [(&str, &str); 2] {
    [("KeyArn", key), ("Operation", OPERATIONS[(at % OPERATIONS.len() as u64) as usize])]
}

/// Calls in a minute: most series few, some many, as keys are used.
fn calls(at: u64, minute: u64) -> f64 {
    let mixed = (at ^ minute << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
    let rank = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
    1.0 + (mixed % 5) as f64 + (200_000 / (rank + 1)) as f64
}

/// Bytes this process holds.
fn resident() -> Result<u64, Failure> {
    Ok(pages_of("self")? * 4_096)
}

/// Resident pages of a process.
fn pages_of(process: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/statm"))?;
    Ok(text.split_whitespace().nth(1).ok_or("no resident size")?.parse()?)
}

/// User and system time of this process (proc(5), fields 14 and 15, in hundredths of a second).
fn cpu_seconds() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
