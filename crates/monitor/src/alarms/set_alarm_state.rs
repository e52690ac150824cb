//! `SetAlarmState`: puts an alarm into a state by hand, with everything that follows. The next evaluation decides anew.

use keywatch_api::cloudwatch::alarms::SetAlarmStateRequest;
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, State, arn},
    change,
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
    };
    Ok(change::write(&mut call.tx, alarm, state, call.now)?)
}
