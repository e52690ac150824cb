//! `DisableAlarmActions`: turns the actions of alarms off; their states go on.

use keywatch_api::cloudwatch::alarms::DisableAlarmActionsRequest;
use keywatch_iam::Call;

use super::actions_enabled;
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn disable_alarm_actions(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DisableAlarmActionsRequest,
) -> Result<(), CloudWatchError> {
    actions_enabled::set(call, "cloudwatch:DisableAlarmActions", &request.alarm_names, false).await
}
