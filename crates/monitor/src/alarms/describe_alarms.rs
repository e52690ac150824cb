//! `DescribeAlarms`: alarms by name, prefix, state or action, in the order of their names.

use keywatch_api::{
    cloudwatch::{
        AlarmType,
        alarms::{DescribeAlarmsRequest, DescribeAlarmsResponse},
    },
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    alarm::{Alarm, arn},
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub const RECORDS_MAX: i32 = 100;
/// Alarms read at once while looking for those that fit.
const READ_AT_ONCE: usize = 500;

pub(crate) async fn describe_alarms(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DescribeAlarmsRequest,
) -> Result<DescribeAlarmsResponse, CloudWatchError> {
    call.authorize_own(
        "cloudwatch:DescribeAlarms",
        &arn(call.account().as_str(), call.region.as_str(), "*"),
    )?;
    check(&request)?;
    let max = usize::try_from(request.max_records.unwrap_or(RECORDS_MAX)).unwrap_or_default();
    let question = question(&request);
    let mut after = match &request.next_token {
        None => None,
        Some(token) => Some(page::decode(&question, token).map_err(|_| CloudWatchError::InvalidNextToken)?),
    };
    let partition = call.partition();
    let prefix = alarm_key(partition.as_str(), request.alarm_name_prefix.as_deref().unwrap_or_default());
    let mut found: Vec<(String, Alarm)> = Vec::new();
    // Metric alarms are the only type there is; asked for composite ones alone, there are none.
    let wants_metric = request
        .alarm_types
        .as_ref()
        .is_none_or(|types| types.is_empty() || types.contains(&AlarmType::MetricAlarm));
    let is_relation = request.children_of_alarm_name.is_some() || request.parents_of_alarm_name.is_some();
    while wants_metric && !is_relation && found.len() <= max {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: READ_AT_ONCE };
        let rows = call.tx.scan::<Alarm>(ALARM, scan).await?;
        let Some((last, _)) = rows.last() else { break };
        after = Some(last.clone());
        found.extend(rows.into_iter().filter(|(_, alarm)| fits(alarm, &request)));
    }
    let more = found.len() > max;
    found.truncate(max);
    let next_token = found.last().filter(|_| more).map(|(key, _)| page::encode(&question, key));
    Ok(DescribeAlarmsResponse {
        composite_alarms: Vec::new(),
        metric_alarms: found.iter().map(|(_, alarm)| alarm.describe()).collect(),
        next_token,
    })
}

fn check(request: &DescribeAlarmsRequest) -> Result<(), CloudWatchError> {
    let names = request.alarm_names.as_ref().is_some_and(|names| !names.is_empty());
    if names && request.alarm_name_prefix.is_some() {
        let text = "Alarm name prefix and list of alarm names are mutually exclusive.";
        return Err(CloudWatchError::InvalidParameterCombination(text.into()));
    }
    let others = names
        || request.alarm_name_prefix.is_some()
        || request.state_value.is_some()
        || request.action_prefix.is_some();
    let (children, parents) =
        (request.children_of_alarm_name.is_some(), request.parents_of_alarm_name.is_some());
    if (children && parents) || ((children || parents) && others) {
        let text = "ChildrenOfAlarmName and ParentsOfAlarmName cannot be combined with other filters.";
        return Err(CloudWatchError::InvalidParameterCombination(text.into()));
    }
    Ok(())
}

fn fits(alarm: &Alarm, request: &DescribeAlarmsRequest) -> bool {
    let names = request.alarm_names.as_deref().unwrap_or_default();
    let has_action = |prefix: &str| {
        let config = &alarm.config;
        let lists = [&config.ok_actions, &config.alarm_actions, &config.insufficient_data_actions];
        lists.into_iter().flatten().any(|action| action.starts_with(prefix))
    };
    (names.is_empty() || names.contains(&alarm.name))
        && request.state_value.is_none_or(|state| alarm.state.value == state)
        && request.action_prefix.as_deref().is_none_or(has_action)
}

fn question(request: &DescribeAlarmsRequest) -> String {
    let DescribeAlarmsRequest { alarm_names, alarm_name_prefix, state_value, action_prefix, .. } = request;
    format!("DescribeAlarms {alarm_names:?} {alarm_name_prefix:?} {state_value:?} {action_prefix:?}")
}
