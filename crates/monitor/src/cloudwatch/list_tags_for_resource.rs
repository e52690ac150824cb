//! `ListTagsForResource`: the tags of an alarm, a mute rule or a dashboard.

use keywatch_api::cloudwatch::alarms::{ListTagsForResourceRequest, ListTagsForResourceResponse};
use keywatch_iam::Call;

use super::tagged::Tagged;
use super::{CloudWatch, CloudWatchError};

pub(crate) async fn list_tags_for_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, CloudWatchError> {
    let mut tagged = Tagged::find(call, "cloudwatch:ListTagsForResource", &request.resource_arn).await?;
    Ok(ListTagsForResourceResponse { tags: std::mem::take(tagged.tags()) })
}
