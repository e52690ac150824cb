//! `ListTagsForResource`: the tags of an alarm, a mute rule or a dashboard; an alarm that is not there has none.

use keywatch_api::cloudwatch::alarms::{ListTagsForResourceRequest, ListTagsForResourceResponse};
use keywatch_iam::Call;

use super::tagged::Tagged;
use super::{CloudWatch, CloudWatchError};

pub(crate) async fn list_tags_for_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, CloudWatchError> {
    match Tagged::find(call, "cloudwatch:ListTagsForResource", &request.resource_arn).await {
        Ok(mut tagged) => Ok(ListTagsForResourceResponse { tags: std::mem::take(tagged.tags()) }),
        // CloudWatch does not tell alarms that were deleted from alarms without tags (as recorded).
        Err(CloudWatchError::NoSuchResource { arn }) if arn.contains(":alarm:") => {
            Ok(ListTagsForResourceResponse { tags: Vec::new() })
        }
        Err(error) => Err(error),
    }
}
