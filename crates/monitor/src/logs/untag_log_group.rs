//! `UntagLogGroup`, the older spelling of `UntagResource`

use keywatch_api::logs::UntagLogGroupRequest;
use keywatch_iam::Call;

use super::{Logs, LogsError, access, tags};

pub(crate) async fn untag_log_group(
    call: &mut Call<'_>,
    _: &Logs,
    request: UntagLogGroupRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:UntagLogGroup", &request.log_group_name)?;
    tags::remove(call, &request.log_group_name, &request.tags).await
}
