//! `DescribeAlarms`: alarms by name, prefix, type, state or action, or the parents or children of one, in the order of their names.

use keywatch_api::{
    cloudwatch::{
        AlarmType,
        alarms::{DescribeAlarmsRequest, DescribeAlarmsResponse, Listed, Relative},
    },
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    alarm::{Alarm, arn},
    composite::parents,
    put_composite_alarm::children_of,
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
    let after = match &request.next_token {
        None => None,
        Some(token) => Some(page::decode(&question, token).map_err(|_| CloudWatchError::InvalidNextToken)?),
    };
    let mut found = match (&request.children_of_alarm_name, &request.parents_of_alarm_name) {
        (Some(name), _) => relatives(call, name, after, true).await?,
        (None, Some(name)) => relatives(call, name, after, false).await?,
        (None, None) => matching(call, &request, after, max + 1).await?,
    };
    let more = found.len() > max;
    found.truncate(max);
    let next_token = found.last().filter(|_| more).map(|alarm| page::encode(&question, &alarm.name));
    Ok(answer(&request, &found, next_token))
}

/// Up to `wanted` alarms that fit, in the order of their names, after the one named `after`.
async fn matching(
    call: &mut Call<'_>,
    request: &DescribeAlarmsRequest,
    after: Option<String>,
    wanted: usize,
) -> Result<Vec<Alarm>, CloudWatchError> {
    let partition = call.partition();
    let prefix = alarm_key(partition.as_str(), request.alarm_name_prefix.as_deref().unwrap_or_default());
    let mut after = after.map(|name| alarm_key(partition.as_str(), &name));
    let mut found: Vec<Alarm> = Vec::new();
    while found.len() < wanted {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: READ_AT_ONCE };
        let rows = call.tx.scan::<Alarm>(ALARM, scan).await?;
        let Some((last, _)) = rows.last() else { break };
        after = Some(last.clone());
        found.extend(rows.into_iter().map(|(_, alarm)| alarm).filter(|alarm| fits(alarm, request)));
    }
    found.truncate(wanted);
    Ok(found)
}

/// The children or the parents of an alarm, in the order of their names, after the one named `after`.
async fn relatives(
    call: &mut Call<'_>,
    name: &str,
    after: Option<String>,
    children: bool,
) -> Result<Vec<Alarm>, CloudWatchError> {
    let partition = call.partition();
    let names = if children {
        let alarm = call.tx.get::<Alarm>(ALARM, &alarm_key(partition.as_str(), name)).await?;
        alarm.as_ref().map(children_of).unwrap_or_default()
    } else {
        parents(&mut call.tx, partition.as_str(), name).await?
    };
    let mut found = Vec::new();
    for name in names.iter().filter(|name| after.as_ref().is_none_or(|after| *name > after)) {
        found.extend(call.tx.get::<Alarm>(ALARM, &alarm_key(partition.as_str(), name)).await?);
    }
    Ok(found)
}

fn answer(
    request: &DescribeAlarmsRequest,
    found: &[Alarm],
    next_token: Option<String>,
) -> DescribeAlarmsResponse {
    let (mut composite_alarms, mut metric_alarms) = (Vec::new(), Vec::new());
    let of_children = request.children_of_alarm_name.is_some();
    let is_relation = of_children || request.parents_of_alarm_name.is_some();
    for alarm in found {
        let relative = || Relative {
            alarm_name: alarm.name.clone(),
            alarm_arn: alarm.arn(),
            state_value: of_children.then_some(alarm.state.value),
            state_updated_timestamp: of_children.then(|| alarm.state.updated_at.into()),
        };
        match alarm.alarm_type() {
            AlarmType::CompositeAlarm if is_relation => composite_alarms.push(Listed::Relative(relative())),
            AlarmType::MetricAlarm if is_relation => metric_alarms.push(Listed::Relative(relative())),
            _ => {
                composite_alarms.extend(alarm.describe_composite().map(|one| Listed::Whole(Box::new(one))));
                metric_alarms.extend(alarm.describe_metric().map(|one| Listed::Whole(Box::new(one))));
            }
        }
    }
    DescribeAlarmsResponse { composite_alarms, metric_alarms, next_token }
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
        || request.action_prefix.is_some()
        || request.alarm_types.as_ref().is_some_and(|types| !types.is_empty());
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
    let has_action = |prefix: &str| alarm.config.all_actions().any(|action| action.starts_with(prefix));
    // Without types metric alarms are meant; CloudWatch answers composite ones only to those who ask.
    let types = request.alarm_types.as_deref().unwrap_or_default();
    let is_wanted = match alarm.alarm_type() {
        AlarmType::MetricAlarm if types.is_empty() => true,
        own => types.contains(&own),
    };
    is_wanted
        && (names.is_empty() || names.contains(&alarm.name))
        && request.state_value.is_none_or(|state| alarm.state.value == state)
        && request.action_prefix.as_deref().is_none_or(has_action)
}

fn question(request: &DescribeAlarmsRequest) -> String {
    let DescribeAlarmsRequest { alarm_names, alarm_name_prefix, state_value, action_prefix, .. } = request;
    let relations = (&request.children_of_alarm_name, &request.parents_of_alarm_name, &request.alarm_types);
    format!(
        "DescribeAlarms {alarm_names:?} {alarm_name_prefix:?} {state_value:?} {action_prefix:?} {relations:?}"
    )
}
