//! The columns of a segment, and what a record puts into each. The one place that knows both: what is asked of a record in
//! the log is asked of the same values that its columns will hold.

use std::sync::Arc;

use keywatch_store::{EntryKind, LogEntry};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use crate::Facts;

/// Columns of text, in the order of the file. Numbers and lists have names of their own below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    EventId,
    EventName,
    EventSource,
    /// The caller's ARN, or what stands for it.
    Principal,
    /// The ARN of the role or user whose session called.
    SessionIssuer,
    UserName,
    AccessKeyId,
    SourceAddress,
    UserAgent,
    ErrorCode,
    /// ARNs of the resources, a list.
    Resources,
    /// Types of the resources, a list.
    ResourceTypes,
}

pub(crate) const SEQ: usize = 0;
pub(crate) const ORIGIN: usize = 1;
pub(crate) const ACCOUNT: usize = 2;
pub(crate) const REGION: usize = 3;
pub(crate) const EVENT_TIME: usize = 4;
pub(crate) const READ_ONLY: usize = 5;
pub(crate) const CONTEXT_KEYS: usize = 18;
pub(crate) const RECORD: usize = 19;

const SCHEMA: &str = "
message keywatch_history {
    required int64 seq;
    required binary origin (STRING);
    required binary account (STRING);
    required binary region (STRING);
    required int64 event_time (TIMESTAMP(MICROS,true));
    optional boolean read_only;
    optional binary event_id (STRING);
    optional binary event_name (STRING);
    optional binary event_source (STRING);
    optional binary principal (STRING);
    optional binary session_issuer (STRING);
    optional binary user_name (STRING);
    optional binary access_key_id (STRING);
    optional binary source_address (STRING);
    optional binary user_agent (STRING);
    optional binary error_code (STRING);
    required group resources (LIST) { repeated group list { required binary element (STRING); } }
    required group resource_types (LIST) { repeated group list { required binary element (STRING); } }
    required group context_keys (LIST) { repeated group list { required binary element (STRING); } }
    required binary record (STRING);
}";

/// Bytes of one page of whole records: what fetching a single record decompresses.
const RECORD_PAGE_BYTES: usize = 48 << 10;
/// Rows between two looks at a page's size.
const WRITE_BATCH: usize = 32;
const ZSTD_LEVEL: i32 = 3;
/// Share of values that a bloom filter wrongly takes for its own.
const BLOOM_ERRORS: f64 = 0.01;

impl Column {
    pub(crate) const TEXTS: [Column; 10] = [
        Self::EventId,
        Self::EventName,
        Self::EventSource,
        Self::Principal,
        Self::SessionIssuer,
        Self::UserName,
        Self::AccessKeyId,
        Self::SourceAddress,
        Self::UserAgent,
        Self::ErrorCode,
    ];

    /// The index of the column in the file.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::EventId => 6,
            Self::EventName => 7,
            Self::EventSource => 8,
            Self::Principal => 9,
            Self::SessionIssuer => 10,
            Self::UserName => 11,
            Self::AccessKeyId => 12,
            Self::SourceAddress => 13,
            Self::UserAgent => 14,
            Self::ErrorCode => 15,
            Self::Resources => 16,
            Self::ResourceTypes => 17,
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Resources | Self::ResourceTypes)
    }

    /// What a record puts into the column.
    pub(crate) fn values<'f>(self, facts: &'f Facts<'_>) -> Vec<&'f str> {
        match self {
            Self::Resources => facts.resources().iter().filter_map(|r| r.arn.as_deref()).collect(),
            Self::ResourceTypes => facts.resources().iter().filter_map(|r| r.kind.as_deref()).collect(),
            text => text.text(facts).into_iter().collect(),
        }
    }

    /// The value of a column that is no list.
    pub(crate) fn text<'f>(self, facts: &'f Facts<'_>) -> Option<&'f str> {
        let filled = |text: &'f str| Some(text).filter(|text| !text.is_empty());
        match self {
            Self::EventId => filled(&facts.event_id),
            Self::EventName => filled(&facts.event_name),
            Self::EventSource => filled(&facts.event_source),
            Self::Principal => facts.principal(),
            Self::SessionIssuer => facts.session_issuer(),
            Self::UserName => facts.user_name(),
            Self::AccessKeyId => facts.access_key_id(),
            Self::SourceAddress => facts.source_address.as_deref(),
            Self::UserAgent => facts.user_agent.as_deref(),
            Self::ErrorCode => facts.error_code.as_deref(),
            Self::Resources | Self::ResourceTypes => None,
        }
    }
}

/// The column `origin` of an entry. `None` for what history does not keep: followers have made of it what is kept.
pub(crate) fn origin(entry: &LogEntry) -> Option<String> {
    match entry.kind {
        EntryKind::Record => Some("own".into()),
        EntryKind::ImportedRecord => Some("imported".into()),
        EntryKind::Unknown(code) => Some(code.to_string()),
        EntryKind::Points | EntryKind::LogEvents | EntryKind::Event | EntryKind::Message => None,
    }
}

/// The kind of an entry whose column `origin` reads so.
pub(crate) fn kind_of_origin(origin: &[u8]) -> Option<EntryKind> {
    match origin {
        b"own" => Some(EntryKind::Record),
        b"imported" => Some(EntryKind::ImportedRecord),
        code => Some(EntryKind::from_code(std::str::from_utf8(code).ok()?.parse().ok()?)),
    }
}

pub(crate) fn schema() -> Result<TypePtr, ParquetError> {
    parse_message_type(SCHEMA).map(Arc::new)
}

pub(crate) fn properties() -> Result<Arc<WriterProperties>, ParquetError> {
    let path = |name: &str| ColumnPath::from(name);
    let list = |name: &str| ColumnPath::new(vec![name.into(), "list".into(), "element".into()]);
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("keywatch ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_write_batch_size(WRITE_BATCH)
        // Per chunk and not per page: pages matter for whole records only, which have none.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(None)
        .set_bloom_filter_fpp(BLOOM_ERRORS)
        .set_column_dictionary_enabled(path("record"), false)
        .set_column_statistics_enabled(path("record"), EnabledStatistics::None)
        .set_column_data_page_size_limit(path("record"), RECORD_PAGE_BYTES)
        .set_column_dictionary_enabled(path("event_id"), false);
    for numbers in ["seq", "event_time"] {
        properties = properties
            .set_column_dictionary_enabled(path(numbers), false)
            .set_column_encoding(path(numbers), Encoding::DELTA_BINARY_PACKED);
    }
    for asked in ["event_id", "principal", "session_issuer", "access_key_id", "source_address"] {
        properties = properties.set_column_bloom_filter_enabled(path(asked), true);
    }
    properties = properties.set_column_bloom_filter_enabled(list("resources"), true);
    Ok(Arc::new(properties.build()))
}

#[cfg(test)]
mod tests {
    use parquet::schema::types::SchemaDescriptor;

    use super::*;

    #[test]
    fn indexes_are_those_of_the_schema() {
        let schema = SchemaDescriptor::new(schema().unwrap());
        let name = |index: usize| schema.column(index).path().parts()[0].clone();
        let fixed = [(SEQ, "seq"), (ORIGIN, "origin"), (ACCOUNT, "account"), (REGION, "region")];
        let more = [
            (EVENT_TIME, "event_time"),
            (READ_ONLY, "read_only"),
            (CONTEXT_KEYS, "context_keys"),
            (RECORD, "record"),
        ];
        for (index, want) in fixed.into_iter().chain(more) {
            assert_eq!(name(index), want);
        }
        let snake = |column: Column| {
            let text = format!("{column:?}");
            let mut name = String::new();
            for letter in text.chars() {
                if letter.is_ascii_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            name
        };
        for column in Column::TEXTS.into_iter().chain([Column::Resources, Column::ResourceTypes]) {
            assert_eq!(name(column.index()), snake(column));
            assert_eq!(schema.column(column.index()).max_rep_level() > 0, column.is_list(), "{column:?}");
        }
        assert_eq!(schema.num_columns(), RECORD + 1);
    }
}
