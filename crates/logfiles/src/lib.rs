//! CloudTrail log files: finding them, reading them, cutting them into records.
//!
//! A **log file** is `{"Records":[…]}`, plain or gzip, as CloudTrail delivers it to a bucket; a **raw record**
//! is one element of it. The reader serves the importer, which takes every record whole (a **sink**), and the
//! report, which reads of KMS records what it counts (a **taker**).
//! **Invariants:** no file, however damaged or hostile, stops the reading of the others, and memory stays
//! bounded; a file's text is scanned once, and only the members a caller asks for are decoded.
//! **Not here:** writing log files and digests.
//!
//! `discover` → `read` → `splitter` → `record` (with `cursor`, `value`); `shape`
//! reads quicker what is written alike; `fault` names what went wrong.

mod cursor;
mod discover;
mod fault;
mod read;
mod record;
mod shape;
mod splitter;
mod value;

#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use discover::{DiscoverError, FILES_MAX, LogFile, LogFiles, discover};
pub use fault::{Fault, Faults};
pub use read::{FILE_TEXT_BYTES_MAX, FileSummary, Reader, may_have_more_members};
pub use record::{Essence, LastTime, NotARecord, RawRecord};
pub use shape::{Hit, Outline, Shapes, Spot};
pub use splitter::{RECORD_BYTES_MAX, Sink, Taken, Taker};
pub use value::{DEPTH_MAX, Elements, Malformed, Members, Value};
