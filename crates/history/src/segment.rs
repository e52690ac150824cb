//! One file of records: written once, whole, and read by row group. A **row group** is a run of rows, ordered by time and then
//! by sequence number like the whole file, that is judged at once; whole records lie in small pages, so that one record
//! costs one page.

mod read;
mod stream;
mod write;

pub(crate) use read::OpenSegment;
pub(crate) use stream::SegmentStream;
pub(crate) use write::{SegmentWriter, Written, encode};

#[cfg(test)]
mod tests;
