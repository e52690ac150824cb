//! `ListTagsForResource`: the tags of an alarm.

use keywatch_api::cloudwatch::alarms::{ListTagsForResourceRequest, ListTagsForResourceResponse};
use keywatch_iam::Call;

use super::tagged;
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn list_tags_for_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, CloudWatchError> {
    let (_, alarm) = tagged::find(call, "cloudwatch:ListTagsForResource", &request.resource_arn).await?;
    Ok(ListTagsForResourceResponse { tags: alarm.tags })
}
