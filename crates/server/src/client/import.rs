//! `keywatch import PATH…`: sends CloudTrail log files to the running server, which takes in what is new; buckets it reads by itself
//! (`import_bucket`).
//!
//! A **part** is as many records of one source as one request carries: files of any size are sent in parts, so memory is
//! bounded by the parts under way. A **problem** is something of a source that could not be sent; it is told at once and
//! never stops the rest, unlike a server that is gone.
//! **Not here:** telling old from new, which the server does (`keywatch_monitor::trail::import`).

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use keywatch_api::Blob;
use keywatch_logfiles::{LogFile, LogFiles, RawRecord, Reader, discover};
use serde::{Deserialize, Serialize};

use super::import_bucket::{self, Once};
use super::source::{is_bucket, read_keys};
use super::tally::Tally;
use super::{ClientError, finish, print, request};
use crate::cli::ImportOptions;
use crate::progress::{Progress, Total};
use crate::verify::{Beside, judge_beside};
use crate::{data_dir, exit, progress};

/// Text of one part. Even text that does not shrink fits into a request then.
const PART_TEXT_BYTES: usize = 4 << 20;
/// The server takes parts one after another; two keep it busy while the next ones are read and packed.
const THREADS_MAX: usize = 3;
/// Longest name of an import, in bytes.
const NAME_BYTES_MAX: usize = 1024;
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
    let (buckets, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        options.paths.into_iter().partition(|path| is_bucket(&path.to_string_lossy()));
    if buckets.is_empty() && !options.bucket.is_empty() {
        let text = "--endpoint, --region and --fetch-public-keys are for s3://bucket/prefix";
        return Err(ClientError::Usage(text.to_owned()));
    }
    let mut has_problems = false;
    if !paths.is_empty() {
        has_problems |= import_files(&directory, paths, &options.public_keys, options.no_digests)?;
    }
    for location in buckets {
        let once = Once {
            location: location.to_string_lossy().into_owned(),
            bucket: options.bucket.clone(),
            public_keys: &options.public_keys,
            validate_digests: !options.no_digests,
        };
        has_problems |= import_bucket::import(&directory, once)?;
    }
    Ok(has_problems)
}

/// Sends files and standard input.
fn import_files(
    directory: &Path,
    paths: Vec<PathBuf>,
    public_keys: &[PathBuf],
    no_digests: bool,
) -> Result<bool, ClientError> {
    let (stdin, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| path.as_os_str() == STDIN);
    let keys: Vec<Vec<u8>> = public_keys.iter().map(read_keys).collect::<Result<_, _>>()?;
    let mut files = discover(&paths).map_err(|error| ClientError::Usage(error.to_string()))?;
    let beside = if no_digests { None } else { judged(&files, &keys)? };
    let refused = beside.as_ref().map(|beside| &beside.refused);
    files.files.retain(|file| refused.is_none_or(|refused| !refused.contains(&file.path)));
    let progress = Progress::begin();
    for (path, fault) in &files.faults {
        tell(&progress, path, &fault.to_string());
    }
    let mut sources: Vec<Source<'_>> = files.files.iter().map(Source::File).collect();
    sources.extend((!stdin.is_empty()).then_some(Source::Stdin));
    let (mut tally, failure) = send_all(directory, &sources, (&progress, Total::of(&files)));
    progress.finish();
    tally.has_problems |= !files.faults.is_empty();
    print(&tally.to_string())?;
    if let Some(beside) = &beside {
        tally.has_problems |= !(beside.refused.is_empty() && beside.findings.is_empty());
        tell_of_digests(beside)?;
    }
    failure.map_or(Ok(tally.has_problems), Err)
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
fn send_all(
    directory: &Path,
    sources: &[Source<'_>],
    (progress, total): (&Progress, Total),
) -> (Tally, Option<ClientError>) {
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let threads = THREADS_MAX.min(sources.len()).max(1);
    let work = || {
        let mut reader = Reader::default();
        let (tally, part) = (Tally::default(), Part::default());
        let mut sender = Sender { directory, progress, total, tally, part };
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
    progress: &'a Progress,
    total: Total,
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
            self.progress.pass(file.bytes, self.total);
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
        tell(self.progress, path, reason);
    }
}

fn tell(progress: &Progress, path: &Path, reason: &str) {
    progress.suspend(|| exit::complain(&format!("{}: {reason}", path.display())));
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
