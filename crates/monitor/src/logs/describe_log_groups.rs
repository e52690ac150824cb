//! `DescribeLogGroups`: in the order of their names

use keywatch_api::{
    logs::{DESCRIBE_PAGE_MAX, DescribeLogGroupsRequest, DescribeLogGroupsResponse, LogGroup},
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Logs, LogsError, access,
    put_metric_filter::FILTERS_MAX,
    record::{self, FILTER, FilterRecord, GROUP, GroupRecord, STATS, StreamStats},
};

const ROWS_AT_ONCE: usize = 200;
/// Streams whose bytes are added up for one group.
const STREAMS_ADDED_MAX: usize = 10_000;

pub(crate) async fn describe_log_groups(
    call: &mut Call<'_>,
    _: &Logs,
    request: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, LogsError> {
    access::authorize_group(call, "logs:DescribeLogGroups", "")?;
    if request.log_group_name_prefix.is_some() && request.log_group_name_pattern.is_some() {
        return Err(LogsError::invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let named: Option<Vec<String>> = match &request.log_group_identifiers {
        Some(identifiers) => {
            let names = identifiers
                .iter()
                .map(|identifier| access::named_group(call, None, Some(identifier.clone())));
            Some(names.collect::<Result<_, _>>()?)
        }
        None => None,
    };
    let wanted = |group: &GroupRecord| {
        request.log_group_name_pattern.as_ref().is_none_or(|pattern| group.name.contains(pattern.as_str()))
            && request.log_group_class.is_none_or(|class| group.class == class)
            && named.as_ref().is_none_or(|names| names.contains(&group.name))
    };
    let prefix =
        record::group_key(&call.partition(), request.log_group_name_prefix.as_deref().unwrap_or_default());
    let question = format!(
        "DescribeLogGroups {prefix} {:?} {:?}",
        request.log_group_name_pattern, request.log_group_class
    );
    let mut after = request
        .next_token
        .as_deref()
        .map(|token| page::decode(&question, token))
        .transpose()
        .map_err(|_| LogsError::invalid("The specified nextToken is invalid."))?;
    let limit = usize::try_from(request.limit.unwrap_or(DESCRIBE_PAGE_MAX)).unwrap_or(1);
    let mut log_groups = Vec::new();
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = call.tx.scan::<GroupRecord>(GROUP, scan).await?;
        let full = rows.len() == ROWS_AT_ONCE;
        for (key, group) in rows {
            if wanted(&group) {
                if log_groups.len() == limit {
                    let next_token = after.map(|last| page::encode(&question, &last));
                    return Ok(DescribeLogGroupsResponse { log_groups, next_token });
                }
                log_groups.push(shown(call, group).await?);
            }
            after = Some(key);
        }
        if !full {
            return Ok(DescribeLogGroupsResponse { log_groups, next_token: None });
        }
    }
}

async fn shown(call: &mut Call<'_>, group: GroupRecord) -> Result<LogGroup, LogsError> {
    let filters = record::filter_key(&call.partition(), &group.name, "");
    let scan = Scan { prefix: &filters, after: None, limit: FILTERS_MAX };
    let filters = call.tx.scan::<FilterRecord>(FILTER, scan).await?.len();
    let streams = record::stats_key(&group.id, "");
    let scan = Scan { prefix: &streams, after: None, limit: STREAMS_ADDED_MAX };
    let stats = call.tx.scan::<StreamStats>(STATS, scan).await?;
    let arn = access::group_arn(call, &group.name);
    Ok(LogGroup {
        log_group_name: group.name,
        creation_time: group.created.as_millisecond(),
        retention_in_days: group.retention_days,
        metric_filter_count: i32::try_from(filters).unwrap_or(i32::MAX),
        arn: format!("{arn}:*"),
        stored_bytes: stats.iter().map(|(_, stats)| stats.bytes).fold(0, i64::saturating_add),
        kms_key_id: group.kms_key_id,
        log_group_class: group.class,
        log_group_arn: arn,
        deletion_protection_enabled: group.deletion_protection,
    })
}
