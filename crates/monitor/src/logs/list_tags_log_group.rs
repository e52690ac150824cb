//! `ListTagsLogGroup`, the older spelling of `ListTagsForResource`

use keywatch_api::logs::{ListTagsLogGroupRequest, TagsResponse};
use keywatch_iam::Call;

use super::{Logs, LogsError, access};

pub(crate) async fn list_tags_log_group(
    call: &mut Call<'_>,
    _: &Logs,
    request: ListTagsLogGroupRequest,
) -> Result<TagsResponse, LogsError> {
    access::authorize_group(call, "logs:ListTagsLogGroup", &request.log_group_name)?;
    Ok(TagsResponse { tags: access::group(call, &request.log_group_name).await?.tags })
}
