//! `GetSubscriptionAttributes`

use std::collections::BTreeMap;

use keywatch_api::sns::{AttributesResponse, SubscriptionRequest};
use keywatch_iam::Call;

use super::{NO_SUBSCRIPTION, SnsError};
use crate::notify::Notify;
use crate::notify::topic::{SUBSCRIPTION, SubscriptionName, SubscriptionRecord};

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
    attributes.extend(record.attributes);
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
