//! `SetTopicAttributes`

use keywatch_api::sns::SetTopicAttributesRequest;
use keywatch_iam::Call;

use super::attributes::check_topic;
use super::{SnsError, topic};
use crate::notify::Notify;
use crate::notify::topic::TOPIC;

pub(super) async fn set_topic_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: SetTopicAttributesRequest,
) -> Result<(), SnsError> {
    let (name, mut record) = topic(call, &request.topic_arn, "sns:SetTopicAttributes").await?;
    let value = request.attribute_value.unwrap_or_default();
    // Nothing is what these are without having been set.
    if value.is_empty() && may_be_cleared(&request.attribute_name) {
        record.attributes.remove(&request.attribute_name);
    } else {
        check_topic(&request.attribute_name, &value, false)?;
        record.attributes.insert(request.attribute_name, value);
    }
    call.tx.put(TOPIC, &name.key(), &record)?;
    Ok(())
}

fn may_be_cleared(attribute: &str) -> bool {
    matches!(attribute, "DisplayName" | "Policy") || attribute.ends_with("FeedbackRoleArn")
}
