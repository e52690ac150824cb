//! `DeleteAlarms`: deletes alarms; names nobody has are ignored. Their history stays.

use keywatch_api::cloudwatch::{HistoryItemType, alarms::DeleteAlarmsRequest};
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, arn},
    change::add_history,
    history::Configured,
    store::{ALARM, alarm_key},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_alarms(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DeleteAlarmsRequest,
) -> Result<(), CloudWatchError> {
    for name in &request.alarm_names {
        call.authorize_own(
            "cloudwatch:DeleteAlarms",
            &arn(call.account().as_str(), call.region.as_str(), name),
        )?;
    }
    let partition = call.partition();
    for name in &request.alarm_names {
        let key = alarm_key(partition.as_str(), name);
        let Some(alarm) = call.tx.get::<Alarm>(ALARM, &key).await? else { continue };
        call.tx.delete(ALARM, &key);
        let (summary, data) = (Configured::Deleted.summary(name), Configured::Deleted.data(&alarm));
        add_history(&mut call.tx, &alarm, HistoryItemType::ConfigurationUpdate, summary, data, call.now)?;
    }
    Ok(())
}
