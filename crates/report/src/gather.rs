//! Reads all sources with all processors and brings their tallies together. The thin shell of the report.
//!
//! **Invariants:** sources are numbered by their place in the sorted list, standard input last, and what is
//! told about them is in that order; each thread reads whole sources, the largest first.
//! **Not here:** what is counted (`tally`).

use super::familiar::RecordReader;
use super::options::Period;
use super::pending::Pending;
use super::record::Record;
use super::seen::{Duplicates, Seen, SourceNumber};
use super::tally::Tally;
use super::{Progress, Step};
use keywatch_logfiles::{Fault, FileSummary, LogFile, LogFiles, Reader, Taken, Taker};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than this only wait for the disk.
const THREADS_MAX: usize = 64;
const STDIN_NAME: &str = "-";

/// Something that was not read, or not in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(super) struct Skipped {
    pub(super) path: String,
    pub(super) reason: String,
}

/// The duplicates of one source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct DuplicatesOf {
    pub(super) path: String,
    pub(super) records: u64,
    /// The least of their event IDs.
    pub(super) example: String,
}

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) tally: Tally,
    /// Log files of which at least a part was read.
    pub(super) files: u64,
    pub(super) text_bytes: u64,
    pub(super) outside_period: u64,
    pub(super) digests: Vec<String>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) duplicates: Vec<DuplicatesOf>,
}

enum Source<'a> {
    File(&'a LogFile),
    Stdin,
}

impl Source<'_> {
    fn bytes_on_disk(&self) -> u64 {
        match self {
            Self::File(file) => file.bytes,
            Self::Stdin => 0,
        }
    }

    /// What takes longest is begun first; of standard input nobody knows.
    fn expected_bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.bytes,
            Self::Stdin => u64::MAX,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::File(file) => file.path.display().to_string(),
            Self::Stdin => STDIN_NAME.to_owned(),
        }
    }

    fn read(&self, reader: &mut Reader, taker: &mut Taker<'_>) -> FileSummary {
        match self {
            Self::File(file) => reader.take_file(&file.path, taker),
            // A stream has no size to refuse, and is read in bounded memory.
            Self::Stdin => reader.take_stream(io::stdin(), u64::MAX, taker),
        }
    }
}

/// Reads the files and, if asked, standard input.
pub(super) fn gather(files: &LogFiles, has_stdin: bool, period: Period, progress: &Progress<'_>) -> Gathered {
    let sources: Vec<Source<'_>> =
        files.files.iter().map(Source::File).chain(has_stdin.then_some(Source::Stdin)).collect();
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|number| Reverse(sources[*number].expected_bytes()));
    progress(Step::Found(sources.iter().map(Source::bytes_on_disk).sum()));
    let seen = Seen::new();
    let next = AtomicUsize::new(0);
    let threads =
        thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(sources.len()).max(1);
    let work = || {
        let mut worker = Worker {
            reader: Reader::default(),
            records: RecordReader::default(),
            pending: Pending::default(),
            part: Part::default(),
            seen: &seen,
            period,
        };
        while let Some(number) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            worker.read(*number, &sources[*number]);
            progress(Step::Read(sources[*number].bytes_on_disk()));
        }
        worker.part
    };
    let parts: Vec<Part> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let join = |thread: thread::ScopedJoinHandle<'_, Part>| match thread.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        std::iter::once(own).chain(others.into_iter().map(join)).collect()
    });
    let mut whole = parts.into_iter().reduce(Part::merge).unwrap_or_default();
    whole.order();
    finish(whole, &sources, &files.faults, seen.into_duplicates())
}

/// What one thread has found.
#[derive(Debug, Default)]
struct Part {
    tally: Tally,
    files: u64,
    text_bytes: u64,
    outside_period: u64,
    digests: Vec<usize>,
    skipped: Vec<(usize, String)>,
}

impl Part {
    fn merge(mut self, other: Self) -> Self {
        self.tally.merge(other.tally);
        self.files += other.files;
        self.text_bytes += other.text_bytes;
        self.outside_period += other.outside_period;
        self.digests.extend(other.digests);
        self.skipped.extend(other.skipped);
        self
    }

    fn order(&mut self) {
        self.digests.sort_unstable();
        self.skipped.sort_unstable();
    }
}

struct Worker<'a> {
    reader: Reader,
    records: RecordReader,
    pending: Pending,
    part: Part,
    seen: &'a Seen,
    period: Period,
}

impl Worker<'_> {
    fn read(&mut self, number: usize, source: &Source<'_>) {
        let part = &mut self.part;
        let mut taker = |json: &[u8]| {
            let mut record = Record::default();
            let length = self.records.read(json, &mut record)?;
            if self.period.contains(record.time) {
                self.pending.add(&record, number as SourceNumber, self.seen, &mut part.tally);
            } else {
                part.outside_period += 1;
            }
            Ok(Taken { length, flow: ControlFlow::Continue(()) })
        };
        let summary = source.read(&mut self.reader, &mut taker);
        self.pending.count(number as SourceNumber, self.seen, &mut part.tally);
        part.text_bytes += summary.text_bytes;
        if summary.is_digest {
            part.digests.push(number);
        } else if summary.faults.ended_by.is_none() || summary.records > 0 {
            part.files += 1;
        }
        part.skipped.extend(reasons(&summary).into_iter().map(|reason| (number, reason)));
    }
}

/// What to tell about a file's faults.
fn reasons(summary: &FileSummary) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(fault) = &summary.faults.ended_by {
        let counted = match summary.records {
            0 => String::new(),
            1 => "; the record before that was counted".to_owned(),
            records => format!("; the {records} records before that were counted"),
        };
        reasons.push(format!("{fault}{counted}"));
    }
    if let Some((fault, at)) = &summary.faults.first_skipped {
        let records = summary.faults.records_skipped;
        reasons.push(format!("{records} of its records skipped, the first at byte {at}: {fault}"));
    }
    reasons
}

fn finish(
    part: Part,
    sources: &[Source<'_>],
    unreadable: &[(PathBuf, Fault)],
    duplicates: BTreeMap<SourceNumber, Duplicates>,
) -> Gathered {
    let name = |number: usize| sources[number].name();
    let mut skipped: Vec<Skipped> = unreadable
        .iter()
        .map(|(path, fault)| Skipped { path: path.display().to_string(), reason: fault.to_string() })
        .chain(part.skipped.into_iter().map(|(number, reason)| Skipped { path: name(number), reason }))
        .collect();
    let duplicates: Vec<DuplicatesOf> = duplicates
        .into_iter()
        .map(|(number, found)| DuplicatesOf {
            path: name(number as usize),
            records: found.count,
            example: found.example,
        })
        .collect();
    skipped.extend(duplicates.iter().map(|found| Skipped {
        path: found.path.clone(),
        reason: format!(
            "{} duplicate records: eventID seen before, such as {}",
            found.records, found.example
        ),
    }));
    Gathered {
        tally: part.tally,
        files: part.files,
        text_bytes: part.text_bytes,
        outside_period: part.outside_period,
        digests: part.digests.into_iter().map(name).collect(),
        skipped,
        duplicates,
    }
}
