//! `ListAlarmMuteRules`: mute rules by alarm or status, in the order of their names.

use keywatch_api::{
    cloudwatch::mutes::{AlarmMuteRuleSummary, ListAlarmMuteRulesRequest, ListAlarmMuteRulesResponse},
    page,
};
use keywatch_iam::Call;

use super::mute::{self, MuteRule};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

const RECORDS_DEFAULT: i32 = 50;

pub(crate) async fn list_alarm_mute_rules(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: ListAlarmMuteRulesRequest,
) -> Result<ListAlarmMuteRulesResponse, CloudWatchError> {
    call.authorize_own(
        "cloudwatch:ListAlarmMuteRules",
        &mute::arn(call.account().as_str(), call.region.as_str(), "*"),
    )?;
    let max = usize::try_from(request.max_records.unwrap_or(RECORDS_DEFAULT)).unwrap_or_default();
    let question = format!("ListAlarmMuteRules {:?} {:?}", request.alarm_name, request.statuses);
    let after = match &request.next_token {
        None => None,
        Some(token) => Some(page::decode(&question, token).map_err(|_| CloudWatchError::InvalidNextToken)?),
    };
    let (partition, now) = (call.partition(), call.now);
    let statuses = request.statuses.unwrap_or_default();
    let fits = |rule: &MuteRule| {
        request.alarm_name.as_deref().is_none_or(|alarm| rule.mutes(alarm))
            && (statuses.is_empty() || statuses.contains(&rule.status(now)))
            && after.as_ref().is_none_or(|after| rule.name > *after)
    };
    let mut rules = mute::rules(&mut call.tx, partition.as_str()).await?;
    rules.retain(fits);
    let more = rules.len() > max;
    rules.truncate(max);
    let next_token = rules.last().filter(|_| more).map(|rule| page::encode(&question, &rule.name));
    let summary = |rule: MuteRule| AlarmMuteRuleSummary {
        alarm_mute_rule_arn: rule.arn(),
        expire_date: rule.expire_date.map(Into::into),
        status: rule.status(now),
        mute_type: rule.mute_type(),
        last_updated_timestamp: rule.updated_at.into(),
    };
    Ok(ListAlarmMuteRulesResponse {
        alarm_mute_rule_summaries: rules.into_iter().map(summary).collect(),
        next_token,
    })
}
