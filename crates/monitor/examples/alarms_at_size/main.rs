//! Measures alarms at size: how much processor time a minute of evaluations takes, quiet and with many changes of state at once, what the
//! alarms hold in memory, and how long a restart reads them.
//!
//! `cargo run --release -p keywatch-monitor --example alarms_at_size -- [ALARMS] [MINUTES]`

#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod alarms;

use std::{env, fs, sync::Arc, time::Instant};

use jiff::Timestamp;
use keywatch_monitor::{
    alarms::{reconcile::AlarmReconciler, store::ALARM},
    engine::Follower,
    entry::{Body, Point, PointValue, Points},
    metrics::{Second, follower::MetricsFollower, live::LiveSeries},
};
use keywatch_store::{Batch, Partition, Store, Transaction};

use alarms::{Mix, NAMESPACE};

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ALARMS: u64 = 100_000;
const MINUTES: u64 = 5;
/// Alarms that change their state in the same minute.
const CHANGES: u64 = 10_000;
const START: Second = 1_767_225_600;
/// As many points as a request may put.
const BATCH: usize = 1_000;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let count = arguments.next().map_or(Ok(ALARMS), |text| text.parse())?;
    let minutes = arguments.next().map_or(Ok(MINUTES), |text| text.parse())?;
    // One thread, so that its time is that of the alarms; the store commits on its own.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(count, minutes))
}

async fn measure(count: u64, minutes: u64) -> Result<(), Failure> {
    let scratch = tempfile::TempDir::new()?;
    let store = Store::open_embedded(scratch.path()).await?;
    let mix = Mix::of(count);
    put_alarms(&store, &mix).await?;
    let mut world = World::open(&store).await?;
    world.minute(&mix, |_| 1.0).await?;
    let before = resident()?;
    let begun = Instant::now();
    world.alarms = AlarmReconciler::new(store.clone(), Arc::clone(&world.live));
    world.alarms.next_due(world.now()?).await?;
    println!(
        "{}: read again in {:.1} s, {} MiB resident, {} MiB without alarms",
        mix.text(),
        begun.elapsed().as_secs_f64(),
        resident()? >> 20,
        before.saturating_sub(world.without) >> 20
    );
    println!(
        "| minute | alarms, CPU s | of it when due | when points come | whole process, CPU s | longest wait, s |\n|---|---|---|---|---|---|"
    );
    for minute in 0..minutes {
        let spent = world.minute(&mix, |_| (minute % 2) as f64).await?;
        println!("| none changes | {spent} |");
    }
    let changing = CHANGES.min(mix.single);
    let spent = world.minute(&mix, |at| if at < changing { 100.0 } else { 1.0 }).await?;
    println!("| {changing} go to ALARM, early | {spent} |");
    let spent = world.minute(&mix, |_| 1.0).await?;
    println!("| none changes | {spent} |");
    let spent = world.minute(&mix, |_| 1.0).await?;
    println!("| {changing} are back in OK by the clock | {spent} |");
    Ok(())
}

async fn put_alarms(store: &Store, mix: &Mix) -> Result<(), Failure> {
    let at = Timestamp::from_second(START)?;
    let all: Vec<u64> = (0..mix.all()).collect();
    for some in all.chunks(BATCH) {
        let mut tx = Transaction::new(store);
        for number in some {
            let alarm = mix.alarm(*number, at)?;
            tx.put(ALARM, &format!("{}/{}", alarm.partition(), alarm.name), &alarm)?;
        }
        tx.commit().await?;
    }
    Ok(())
}

struct World {
    store: Store,
    live: Arc<LiveSeries>,
    metrics: MetricsFollower,
    alarms: AlarmReconciler,
    now: Second,
    /// Bytes of the process before there was an alarm in memory.
    without: u64,
}

/// Seconds of processor time in one minute of the clock.
#[derive(Default)]
struct Spent {
    due: f64,
    points: f64,
    process: f64,
    /// The longest time for which the log would have waited, by the wall.
    longest: f64,
}

impl std::fmt::Display for Spent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { due, points, process, longest } = self;
        write!(f, "{:.2} | {due:.2} | {points:.2} | {process:.2} | {longest:.2}", due + points)
    }
}

impl World {
    async fn open(store: &Store) -> Result<Self, Failure> {
        let live = LiveSeries::load(store).await?;
        let metrics = MetricsFollower::new(store.clone(), Arc::clone(&live), Timestamp::from_second(START)?);
        let without = resident()?;
        let mut alarms = AlarmReconciler::new(store.clone(), Arc::clone(&live));
        alarms.next_due(Timestamp::from_second(START)?).await?;
        Ok(Self { store: store.clone(), live, metrics, alarms, now: START, without })
    }

    fn now(&self) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_second(self.now)?)
    }

    /// A minute: every metric gets a point, spread over it, and at its end what is due is evaluated.
    async fn minute(&mut self, mix: &Mix, value: impl Fn(u64) -> f64) -> Result<Spent, Failure> {
        let (mut spent, began) = (Spent::default(), process_seconds()?);
        let start = self.now;
        let metrics: Vec<u64> = (0..mix.metrics()).collect();
        let batches = metrics.len().div_ceil(BATCH) as Second;
        for (at, some) in metrics.chunks(BATCH).enumerate() {
            self.now = start + 5 + 50 * at as Second / batches;
            let now = self.now()?;
            let points = some.iter().map(|at| point(mix, *at, now, value(*at))).collect();
            let points = Points { namespace: NAMESPACE.into(), points };
            let append = points.append(Partition::new(alarms::ACCOUNT, alarms::REGION), now);
            self.store.commit(Batch { appends: vec![append], ..Batch::default() }).await?;
            self.follow(&mut spent).await?;
        }
        self.now = start + 60;
        let now = self.now()?;
        while self.alarms.next_due(now).await?.is_some_and(|due| due <= now) {
            let (began, cpu) = (Instant::now(), thread_seconds()?);
            self.alarms.run_due(now).await?;
            spent.due += thread_seconds()? - cpu;
            spent.longest = spent.longest.max(began.elapsed().as_secs_f64());
            self.follow(&mut spent).await?;
        }
        spent.process = process_seconds()? - began;
        Ok(spent)
    }

    async fn follow(&mut self, spent: &mut Spent) -> Result<(), Failure> {
        let now = self.now()?;
        while self.alarms.position() < self.store.head() {
            let entries = self.store.read_log(self.alarms.position(), 4 << 20).await?;
            let of_metrics = self.metrics.position();
            self.metrics
                .follow(&entries[entries.partition_point(|entry| entry.seq <= of_metrics)..], now)
                .await?;
            let (began, cpu) = (Instant::now(), thread_seconds()?);
            self.alarms.follow(&entries, now).await?;
            spent.points += thread_seconds()? - cpu;
            spent.longest = spent.longest.max(began.elapsed().as_secs_f64());
        }
        Ok(())
    }
}

fn point(mix: &Mix, at: u64, time: Timestamp, value: f64) -> Point {
    let (name, key) = mix.metric(at);
    Point {
        metric_name: name.into(),
        dimensions: vec![("Key".into(), key)],
        time,
        unit: Some("Count".into()),
        resolution: 60,
        value: PointValue::One(value),
    }
}

/// Bytes this process holds.
fn resident() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split_whitespace().nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4_096)
}

/// Processor time of this thread (proc(5), schedstat: nanoseconds).
fn thread_seconds() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().ok_or("no schedstat")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// User and system time of this process (proc(5), fields 14 and 15, in hundredths of a second).
fn process_seconds() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
