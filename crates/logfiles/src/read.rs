//! Reads one log file: plain or gzip, told apart by its first bytes.
//!
//! A gzip file of usual size is inflated at once into a buffer that the next file reuses, which is the
//! fastest way there is; larger, damaged and many-member ones are **streamed** through a window, and so is
//! plain text.
//! **Invariants:** the memory of a reader is bounded by its limits whatever the file claims; a file is read
//! in full, or its summary says why not.
//! **Not here:** which files to read (`discover`), and what is done with the records (the sink).

use super::fault::{Fault, Faults};
use super::splitter::{RECORD_BYTES_MAX, Sink, Split, Splitter, Taker, taking};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// A file with more text than this is refused.
pub const FILE_TEXT_BYTES_MAX: u64 = 1 << 30;
/// Gzip files up to these sizes are inflated at once, larger ones streamed.
const WHOLE_GZIP_BYTES_MAX: u64 = 16 << 20;
const WHOLE_TEXT_BYTES_MAX: usize = 64 << 20;
/// How much text is cut, or read from a stream, in one step.
const STEP_BYTES: usize = 1 << 20;
/// Header and trailer of a gzip member.
const GZIP_BYTES_MIN: usize = 18;
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const _: () = assert!(STEP_BYTES < RECORD_BYTES_MAX && RECORD_BYTES_MAX < WHOLE_TEXT_BYTES_MAX);

/// What reading one file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSummary {
    /// Records handed to the sink.
    pub records: u64,
    /// Bytes of text, after inflating.
    pub text_bytes: u64,
    /// A digest file of log file validation, which holds no records.
    pub is_digest: bool,
    /// The sink broke off.
    pub stopped_by_sink: bool,
    /// What was wrong with the file.
    pub faults: Faults,
}

/// Reads files one after another with the same buffers; each thread has its own.
pub struct Reader {
    inflater: libdeflater::Decompressor,
    gzip: Vec<u8>,
    text: Vec<u8>,
    window: Vec<u8>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            inflater: libdeflater::Decompressor::new(),
            gzip: Vec::new(),
            text: Vec::new(),
            window: Vec::new(),
        }
    }
}

impl Reader {
    /// Reads the file at `path`. A failure to read is a fault in the summary.
    pub fn read_file(&mut self, path: &Path, sink: &mut Sink<'_>) -> FileSummary {
        self.take_file(path, &mut taking(sink))
    }

    /// Reads a file that is in memory.
    pub fn read_bytes(&mut self, file: &[u8], sink: &mut Sink<'_>) -> FileSummary {
        self.take_bytes(file, &mut taking(sink))
    }

    /// Reads a stream of text or gzip with at most `text_bytes_max` bytes of text.
    pub fn read_stream(
        &mut self,
        stream: impl Read,
        text_bytes_max: u64,
        sink: &mut Sink<'_>,
    ) -> FileSummary {
        self.take_stream(stream, text_bytes_max, &mut taking(sink))
    }

    /// As [`Reader::read_file`], for who reads records in a way of their own.
    pub fn take_file(&mut self, path: &Path, taker: &mut Taker<'_>) -> FileSummary {
        self.try_take_file(path, taker).unwrap_or_else(|error| summary_of(unreadable(&error)))
    }

    fn try_take_file(&mut self, path: &Path, taker: &mut Taker<'_>) -> io::Result<FileSummary> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(self.take_stream(file, FILE_TEXT_BYTES_MAX, taker));
        }
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        file.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic == GZIP_MAGIC && metadata.len() <= WHOLE_GZIP_BYTES_MAX {
            let mut gzip = std::mem::take(&mut self.gzip);
            gzip.clear();
            gzip.extend_from_slice(&magic);
            // A file that grows while it is read is cut off; the rest is a fault like any truncation.
            let read = file.take(WHOLE_GZIP_BYTES_MAX).read_to_end(&mut gzip);
            let summary = read.map(|_| self.take_bytes(&gzip, taker));
            self.gzip = gzip;
            return summary;
        }
        if metadata.len() > FILE_TEXT_BYTES_MAX {
            return Ok(summary_of(Fault::TooLarge { limit_bytes: FILE_TEXT_BYTES_MAX }));
        }
        Ok(self.take_stream(io::Cursor::new(magic).chain(file), FILE_TEXT_BYTES_MAX, taker))
    }

    /// As [`Reader::read_bytes`], for who reads records in a way of their own.
    pub fn take_bytes(&mut self, file: &[u8], taker: &mut Taker<'_>) -> FileSummary {
        let mut text = std::mem::take(&mut self.text);
        let summary = match self.inflate_whole(file, &mut text) {
            Some(length) => read_text(&text[..length], taker),
            None => self.take_stream(file, FILE_TEXT_BYTES_MAX, taker),
        };
        self.text = text;
        summary
    }

    /// As [`Reader::read_stream`], for who reads records in a way of their own.
    pub fn take_stream(
        &mut self,
        stream: impl Read,
        text_bytes_max: u64,
        taker: &mut Taker<'_>,
    ) -> FileSummary {
        let mut stream = BufReader::with_capacity(STEP_BYTES / 4, stream);
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        if let Err(error) = stream.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic) {
            return summary_of(unreadable(&error));
        }
        let is_gzip = magic == GZIP_MAGIC;
        let stream = io::Cursor::new(magic).chain(stream);
        if is_gzip {
            self.read_window(MultiGzDecoder::new(stream), text_bytes_max, gzip_fault, taker)
        } else {
            self.read_window(stream, text_bytes_max, unreadable, taker)
        }
    }

    /// Inflates a gzip file of one member into `text` and returns how much text it is. `None` when that
    /// cannot be done in one go: streaming then finds out what the file is.
    fn inflate_whole(&mut self, gzip: &[u8], text: &mut Vec<u8>) -> Option<usize> {
        if gzip.len() < GZIP_BYTES_MIN || !gzip.starts_with(&GZIP_MAGIC) || may_have_more_members(gzip) {
            return None;
        }
        let (_, text_bytes) = gzip.split_last_chunk::<4>()?;
        let text_bytes = u32::from_le_bytes(*text_bytes) as usize;
        if text_bytes > WHOLE_TEXT_BYTES_MAX {
            return None;
        }
        if text.len() < text_bytes {
            text.resize(text_bytes, 0);
        }
        let inflated = self.inflater.gzip_decompress(gzip, &mut text[..text_bytes]).ok()?;
        (inflated == text_bytes).then_some(text_bytes)
    }

    fn read_window(
        &mut self,
        mut stream: impl Read,
        text_bytes_max: u64,
        fault_of: fn(&io::Error) -> Fault,
        taker: &mut Taker<'_>,
    ) -> FileSummary {
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        let mut splitter = Splitter::new();
        let (mut base, mut scanned) = (0_u64, 0_u64);
        let fault = loop {
            let read = read_step(&mut stream, &mut window);
            let is_end = !matches!(read, Ok(bytes) if bytes > 0);
            if base + window.len() as u64 > text_bytes_max {
                break Some(Fault::TooLarge { limit_bytes: text_bytes_max });
            }
            scanned = splitter.advance(&window, base, scanned, is_end, taker);
            if is_end || splitter.is_stopped() {
                break read.err().map(|error| fault_of(&error));
            }
            let needed_from = splitter.needed_from(scanned);
            window.drain(..(needed_from - base) as usize);
            base = needed_from;
        };
        let text_bytes = base + window.len() as u64;
        let rest = (splitter.needed_from(scanned) - base) as usize;
        let summary = summary_of_split(splitter.finish(&window[rest..], fault), text_bytes);
        self.window = window;
        summary
    }
}

fn read_text(text: &[u8], taker: &mut Taker<'_>) -> FileSummary {
    let mut splitter = Splitter::new();
    let scanned = splitter.advance_whole(text, taker);
    let rest = splitter.needed_from(scanned) as usize;
    summary_of_split(splitter.finish(&text[rest..scanned as usize], None), text.len() as u64)
}

fn summary_of_split(split: Split, text_bytes: u64) -> FileSummary {
    FileSummary {
        records: split.records,
        text_bytes,
        is_digest: split.is_digest,
        stopped_by_sink: split.stopped_by_sink,
        faults: split.faults,
    }
}

/// Appends up to a step of text. After an error, what was read before it is there too.
fn read_step(stream: &mut impl Read, window: &mut Vec<u8>) -> io::Result<usize> {
    stream.take(STEP_BYTES as u64).read_to_end(window)
}

/// Whether the header of a second gzip member may begin inside; rarely true of a file with one.
pub fn may_have_more_members(gzip: &[u8]) -> bool {
    memchr::memmem::find_iter(&gzip[GZIP_MAGIC.len()..], &[GZIP_MAGIC[0], GZIP_MAGIC[1], 8]).any(|at| {
        let header = &gzip[GZIP_MAGIC.len() + at..];
        let is_byte = |index: usize, is_plausible: fn(u8) -> bool| {
            header.get(index).is_some_and(|byte| is_plausible(*byte))
        };
        is_byte(3, |flags| flags & 0xe0 == 0)
            && is_byte(8, |extra| matches!(extra, 0 | 2 | 4))
            && is_byte(9, |system| system <= 13 || system == 255)
    })
}

fn summary_of(fault: Fault) -> FileSummary {
    let faults = Faults { ended_by: Some(fault), ..Faults::default() };
    FileSummary { faults, ..FileSummary::default() }
}

fn unreadable(error: &io::Error) -> Fault {
    Fault::Unreadable(error.to_string())
}

fn gzip_fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::TruncatedGzip,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Fault::CorruptGzip,
        _ => unreadable(error),
    }
}
