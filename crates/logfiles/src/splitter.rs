//! Cuts the text of log files into records as the bytes arrive.
//!
//! A **document** is one `{"Records":[…]}`; several may follow one another, as when files are concatenated.
//! The **window** is the part of the text that is in memory; **offsets** count from the start of the text.
//! **Invariants:** a record is handed out once, when its last byte has been seen; memory is bounded by one
//! record of at most [`RECORD_BYTES_MAX`] and its marks; what came before a fault stays delivered.
//! **Not here:** files and compression (`read`), and the members of a record (`record`).

use super::fault::{Fault, Faults};
use super::record::{NotARecord, RawRecord};
use super::value::resolved;
use keywatch_json::lexer::{BLOCK_BYTES, Lexer};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// A longer record is skipped and named. CloudTrail's own limit is 256 KiB, in event data stores 1 MiB.
pub const RECORD_BYTES_MAX: usize = 8 << 20;

/// Some programs put it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Called with each record; breaks to stop reading.
pub type Sink<'s> = dyn FnMut(RawRecord<'_>) -> ControlFlow<()> + 's;

/// Called with a text that begins with a record and may go on after it. Reads the record to its end and only
/// then does something with it; on an error the record is called for once more, alone, and skipped if it is
/// again wrong.
pub type Taker<'s> = dyn FnMut(&[u8]) -> Result<Taken, NotARecord> + 's;

/// A record was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How long it is, in bytes.
    pub length: usize,
    /// Whether to go on.
    pub flow: ControlFlow<()>,
}

/// Reads records eagerly for a sink.
pub(super) fn taking<'s>(sink: &'s mut Sink<'_>) -> impl FnMut(&[u8]) -> Result<Taken, NotARecord> + 's {
    |text| {
        let record = RawRecord::parse(text)?;
        let length = record.json.len();
        Ok(Taken { length, flow: sink(record) })
    }
}

/// Where the next structural character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before, between or after documents.
    Outside,
    /// Directly inside a document; `value` after a colon.
    Document { value: bool, in_records: bool },
    /// Inside a member of a document other than `Records`.
    Passing { depth: u32 },
    /// Inside `Records`, before a record or after one.
    Between { after_record: bool },
    /// Inside a record whose marks are collected.
    Record { depth: u32 },
    /// Inside a record too long to be kept.
    TooLong { depth: u32 },
    /// Nothing more is read after a fault or when the taker broke off.
    Stopped,
}

/// The state of one text being cut.
#[derive(Debug)]
pub(super) struct Splitter {
    lexer: Lexer,
    place: Place,
    /// Offset of the first byte of the open record, else of the byte after the last structural character.
    start: u64,
    /// Offset of the record that was last tried where it stands, so that none is tried twice.
    tried: Option<u64>,
    documents: u64,
    has_records: bool,
    is_digest: bool,
    stopped_by_sink: bool,
    records: u64,
    faults: Faults,
}

/// What a whole text held.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) records: u64,
    pub(super) is_digest: bool,
    pub(super) stopped_by_sink: bool,
    pub(super) faults: Faults,
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self {
            lexer: Lexer::default(),
            place: Place::Outside,
            start: 0,
            tried: None,
            documents: 0,
            has_records: false,
            is_digest: false,
            stopped_by_sink: false,
            records: 0,
            faults: Faults::default(),
        }
    }

    /// The oldest byte that must stay in the window.
    pub(super) fn needed_from(&self, scanned: u64) -> u64 {
        match self.place {
            Place::Outside | Place::Document { .. } | Place::Between { .. } | Place::Record { .. } => {
                self.start
            }
            Place::Passing { .. } | Place::TooLong { .. } | Place::Stopped => scanned,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.place == Place::Stopped
    }

    /// Cuts what can be cut of `window`, whose first byte has the offset `base`, from the offset `scanned` on.
    /// Returns the offset up to which it got: whole blocks only, unless this is the end of the text.
    pub(super) fn advance(
        &mut self,
        window: &[u8],
        base: u64,
        scanned: u64,
        is_end: bool,
        taker: &mut Taker<'_>,
    ) -> u64 {
        let mut offset = scanned;
        let (blocks, tail) = window[(scanned - base) as usize..].as_chunks::<BLOCK_BYTES>();
        for block in blocks {
            if self.is_stopped() {
                return offset;
            }
            self.block(block, offset, window, base, taker);
            offset += BLOCK_BYTES as u64;
        }
        if is_end && !tail.is_empty() && !self.is_stopped() {
            let mut block = [b' '; BLOCK_BYTES];
            block[..tail.len()].copy_from_slice(tail);
            self.block(&block, offset, window, base, taker);
            offset += tail.len() as u64;
        }
        self.limit_open_text(offset);
        offset
    }

    /// Cuts a text that is all in memory. Returns the offset up to which it got.
    ///
    /// Records that follow one another as CloudTrail writes them are read where they stand, and each finds its
    /// own end; only around them and where one is damaged are brackets counted first.
    pub(super) fn advance_whole(&mut self, text: &[u8], taker: &mut Taker<'_>) -> u64 {
        let mut offset = 0;
        while offset < text.len() && !self.is_stopped() {
            let rest = &text[offset..];
            if let Some(block) = rest.first_chunk() {
                self.block(block, offset as u64, text, 0, taker);
                offset += BLOCK_BYTES;
            } else {
                let mut block = [b' '; BLOCK_BYTES];
                block[..rest.len()].copy_from_slice(rest);
                self.block(&block, offset as u64, text, 0, taker);
                offset = text.len();
            }
            offset = self.records_in_place(text, taker).unwrap_or(offset);
            self.limit_open_text(offset as u64);
        }
        offset as u64
    }

    /// Reads the open record and those after it where they stand. Returns the offset after the last, if there
    /// was one.
    fn records_in_place(&mut self, text: &[u8], taker: &mut Taker<'_>) -> Option<usize> {
        let Place::Record { .. } = self.place else { return None };
        let mut start = self.start as usize;
        let mut end = None;
        while self.tried != Some(start as u64) {
            self.tried = Some(start as u64);
            // Damage is left to who counts brackets, and so is a record that is too long.
            let Ok(taken) = taker(&text[start..text.len().min(start + RECORD_BYTES_MAX)]) else { break };
            let after = start + taken.length;
            end = Some(after);
            self.count(taken, after as u64);
            if self.is_stopped() || !text[after..].starts_with(b",{") {
                break;
            }
            start = after + 1;
        }
        if end.is_some() {
            // What comes is read from the end of the last record on, which is outside of strings.
            self.lexer = Lexer::default();
        }
        end
    }

    /// Ends the text: `window` is what was left from `needed_from` on. `fault` tells why the text ended early.
    pub(super) fn finish(mut self, window: &[u8], fault: Option<Fault>) -> Split {
        let open = match self.place {
            Place::Stopped => None,
            Place::Outside if is_blank(window) && self.documents == 0 => Some(Fault::Empty),
            Place::Outside if is_blank(window) => None,
            Place::Outside if self.documents == 0 => Some(Fault::NotJson),
            Place::Outside => Some(Fault::Malformed { at: self.start }),
            _ => Some(Fault::Truncated),
        };
        if let Some(fault) = fault.or(open) {
            self.faults.end(fault);
        } else if !self.is_digest && !self.has_records && self.place == Place::Outside {
            self.faults.end(Fault::NotCloudTrail);
        }
        Split {
            records: self.records,
            is_digest: self.is_digest,
            stopped_by_sink: self.stopped_by_sink,
            faults: self.faults,
        }
    }

    fn block(
        &mut self,
        block: &[u8; BLOCK_BYTES],
        offset: u64,
        window: &[u8],
        base: u64,
        taker: &mut Taker<'_>,
    ) {
        let found = self.lexer.structural(block);
        if let Place::Record { depth } = self.place
            && depth > found.close.count_ones()
        {
            // The record does not end in this block.
            let depth = depth + found.open.count_ones() - found.close.count_ones();
            self.place = Place::Record { depth };
            return;
        }
        let mut structural = found.all;
        while structural != 0 {
            let in_block = structural.trailing_zeros() as usize;
            structural &= structural - 1;
            let character = block[in_block];
            let at = offset + in_block as u64;
            match &mut self.place {
                Place::Record { depth } => {
                    *depth = depth.wrapping_add_signed(step(character));
                    if *depth == 0 {
                        let record = &window[(self.start - base) as usize..=(at - base) as usize];
                        self.close_record(record, at, taker);
                    }
                }
                Place::Passing { depth } => {
                    *depth = depth.wrapping_add_signed(step(character));
                    if *depth == 0 {
                        self.enter(Place::Document { value: true, in_records: false }, at + 1);
                    }
                }
                Place::TooLong { depth } => {
                    *depth = depth.wrapping_add_signed(step(character));
                    if *depth == 0 {
                        self.faults.skip_record(Fault::RecordTooLong, self.start);
                        self.enter(Place::Between { after_record: true }, at + 1);
                    }
                }
                Place::Stopped => return,
                _ => {
                    let gap = &window[(self.start - base) as usize..(at - base) as usize];
                    self.outside_records(gap.trim_ascii(), character, at);
                }
            }
        }
    }

    fn enter(&mut self, place: Place, start: u64) {
        self.place = place;
        self.start = start;
    }

    fn close_record(&mut self, json: &[u8], at: u64, taker: &mut Taker<'_>) {
        let taken = if json.len() > RECORD_BYTES_MAX {
            Err(Fault::RecordTooLong)
        } else {
            taker(json).map_err(Fault::Record)
        };
        match taken {
            Ok(taken) => self.count(taken, at + 1),
            Err(fault) => {
                self.faults.skip_record(fault, self.start);
                self.enter(Place::Between { after_record: true }, at + 1);
            }
        }
    }

    /// Goes on after a record that ends before `end`.
    fn count(&mut self, taken: Taken, end: u64) {
        self.records += 1;
        self.enter(Place::Between { after_record: true }, end);
        if taken.flow.is_break() {
            self.stopped_by_sink = true;
            self.place = Place::Stopped;
        }
    }

    /// Takes the next structural character outside records; `gap` is the text between it and the one before.
    fn outside_records(&mut self, gap: &[u8], character: u8, at: u64) {
        let next = match (self.place, character) {
            (Place::Outside, b'{') if gap.is_empty() || (gap == BYTE_ORDER_MARK && self.documents == 0) => {
                self.documents += 1;
                Place::Document { value: false, in_records: false }
            }
            (Place::Document { value: false, .. }, b':') => {
                let name = name_in(gap);
                let is = |known: &[u8]| name.as_ref().is_some_and(|name| **name == *known);
                self.is_digest |= is(b"digestStartTime");
                Place::Document { value: true, in_records: is(b"Records") }
            }
            (Place::Document { value: true, in_records: true }, b'[') if gap.is_empty() => {
                self.has_records = true;
                Place::Between { after_record: false }
            }
            (Place::Document { value: true, .. }, b'{' | b'[') if gap.is_empty() => {
                Place::Passing { depth: 1 }
            }
            (Place::Document { value: true, .. }, b',') => {
                Place::Document { value: false, in_records: false }
            }
            (Place::Document { value: true, .. }, b'}') => Place::Outside,
            (Place::Document { value: false, .. }, b'}') if gap.is_empty() => Place::Outside,
            (Place::Between { after_record: false }, b'{') if gap.is_empty() => {
                self.enter(Place::Record { depth: 1 }, at);
                return;
            }
            (Place::Between { after_record: true }, b',') if gap.is_empty() => {
                Place::Between { after_record: false }
            }
            (Place::Between { .. }, b']') if gap.is_empty() => {
                Place::Document { value: true, in_records: false }
            }
            (Place::Outside, _) if self.documents == 0 && character != b'[' => {
                self.stop(Fault::NotJson);
                return;
            }
            (Place::Outside, _) if self.documents == 0 => {
                self.stop(Fault::NotCloudTrail);
                return;
            }
            _ => {
                self.stop(Fault::Malformed { at });
                return;
            }
        };
        self.enter(next, at + 1);
    }

    fn stop(&mut self, fault: Fault) {
        self.faults.end(fault);
        self.place = Place::Stopped;
    }

    /// Keeps the window bounded: an open record may grow to its limit, and so may the text of a scalar
    /// outside records.
    fn limit_open_text(&mut self, scanned: u64) {
        if scanned.saturating_sub(self.start) <= RECORD_BYTES_MAX as u64 {
            return;
        }
        match self.place {
            Place::Record { depth } => {
                self.place = Place::TooLong { depth };
            }
            Place::Outside if self.documents == 0 => self.stop(Fault::NotJson),
            Place::Outside | Place::Document { .. } | Place::Between { .. } => {
                self.stop(Fault::Malformed { at: self.start });
            }
            Place::Passing { .. } | Place::TooLong { .. } | Place::Stopped => {}
        }
    }
}

/// How a structural character changes the depth.
fn step(character: u8) -> i32 {
    // No branch: `{` and `[` differ only in bit 5 as `}` and `]` do, and brackets come without a pattern.
    let folded = character | 0x20;
    i32::from(folded == b'{') - i32::from(folded == b'}')
}

/// The text of a JSON string, its escapes resolved.
fn name_in(json: &[u8]) -> Option<Cow<'_, [u8]>> {
    let body = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if body.contains(&b'\\') {
        return resolved(json).map(|name| Cow::Owned(name.into_bytes()));
    }
    Some(Cow::Borrowed(body))
}

fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}
