//! `UntagResource`

use keywatch_api::logs::UntagResourceRequest;
use keywatch_iam::Call;

use super::{Logs, LogsError, tags};

pub(crate) async fn untag_resource(
    call: &mut Call<'_>,
    _: &Logs,
    request: UntagResourceRequest,
) -> Result<(), LogsError> {
    call.authorize_own("logs:UntagResource", &request.resource_arn)?;
    let group = tags::tagged_group(call, &request.resource_arn)?;
    tags::remove(call, &group, &request.tag_keys).await
}
