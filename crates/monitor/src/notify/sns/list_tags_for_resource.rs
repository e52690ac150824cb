//! `ListTagsForResource`

use keywatch_api::sns::{ResourceRequest, Tag, TagsResponse};
use keywatch_iam::Call;

use super::SnsError;
use super::tag_resource::tagged;
use crate::notify::Notify;

pub(super) async fn list_tags_for_resource(
    call: &mut Call<'_>,
    _: &Notify,
    request: ResourceRequest,
) -> Result<TagsResponse, SnsError> {
    let (_, record) = tagged(call, &request.resource_arn, "sns:ListTagsForResource").await?;
    Ok(TagsResponse { tags: record.tags.into_iter().map(|(key, value)| Tag { key, value }).collect() })
}
