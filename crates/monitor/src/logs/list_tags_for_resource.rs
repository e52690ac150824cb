//! `ListTagsForResource`

use keywatch_api::logs::{ListTagsForResourceRequest, TagsResponse};
use keywatch_iam::Call;

use super::{Logs, LogsError, access, tags};

pub(crate) async fn list_tags_for_resource(
    call: &mut Call<'_>,
    _: &Logs,
    request: ListTagsForResourceRequest,
) -> Result<TagsResponse, LogsError> {
    call.authorize_own("logs:ListTagsForResource", &request.resource_arn)?;
    let group = tags::tagged_group(call, &request.resource_arn)?;
    Ok(TagsResponse { tags: access::group(call, &group).await?.tags })
}
