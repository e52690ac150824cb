//! `UntagResource`: removes tags from an alarm; keys it does not have are ignored.

use keywatch_api::cloudwatch::alarms::UntagResourceRequest;
use keywatch_iam::Call;

use super::{store::ALARM, tagged};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn untag_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: UntagResourceRequest,
) -> Result<(), CloudWatchError> {
    let (key, mut alarm) = tagged::find(call, "cloudwatch:UntagResource", &request.resource_arn).await?;
    alarm.tags.retain(|tag| !request.tag_keys.contains(&tag.key));
    Ok(call.tx.put(ALARM, &key, &alarm)?)
}
