//! `keywatch import PATH…`: sends CloudTrail log files to the running server, which takes in what is new.
//!
//! A **part** is as many records of one source as one request carries: files of any size are sent in parts, so memory is
//! bounded by the parts under way. A **problem** is something of a source that could not be sent; it is told at once and
//! never stops the rest, unlike a server that is gone.
//! **Not here:** telling old from new, which the server does (`keywatch_monitor::trail::import`).

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use jiff::Timestamp;
use keywatch_api::Blob;
use keywatch_logfiles::{LogFile, LogFiles, RawRecord, Reader, discover};
use serde::{Deserialize, Serialize};

use super::{ClientError, finish, print, request};
use crate::cli::ImportOptions;
use crate::verify::{Beside, judge_beside};
use crate::{data_dir, exit, progress};

/// Text of one part. Even text that does not shrink fits into a request then.
const PART_TEXT_BYTES: usize = 4 << 20;
/// The server takes parts one after another; two keep it busy while the next ones are read and packed.
const THREADS_MAX: usize = 3;
/// Longest name of an import, in bytes.
const NAME_BYTES_MAX: usize = 1024;
/// Accounts and Regions are listed up to here.
const PLACES_MAX: usize = 1_000;
const STDIN: &str = "-";

/// Imports, and says what came of it: on standard output in sum, on standard error each problem.
pub fn run(options: ImportOptions) -> ExitCode {
    match import(options) {
        Ok(false) => exit::DONE.into(),
        Ok(true) => exit::FAILED.into(),
        Err(error) => finish(Err(error)),
    }
}

/// Whether there were problems.
fn import(options: ImportOptions) -> Result<bool, ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    data_dir::read_server(&directory)?;
    let (stdin, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        options.paths.into_iter().partition(|path| path.as_os_str() == STDIN);
    let keys: Vec<Vec<u8>> = options.public_keys.iter().map(read).collect::<Result<_, _>>()?;
    let mut files = discover(&paths).map_err(|error| ClientError::Usage(error.to_string()))?;
    let beside = if options.no_digests { None } else { judged(&files, &keys)? };
    let refused = beside.as_ref().map(|beside| &beside.refused);
    files.files.retain(|file| refused.is_none_or(|refused| !refused.contains(&file.path)));
    let bar = progress::bar_of(&files);
    for (path, fault) in &files.faults {
        tell(&bar, path, &fault.to_string());
    }
    let mut sources: Vec<Source<'_>> = files.files.iter().map(Source::File).collect();
    sources.extend((!stdin.is_empty()).then_some(Source::Stdin));
    let (mut tally, failure) = send_all(&directory, &sources, &bar);
    bar.finish_and_clear();
    tally.has_problems |= !files.faults.is_empty();
    print(&tally.to_string())?;
    if let Some(beside) = &beside {
        tally.has_problems |= !(beside.refused.is_empty() && beside.findings.is_empty());
        tell_of_digests(beside)?;
    }
    failure.map_or(Ok(tally.has_problems), Err)
}

fn read(path: &PathBuf) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path)
        .map_err(|error| ClientError::Usage(format!("cannot read {}: {error}", path.display())))
}

/// What the digests among the files say, with a bar of its own: the files they name are read once more.
fn judged(files: &LogFiles, keys: &[Vec<u8>]) -> Result<Option<Beside>, ClientError> {
    let bar = progress::bar_of(files);
    let beside = judge_beside(&files.files, keys, &bar).map_err(ClientError::Usage);
    bar.finish_and_clear();
    beside
}

fn tell_of_digests(beside: &Beside) -> Result<(), ClientError> {
    for path in &beside.refused {
        exit::complain(&format!("{}: refused: its digest names another hash", path.display()));
    }
    for finding in &beside.findings {
        exit::complain(&format!("{}: {}", finding.place, finding.fault));
    }
    let Beside { digests, matching, missing, unproven, .. } = beside;
    let refused = beside.refused.len();
    print(&format!(
        "{digests} digests, {unproven} of them unproven: {matching} log files as they say, {refused} refused, {missing} missing"
    ))
}

enum Source<'a> {
    File(&'a LogFile),
    Stdin,
}

impl Source<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::File(file) => &file.path,
            Self::Stdin => Path::new(STDIN),
        }
    }
}

/// Sends all sources, several at a time; breaks off at the first failure of the server.
fn send_all(directory: &Path, sources: &[Source<'_>], bar: &ProgressBar) -> (Tally, Option<ClientError>) {
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let threads = THREADS_MAX.min(sources.len()).max(1);
    let work = || {
        let mut reader = Reader::default();
        let mut sender = Sender { directory, bar, tally: Tally::default(), part: Part::default() };
        while !is_over.load(Ordering::Relaxed)
            && let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = sender.send(source, &mut reader) {
                is_over.store(true, Ordering::Relaxed);
                return (sender.tally, Some(error));
            }
        }
        (sender.tally, None)
    };
    let ends: Vec<(Tally, Option<ClientError>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| match worker.join() {
            Ok(end) => end,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().map(join).collect()
    });
    ends.into_iter().fold((Tally::default(), None), |(tally, failure), (more, error)| {
        (tally.merge(more), failure.or(error))
    })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask<'a> {
    log_file: Blob,
    name: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    imported: u64,
    duplicates: u64,
    skipped: u64,
    faults: Vec<String>,
}

/// One thread's work.
struct Sender<'a> {
    directory: &'a Path,
    bar: &'a ProgressBar,
    tally: Tally,
    part: Part,
}

impl Sender<'_> {
    fn send(&mut self, source: &Source<'_>, reader: &mut Reader) -> Result<(), ClientError> {
        let path = source.path();
        let mut outcome = Ok(());
        let mut sink = |record: RawRecord<'_>| {
            if !self.part.has_room(record.json) {
                outcome = self.flush(path);
            }
            if outcome.is_err() {
                return ControlFlow::Break(());
            }
            self.tally.see(&record);
            self.part.add(record.json);
            ControlFlow::Continue(())
        };
        let summary = match source {
            Source::File(file) => reader.read_file(&file.path, &mut sink),
            // A stream has no size to refuse, and is read in bounded memory.
            Source::Stdin => reader.read_stream(io::stdin(), u64::MAX, &mut sink),
        };
        outcome?;
        self.flush(path)?;
        if let Source::File(file) = source {
            self.bar.inc(file.bytes);
        }
        if summary.is_digest {
            return Ok(());
        }
        self.tally.files += u64::from(summary.records > 0 || summary.faults.ended_by.is_none());
        self.tally.skipped += summary.faults.records_skipped;
        if let Some(fault) = summary.faults.ended_by {
            self.problem(path, &fault.to_string());
        }
        if let Some((fault, at)) = summary.faults.first_skipped {
            let records = summary.faults.records_skipped;
            self.problem(path, &format!("{records} of its records skipped, the first at byte {at}: {fault}"));
        }
        Ok(())
    }

    fn flush(&mut self, path: &Path) -> Result<(), ClientError> {
        let Some(log_file) = self.part.take() else { return Ok(()) };
        let name = path.to_string_lossy();
        let ask = Ask { log_file: Blob(log_file), name: end_of(&name, NAME_BYTES_MAX) };
        let answer: Answer = request::call(self.directory, "ImportTrail", &ask)?;
        self.tally.imported += answer.imported;
        self.tally.duplicates += answer.duplicates;
        self.tally.skipped += answer.skipped;
        for fault in &answer.faults {
            self.problem(path, fault);
        }
        Ok(())
    }

    fn problem(&mut self, path: &Path, reason: &str) {
        self.tally.has_problems = true;
        tell(self.bar, path, reason);
    }
}

fn tell(bar: &ProgressBar, path: &Path, reason: &str) {
    bar.suspend(|| exit::complain(&format!("{}: {reason}", path.display())));
}

/// The last characters of a text that fit into so many bytes.
fn end_of(text: &str, bytes_max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..]
}

/// Records on their way, as a log file.
#[derive(Default)]
struct Part {
    text: Vec<u8>,
}

impl Part {
    const HEAD: &[u8] = br#"{"Records":["#;
    const TAIL: &[u8] = b"]}";

    /// An empty part takes a record of any size.
    fn has_room(&self, record: &[u8]) -> bool {
        self.text.is_empty() || self.text.len() + record.len() < PART_TEXT_BYTES
    }

    fn add(&mut self, record: &[u8]) {
        self.text.extend_from_slice(if self.text.is_empty() { Self::HEAD } else { b"," });
        self.text.extend_from_slice(record);
    }

    /// The part as gzip, and a new one begun; nothing of an empty part.
    fn take(&mut self) -> Option<Vec<u8>> {
        if self.text.is_empty() {
            return None;
        }
        self.text.extend_from_slice(Self::TAIL);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = gzip.write_all(&self.text).and_then(|()| gzip.finish());
        self.text.clear();
        Some(packed.expect("memory takes every write"))
    }
}

/// What was sent and what came of it.
#[derive(Debug, Default)]
struct Tally {
    files: u64,
    imported: u64,
    duplicates: u64,
    skipped: u64,
    has_problems: bool,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// `111122223333/eu-west-1`
    places: BTreeSet<String>,
}

impl Tally {
    fn see(&mut self, record: &RawRecord<'_>) {
        let time = record.event_time;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        if let (Some(account), Some(region)) = (&record.account, &record.region) {
            self.see_place(format!("{account}/{region}"));
        }
    }

    fn see_place(&mut self, place: String) {
        if self.places.len() < PLACES_MAX {
            self.places.insert(place);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.files += other.files;
        self.imported += other.imported;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.has_problems |= other.has_problems;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
        other.places.into_iter().for_each(|place| self.see_place(place));
        self
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { files, imported, duplicates, skipped, .. } = self;
        write!(
            f,
            "{files} files: {imported} records imported, {duplicates} were there already, {skipped} skipped"
        )?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            write!(f, "\nfrom {first} to {last}")?;
        }
        if !self.places.is_empty() {
            let places: Vec<&str> = self.places.iter().map(String::as_str).collect();
            write!(f, "\nof {}", places.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_part_is_a_log_file() {
        let mut part = Part::default();
        assert_eq!(part.take(), None);
        for round in 0..2 {
            part.add(br#"{"a":1}"#);
            part.add(br#"{"b":2}"#);
            let gzip = part.take().expect("something");
            let mut text = String::new();
            flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut text).expect("gzip");
            assert_eq!(text, r#"{"Records":[{"a":1},{"b":2}]}"#, "round {round}");
        }
    }

    #[test]
    fn a_part_is_bounded() {
        let mut part = Part::default();
        let record = vec![b' '; PART_TEXT_BYTES / 2];
        assert!(part.has_room(&vec![b' '; 2 * PART_TEXT_BYTES]));
        part.add(&record);
        assert!(!part.has_room(&record));
        assert!(part.has_room(b"{}"));
    }

    #[test]
    fn names_keep_their_end() {
        assert_eq!(end_of("logs/a.json", 6), "a.json");
        assert_eq!(end_of("a.json", 1024), "a.json");
        assert_eq!(end_of("éé", 3), "é");
    }
}
