//! `DeleteMetricFilter`

use keywatch_api::logs::DeleteMetricFilterRequest;
use keywatch_iam::Call;

use super::{
    Logs, LogsError, access,
    record::{self, FILTER, FilterRecord},
};

pub(crate) async fn delete_metric_filter(
    call: &mut Call<'_>,
    _: &Logs,
    request: DeleteMetricFilterRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:DeleteMetricFilter", &request.log_group_name)?;
    let group = access::group(call, &request.log_group_name).await?;
    let key = record::filter_key(&call.partition(), &group.name, &request.filter_name);
    if call.tx.get::<FilterRecord>(FILTER, &key).await?.is_none() {
        return Err(LogsError::FilterNotFound);
    }
    call.tx.delete(FILTER, &key);
    Ok(())
}
