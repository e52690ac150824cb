//! Judging the rows of a segment by its columns, and fetching whole records of the rows that pass. Blocks its thread.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{EntryKind, LogEntry, Partition, Seq};
use parquet::bloom_filter::Sbbf;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedRowGroupReader;
use parquet::file::statistics::Statistics;

use crate::catalogue::Segment;
use crate::columns::{
    ACCOUNT, CONTEXT_KEYS, Column, EVENT_TIME, ORIGIN, READ_ONLY, RECORD, REGION, SEQ, kind_of_origin,
};
use crate::place::{Place, Source};
use crate::query::What;
use crate::{Condition, HistoryError, Mark, Query, Test, Use};

/// Values of one test that a bloom filter is asked for; with more of them it would let nearly everything pass.
const BLOOM_VALUES_MAX: usize = 64;

/// A segment whose footer was read.
pub(crate) struct OpenSegment {
    pub(crate) segment: Arc<Segment>,
    source: Source,
    footer: ParquetMetaData,
    properties: Arc<ReaderProperties>,
}

/// A row that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    row: usize,
    pub(crate) mark: Mark,
    kind: EntryKind,
    partition: Partition,
}

/// What can be said of a row group before its rows are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    None,
    Some,
    All,
}

impl OpenSegment {
    pub(crate) fn open(place: &Place, segment: Arc<Segment>) -> Result<Self, HistoryError> {
        let source = place.source(&segment.name, segment.bytes)?;
        let footer = ParquetMetaDataReader::new()
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&source);
        let footer = footer.map_err(|cause| unreadable(&segment, cause))?;
        Ok(Self { segment, source, footer, properties: Arc::new(ReaderProperties::builder().build()) })
    }

    /// Bytes of memory this takes.
    pub(crate) fn weight(&self) -> u64 {
        self.footer.memory_size() as u64
    }

    pub(crate) fn groups(&self) -> usize {
        self.footer.num_row_groups()
    }

    /// The times of a row group's first and last row.
    pub(crate) fn times(&self, group: usize) -> (Timestamp, Timestamp) {
        let whole = (self.segment.time_min, self.segment.time_max);
        let Some(Statistics::Int64(times)) = self.footer.row_group(group).column(EVENT_TIME).statistics()
        else {
            return whole;
        };
        let time = |micros: Option<&i64>| Timestamp::from_microsecond(*micros?).ok();
        time(times.min_opt()).zip(time(times.max_opt())).unwrap_or(whole)
    }

    /// The rows of a row group that are asked for and were logged after `after_seq`, in the order of the file.
    pub(crate) fn wanted(
        &self,
        group: usize,
        query: &Query,
        after_seq: Seq,
    ) -> Result<Vec<Wanted>, HistoryError> {
        self.try_wanted(group, query, after_seq).map_err(|cause| unreadable(&self.segment, cause))
    }

    /// Whole records of wanted rows, which come in the order of the file.
    pub(crate) fn entries(&self, group: usize, wanted: &[Wanted]) -> Result<Vec<LogEntry>, HistoryError> {
        self.try_entries(group, wanted).map_err(|cause| unreadable(&self.segment, cause))
    }

    /// Shows what the columns tell of wanted rows.
    pub(crate) fn uses(
        &self,
        group: usize,
        wanted: &[Wanted],
        take: &mut dyn FnMut(&Use<'_>),
    ) -> Result<(), HistoryError> {
        self.try_uses(group, wanted, take).map_err(|cause| unreadable(&self.segment, cause))
    }

    pub(crate) fn column<T: DataType>(
        &self,
        group: usize,
        index: usize,
    ) -> Result<ColumnReaderImpl<T>, ParquetError> {
        let reader = SerializedRowGroupReader::new(
            Arc::new(self.source.clone()),
            self.footer.row_group(group),
            self.footer.page_index_for_row_group(group),
            self.properties.clone(),
        )?;
        Ok(get_typed_column_reader::<T>(reader.get_column_reader(index)?))
    }

    fn try_wanted(&self, group: usize, query: &Query, after_seq: Seq) -> Result<Vec<Wanted>, ParquetError> {
        let account = Test::Is(query.account.clone());
        let region = query.region.clone().map(Test::Is);
        let places = [(ACCOUNT, Some(&account)), (REGION, region.as_ref())];
        let places = places.into_iter().filter_map(|(index, test)| Some((index, test?)));
        let mut open_places = Vec::new();
        for (index, test) in places {
            match self.verdict(group, index, false, test)? {
                Verdict::None => return Ok(Vec::new()),
                Verdict::Some => open_places.push((index, test)),
                Verdict::All => {}
            }
        }
        let mut open_conditions = Vec::new();
        for condition in &query.conditions {
            match self.condition_verdict(group, condition)? {
                Verdict::None => return Ok(Vec::new()),
                Verdict::Some => open_conditions.push(condition),
                Verdict::All => {}
            }
        }
        let mut rows: Vec<usize> = self.rows_in_range(group, query)?.collect();
        for condition in open_conditions {
            self.retain_condition(group, &mut rows, condition)?;
        }
        for (index, test) in open_places {
            self.retain(group, &mut rows, index, false, test)?;
        }
        self.marked(group, &rows, query, after_seq)
    }

    fn condition_verdict(&self, group: usize, condition: &Condition) -> Result<Verdict, ParquetError> {
        let What::Texts(columns, test) = condition.what() else { return Ok(Verdict::Some) };
        let mut verdict = Verdict::None;
        for column in columns {
            match self.verdict(group, column.index(), column.is_list(), test)? {
                Verdict::All => return Ok(Verdict::All),
                Verdict::Some => verdict = Verdict::Some,
                Verdict::None => {}
            }
        }
        Ok(verdict)
    }

    fn verdict(&self, group: usize, index: usize, list: bool, test: &Test) -> Result<Verdict, ParquetError> {
        let chunk = self.footer.row_group(group).column(index);
        let values: Vec<&str> = match test {
            Test::Is(value) => vec![value],
            Test::OneOf(values) if values.len() <= BLOOM_VALUES_MAX => {
                values.iter().map(String::as_str).collect()
            }
            Test::OneOf(_) | Test::Passes(_) => return Ok(Verdict::Some),
        };
        if let Some(statistics) = chunk.statistics() {
            let verdict = by_statistics(statistics, &values, list);
            if verdict != Verdict::Some {
                return Ok(verdict);
            }
        }
        match Sbbf::read_from_column_chunk(chunk, &self.source)? {
            Some(bloom) if !values.iter().any(|value| bloom.check(*value)) => Ok(Verdict::None),
            _ => Ok(Verdict::Some),
        }
    }

    fn rows_in_range(&self, group: usize, query: &Query) -> Result<Range<usize>, ParquetError> {
        let rows = usize::try_from(self.footer.row_group(group).num_rows())?;
        let (min, max) = self.times(group);
        if query.range.contains(&min) && query.range.contains(&max) {
            return Ok(0..rows);
        }
        let times = self.numbers(group, EVENT_TIME, &(0..rows))?;
        let (start, end) = (query.range.start().as_microsecond(), query.range.end().as_microsecond());
        Ok(times.partition_point(|time| *time < start)..times.partition_point(|time| *time <= end))
    }

    fn retain_condition(
        &self,
        group: usize,
        rows: &mut Vec<usize>,
        condition: &Condition,
    ) -> Result<(), ParquetError> {
        match condition.what() {
            What::Texts(columns, test) => match columns.as_slice() {
                [column] => self.retain(group, rows, column.index(), column.is_list(), test),
                columns => {
                    let mut passed: Vec<usize> = Vec::new();
                    for column in columns {
                        let mut these = rows.clone();
                        self.retain(group, &mut these, column.index(), column.is_list(), test)?;
                        passed.extend(these);
                    }
                    passed.sort_unstable();
                    passed.dedup();
                    *rows = passed;
                    Ok(())
                }
            },
            What::ReadOnly(wanted) => {
                let Some(span) = span(rows) else { return Ok(()) };
                let flags = self.flags(group, &span)?;
                rows.retain(|row| flags[*row - span.start] == Some(*wanted));
                Ok(())
            }
        }
    }

    fn retain(
        &self,
        group: usize,
        rows: &mut Vec<usize>,
        index: usize,
        list: bool,
        test: &Test,
    ) -> Result<(), ParquetError> {
        let Some(span) = span(rows) else { return Ok(()) };
        if list {
            let lists = self.lists(group, index, &span)?;
            rows.retain(|row| lists.row(*row - span.start).iter().any(|value| test.passes(value.data())));
        } else {
            let texts = self.texts(group, index, &span)?;
            rows.retain(|row| {
                texts[*row - span.start].as_ref().is_some_and(|value| test.passes(value.data()))
            });
        }
        Ok(())
    }

    fn marked(
        &self,
        group: usize,
        rows: &[usize],
        query: &Query,
        after_seq: Seq,
    ) -> Result<Vec<Wanted>, ParquetError> {
        let Some(span) = span(rows) else { return Ok(Vec::new()) };
        let times = self.numbers(group, EVENT_TIME, &span)?;
        let seqs = self.numbers(group, SEQ, &span)?;
        let origins = self.texts(group, ORIGIN, &span)?;
        let regions = match &query.region {
            Some(_) => None,
            None => Some(self.texts(group, REGION, &span)?),
        };
        let mut wanted = Vec::new();
        let mut partition = Partition::new(&query.account, query.region.as_deref().unwrap_or_default());
        for row in rows {
            let at = row - span.start;
            let region =
                regions.as_ref().and_then(|regions| std::str::from_utf8(regions[at].as_ref()?.data()).ok());
            if let Some(region) = region.filter(|region| partition.region() != *region) {
                partition = Partition::new(&query.account, region);
            }
            let time = Timestamp::from_microsecond(times[at])
                .map_err(|error| ParquetError::External(error.into()))?;
            let seq = seqs[at] as Seq;
            let kind = origins[at].as_ref().and_then(|origin| kind_of_origin(origin.data()));
            if let Some(kind) = kind.filter(|kind| query.kind_reaches(*kind, time) && seq > after_seq) {
                wanted.push(Wanted {
                    row: *row,
                    mark: Mark { time, seq },
                    kind,
                    partition: partition.clone(),
                });
            }
        }
        Ok(wanted)
    }

    fn try_entries(&self, group: usize, wanted: &[Wanted]) -> Result<Vec<LogEntry>, ParquetError> {
        let mut column = self.column::<ByteArrayType>(group, RECORD)?;
        let mut entries = Vec::with_capacity(wanted.len());
        let mut next = 0;
        for Wanted { row, mark, kind, partition } in wanted {
            column.skip_records(row - next)?;
            let mut values = Vec::with_capacity(1);
            column.read_records(1, None, None, &mut values)?;
            next = row + 1;
            let record = values.pop().ok_or_else(short)?;
            // A copy: the value keeps its whole page in memory.
            let bytes = Bytes::copy_from_slice(record.data());
            entries.push(LogEntry {
                seq: mark.seq,
                kind: *kind,
                time: mark.time,
                partition: partition.clone(),
                bytes,
            });
        }
        Ok(entries)
    }

    fn try_uses(
        &self,
        group: usize,
        wanted: &[Wanted],
        take: &mut dyn FnMut(&Use<'_>),
    ) -> Result<(), ParquetError> {
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(()) };
        let span = first.row..last.row + 1;
        let texts = |column: Column| self.texts(group, column.index(), &span);
        let (ids, names, sources) =
            (texts(Column::EventId)?, texts(Column::EventName)?, texts(Column::EventSource)?);
        let (principals, issuers) = (texts(Column::Principal)?, texts(Column::SessionIssuer)?);
        let (addresses, agents) = (texts(Column::SourceAddress)?, texts(Column::UserAgent)?);
        let errors = texts(Column::ErrorCode)?;
        let contexts = self.lists(group, CONTEXT_KEYS, &span)?;
        for row in wanted {
            let at = row.row - span.start;
            let keys: Vec<&str> = contexts.row(at).iter().map(text).collect();
            take(&Use {
                time: row.mark.time,
                seq: row.mark.seq,
                event_id: optional(&ids[at]).unwrap_or_default(),
                event_name: optional(&names[at]).unwrap_or_default(),
                event_source: optional(&sources[at]).unwrap_or_default(),
                principal: optional(&principals[at]),
                session_issuer: optional(&issuers[at]),
                source_address: optional(&addresses[at]),
                user_agent: optional(&agents[at]),
                error_code: optional(&errors[at]),
                context_keys: &keys,
            });
        }
        Ok(())
    }

    fn numbers(&self, group: usize, index: usize, span: &Range<usize>) -> Result<Vec<i64>, ParquetError> {
        let mut column = self.column::<Int64Type>(group, index)?;
        column.skip_records(span.start)?;
        let mut values = Vec::with_capacity(span.len());
        column.read_records(span.len(), None, None, &mut values)?;
        if values.len() == span.len() { Ok(values) } else { Err(short()) }
    }

    fn flags(&self, group: usize, span: &Range<usize>) -> Result<Vec<Option<bool>>, ParquetError> {
        self.optionals::<BoolType>(group, READ_ONLY, span)
    }

    fn texts(
        &self,
        group: usize,
        index: usize,
        span: &Range<usize>,
    ) -> Result<Vec<Option<ByteArray>>, ParquetError> {
        self.optionals::<ByteArrayType>(group, index, span)
    }

    /// Values of a column that is no list; all are there when the column is required.
    fn optionals<T: DataType>(
        &self,
        group: usize,
        index: usize,
        span: &Range<usize>,
    ) -> Result<Vec<Option<T::T>>, ParquetError> {
        let required = self.footer.row_group(group).column(index).column_descr().max_def_level() == 0;
        let mut column = self.column::<T>(group, index)?;
        column.skip_records(span.start)?;
        let (mut values, mut levels) = (Vec::with_capacity(span.len()), Vec::new());
        let (rows, _, _) = column.read_records(span.len(), Some(&mut levels), None, &mut values)?;
        if rows != span.len() {
            return Err(short());
        }
        if required {
            return Ok(values.into_iter().map(Some).collect());
        }
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
    }

    fn lists(&self, group: usize, index: usize, span: &Range<usize>) -> Result<Lists, ParquetError> {
        let mut column = self.column::<ByteArrayType>(group, index)?;
        column.skip_records(span.start)?;
        let (mut values, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
        let (rows, _, _) =
            column.read_records(span.len(), Some(&mut levels), Some(&mut repeats), &mut values)?;
        if rows != span.len() {
            return Err(short());
        }
        let mut ends: Vec<usize> = Vec::with_capacity(rows);
        let mut end = 0;
        for (level, repeat) in levels.into_iter().zip(repeats) {
            end += usize::from(level > 0);
            match ends.last_mut() {
                Some(last) if repeat > 0 => *last = end,
                _ => ends.push(end),
            }
        }
        Ok(Lists { values, ends })
    }
}

/// Lists of consecutive rows: where each one's values end.
struct Lists {
    values: Vec<ByteArray>,
    ends: Vec<usize>,
}

impl Lists {
    fn row(&self, at: usize) -> &[ByteArray] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.values[start..self.ends[at]]
    }
}

/// The rows from the first to the last.
fn span(rows: &[usize]) -> Option<Range<usize>> {
    Some(*rows.first()?..rows.last()? + 1)
}

/// Columns were written from text.
fn text(value: &ByteArray) -> &str {
    value.as_utf8().unwrap_or_default()
}

fn optional(value: &Option<ByteArray>) -> Option<&str> {
    value.as_ref().map(text)
}

fn by_statistics(statistics: &Statistics, values: &[&str], list: bool) -> Verdict {
    let (Some(min), Some(max)) = (statistics.min_bytes_opt(), statistics.max_bytes_opt()) else {
        return Verdict::Some;
    };
    if !values.iter().any(|value| (min..=max).contains(&value.as_bytes())) {
        return Verdict::None;
    }
    let always = min == max && !list && statistics.null_count_opt().unwrap_or(0) == 0;
    if always && statistics.min_is_exact() { Verdict::All } else { Verdict::Some }
}

fn short() -> ParquetError {
    ParquetError::EOF("a column has fewer rows than its group".into())
}

/// A file may have been taken away, and an object store may fail; everything else is damage.
pub(crate) fn unreadable(segment: &Segment, cause: ParquetError) -> HistoryError {
    let name = segment.name.clone();
    match cause {
        ParquetError::External(error) => match error.downcast::<object_store::Error>() {
            Ok(error) => match HistoryError::from(*error) {
                HistoryError::Gone(_) => HistoryError::Gone(name),
                error => error,
            },
            Err(error) => HistoryError::Segment { name, cause: ParquetError::External(error) },
        },
        cause => HistoryError::Segment { name, cause },
    }
}
