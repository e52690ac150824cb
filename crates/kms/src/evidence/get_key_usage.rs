//! `GetKeyUsage`: who used a key, for what, when, from where and with which outcome.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::keywatch::{GetKeyUsageRequest, GetKeyUsageResponse, UsageRow};
use keywatch_api::page;
use keywatch_crypto::digest;
use keywatch_history::{History, Query};
use keywatch_iam::Call;
use keywatch_monitor::trail::QuestionError;
use keywatch_monitor::trail::key_usage::{Counted, RowKey, UsageTally, uses_of};

use super::EvidenceError;
use super::named::named;
use crate::Kms;

const PAGE_DEFAULT: i32 = 100;

/// Needs the keys and the history of the service that serves it.
pub async fn get_key_usage<S: AsRef<History> + AsRef<Kms> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: GetKeyUsageRequest,
) -> Result<GetKeyUsageResponse, EvidenceError> {
    let named = named(call, service.as_ref(), &request.key_id).await?;
    call.authorize_own("keywatch:GetKeyUsage", &named.arn)?;
    let [start, end] = [request.start_time, request.end_time].map(|time| time.map(|time| time.0));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(QuestionError::TimeRange.into());
    }
    let with_management = request.include_management.unwrap_or(false);
    let question = format!("GetKeyUsage {} {start:?} {end:?} {with_management}", named.arn);
    let after = match request.next_token.as_deref() {
        Some(token) => Some(page::decode(&question, token).map_err(|_| QuestionError::InvalidNextToken)?),
        None => None,
    };
    let query = Query {
        range: start.unwrap_or(Timestamp::MIN)..=end.unwrap_or(Timestamp::MAX),
        ..uses_of(call.account().as_str(), &named.region, &named.arn, with_management)
    };
    let history: &History = service.as_ref();
    let tally = history.gather(Arc::new(query), &UsageTally::default()).await?;
    // The shape keeps it within its range.
    let limit = request.max_results.unwrap_or(PAGE_DEFAULT).unsigned_abs() as usize;
    let (usage, last) = page_of(&tally, after.as_deref(), limit)?;
    Ok(GetKeyUsageResponse {
        key_arn: named.arn,
        calls: tally.calls,
        failed_calls: tally.failed_calls,
        first_use: tally.first_use().map(Into::into),
        last_use: tally.last_use().map(Into::into),
        encryption_context_keys: tally.context_keys.iter().cloned().collect(),
        usage,
        folded: tally.folded,
        next_token: last.map(|last| page::encode(&question, &last)),
    })
}

/// The rows after the one that `after` names, and the name of the last when more follow.
fn page_of(
    tally: &UsageTally,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<UsageRow>, Option<String>), QuestionError> {
    let mut rows = tally.rows.iter();
    if let Some(after) = after {
        rows.find(|(key, _)| row_name(key) == after).ok_or(QuestionError::InvalidNextToken)?;
    }
    let rows: Vec<_> = rows.take(limit + 1).collect();
    let last = rows.get(limit).and_then(|_| rows.get(limit - 1)).map(|(key, _)| row_name(key));
    Ok((rows.into_iter().take(limit).map(|(key, row)| shown(key, row)).collect(), last))
}

/// A short name of a row: markers are bounded, and user agents are long.
fn row_name(key: &RowKey) -> String {
    let RowKey { day, principal, operation, outcome, source_address, user_agent } = key;
    let text = format!("{}\n{principal}\n{operation}\n{outcome}\n{source_address}\n{user_agent}", day.0);
    digest::sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown(key: &RowKey, row: &Counted) -> UsageRow {
    UsageRow {
        day: key.day.0.to_string(),
        principal: key.principal.clone(),
        operation: key.operation.clone(),
        outcome: key.outcome.clone(),
        source_ip_address: key.source_address.clone(),
        user_agent: key.user_agent.clone(),
        calls: row.calls,
        first_use: row.first.into(),
        last_use: row.last.into(),
        encryption_context_keys: row.context_keys.iter().cloned().collect(),
    }
}
