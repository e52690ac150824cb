//! `PutLogEvents`: appends to the trail; the follower files the events

use jiff::Timestamp;
use keywatch_api::logs::{InputLogEvent, PutLogEventsRequest, PutLogEventsResponse, RejectedLogEventsInfo};
use keywatch_iam::Call;
use serde_json::json;

use super::{
    Logs, LogsError, access,
    follower::EVENT_OVERHEAD_BYTES,
    record::{self, STREAM},
    sweep,
};
use crate::entry::{Body, LogEvent, LogEvents};

/// Bytes of one request and of one event, with the overhead AWS counts for each event.
const BATCH_BYTES_MAX: usize = 1_048_576;
const HOUR_MS: i64 = 60 * 60 * 1_000;
const SPAN_MS_MAX: i64 = 24 * HOUR_MS;
/// Events older than this are dropped, whatever the group's retention.
const AGE_MS_MAX: i64 = 14 * 24 * HOUR_MS;
/// Events further ahead than this are dropped.
const AHEAD_MS_MAX: i64 = 2 * HOUR_MS;

pub(crate) async fn put_log_events(
    call: &mut Call<'_>,
    _: &Logs,
    request: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, LogsError> {
    let PutLogEventsRequest { log_group_name, log_stream_name, log_events, .. } = request;
    // The record names the stream; what is logged stays in the log.
    call.notes.request_parameters =
        Some(json!({ "logGroupName": log_group_name, "logStreamName": log_stream_name }).to_string());
    access::authorize_stream(call, "logs:PutLogEvents", &log_group_name, &log_stream_name)?;
    check(&log_events)?;
    let group = access::group(call, &log_group_name).await?;
    let stream = access::stream(call, &group, &log_stream_name).await?;
    let retained_from = sweep::cutoff(group.retention_days, call.now);
    let (accepted, rejected) = sort_out(log_events, retained_from, call.now);
    if !accepted.is_empty() {
        call.tx.require_unchanged(STREAM, &record::stream_key(&group.id, &stream.name));
        let entry = LogEvents {
            group: group.name,
            stream: stream.name,
            ingested: call.now,
            events: accepted,
            makes_stream: false,
        };
        let append = entry.append(call.partition(), call.now);
        call.tx.append(append);
    }
    Ok(PutLogEventsResponse {
        next_sequence_token: sequence_token(call.now.as_millisecond()),
        rejected_log_events_info: (rejected != RejectedLogEventsInfo::default()).then_some(rejected),
    })
}

/// A token in AWS's form. Nothing is done with it: AWS has ignored it since 2023.
pub(super) fn sequence_token(millisecond: i64) -> String {
    format!("{millisecond:056}")
}

fn check(events: &[InputLogEvent]) -> Result<(), LogsError> {
    if events.windows(2).any(|pair| pair[0].timestamp > pair[1].timestamp) {
        return Err(LogsError::invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    let first = events.first().map_or(0, |event| event.timestamp);
    let last = events.last().map_or(0, |event| event.timestamp);
    if last - first > SPAN_MS_MAX {
        return Err(LogsError::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let largest = events.iter().map(|event| event.message.len()).max().unwrap_or(0);
    if largest > BATCH_BYTES_MAX {
        return Err(LogsError::invalid(format!(
            "Log event too large: {largest} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )));
    }
    let total: usize = events.iter().map(|event| event.message.len() + EVENT_OVERHEAD_BYTES).sum();
    if total > BATCH_BYTES_MAX {
        return Err(LogsError::invalid(format!(
            "Upload too large: {total} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// The events that are taken, and which were not. The events are in the order of their times.
fn sort_out(
    events: Vec<InputLogEvent>,
    retained_from: i64,
    now: Timestamp,
) -> (Vec<LogEvent>, RejectedLogEventsInfo) {
    let now = now.as_millisecond();
    let too_old = events.partition_point(|event| event.timestamp < now - AGE_MS_MAX);
    let expired = events.partition_point(|event| event.timestamp < retained_from);
    let too_new = events.partition_point(|event| event.timestamp <= now + AHEAD_MS_MAX);
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: (too_new < events.len()).then_some(too_new),
        too_old_log_event_end_index: (too_old > 0).then_some(too_old),
        expired_log_event_end_index: (expired > too_old).then_some(expired),
    };
    let skipped = too_old.max(expired);
    let accepted = events
        .into_iter()
        .take(too_new)
        .skip(skipped)
        .filter_map(|event| {
            let time = Timestamp::from_millisecond(event.timestamp).ok()?;
            Some(LogEvent { time, message: event.message })
        })
        .collect();
    (accepted, rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_789_000_000_000;

    fn event(timestamp: i64, message: &str) -> InputLogEvent {
        InputLogEvent { timestamp, message: message.to_owned() }
    }

    #[test]
    fn batches() {
        for (events, want) in [
            (vec![event(1, "a"), event(1, "b"), event(2, "c")], None),
            (vec![event(2, "a"), event(1, "b")], Some("must be in chronological order.")),
            (vec![event(0, "a"), event(SPAN_MS_MAX, "b")], None),
            (vec![event(0, "a"), event(SPAN_MS_MAX + 1, "b")], Some("cannot span more than 24 hours.")),
            (vec![event(0, &"x".repeat(BATCH_BYTES_MAX - 26))], None),
            (vec![event(0, &"x".repeat(BATCH_BYTES_MAX - 25))], Some("Upload too large: 1048577 bytes")),
            (vec![event(0, &"x".repeat(BATCH_BYTES_MAX + 1))], Some("Log event too large: 1048577 bytes")),
        ] {
            let text = check(&events).err().map(|error| error.to_string());
            match (text, want) {
                (None, None) => {}
                (Some(text), Some(want)) if text.contains(want) => {}
                (text, want) => panic!("{text:?} instead of {want:?}"),
            }
        }
    }

    #[test]
    fn rejections() {
        let day = 24 * HOUR_MS;
        let times =
            [NOW - 15 * day, NOW - 10 * day, NOW - day, NOW, NOW + AHEAD_MS_MAX, NOW + AHEAD_MS_MAX + 1];
        let put = |retained_from: i64| {
            let events = times.iter().map(|time| event(*time, "m")).collect();
            let (accepted, rejected) =
                sort_out(events, retained_from, Timestamp::from_millisecond(NOW).unwrap());
            (accepted.iter().map(|event| event.time.as_millisecond()).collect::<Vec<_>>(), rejected)
        };
        assert_eq!(
            put(0),
            (
                times[1..5].to_vec(),
                RejectedLogEventsInfo {
                    too_new_log_event_start_index: Some(5),
                    too_old_log_event_end_index: Some(1),
                    expired_log_event_end_index: None,
                }
            )
        );
        assert_eq!(
            put(NOW - 7 * day),
            (
                times[2..5].to_vec(),
                RejectedLogEventsInfo {
                    too_new_log_event_start_index: Some(5),
                    too_old_log_event_end_index: Some(1),
                    expired_log_event_end_index: Some(2),
                }
            )
        );
        let (accepted, rejected) =
            sort_out(vec![event(i64::MAX, "m")], 0, Timestamp::from_millisecond(NOW).unwrap());
        assert!(accepted.is_empty());
        assert_eq!(rejected.too_new_log_event_start_index, Some(0));
    }
}
