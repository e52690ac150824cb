//! `FilterLogEvents`: the events of a group that match a pattern, in order over all its streams

use std::ops::Range;

use keywatch_api::{
    logs::{EVENTS_PAGE_MAX, FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent},
    page,
};
use keywatch_crypto::digest;
use keywatch_iam::Call;
use keywatch_patterns::filter::FilterPattern;
use keywatch_store::Scan;

use super::{
    Logs, LogsError, access,
    chunk::Position,
    merge::Merge,
    record::{self, GroupRecord, STATS, STREAM, StreamRecord, StreamStats},
    sweep,
};

/// Bytes of messages on one page.
const PAGE_BYTES_MAX: usize = 1_048_576;
/// Events looked at for one page; a page may then be short or empty, and its token goes on.
const EVENTS_SCANNED_MAX: usize = 200_000;
/// Streams searched at once.
const STREAMS_MAX: usize = 10_000;
const ROWS_AT_ONCE: usize = 1_000;

pub(crate) async fn filter_log_events(
    call: &mut Call<'_>,
    service: &Logs,
    request: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, LogsError> {
    let question = question(&request);
    let name = access::named_group(call, request.log_group_name, request.log_group_identifier)?;
    access::authorize_group(call, "logs:FilterLogEvents", &name)?;
    if request.log_stream_names.is_some() && request.log_stream_name_prefix.is_some() {
        return Err(LogsError::invalid(
            "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.",
        ));
    }
    let pattern = FilterPattern::parse(request.filter_pattern.as_deref().unwrap_or_default())?;
    let after = request.next_token.map(|token| place(&question, &token)).transpose()?.unwrap_or_default();
    service.catch_up().await;
    let group = access::group(call, &name).await?;
    let start = request.start_time.unwrap_or(0).max(sweep::cutoff(group.retention_days, call.now));
    let range =
        Position::start_of(start).max(after)..Position::start_of(request.end_time.unwrap_or(i64::MAX));
    let prefix = request.log_stream_name_prefix.unwrap_or_default();
    let streams = match request.log_stream_names {
        Some(names) => named(call, &group, &names).await?,
        None => prefixed(call, &group, &prefix).await?,
    };
    let streams = with_events_in(call, &group, streams, &range).await?;
    let limit = usize::try_from(request.limit.unwrap_or(EVENTS_PAGE_MAX)).unwrap_or(1);

    let ids = streams.iter().map(|stream| stream.id.clone());
    let mut merge = Merge::open(call.tx.store, ids, range).await?;
    let mut page = Page { events: Vec::new(), bytes: 0, scanned: 0, last: after };
    while let Some((stream, event)) = merge.next().await? {
        if event.position <= after {
            continue;
        }
        let hit = pattern.matches(&event.message);
        if page.is_full(limit, if hit { event.message.len() } else { 0 }) {
            let next_token = Some(page::encode(&question, &page.last.to_string()));
            return Ok(FilterLogEventsResponse { events: page.events, searched_log_streams: [], next_token });
        }
        page.scanned += 1;
        page.last = event.position;
        if hit {
            page.bytes += event.message.len();
            page.events.push(FilteredLogEvent {
                log_stream_name: streams[stream].name.clone(),
                timestamp: event.position.time,
                message: event.message,
                ingestion_time: event.ingested,
                event_id: event.position.to_string(),
            });
        }
    }
    Ok(FilterLogEventsResponse { events: page.events, searched_log_streams: [], next_token: None })
}

struct Page {
    events: Vec<FilteredLogEvent>,
    bytes: usize,
    scanned: usize,
    /// The last event looked at.
    last: Position,
}

impl Page {
    /// Whether the page ends before an event that would add so many bytes.
    fn is_full(&self, limit: usize, bytes: usize) -> bool {
        self.events.len() >= limit
            || self.scanned >= EVENTS_SCANNED_MAX
            || (!self.events.is_empty() && self.bytes + bytes > PAGE_BYTES_MAX)
    }
}

/// A short name for all that was asked, so that a token does not fit another question.
fn question(request: &FilterLogEventsRequest) -> String {
    let asked = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        request.log_group_name,
        request.log_group_identifier,
        request.log_stream_names,
        request.log_stream_name_prefix,
        request.filter_pattern,
        request.start_time,
        request.end_time,
    );
    format!("FilterLogEvents {}", hex::encode(digest::sha256(asked.as_bytes())))
}

fn place(question: &str, token: &str) -> Result<Position, LogsError> {
    let invalid = || LogsError::invalid("The specified nextToken is invalid.");
    let place = page::decode(question, token).map_err(|_| invalid())?;
    place.parse().map_err(|_| invalid())
}

async fn named(
    call: &mut Call<'_>,
    group: &GroupRecord,
    names: &[String],
) -> Result<Vec<StreamRecord>, LogsError> {
    let mut streams = Vec::new();
    for name in names {
        streams.push(access::stream(call, group, name).await?);
    }
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    streams.dedup_by(|a, b| a.name == b.name);
    Ok(streams)
}

async fn prefixed(
    call: &mut Call<'_>,
    group: &GroupRecord,
    prefix: &str,
) -> Result<Vec<StreamRecord>, LogsError> {
    let prefix = record::stream_key(&group.id, prefix);
    let mut streams: Vec<StreamRecord> = Vec::new();
    loop {
        let after = streams.last().map(|stream| record::stream_key(&group.id, &stream.name));
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = call.tx.scan::<StreamRecord>(STREAM, scan).await?;
        let full = rows.len() == ROWS_AT_ONCE;
        streams.extend(rows.into_iter().map(|(_, stream)| stream));
        if streams.len() > STREAMS_MAX {
            return Err(LogsError::invalid("More log streams match than can be searched at once."));
        }
        if !full {
            return Ok(streams);
        }
    }
}

/// Leaves out streams that cannot have an event in the range.
async fn with_events_in(
    call: &mut Call<'_>,
    group: &GroupRecord,
    streams: Vec<StreamRecord>,
    range: &Range<Position>,
) -> Result<Vec<StreamRecord>, LogsError> {
    let mut kept = Vec::new();
    for stream in streams {
        let stats = call.tx.get::<StreamStats>(STATS, &record::stats_key(&group.id, &stream.id)).await?;
        if stats.is_some_and(|s| s.last_event >= range.start.time && s.first_event <= range.end.time) {
            kept.push(stream);
        }
    }
    Ok(kept)
}
