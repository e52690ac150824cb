//! The switch that `EnableAlarmActions` and `DisableAlarmActions` turn.

use keywatch_iam::Call;

use super::{
    alarm::{Alarm, arn},
    change::configured,
    history::Configured,
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::CloudWatchError;

/// Turns the actions of alarms on or off; unknown names are ignored, and alarms that are so already stay untouched.
pub(super) async fn set(
    call: &mut Call<'_>,
    action: &str,
    names: &[String],
    enabled: bool,
) -> Result<(), CloudWatchError> {
    for name in names {
        call.authorize_own(action, &arn(call.account().as_str(), call.region.as_str(), name))?;
    }
    let partition = call.partition();
    for name in names {
        let key = alarm_key(partition.as_str(), name);
        let Some(before) = call.tx.get::<Alarm>(ALARM, &key).await? else { continue };
        if before.config.actions_enabled == enabled {
            continue;
        }
        let mut alarm = before.clone();
        alarm.config.actions_enabled = enabled;
        alarm.configured_at = call.now;
        call.tx.put(ALARM, &key, &alarm)?;
        configured(&mut call.tx, &alarm, Some(&before), Configured::Updated, call.now)?;
    }
    Ok(())
}
