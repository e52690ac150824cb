//! `cargo xtask bench report`: how fast log files become a report.
//!
//! The release binary reads a seeded corpus; the measure is its ratio to **inflating alone**, the same files
//! with the same library on the same threads, in turns with it. The best of several rounds counts, which is
//! the one the machine disturbed least. **Busy time** is that of the processors, user and system: its ratio
//! holds also on a machine with other work.

use super::corpus::{Corpus, corpus};
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
    /// Seed of the corpus
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rounds, of which the best counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Where the corpus is kept between runs
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
    /// Measure this binary instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> io::Result<()> {
    let (root, corpus) = corpus(&options.directory, options.seed, options.megabytes)?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => super::release_binary()?,
    };
    let threads = thread::available_parallelism()?.get();
    let mut inflating = Spent::MAX;
    let mut reporting = Spent::MAX;
    let mut peak_kib = 0;
    for _ in 0..options.rounds.max(1) {
        inflating = inflating.least(Spent::by(|| inflate_all(&corpus, threads))?);
        let report = Spent::by(|| {
            peak_kib = peak_kib.max(report(&binary, &root)?);
            Ok(())
        });
        reporting = reporting.least(report?);
    }
    print(&corpus, threads, inflating, reporting, peak_kib);
    Ok(())
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
fn report(binary: &Path, root: &Path) -> io::Result<u64> {
    let mut child = Command::new(binary)
        .args(["report", "--format", "json"])
        .arg(root)
        .stdout(Stdio::null())
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

fn high_water_kib(status: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}
