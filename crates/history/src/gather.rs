//! Looking at every record that a query asks for, without fetching the records: what the columns hold is enough.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_store::{LogEntry, Seq};

use crate::search::{History, blocking};
use crate::segment::OpenSegment;
use crate::{Column, Facts, HistoryError, Query};

/// Bytes of log read at once.
const LOG_BYTES_MAX: usize = 4 << 20;

/// One record, as far as the columns tell of it.
#[derive(Clone, Copy, Debug)]
pub struct Use<'u> {
    pub time: Timestamp,
    pub seq: Seq,
    pub event_id: &'u str,
    pub event_name: &'u str,
    pub event_source: &'u str,
    pub principal: Option<&'u str>,
    pub session_issuer: Option<&'u str>,
    pub source_address: Option<&'u str>,
    pub user_agent: Option<&'u str>,
    pub error_code: Option<&'u str>,
    pub context_keys: &'u [&'u str],
}

/// Something that is made from uses, in whatever order they come.
pub trait Gather: Clone + Send + 'static {
    fn take(&mut self, seen: &Use<'_>);
}

impl History {
    /// Shows every record that `query` asks for to a copy of `empty`, each once.
    ///
    /// Segments first, then the log from where they end. What leaves the log meanwhile is in a segment by then.
    pub async fn gather<G: Gather>(&self, query: Arc<Query>, empty: &G) -> Result<G, HistoryError> {
        let mut gathered = empty.clone();
        let (mut position, mut through) = (0, 0);
        loop {
            let catalogue = self.catalogue_through(through).await?;
            for segment in catalogue.segments.iter().filter(|segment| segment.last_seq > position) {
                if *query.range.start() <= segment.time_max && *query.range.end() >= segment.time_min {
                    let (open, query) = (self.open(segment).await?, query.clone());
                    gathered = blocking(move || from_segment(&open, &query, position, gathered)).await??;
                }
            }
            position = position.max(catalogue.closed);
            loop {
                let entries = self.store().read_log(position, LOG_BYTES_MAX).await?;
                match entries.first() {
                    None => return Ok(gathered),
                    Some(first) if first.seq > position + 1 => {
                        through = first.seq - 1;
                        break;
                    }
                    Some(_) => position = from_log(&entries, &query, position, &mut gathered),
                }
            }
        }
    }
}

fn from_segment<G: Gather>(
    open: &OpenSegment,
    query: &Query,
    after_seq: Seq,
    mut gathered: G,
) -> Result<G, HistoryError> {
    for group in 0..open.groups() {
        let (min, max) = open.times(group);
        if *query.range.start() <= max && *query.range.end() >= min {
            let wanted = open.wanted(group, query, after_seq)?;
            open.uses(group, &wanted, &mut |seen| gathered.take(seen))?;
        }
    }
    Ok(gathered)
}

/// Gives the position after the entries.
fn from_log<G: Gather>(entries: &[LogEntry], query: &Query, position: Seq, gathered: &mut G) -> Seq {
    for entry in entries.iter().filter(|entry| query.reaches(entry)) {
        let Some(facts) = query.accept(&entry.bytes) else { continue };
        let keys = facts.context_keys();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        gathered.take(&shown(entry, &facts, &keys));
    }
    entries.last().map_or(position, |entry| entry.seq)
}

/// The same values that the record's columns will hold.
fn shown<'u>(entry: &LogEntry, facts: &'u Facts<'_>, context_keys: &'u [&'u str]) -> Use<'u> {
    let text = |column: Column| column.text(facts);
    Use {
        time: entry.time,
        seq: entry.seq,
        event_id: text(Column::EventId).unwrap_or_default(),
        event_name: text(Column::EventName).unwrap_or_default(),
        event_source: text(Column::EventSource).unwrap_or_default(),
        principal: text(Column::Principal),
        session_issuer: text(Column::SessionIssuer),
        source_address: text(Column::SourceAddress),
        user_agent: text(Column::UserAgent),
        error_code: text(Column::ErrorCode),
        context_keys,
    }
}
