//! Cuts the text of log files into records as the bytes arrive.
//!
//! A **document** is one `{"Records":[…]}`; several may follow one another, as when files are concatenated.
//! The **window** is the part of the text that is in memory; **offsets** count from the start of the text.
//! **Invariants:** a record is handed out once, when its last byte has been seen; memory is bounded by one
//! record of at most [`RECORD_BYTES_MAX`] and its marks; what came before a fault stays delivered.
//! **Not here:** files and compression (`read`), and the members of a record (`record`).

use super::fault::{Fault, Faults};
use super::lexer::{BLOCK_BYTES, Lexer};
use super::record::RawRecord;
use super::value::{Value, is_blank, step, string_body, trim};
use std::ops::ControlFlow;

/// A longer record is skipped and named. CloudTrail's own limit is 256 KiB, in event data stores 1 MiB.
pub const RECORD_BYTES_MAX: usize = 8 << 20;

/// Some programs put it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Called with each record; breaks to stop reading.
pub type Sink<'s> = dyn FnMut(RawRecord<'_>) -> ControlFlow<()> + 's;

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
    /// Nothing more is read after a fault or when the sink broke.
    Stopped,
}

/// The state of one text being cut.
#[derive(Debug)]
pub(super) struct Splitter {
    lexer: Lexer,
    place: Place,
    /// Offset of the first byte of the open record, else of the byte after the last structural character.
    start: u64,
    marks: Vec<u32>,
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
    pub(super) fn new(marks: Vec<u32>) -> Self {
        Self {
            lexer: Lexer::default(),
            place: Place::Outside,
            start: 0,
            marks,
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
        sink: &mut Sink<'_>,
    ) -> u64 {
        let mut offset = scanned;
        let (blocks, tail) = window[(scanned - base) as usize..].as_chunks::<BLOCK_BYTES>();
        for block in blocks {
            if self.is_stopped() {
                return offset;
            }
            self.block(block, offset, window, base, sink);
            offset += BLOCK_BYTES as u64;
        }
        if is_end && !tail.is_empty() && !self.is_stopped() {
            let mut block = [b' '; BLOCK_BYTES];
            block[..tail.len()].copy_from_slice(tail);
            self.block(&block, offset, window, base, sink);
            offset += tail.len() as u64;
        }
        self.limit_open_text(offset);
        offset
    }

    /// Ends the text: `window` is what was left from `needed_from` on. `fault` tells why the text ended early.
    pub(super) fn finish(mut self, window: &[u8], fault: Option<Fault>) -> (Split, Vec<u32>) {
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
        self.marks.clear();
        let split = Split {
            records: self.records,
            is_digest: self.is_digest,
            stopped_by_sink: self.stopped_by_sink,
            faults: self.faults,
        };
        (split, self.marks)
    }

    fn block(
        &mut self,
        block: &[u8; BLOCK_BYTES],
        offset: u64,
        window: &[u8],
        base: u64,
        sink: &mut Sink<'_>,
    ) {
        let found = self.lexer.structural(block);
        if let Place::Record { depth } = self.place
            && depth > found.close.count_ones()
        {
            // The record does not end in this block, as in most: take all marks at once.
            let depth = depth + found.open.count_ones() - found.close.count_ones();
            push_marks(&mut self.marks, (offset - self.start) as u32, found.all);
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
                    self.marks.push((at - self.start) as u32);
                    *depth = depth.wrapping_add_signed(step(character));
                    if *depth == 0 {
                        let record = &window[(self.start - base) as usize..=(at - base) as usize];
                        self.close_record(record, at, sink);
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
                    self.outside_records(trim(gap), character, at);
                }
            }
        }
    }

    fn enter(&mut self, place: Place, start: u64) {
        self.place = place;
        self.start = start;
    }

    fn close_record(&mut self, json: &[u8], at: u64, sink: &mut Sink<'_>) {
        let record = if json.len() > RECORD_BYTES_MAX {
            Err(Fault::RecordTooLong)
        } else {
            RawRecord::parse(Value::whole(json, &self.marks)).map_err(Fault::Record)
        };
        match record {
            Ok(record) => {
                self.records += 1;
                if sink(record).is_break() {
                    self.stopped_by_sink = true;
                    self.place = Place::Stopped;
                    return;
                }
            }
            Err(fault) => self.faults.skip_record(fault, self.start),
        }
        self.enter(Place::Between { after_record: true }, at + 1);
    }

    /// Takes the next structural character outside records; `gap` is the text between it and the one before.
    fn outside_records(&mut self, gap: &[u8], character: u8, at: u64) {
        let next = match (self.place, character) {
            (Place::Outside, b'{') if gap.is_empty() || (gap == BYTE_ORDER_MARK && self.documents == 0) => {
                self.documents += 1;
                Place::Document { value: false, in_records: false }
            }
            (Place::Document { value: false, .. }, b':') => {
                let key = string_body(gap);
                self.is_digest |= key == Some(b"digestStartTime");
                Place::Document { value: true, in_records: key == Some(b"Records") }
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
                self.marks.clear();
                self.marks.push(0);
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
                self.marks.clear();
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

/// Adds the position of each bit of `mask`, counted from `first`. Eight are computed at a time whether there
/// are so many or not: that costs less than a branch for each.
#[inline]
fn push_marks(marks: &mut Vec<u32>, first: u32, mask: u64) {
    let mut rest = mask;
    let length = marks.len() + mask.count_ones() as usize;
    while rest != 0 {
        let eight: [u32; 8] = std::array::from_fn(|_| {
            let at = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            first + at
        });
        marks.extend_from_slice(&eight);
    }
    marks.truncate(length);
}
