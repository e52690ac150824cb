//! `EnableAlarmActions`: turns the actions of alarms on; their states go on.

use keywatch_api::cloudwatch::alarms::EnableAlarmActionsRequest;
use keywatch_iam::Call;

use super::actions_enabled;
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn enable_alarm_actions(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: EnableAlarmActionsRequest,
) -> Result<(), CloudWatchError> {
    actions_enabled::set(call, "cloudwatch:EnableAlarmActions", &request.alarm_names, true).await
}
