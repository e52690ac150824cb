//! `DeleteRetentionPolicy`: events are kept for ever again.

use keywatch_api::logs::DeleteRetentionPolicyRequest;
use keywatch_iam::Call;

use super::{Logs, LogsError, access};

pub(crate) async fn delete_retention_policy(
    call: &mut Call<'_>,
    _: &Logs,
    request: DeleteRetentionPolicyRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:DeleteRetentionPolicy", &request.log_group_name)?;
    let mut group = access::group(call, &request.log_group_name).await?;
    group.retention_days = None;
    access::put_group(call, &group)?;
    Ok(())
}
