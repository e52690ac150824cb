//! Reading a whole segment row by row, a small chunk of it at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{LogEntry, Partition, Seq};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;

use super::read::{OpenSegment, unreadable};
use crate::HistoryError;
use crate::columns::{ACCOUNT, EVENT_TIME, ORIGIN, RECORD, REGION, SEQ, kind_of_origin};

const CHUNK_ROWS: usize = 256;

/// The rows of a segment in their order. Blocks its thread.
pub(crate) struct SegmentStream {
    segment: Arc<OpenSegment>,
    next_group: usize,
    columns: Option<StreamColumns>,
    chunk: VecDeque<LogEntry>,
}

/// The columns an entry is made of again, each at the same row.
struct StreamColumns {
    seq: ColumnReaderImpl<Int64Type>,
    time: ColumnReaderImpl<Int64Type>,
    origin: ColumnReaderImpl<ByteArrayType>,
    account: ColumnReaderImpl<ByteArrayType>,
    region: ColumnReaderImpl<ByteArrayType>,
    record: ColumnReaderImpl<ByteArrayType>,
}

impl SegmentStream {
    pub(crate) fn new(segment: Arc<OpenSegment>) -> Self {
        Self { segment, next_group: 0, columns: None, chunk: VecDeque::new() }
    }

    /// The next row; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<LogEntry>, HistoryError> {
        let of = self.segment.segment.clone();
        let failed = |cause| unreadable(&of, cause);
        while self.chunk.is_empty() {
            let Some(columns) = &mut self.columns else {
                if self.next_group == self.segment.groups() {
                    return Ok(None);
                }
                self.columns = Some(StreamColumns::open(&self.segment, self.next_group).map_err(failed)?);
                self.next_group += 1;
                continue;
            };
            self.chunk = columns.chunk().map_err(failed)?;
            if self.chunk.is_empty() {
                self.columns = None;
            }
        }
        Ok(self.chunk.pop_front())
    }
}

impl StreamColumns {
    fn open(segment: &OpenSegment, group: usize) -> Result<Self, ParquetError> {
        Ok(Self {
            seq: segment.column(group, SEQ)?,
            time: segment.column(group, EVENT_TIME)?,
            origin: segment.column(group, ORIGIN)?,
            account: segment.column(group, ACCOUNT)?,
            region: segment.column(group, REGION)?,
            record: segment.column(group, RECORD)?,
        })
    }

    fn chunk(&mut self) -> Result<VecDeque<LogEntry>, ParquetError> {
        let (seqs, times) = (values(&mut self.seq)?, values(&mut self.time)?);
        let (origins, records) = (values(&mut self.origin)?, values(&mut self.record)?);
        let (accounts, regions) = (values(&mut self.account)?, values(&mut self.region)?);
        let rows = seqs.len();
        if [times.len(), origins.len(), records.len(), accounts.len(), regions.len()]
            .iter()
            .any(|len| *len != rows)
        {
            return Err(ParquetError::EOF("columns of different lengths".into()));
        }
        let row = |at: usize| {
            let external = |error: jiff::Error| ParquetError::External(error.into());
            Ok(LogEntry {
                seq: seqs[at] as Seq,
                kind: kind_of_origin(origins[at].data())
                    .ok_or_else(|| ParquetError::General("an origin that is none".into()))?,
                time: Timestamp::from_microsecond(times[at]).map_err(external)?,
                partition: Partition::new(text(&accounts[at])?, text(&regions[at])?),
                bytes: Bytes::copy_from_slice(records[at].data()),
            })
        };
        (0..rows).map(row).collect()
    }
}

fn values<T: DataType>(column: &mut ColumnReaderImpl<T>) -> Result<Vec<T::T>, ParquetError> {
    let mut values = Vec::with_capacity(CHUNK_ROWS);
    column.read_records(CHUNK_ROWS, None, None, &mut values)?;
    Ok(values)
}

fn text(value: &ByteArray) -> Result<&str, ParquetError> {
    value.as_utf8()
}
