//! `DescribeAlarmContributors`: the time series of an alarm that are in `ALARM`, in the order of their ids.

use keywatch_api::{
    cloudwatch::{
        StateValue,
        alarms::{AlarmContributor, DescribeAlarmContributorsRequest, DescribeAlarmContributorsResponse},
    },
    page,
};
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, arn},
    contributors::{CONTRIBUTORS, Contributor, Contributors},
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

/// Contributors of one page.
const PAGE: usize = 100;

pub(crate) async fn describe_alarm_contributors(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DescribeAlarmContributorsRequest,
) -> Result<DescribeAlarmContributorsResponse, CloudWatchError> {
    let arn = arn(call.account().as_str(), call.region.as_str(), &request.alarm_name);
    call.authorize_own("cloudwatch:DescribeAlarmContributors", &arn)?;
    let question = format!("DescribeAlarmContributors {}", request.alarm_name);
    let after = match &request.next_token {
        None => None,
        Some(token) => Some(page::decode(&question, token).map_err(|_| CloudWatchError::InvalidNextToken)?),
    };
    let key = alarm_key(call.partition().as_str(), &request.alarm_name);
    if call.tx.get::<Alarm>(ALARM, &key).await?.is_none() {
        return Err(CloudWatchError::NoSuchResource { arn });
    }
    let all = call.tx.get::<Contributors>(CONTRIBUTORS, &key).await?.unwrap_or_default().all;
    let in_alarm = all.into_iter().filter(|(_, one)| one.value == StateValue::Alarm);
    let mut found: Vec<(String, Contributor)> =
        in_alarm.filter(|(id, _)| after.as_ref().is_none_or(|after| id > after)).take(PAGE + 1).collect();
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next_token = found.last().filter(|_| more).map(|(id, _)| page::encode(&question, id));
    let shown = |(contributor_id, one): (String, Contributor)| AlarmContributor {
        contributor_id,
        contributor_attributes: one.attributes,
        state_reason: one.reason,
        state_transitioned_timestamp: one.transitioned_at.into(),
    };
    Ok(DescribeAlarmContributorsResponse {
        alarm_contributors: found.into_iter().map(shown).collect(),
        next_token,
    })
}
