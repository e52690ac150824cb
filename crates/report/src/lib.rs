//! `keywatch report`: what the log files of an AWS account tell about its KMS keys.
//!
//! A **source** is a file or standard input; a **request** is a record of an API call to KMS, accepted or
//! refused; a **service event** is what KMS did by itself (rotation, deletion at its date). A **tally** counts
//! within one thread; the **summary** is all tallies merged, sorted and priced.
//! **Invariants:** a damaged source is named and never stops the rest; the summary does not depend on the
//! number of threads or on which of them read what (two records of one event ID are the same record); memory grows with distinct names and event IDs, not with
//! the size of files.
//! **Not here:** reading log files (`keywatch_logfiles`).
//!
//! `gather` (with `record`, `familiar`, `pending`, `seen`) → `fact` → `tally` (with `counts`) → `summary` (with `price`) → `table` | JSON | `html` (with `chart`).

mod chart;
mod counts;
mod fact;
mod familiar;
mod gather;
mod html;
mod options;
mod pending;
mod price;
mod record;
mod seen;
mod summary;
mod table;
mod tally;

#[cfg(test)]
mod tests;

pub use options::ReportOptions;
pub use table::printable;

use keywatch_logfiles::discover;
use options::Format;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use summary::Summary;

/// How much of the report is written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// How far the reading has come, in bytes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many are to be read.
    Found(u64),
    /// So many more were read.
    Read(u64),
    /// Nothing more will be read.
    Done,
}

/// Is told each step, by any thread.
pub type Progress<'a> = dyn Fn(Step) + Sync + 'a;

/// What was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything.
    Whole,
    /// Something was skipped, and the report names it.
    Partial,
}

/// Reads what the options name and writes the report where they say. An error tells in a line why nothing
/// could be reported: no such path, or the output cannot be written.
pub fn report(options: &ReportOptions, progress: &Progress<'_>) -> Result<Outcome, String> {
    let files = discover(&options.file_paths()).map_err(|error| error.to_string())?;
    let output = Output::open(options.output.as_deref())?;
    let gathered = gather::gather(&files, options.stdin(), options.period(), progress);
    progress(Step::Done);
    let summary = Summary::of(gathered, options.period());
    output.write(|output| match options.format {
        Format::Table => output.write_all(table::render(&summary, options.top()).as_bytes()),
        Format::Json => summary.write_json(output),
        Format::Html => output.write_all(html::render(&summary, options.top()).as_bytes()),
    })?;
    Ok(if summary.is_whole() { Outcome::Whole } else { Outcome::Partial })
}

/// Where the report goes, opened before the long work.
enum Output<'a> {
    Stdout,
    File(&'a Path, File),
}

impl<'a> Output<'a> {
    fn open(path: Option<&'a Path>) -> Result<Self, String> {
        match path {
            None => Ok(Self::Stdout),
            Some(path) if path == Path::new("-") => Ok(Self::Stdout),
            Some(path) => File::create(path)
                .map(|file| Self::File(path, file))
                .map_err(|error| format!("cannot write {}: {error}", path.display())),
        }
    }

    fn write(
        self,
        text: impl FnOnce(&mut BufWriter<Box<dyn Write + '_>>) -> io::Result<()>,
    ) -> Result<(), String> {
        match self {
            Self::Stdout => match buffered(Box::new(io::stdout().lock()), text) {
                // A pager that was left has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(|error| format!("cannot write to standard output: {error}")),
            },
            Self::File(path, file) => buffered(Box::new(file), text)
                .map_err(|error| format!("cannot write {}: {error}", path.display())),
        }
    }
}

fn buffered<'a>(
    output: Box<dyn Write + 'a>,
    text: impl FnOnce(&mut BufWriter<Box<dyn Write + 'a>>) -> io::Result<()>,
) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(BUFFER_BYTES, output);
    text(&mut output)?;
    output.flush()
}
