//! `UntagResource`: removes tags from an alarm, a mute rule or a dashboard; keys they do not have are ignored.

use keywatch_api::Empty;
use keywatch_api::cloudwatch::alarms::UntagResourceRequest;
use keywatch_iam::Call;

use super::tagged::Tagged;
use super::{CloudWatch, CloudWatchError};

pub(crate) async fn untag_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: UntagResourceRequest,
) -> Result<Empty, CloudWatchError> {
    let mut tagged = Tagged::find(call, "cloudwatch:UntagResource", &request.resource_arn).await?;
    tagged.tags().retain(|tag| !request.tag_keys.contains(&tag.key));
    tagged.put(&mut call.tx)?;
    Ok(Empty {})
}
