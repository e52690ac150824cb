//! `SetTopicAttributes`

use keywatch_api::sns::SetTopicAttributesRequest;
use keywatch_iam::Call;

use super::attributes::check_topic;
use super::{SnsError, topic};
use crate::notify::Notify;
use crate::notify::delivery_policy::TopicPolicy;
use crate::notify::topic::TOPIC;

pub(super) async fn set_topic_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: SetTopicAttributesRequest,
) -> Result<(), SnsError> {
    let (name, mut record) = topic(call, &request.topic_arn, "sns:SetTopicAttributes").await?;
    let value = request.attribute_value.unwrap_or_default();
    // Nothing is what these are without having been set.
    if is_cleared(&request.attribute_name, &value) {
        record.attributes.remove(&request.attribute_name);
    } else {
        check_topic(&request.attribute_name, &value, false, name.is_fifo())?;
        record.attributes.insert(request.attribute_name, value);
    }
    call.tx.put(TOPIC, &name.key(), &record)?;
    Ok(())
}

fn is_cleared(attribute: &str, value: &str) -> bool {
    match attribute {
        "DeliveryPolicy" => value.is_empty() || matches!(TopicPolicy::parse(value), Ok(None)),
        "DisplayName" | "Policy" => value.is_empty(),
        attribute => value.is_empty() && attribute.ends_with("FeedbackRoleArn"),
    }
}
