//! `SetAlarmState`: puts an alarm into a state by hand, with everything that follows. The next evaluation decides anew.

use keywatch_api::cloudwatch::{StateValue, alarms::SetAlarmStateRequest};
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, State, arn},
    change,
    hold::Around,
    mute::{self, muting},
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn set_alarm_state(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: SetAlarmStateRequest,
) -> Result<(), CloudWatchError> {
    call.authorize_own(
        "cloudwatch:SetAlarmState",
        &arn(call.account().as_str(), call.region.as_str(), &request.alarm_name),
    )?;
    let is_json = |data: &str| serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok();
    if request.state_reason_data.as_deref().is_some_and(|data| !is_json(data)) {
        return Err(CloudWatchError::InvalidFormat);
    }
    let key = alarm_key(call.partition().as_str(), &request.alarm_name);
    let alarm = call.tx.get::<Alarm>(ALARM, &key).await?.ok_or(CloudWatchError::NoSuchAlarm)?;
    if alarm.state.value == request.state_value {
        return Ok(());
    }
    let state = State {
        value: request.state_value,
        reason: request.state_reason,
        reason_data: request.state_reason_data,
        updated_at: call.now,
        transitioned_at: call.now,
        evaluation: None,
    };
    let around = around(call, &alarm).await?;
    Ok(change::write(&mut call.tx, alarm, state, &around, call.now)?)
}

/// What may hold the actions back.
async fn around(call: &mut Call<'_>, alarm: &Alarm) -> Result<Around, CloudWatchError> {
    let partition = call.partition();
    let rules = mute::rules(&mut call.tx, partition.as_str()).await?;
    let muted = muting(&rules, &alarm.name, call.now);
    let Some(suppressor) = alarm.config.composite().and_then(|rule| rule.suppressor.as_ref()) else {
        return Ok(Around { muted, suppressing: false });
    };
    let key = alarm_key(partition.as_str(), &suppressor.name);
    let other = call.tx.get::<Alarm>(ALARM, &key).await?;
    Ok(Around { muted, suppressing: other.is_some_and(|other| other.state.value == StateValue::Alarm) })
}
