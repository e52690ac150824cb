//! `DeleteAlarms`: deletes alarms; names nobody has are ignored. Their history stays. A child of a composite alarm stays too.

use keywatch_api::cloudwatch::alarms::DeleteAlarmsRequest;
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, arn},
    change::configured,
    composite::{parents, set_children},
    contributors::CONTRIBUTORS,
    history::Configured,
    put_composite_alarm::children_of,
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
    let mut alarms: Vec<Alarm> = Vec::new();
    for name in &request.alarm_names {
        let found = call.tx.get::<Alarm>(ALARM, &alarm_key(partition.as_str(), name)).await?;
        alarms.extend(found.filter(|found| !alarms.iter().any(|known| known.name == found.name)));
    }
    // A composite alarm goes before its children, which it would keep otherwise.
    alarms.sort_by_key(|alarm| alarm.config.composite().is_none());
    if alarms.iter().filter(|alarm| alarm.config.composite().is_some()).count() > 1 {
        let text = "Only one composite alarm can be deleted at a time.";
        return Err(CloudWatchError::Validation(text.into()));
    }
    for alarm in alarms {
        if !parents(&mut call.tx, partition.as_str(), &alarm.name).await?.is_empty() {
            let text =
                format!("Cannot delete {} as there are composite alarm(s) depending on it.", alarm.name);
            return Err(CloudWatchError::Validation(text));
        }
        let key = alarm_key(partition.as_str(), &alarm.name);
        set_children(&mut call.tx, partition.as_str(), &alarm.name, &children_of(&alarm), &[])?;
        call.tx.delete(ALARM, &key);
        if alarm.config.has_contributors() {
            call.tx.delete(CONTRIBUTORS, &key);
        }
        configured(&mut call.tx, &alarm, None, Configured::Deleted, call.now)?;
    }
    Ok(())
}
