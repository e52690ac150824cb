//! `SetSubscriptionAttributes`

use keywatch_api::sns::SetSubscriptionAttributesRequest;
use keywatch_iam::Call;

use super::SnsError;
use super::attributes::check_subscription;
use super::get_subscription_attributes::own;
use crate::notify::Notify;
use crate::notify::topic::SUBSCRIPTION;

pub(super) async fn set_subscription_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: SetSubscriptionAttributesRequest,
) -> Result<(), SnsError> {
    let (name, mut record) = own(call, &request.subscription_arn, "sns:SetSubscriptionAttributes").await?;
    let value = request.attribute_value.unwrap_or_default();
    let is_cleared = request.attribute_name == "DeliveryPolicy" && value.is_empty();
    if !is_cleared {
        check_subscription(&name.topic, &request.attribute_name, &value, false)?;
    }
    // "{}" and nothing clear a policy.
    if matches!(request.attribute_name.as_str(), "FilterPolicy" | "RedrivePolicy" | "DeliveryPolicy")
        && matches!(value.trim(), "" | "{}")
    {
        record.attributes.remove(&request.attribute_name);
    } else {
        record.attributes.insert(request.attribute_name, value);
    }
    call.tx.put(SUBSCRIPTION, &name.key(), &record)?;
    Ok(())
}
