//! `GetSubscriptionAttributes`

use std::collections::BTreeMap;

use keywatch_api::sns::{AttributesResponse, SubscriptionRequest};
use keywatch_iam::Call;

use super::{NO_SUBSCRIPTION, SnsError};
use crate::notify::Notify;
use crate::notify::delivery_policy::{SubscriptionPolicy, TopicPolicy};
use crate::notify::topic::{SUBSCRIPTION, SubscriptionName, SubscriptionRecord, TOPIC, TopicRecord};

pub(super) async fn get_subscription_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: SubscriptionRequest,
) -> Result<AttributesResponse, SnsError> {
    let (name, record) = own(call, &request.subscription_arn, "sns:GetSubscriptionAttributes").await?;
    let mut attributes: BTreeMap<String, String> = [
        ("SubscriptionArn", format!("{}:{}", name.topic.arn(), record.id)),
        ("TopicArn", name.topic.arn().to_string()),
        ("Owner", record.owner),
        ("Protocol", record.protocol.as_str().to_owned()),
        ("Endpoint", record.endpoint),
        ("ConfirmationWasAuthenticated", record.authenticated.to_string()),
        ("PendingConfirmation", (!record.confirmed).to_string()),
        ("RawMessageDelivery", "false".to_owned()),
        ("SubscriptionPrincipal", record.principal),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if record.attributes.contains_key("FilterPolicy") {
        attributes.insert("FilterPolicyScope".to_owned(), "MessageAttributes".to_owned());
    }
    let policy =
        record.attributes.get("DeliveryPolicy").and_then(|text| SubscriptionPolicy::parse(text).ok());
    attributes.extend(record.attributes);
    if let Some(policy) = policy {
        let topic: Option<TopicRecord> = call.tx.get(TOPIC, &name.topic.key()).await?;
        let text = topic.as_ref().and_then(|topic| topic.attributes.get("DeliveryPolicy"));
        let of_topic = text.and_then(|text| TopicPolicy::parse(text).ok()?).unwrap_or_default();
        attributes.insert("DeliveryPolicy".to_owned(), policy.shown());
        attributes.insert("EffectiveDeliveryPolicy".to_owned(), policy.effective_shown(&of_topic));
    }
    Ok(AttributesResponse { attributes })
}

/// The subscription of that ARN, for its owner and the topic's.
pub(super) async fn own(
    call: &mut Call<'_>,
    arn: &str,
    action: &str,
) -> Result<(SubscriptionName, SubscriptionRecord), SnsError> {
    let name = SubscriptionName::parse(arn)?;
    call.authorize_own(action, "*")?;
    let found: Option<SubscriptionRecord> = call.tx.get(SUBSCRIPTION, &name.key()).await?;
    let found = found.ok_or(NO_SUBSCRIPTION)?;
    let account = call.account();
    if *account != name.topic.account && account.as_str() != found.owner {
        return Err(NO_SUBSCRIPTION);
    }
    Ok((name, found))
}
