//! `cargo xtask bench report`: how fast log files become a report.
//!
//! The release binary reads a seeded corpus; the measure is its ratio to **inflating alone**, the same files
//! with the same library on the same threads, in turns with it. The best of several rounds counts, which is
//! the one the machine disturbed least. **Busy time** is that of the processors, user and system: its ratio
//! holds also on a machine with other work. ClickHouse and DuckDB answer the report's question over the same files, in
//! turns with it (`peers`).

use super::corpus::Corpus;
use super::measured::Measured;
use super::peers::{Best, PEERS};
use clap::Args;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Size of the corpus before compression, in MB
    #[arg(long, default_value_t = 1_000)]
    megabytes: u64,
    #[command(flatten)]
    measured: Measured,
    /// The Python that has chdb and duckdb, to be measured too
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Measure ClickHouse and DuckDB in so many of the rounds; DuckDB takes a minute for a GB
    #[arg(long, default_value_t = 2)]
    peer_rounds: u32,
}

pub(crate) fn run(options: &Options) -> io::Result<()> {
    let (root, corpus) = options.measured.corpus(options.megabytes)?;
    let binary = options.measured.binary.path()?;
    let threads = thread::available_parallelism()?.get();
    let mut inflating = Spent::MAX;
    let mut reporting = Spent::MAX;
    let mut peak_kib = 0;
    let mut kms_records = 0;
    let mut peers: [Option<Best>; PEERS.len()] = [const { None }; PEERS.len()];
    for round in 0..options.measured.rounds.max(1) {
        inflating = inflating.least(Spent::by(|| inflate_all(&corpus, threads))?);
        let output = std::env::temp_dir().join(format!("keywatch-bench-report-{}.json", std::process::id()));
        let report = Spent::by(|| {
            peak_kib = peak_kib.max(report(&binary, &root, &output)?);
            Ok(())
        });
        reporting = reporting.least(report?);
        kms_records = counted(&output)?;
        for (engine, best) in PEERS.iter().zip(&mut peers).filter(|_| round < options.peer_rounds) {
            if let Some(answer) = Best::of(&options.python, engine, &root, threads)? {
                *best = Some(answer.least(best.take()));
            }
        }
    }
    print(&corpus, threads, inflating, reporting, peak_kib);
    for (engine, best) in PEERS.iter().zip(&peers) {
        print_peer(engine, best.as_ref(), reporting, kms_records);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn print_peer(engine: &str, best: Option<&Best>, reporting: Spent, kms_records: u64) {
    let Some(best) = best else {
        println!("{engine:<17} not measured: this Python does not have it (pip install {engine})");
        return;
    };
    println!(
        "{engine:<17} {:.2} s for the query alone ({}): the report, whole, has {:.2} times its speed",
        best.seconds,
        best.formulation,
        best.seconds / reporting.wall.as_secs_f64()
    );
    if best.records != kms_records {
        println!("{engine} counted {} KMS records and the report {kms_records}", best.records);
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn print(corpus: &Corpus, threads: usize, inflating: Spent, reporting: Spent, peak_kib: u64) {
    let rate = |bytes: u64, time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    let (gzip, text) = (corpus.gzip_bytes, corpus.text_bytes);
    println!(
        "corpus            {} files, {} MB gzip, {} MB text ({:.1} times the gzip)",
        corpus.files.len(),
        gzip / 1_000_000,
        text / 1_000_000,
        text as f64 / gzip as f64
    );
    println!("threads           {threads}");
    for (name, spent) in [("inflating alone", inflating), ("keywatch report", reporting)] {
        println!(
            "{name}   {:6.0} MB/s text, {:6.1} MB/s gzip; {:6.0} MB text per busy second of a processor",
            rate(text, spent.wall),
            rate(gzip, spent.wall),
            rate(text, spent.busy)
        );
    }
    println!(
        "report / inflate  {:.3} of its speed, {:.3} per busy second",
        inflating.wall.as_secs_f64() / reporting.wall.as_secs_f64(),
        inflating.busy.as_secs_f64() / reporting.busy.as_secs_f64()
    );
    println!("peak memory       {} MiB", peak_kib / 1_024);
}

/// Time on the clock and time of processors.
#[derive(Debug, Clone, Copy)]
struct Spent {
    wall: Duration,
    busy: Duration,
}

impl Spent {
    const MAX: Self = Self { wall: Duration::MAX, busy: Duration::MAX };

    fn by(work: impl FnOnce() -> io::Result<()>) -> io::Result<Self> {
        let (start, busy) = (Instant::now(), busy_time()?);
        work()?;
        Ok(Self { wall: start.elapsed(), busy: busy_time()?.saturating_sub(busy).max(TICK) })
    }

    fn least(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), busy: self.busy.min(other.busy) }
    }
}

/// What Linux counts processor time in.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of this process and the children it has waited for.
fn busy_time() -> io::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Fields 14 to 17 of proc(5); the second, the program's name, may hold blanks and ends with a parenthesis.
    let ticks = stat.rsplit(')').next().map(|rest| {
        rest.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u32>().ok()).sum::<u32>()
    });
    ticks.map(|ticks| TICK * ticks).ok_or_else(|| io::Error::other("no times in /proc/self/stat"))
}

/// Reads and inflates every file, and drops the text.
fn inflate_all(corpus: &Corpus, threads: usize) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        let mut inflater = libdeflater::Decompressor::new();
        let mut text = Vec::new();
        while let Some(path) = corpus.files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let gzip = fs::read(path)?;
            let (_, size) = gzip.split_last_chunk().ok_or_else(|| io::Error::other("not gzip"))?;
            let size = u32::from_le_bytes(*size) as usize;
            text.resize(size.max(text.len()), 0);
            inflater.gzip_decompress(&gzip, &mut text[..size]).map_err(io::Error::other)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        others.into_iter().try_for_each(|thread| thread.join().expect("inflating does not panic"))
    })
}

/// Runs the report and returns its peak resident memory in KiB.
fn report(binary: &Path, root: &Path, output: &Path) -> io::Result<u64> {
    let mut child = Command::new(binary)
        .args(["report", "--format", "json", "--output"])
        .args([output, root])
        .stderr(Stdio::inherit())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    // The kernel's own high-water mark, looked at until the process is gone.
    while child.try_wait()?.is_none() {
        peak_kib = peak_kib.max(high_water_kib(&status));
        thread::sleep(Duration::from_millis(1));
    }
    if !child.wait()?.success() {
        return Err(io::Error::other("the report failed"));
    }
    Ok(peak_kib)
}

/// How many KMS records the report counted. Reading it is not the report's work, and not measured.
fn counted(output: &Path) -> io::Result<u64> {
    let report: serde_json::Value = serde_json::from_slice(&fs::read(output)?)?;
    fs::remove_file(output)?;
    Ok(report["totals"]["kms_records"].as_u64().unwrap_or_default())
}

fn high_water_kib(status: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}
