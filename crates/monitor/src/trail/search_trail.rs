//! `SearchTrail`: the records that have all of the asked attributes, newest first, of any time.
//!
//! The order and the pages are those of `LookupEvents`.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::keywatch::{FoundRecord, SearchTrailRequest, SearchTrailResponse};
use keywatch_api::{WireTime, page};
use keywatch_history::{Column, Condition, Facts, History, Query};
use keywatch_iam::Call;
use keywatch_store::{EntryKind, LogEntry};

use super::lookup_events::{place_of, place_text};
use super::question_error::QuestionError;

const PAGE_DEFAULT: i32 = 50;

/// Needs only the history of the service that serves it.
pub async fn search_trail<S: AsRef<History> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: SearchTrailRequest,
) -> Result<SearchTrailResponse, QuestionError> {
    call.authorize_own("keywatch:SearchTrail", "*")?;
    let [start, end] = [request.start_time, request.end_time].map(|time| time.map(|time| time.0));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(QuestionError::TimeRange);
    }
    let (account, region) = (call.account().as_str(), call.region.as_str());
    let region = (!request.all_regions.unwrap_or(false)).then_some(region);
    let query = Arc::new(Query {
        range: start.unwrap_or(Timestamp::MIN)..=end.unwrap_or(Timestamp::MAX),
        conditions: conditions(&request, call),
        ..Query::of(account, region)
    });
    let question = format!("SearchTrail {query:?}");
    // A digest of it: markers are short, and questions may be long.
    let question = keywatch_crypto::digest::sha256(question.as_bytes());
    let question: String = question.iter().map(|byte| format!("{byte:02x}")).collect();
    let after = match request.next_token.as_deref() {
        Some(token) => Some(place_of(&question, token).ok_or(QuestionError::InvalidNextToken)?),
        None => None,
    };
    // The shape keeps it within its range.
    let limit = request.max_results.unwrap_or(PAGE_DEFAULT).unsigned_abs() as usize;
    let found = service.as_ref().search(&query, after, limit).await?;
    Ok(SearchTrailResponse {
        records: found.entries.iter().filter_map(shown).collect(),
        next_token: found.more.map(|mark| page::encode(&question, &place_text(mark))),
    })
}

fn conditions(request: &SearchTrailRequest, call: &Call<'_>) -> Vec<Condition> {
    let key = request.key_id.as_deref().map(|key| key_arn(key, call));
    let asked: [(&Option<String>, &[Column]); 9] = [
        (&request.event_id, &[Column::EventId]),
        (&key, &[Column::Resources]),
        (&request.event_name, &[Column::EventName]),
        (&request.event_source, &[Column::EventSource]),
        // A role is a principal whatever its sessions are called.
        (&request.principal, &[Column::Principal, Column::SessionIssuer]),
        (&request.username, &[Column::UserName]),
        (&request.access_key_id, &[Column::AccessKeyId]),
        (&request.source_ip_address, &[Column::SourceAddress]),
        (&request.error_code, &[Column::ErrorCode]),
    ];
    let mut conditions: Vec<Condition> = asked
        .into_iter()
        .filter_map(|(value, columns)| Some(Condition::is(columns, value.as_deref()?)))
        .collect();
    conditions.extend(request.read_only.map(Condition::read_only));
    conditions
}

/// An id stands for a key of the caller's account and Region.
fn key_arn(key: &str, call: &Call<'_>) -> String {
    if key.starts_with("arn:") {
        return key.to_owned();
    }
    format!("arn:aws:kms:{}:{}:key/{key}", call.region.as_str(), call.account().as_str())
}

/// `None` only for text that is no record, which no search finds.
fn shown(entry: &LogEntry) -> Option<FoundRecord> {
    let facts = Facts::read(&entry.bytes)?;
    let text = |text: Option<&str>| text.map(str::to_owned);
    Some(FoundRecord {
        event_id: facts.event_id.to_string(),
        event_time: WireTime(entry.time),
        event_name: facts.event_name.to_string(),
        event_source: facts.event_source.to_string(),
        aws_region: entry.partition.region().to_owned(),
        read_only: facts.read_only,
        principal: text(facts.principal()),
        username: text(facts.user_name()),
        access_key_id: text(facts.access_key_id()),
        source_ip_address: text(facts.source_address.as_deref()),
        error_code: text(facts.error_code.as_deref()),
        resources: facts.resources().iter().filter_map(|resource| text(resource.arn.as_deref())).collect(),
        imported: entry.kind == EntryKind::ImportedRecord,
        cloud_trail_event: String::from_utf8_lossy(&entry.bytes).into_owned(),
    })
}
