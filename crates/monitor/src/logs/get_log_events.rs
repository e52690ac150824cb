//! `GetLogEvents`: the events of one stream, from its head or from its tail
//!
//! Tokens name a place in the stream: `f/` the events after it, `b/` the events before it. Both are always answered,
//! and a page without events answers the token it was asked with, which is how a caller knows the end.

use std::{collections::VecDeque, ops::Range};

use keywatch_api::logs::{EVENTS_PAGE_MAX, GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent};
use keywatch_iam::Call;
use keywatch_store::Store;

use super::{
    Logs, LogsError, access,
    chunk::{Position, SPAN_MS, StoredEvent},
    merge::Merge,
    record::{self, STATS, StreamStats},
    sweep,
};

/// Bytes of messages on one page.
const PAGE_BYTES_MAX: usize = 1_048_576;

/// Where a page begins and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    /// Strictly after the place.
    Forward(Position),
    /// Strictly before the place.
    Backward(Position),
}

pub(crate) async fn get_log_events(
    call: &mut Call<'_>,
    service: &Logs,
    request: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, LogsError> {
    let name = access::named_group(call, request.log_group_name, request.log_group_identifier)?;
    access::authorize_stream(call, "logs:GetLogEvents", &name, &request.log_stream_name)?;
    let token = request.next_token.as_deref().map(parse).transpose()?;
    service.catch_up().await;
    let group = access::group(call, &name).await?;
    let stream = access::stream(call, &group, &request.log_stream_name).await?;
    let stats = call.tx.get::<StreamStats>(STATS, &record::stats_key(&group.id, &stream.id)).await?;

    let start = request.start_time.unwrap_or(0).max(sweep::cutoff(group.retention_days, call.now));
    let range = Position::start_of(start)..Position::start_of(request.end_time.unwrap_or(i64::MAX));
    let limit = usize::try_from(request.limit.unwrap_or(EVENTS_PAGE_MAX)).unwrap_or(1);
    let forward = match token {
        Some(Token::Forward(_)) => true,
        Some(Token::Backward(_)) => false,
        None => request.start_from_head.unwrap_or(false),
    };
    let reading = Reading { store: call.tx.store, stream_id: &stream.id, limit };
    let events = match (&stats, forward) {
        (None, _) => Vec::new(),
        (Some(_), true) => {
            let after = match token {
                Some(Token::Forward(place)) => place,
                _ => Position::default(),
            };
            reading.forward(range.clone(), after).await?
        }
        (Some(stats), false) => {
            let before = match token {
                Some(Token::Backward(place)) => place.min(range.end),
                _ => range.end,
            };
            reading.backward(range.start..before, stats).await?
        }
    };
    Ok(answer(events, token, &range))
}

fn answer(events: Vec<StoredEvent>, token: Option<Token>, range: &Range<Position>) -> GetLogEventsResponse {
    let (first, last) = match (events.first(), events.last(), token) {
        (Some(first), Some(last), _) => (first.position, last.position),
        (.., Some(Token::Forward(place) | Token::Backward(place))) => (place, place),
        // An empty page without a token: both ways lead on from the beginning of the range.
        _ => (range.start, range.start),
    };
    GetLogEventsResponse {
        next_forward_token: format!("f/{last}"),
        next_backward_token: format!("b/{first}"),
        events: events
            .into_iter()
            .map(|event| OutputLogEvent {
                timestamp: event.position.time,
                message: event.message,
                ingestion_time: event.ingested,
            })
            .collect(),
    }
}

fn parse(token: &str) -> Result<Token, LogsError> {
    let invalid = || LogsError::invalid("The specified nextToken is invalid.");
    let (way, place) = token.split_once('/').ok_or_else(invalid)?;
    let place = place.parse().map_err(|_| invalid())?;
    match way {
        "f" => Ok(Token::Forward(place)),
        "b" => Ok(Token::Backward(place)),
        _ => Err(invalid()),
    }
}

struct Reading<'r> {
    store: &'r Store,
    stream_id: &'r str,
    limit: usize,
}

impl Reading<'_> {
    async fn forward(&self, range: Range<Position>, after: Position) -> Result<Vec<StoredEvent>, LogsError> {
        let from = range.start.max(after);
        let mut merge = Merge::open(self.store, [self.stream_id.to_owned()], from..range.end).await?;
        let mut events = Vec::new();
        let mut bytes = 0;
        while events.len() < self.limit {
            let Some((_, event)) = merge.next().await? else { break };
            if event.position <= after {
                continue;
            }
            bytes += event.message.len();
            if bytes > PAGE_BYTES_MAX && !events.is_empty() {
                break;
            }
            events.push(event);
        }
        Ok(events)
    }

    /// The last events of a range. Rows can only be read upwards, so windows of growing length are tried from the end.
    async fn backward(
        &self,
        range: Range<Position>,
        stats: &StreamStats,
    ) -> Result<Vec<StoredEvent>, LogsError> {
        const GROWTH: i64 = 4;
        let end = range.end.min(Position::start_of(stats.last_event.saturating_add(1)));
        let earliest = range.start.time.max(stats.first_event);
        let mut span = SPAN_MS;
        loop {
            let from = Position::start_of(end.time.saturating_sub(span)).max(range.start);
            let events = self.last_of(from..end).await?;
            if events.len() >= self.limit || from.time <= earliest {
                return Ok(trimmed(events));
            }
            // A page may also be full by its bytes.
            if events.iter().map(|event| event.message.len()).sum::<usize>() > PAGE_BYTES_MAX {
                return Ok(trimmed(events));
            }
            span = span.saturating_mul(GROWTH);
        }
    }

    async fn last_of(&self, range: Range<Position>) -> Result<VecDeque<StoredEvent>, LogsError> {
        let mut last = VecDeque::new();
        if range.is_empty() {
            return Ok(last);
        }
        let mut merge = Merge::open(self.store, [self.stream_id.to_owned()], range).await?;
        let mut bytes = 0;
        while let Some((_, event)) = merge.next().await? {
            bytes += event.message.len();
            last.push_back(event);
            // One event more than the page holds stays, so that a page full by bytes can be told.
            while last.len() > self.limit || (bytes > 2 * PAGE_BYTES_MAX && last.len() > 1) {
                bytes -= last.pop_front().map_or(0, |event| event.message.len());
            }
        }
        Ok(last)
    }
}

/// Drops events from the beginning until the rest fits a page.
fn trimmed(mut events: VecDeque<StoredEvent>) -> Vec<StoredEvent> {
    let mut bytes: usize = events.iter().map(|event| event.message.len()).sum();
    while bytes > PAGE_BYTES_MAX && events.len() > 1 {
        bytes -= events.pop_front().map_or(0, |event| event.message.len());
    }
    events.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let place = Position { time: 5, seq: 6, index: 7 };
        assert_eq!(parse(&format!("f/{place}")).unwrap(), Token::Forward(place));
        assert_eq!(parse(&format!("b/{place}")).unwrap(), Token::Backward(place));
        for bad in ["", "f", "f/", "x/1", "f/123", &format!("g/{place}"), &format!("{place}")] {
            assert_eq!(parse(bad).unwrap_err().to_string(), "The specified nextToken is invalid.", "{bad}");
        }
    }
}
