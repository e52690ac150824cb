//! `UntagResource`: keys that are not there are passed over.

use keywatch_api::Empty;
use keywatch_api::sns::UntagResourceRequest;
use keywatch_iam::Call;

use super::SnsError;
use super::tag_resource::tagged;
use crate::notify::Notify;
use crate::notify::topic::TOPIC;

pub(super) async fn untag_resource(
    call: &mut Call<'_>,
    _: &Notify,
    request: UntagResourceRequest,
) -> Result<Empty, SnsError> {
    let (name, mut record) = tagged(call, &request.resource_arn, "sns:UntagResource").await?;
    record.tags.retain(|key, _| !request.tag_keys.contains(key));
    call.tx.put(TOPIC, &name.key(), &record)?;
    Ok(Empty {})
}
