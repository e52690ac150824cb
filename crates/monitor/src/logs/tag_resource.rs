//! `TagResource`

use keywatch_api::logs::TagResourceRequest;
use keywatch_iam::Call;

use super::{Logs, LogsError, tags};

pub(crate) async fn tag_resource(
    call: &mut Call<'_>,
    _: &Logs,
    request: TagResourceRequest,
) -> Result<(), LogsError> {
    call.authorize_own("logs:TagResource", &request.resource_arn)?;
    let group = tags::tagged_group(call, &request.resource_arn)?;
    tags::add(call, &group, request.tags).await
}
