//! `DescribeAlarmHistory`: what happened to alarms, also to deleted ones, newest first unless asked otherwise.

use jiff::Timestamp;
use keywatch_api::{
    cloudwatch::{
        AlarmType, ScanBy,
        alarms::{AlarmHistoryItem, DescribeAlarmHistoryRequest, DescribeAlarmHistoryResponse},
    },
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    alarm::arn,
    store::{HISTORY, HISTORY_KEPT, HistoryItem, history_prefix},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub const RECORDS_MAX: i32 = 100;
const READ_AT_ONCE: usize = 500;
/// Items looked at from the oldest on, which the order of the rows does not serve.
const ASCENDING_MAX: usize = 100_000;

pub(crate) async fn describe_alarm_history(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DescribeAlarmHistoryRequest,
) -> Result<DescribeAlarmHistoryResponse, CloudWatchError> {
    let name = request.alarm_name.as_deref().unwrap_or("*");
    call.authorize_own(
        "cloudwatch:DescribeAlarmHistory",
        &arn(call.account().as_str(), call.region.as_str(), name),
    )?;
    let max = usize::try_from(request.max_records.unwrap_or(RECORDS_MAX)).unwrap_or_default();
    let question = question(&request);
    let after = match &request.next_token {
        None => None,
        Some(token) => Some(page::decode(&question, token).map_err(|_| CloudWatchError::InvalidNextToken)?),
    };
    let ascending = request.scan_by == Some(ScanBy::TimestampAscending);
    let mut found = if ascending {
        let mut all = read(call, &request, None, ASCENDING_MAX).await?;
        all.reverse();
        all.retain(|(key, _)| after.as_ref().is_none_or(|after| key < after));
        all
    } else {
        read(call, &request, after, max + 1).await?
    };
    let more = found.len() > max;
    found.truncate(max);
    let next_token = found.last().filter(|_| more).map(|(key, _)| page::encode(&question, key));
    Ok(DescribeAlarmHistoryResponse {
        alarm_history_items: found.into_iter().map(|(_, item)| describe(item)).collect(),
        next_token,
    })
}

/// Up to `wanted` items that fit, newest first, after the row `after`.
async fn read(
    call: &mut Call<'_>,
    request: &DescribeAlarmHistoryRequest,
    after: Option<String>,
    wanted: usize,
) -> Result<Vec<(String, HistoryItem)>, CloudWatchError> {
    let partition = call.partition();
    let prefix = format!("{}/", partition.as_str());
    let oldest = call.now.checked_sub(HISTORY_KEPT).unwrap_or(Timestamp::MIN);
    let oldest = request.start_date.map_or(oldest, |start| start.0.max(oldest));
    // Rows newer than the end of the range lie before it and need not be read.
    let mut after = after.or_else(|| request.end_date.map(|end| history_prefix(partition.as_str(), end.0)));
    let mut found = Vec::new();
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: READ_AT_ONCE };
        let rows = call.tx.scan::<HistoryItem>(HISTORY, scan).await?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        after = Some(last.clone());
        for (key, item) in rows {
            if item.at < oldest || found.len() >= wanted {
                return Ok(found);
            }
            if fits(&item, request) {
                found.push((key, item));
            }
        }
    }
}

fn fits(item: &HistoryItem, request: &DescribeAlarmHistoryRequest) -> bool {
    request.alarm_name.as_deref().is_none_or(|name| item.alarm == name)
        && request
            .alarm_contributor_id
            .as_ref()
            .is_none_or(|id| item.contributor.as_ref().is_some_and(|contributor| contributor.id == *id))
        && wanted_types(request).contains(&item.alarm_type)
        && request.history_item_type.is_none_or(|kind| item.kind == kind)
        && request.end_date.is_none_or(|end| item.at <= end.0)
}

/// Without types metric alarms are meant, unless an alarm is named: then that one, whatever it is.
fn wanted_types(request: &DescribeAlarmHistoryRequest) -> &[AlarmType] {
    match request.alarm_types.as_deref() {
        Some(types) if !types.is_empty() => types,
        _ if request.alarm_name.is_some() => AlarmType::ALL,
        _ => &[AlarmType::MetricAlarm],
    }
}

fn describe(item: HistoryItem) -> AlarmHistoryItem {
    let (id, attributes) = item.contributor.map(|one| (one.id, one.attributes)).unzip();
    AlarmHistoryItem {
        alarm_name: item.alarm,
        alarm_contributor_id: id,
        alarm_contributor_attributes: attributes,
        alarm_type: item.alarm_type,
        timestamp: item.at.into(),
        history_item_type: item.kind,
        history_summary: item.summary,
        history_data: item.data,
    }
}

fn question(request: &DescribeAlarmHistoryRequest) -> String {
    let DescribeAlarmHistoryRequest { alarm_name, history_item_type, start_date, end_date, scan_by, .. } =
        request;
    let (types, contributor) = (&request.alarm_types, &request.alarm_contributor_id);
    format!(
        "DescribeAlarmHistory {alarm_name:?} {history_item_type:?} {start_date:?} {end_date:?} {scan_by:?} {types:?} {contributor:?}"
    )
}
