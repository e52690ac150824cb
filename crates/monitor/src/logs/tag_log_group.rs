//! `TagLogGroup`, the older spelling of `TagResource`

use keywatch_api::logs::TagLogGroupRequest;
use keywatch_iam::Call;

use super::{Logs, LogsError, access, tags};

pub(crate) async fn tag_log_group(
    call: &mut Call<'_>,
    _: &Logs,
    request: TagLogGroupRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:TagLogGroup", &request.log_group_name)?;
    tags::add(call, &request.log_group_name, request.tags).await
}
