//! `GetTopicAttributes`

use std::collections::BTreeMap;

use keywatch_api::sns::{AttributesResponse, TopicRequest};
use keywatch_iam::Call;

use super::attributes::default_policy;
use super::{SnsError, confirmation, topic};
use crate::notify::Notify;
use crate::notify::delivery_policy::TopicPolicy;

pub(super) async fn get_topic_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: TopicRequest,
) -> Result<AttributesResponse, SnsError> {
    let (name, record) = topic(call, &request.topic_arn, "sns:GetTopicAttributes").await?;
    let subscriptions = confirmation::subscriptions_of(&mut call.tx, &name).await?;
    let confirmed = subscriptions.iter().filter(|(_, subscription)| subscription.confirmed).count();
    let policy = record.attributes.get("DeliveryPolicy").and_then(|text| TopicPolicy::parse(text).ok()?);
    let mut attributes: BTreeMap<String, String> = [
        ("TopicArn", name.arn().to_string()),
        ("Owner", name.account.to_string()),
        ("Policy", default_policy(&name)),
        ("DisplayName", String::new()),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsPending", (subscriptions.len() - confirmed).to_string()),
        ("SubscriptionsDeleted", record.subscriptions_deleted.to_string()),
        ("EffectiveDeliveryPolicy", policy.clone().unwrap_or_default().effective_shown()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if name.is_fifo() {
        attributes.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
    }
    attributes.extend(record.attributes);
    if let Some(policy) = policy {
        attributes.insert("DeliveryPolicy".to_owned(), policy.shown());
    }
    Ok(AttributesResponse { attributes })
}
