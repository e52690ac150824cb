//! `DeleteLogGroup`: the group and its filters go at once, its streams and events in the background.

use keywatch_api::logs::DeleteLogGroupRequest;
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Logs, LogsError, access,
    put_metric_filter::FILTERS_MAX,
    record::{self, FILTER, FilterRecord, GARBAGE, GROUP, Garbage},
};

pub(crate) async fn delete_log_group(
    call: &mut Call<'_>,
    _: &Logs,
    request: DeleteLogGroupRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:DeleteLogGroup", &request.log_group_name)?;
    let group = access::group(call, &request.log_group_name).await?;
    if group.deletion_protection {
        return Err(LogsError::Protected(
            "The log group has deletion protection enabled and cannot be deleted.",
        ));
    }
    let key = record::group_key(&call.partition(), &group.name);
    let prefix = format!("{key}:");
    let scan = Scan { prefix: &prefix, after: None, limit: FILTERS_MAX };
    for (filter, _) in call.tx.scan::<FilterRecord>(FILTER, scan).await? {
        call.tx.delete(FILTER, &filter);
    }
    call.tx.delete(GROUP, &key);
    let garbage = Garbage::Group { id: group.id };
    call.tx.put(GARBAGE, &garbage.key(), &garbage)?;
    Ok(())
}
