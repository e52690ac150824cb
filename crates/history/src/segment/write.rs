//! From entries to the bytes of a segment's file.

use std::mem;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::LogEntry;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};

use crate::Facts;
use crate::columns::{self, Column, origin};

/// Rows of one row group, and bytes of records in it: what is held in memory while one is written.
pub(crate) const GROUP_ROWS_MAX: usize = 16_384;
const GROUP_BYTES_MAX: usize = 32 << 20;

/// Writes a segment from entries that come in its order.
pub(crate) struct SegmentWriter {
    file: SerializedFileWriter<Vec<u8>>,
    rows: Vec<LogEntry>,
    rows_bytes: usize,
    written: Written,
}

/// What was written so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) records: u64,
    pub(crate) time_min: Timestamp,
    pub(crate) time_max: Timestamp,
}

impl SegmentWriter {
    pub(crate) fn new() -> Result<Self, ParquetError> {
        let file = SerializedFileWriter::new(Vec::new(), columns::schema()?, columns::properties()?)?;
        let written = Written { records: 0, time_min: Timestamp::MAX, time_max: Timestamp::MIN };
        Ok(Self { file, rows: Vec::new(), rows_bytes: 0, written })
    }

    /// Adds an entry that history keeps; others are passed over.
    pub(crate) fn push(&mut self, entry: LogEntry) -> Result<(), ParquetError> {
        if origin(&entry).is_none() {
            return Ok(());
        }
        self.written.records += 1;
        self.written.time_min = self.written.time_min.min(entry.time);
        self.written.time_max = self.written.time_max.max(entry.time);
        self.rows_bytes += entry.bytes.len();
        self.rows.push(entry);
        if self.rows.len() >= GROUP_ROWS_MAX || self.rows_bytes >= GROUP_BYTES_MAX {
            self.flush()
        } else {
            Ok(())
        }
    }

    pub(crate) fn written(&self) -> Written {
        self.written
    }

    /// Bytes of the file that are ready.
    pub(crate) fn ready(&self) -> usize {
        self.file.inner().len()
    }

    pub(crate) fn take_ready(&mut self) -> Bytes {
        mem::take(self.file.inner_mut()).into()
    }

    /// Ends the file; gives its last bytes.
    pub(crate) fn finish(mut self) -> Result<(Bytes, Written), ParquetError> {
        self.flush()?;
        self.file.finish()?;
        Ok((self.take_ready(), self.written))
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = mem::take(&mut self.rows);
        self.rows_bytes = 0;
        let facts: Vec<Option<Facts<'_>>> = rows.iter().map(|row| Facts::read(&row.bytes)).collect();
        let mut group = self.file.next_row_group()?;
        let mut out = Columns(&mut group);
        out.numbers(rows.iter().map(|row| row.seq as i64))?;
        out.texts(rows.iter().map(|row| origin(row).unwrap_or_default()))?;
        out.texts(rows.iter().map(|row| row.partition.account()))?;
        out.texts(rows.iter().map(|row| row.partition.region()))?;
        out.numbers(rows.iter().map(|row| row.time.as_microsecond()))?;
        out.flags(facts.iter().map(|facts| facts.as_ref().and_then(|facts| facts.read_only)))?;
        for column in Column::TEXTS {
            out.optional_texts(
                facts.iter().map(|facts| facts.as_ref().and_then(|facts| column.text(facts))),
            )?;
        }
        for column in [Column::Resources, Column::ResourceTypes] {
            out.lists(
                facts.iter().map(|facts| facts.as_ref().map(|f| column.values(f)).unwrap_or_default()),
            )?;
        }
        out.lists(facts.iter().map(|facts| facts.as_ref().map(Facts::context_keys).unwrap_or_default()))?;
        out.records(&rows)?;
        group.close()?;
        self.file.flush()?;
        Ok(())
    }
}

/// Writes one row group's columns, in the order of the schema.
struct Columns<'g, 'f>(&'g mut SerializedRowGroupWriter<'f, Vec<u8>>);

impl Columns<'_, '_> {
    fn next(&mut self) -> Result<SerializedColumnWriter<'_>, ParquetError> {
        self.0.next_column()?.ok_or_else(|| ParquetError::General("more columns than the schema has".into()))
    }

    fn put<T: DataType>(
        &mut self,
        values: &[T::T],
        levels: Option<&[i16]>,
        repeats: Option<&[i16]>,
    ) -> Result<(), ParquetError> {
        let mut column = self.next()?;
        column.typed::<T>().write_batch(values, levels, repeats)?;
        column.close()
    }

    fn numbers(&mut self, values: impl Iterator<Item = i64>) -> Result<(), ParquetError> {
        self.put::<Int64Type>(&values.collect::<Vec<_>>(), None, None)
    }

    fn texts<S: AsRef<str>>(&mut self, values: impl Iterator<Item = S>) -> Result<(), ParquetError> {
        let values: Vec<ByteArray> = values.map(|text| ByteArray::from(text.as_ref())).collect();
        self.put::<ByteArrayType>(&values, None, None)
    }

    fn optional_texts<'t>(
        &mut self,
        values: impl Iterator<Item = Option<&'t str>>,
    ) -> Result<(), ParquetError> {
        let (mut texts, mut levels) = (Vec::new(), Vec::new());
        for value in values {
            levels.push(i16::from(value.is_some()));
            texts.extend(value.map(ByteArray::from));
        }
        self.put::<ByteArrayType>(&texts, Some(&levels), None)
    }

    fn flags(&mut self, values: impl Iterator<Item = Option<bool>>) -> Result<(), ParquetError> {
        let (mut flags, mut levels) = (Vec::new(), Vec::new());
        for value in values {
            levels.push(i16::from(value.is_some()));
            flags.extend(value);
        }
        self.put::<BoolType>(&flags, Some(&levels), None)
    }

    /// An empty list is a level of its own without a value.
    fn lists<S: AsRef<str>>(&mut self, values: impl Iterator<Item = Vec<S>>) -> Result<(), ParquetError> {
        let (mut texts, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
        for list in values {
            if list.is_empty() {
                levels.push(0);
                repeats.push(0);
            }
            for (index, text) in list.iter().enumerate() {
                levels.push(1);
                repeats.push(i16::from(index > 0));
                texts.push(ByteArray::from(text.as_ref()));
            }
        }
        self.put::<ByteArrayType>(&texts, Some(&levels), Some(&repeats))
    }

    fn records(&mut self, rows: &[LogEntry]) -> Result<(), ParquetError> {
        let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(row.bytes.clone())).collect();
        self.put::<ByteArrayType>(&values, None, None)
    }
}

/// Turns all of `entries`, in any order, into a file.
pub(crate) fn encode(mut entries: Vec<LogEntry>) -> Result<(Bytes, Written), ParquetError> {
    entries.sort_unstable_by_key(|entry| (entry.time, entry.seq));
    let mut writer = SegmentWriter::new()?;
    for entry in entries {
        writer.push(entry)?;
    }
    writer.finish()
}
