//! `DescribeLogStreams`: by name or by the time of their last event

use std::collections::HashMap;

use keywatch_api::{
    logs::{DESCRIBE_PAGE_MAX, DescribeLogStreamsRequest, DescribeLogStreamsResponse, LogStream, OrderBy},
    page,
};
use keywatch_iam::Call;
use keywatch_store::{Kind, Scan, Versioned};

use super::{
    Logs, LogsError, access,
    record::{self, GroupRecord, STATS, STREAM, StreamRecord, StreamStats},
};

const ROWS_AT_ONCE: usize = 1_000;
/// Streams of one group that can be listed.
const STREAMS_MAX: usize = 100_000;

pub(crate) async fn describe_log_streams(
    call: &mut Call<'_>,
    service: &Logs,
    request: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, LogsError> {
    let name = access::named_group(call, request.log_group_name, request.log_group_identifier)?;
    access::authorize_group(call, "logs:DescribeLogStreams", &name)?;
    let order = request.order_by.unwrap_or(OrderBy::LogStreamName);
    if order == OrderBy::LastEventTime && request.log_stream_name_prefix.is_some() {
        return Err(LogsError::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    service.catch_up().await;
    let group = access::group(call, &name).await?;
    let prefix = request.log_stream_name_prefix.unwrap_or_default();
    let descending = request.descending.unwrap_or(false);
    let question = format!("DescribeLogStreams {} {prefix} {order} {descending}", group.id);
    let after = request
        .next_token
        .map(|token| page::decode(&question, &token))
        .transpose()
        .map_err(|_| LogsError::invalid("The specified nextToken is invalid."))?;

    let mut streams = listed(call, &group, &prefix, order).await?;
    if descending {
        streams.reverse();
    }
    let start = match &after {
        Some(last) if descending => streams.partition_point(|(rank, ..)| rank >= last),
        Some(last) => streams.partition_point(|(rank, ..)| rank <= last),
        None => 0,
    };
    let limit = usize::try_from(request.limit.unwrap_or(DESCRIBE_PAGE_MAX)).unwrap_or(1);
    let more = streams.len() > start + limit;
    let page: Vec<Ranked> = streams.drain(start..(start + limit).min(streams.len())).collect();
    let next_token = match page.last() {
        Some((last, ..)) if more => Some(page::encode(&question, last)),
        _ => None,
    };
    let arn = access::group_arn(call, &group.name);
    let log_streams =
        page.into_iter().map(|(_, stream, stats)| shown(&arn, stream, stats.as_ref())).collect();
    Ok(DescribeLogStreamsResponse { log_streams, next_token })
}

/// What a stream is ordered by, the stream, and what is known of its events.
type Ranked = (String, StreamRecord, Option<StreamStats>);

async fn listed(
    call: &mut Call<'_>,
    group: &GroupRecord,
    prefix: &str,
    order: OrderBy,
) -> Result<Vec<Ranked>, LogsError> {
    let streams = all::<StreamRecord>(call, STREAM, &record::stream_key(&group.id, prefix)).await?;
    let stats = all::<StreamStats>(call, STATS, &record::stats_key(&group.id, "")).await?;
    let mut stats: HashMap<String, StreamStats> = stats.into_iter().collect();
    let mut ranked: Vec<Ranked> = streams
        .into_iter()
        .map(|(_, stream)| {
            let stats = stats.remove(&record::stats_key(&group.id, &stream.id));
            let rank = match order {
                OrderBy::LogStreamName => stream.name.clone(),
                OrderBy::LastEventTime => {
                    let last = stats.as_ref().map_or(0, |stats| stats.last_event);
                    format!("{last:020}{}", stream.name)
                }
            };
            (rank, stream, stats)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(ranked)
}

async fn all<T: Versioned>(
    call: &mut Call<'_>,
    kind: Kind,
    prefix: &str,
) -> Result<Vec<(String, T)>, LogsError> {
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map(|(key, _): &(String, T)| key.clone());
        let scan = Scan { prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let page = call.tx.scan::<T>(kind, scan).await?;
        let full = page.len() == ROWS_AT_ONCE;
        rows.extend(page);
        if rows.len() > STREAMS_MAX {
            return Err(LogsError::LimitExceeded);
        }
        if !full {
            return Ok(rows);
        }
    }
}

fn shown(group_arn: &str, stream: StreamRecord, stats: Option<&StreamStats>) -> LogStream {
    LogStream {
        arn: format!("{group_arn}:log-stream:{}", stream.name),
        log_stream_name: stream.name,
        creation_time: stream.created.as_millisecond(),
        first_event_timestamp: stats.map(|stats| stats.first_event),
        last_event_timestamp: stats.map(|stats| stats.last_event),
        last_ingestion_time: stats.map(|stats| stats.last_ingestion),
        upload_sequence_token: stats.map(|stats| super::put_log_events::sequence_token(stats.last_ingestion)),
        stored_bytes: 0,
    }
}
