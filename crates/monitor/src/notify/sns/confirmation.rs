//! Confirming and unsubscribing, whether a signed call or a visited link asks for it.

use jiff::Timestamp;
use keywatch_crypto::RootKeyring;
use keywatch_store::{Scan, StoreError, Transaction};
use uuid::Uuid;

use super::{NO_TOPIC, SnsError};
use crate::notify::delivery::{DELIVERY, Delivery, EXPIRY, Expiry, Work, due_key};
use crate::notify::token::{self, NewToken, TOKEN, TokenRecord};
use crate::notify::topic::{
    ENDPOINT, EndpointRecord, SUBSCRIPTION, SubscriptionName, SubscriptionRecord, TOPIC, TopicName,
    TopicRecord,
};

/// Subscriptions of one topic.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Who confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmer<'a> {
    /// Whoever visits the link.
    Visitor,
    /// A signed call by this account.
    Signed(&'a str),
}

/// All subscriptions of a topic with their keys.
pub(crate) async fn subscriptions_of(
    tx: &mut Transaction<'_>,
    topic: &TopicName,
) -> Result<Vec<(String, SubscriptionRecord)>, StoreError> {
    let prefix = format!("{}/", topic.key());
    tx.scan(SUBSCRIPTION, Scan { prefix: &prefix, after: None, limit: SUBSCRIPTIONS_MAX }).await
}

/// Confirms the subscription a token belongs to; gives its ARN. Again and again the same, while the token is good.
pub(crate) async fn confirm(
    tx: &mut Transaction<'_>,
    topic: &TopicName,
    presented: &str,
    confirmer: Confirmer<'_>,
    lock: bool,
    now: Timestamp,
) -> Result<String, SnsError> {
    if !token::is_token(presented) {
        return Err(SnsError::parameter("Token"));
    }
    tx.get::<TopicRecord>(TOPIC, &topic.key()).await?.ok_or(NO_TOPIC)?;
    let token: Option<TokenRecord> = tx.get(TOKEN, &token::key_of(topic, presented)).await?;
    let token = token.filter(|token| token.accepts(presented, now)).ok_or(SnsError::InvalidToken)?;
    let key = topic.subscription_key(&token.subscription);
    let found: Option<SubscriptionRecord> = tx.get(SUBSCRIPTION, &key).await?;
    let mut subscription = match (found, token.restores) {
        (Some(found), _) => found,
        (None, Some(restored)) => restore(tx, topic, restored).await?,
        (None, None) => return Err(SnsError::InvalidToken),
    };
    if lock && confirmer != Confirmer::Signed(&subscription.owner) {
        return Err(SnsError::Authorization(
            "To disallow anonymous unsubscription, subscriber and confirmer IDs must match",
        ));
    }
    if !subscription.confirmed || (lock && !subscription.unsubscribe_needs_authentication) {
        subscription.confirmed = true;
        subscription.authenticated |= confirmer != Confirmer::Visitor;
        subscription.unsubscribe_needs_authentication |= lock;
        tx.put(SUBSCRIPTION, &key, &subscription)?;
    }
    Ok(format!("{}:{}", topic.arn(), subscription.id))
}

/// Brings back what was unsubscribed, unless the endpoint was subscribed anew meanwhile.
async fn restore(
    tx: &mut Transaction<'_>,
    topic: &TopicName,
    restored: SubscriptionRecord,
) -> Result<SubscriptionRecord, SnsError> {
    let endpoint = topic.endpoint_key(restored.protocol.as_str(), &restored.endpoint);
    if tx.get::<EndpointRecord>(ENDPOINT, &endpoint).await?.is_some() {
        return Err(SnsError::InvalidToken);
    }
    tx.insert(ENDPOINT, &endpoint, &EndpointRecord { subscription: restored.id.clone() })?;
    Ok(SubscriptionRecord { confirmed: false, ..restored })
}

/// Removes a subscription. A web hook is told, with a token that brings the subscription back.
pub(crate) async fn remove(
    tx: &mut Transaction<'_>,
    keyring: &RootKeyring,
    name: &SubscriptionName,
    subscription: SubscriptionRecord,
    now: Timestamp,
) -> Result<(), SnsError> {
    let topic: Option<TopicRecord> = tx.get(TOPIC, &name.topic.key()).await?;
    let endpoint = name.topic.endpoint_key(subscription.protocol.as_str(), &subscription.endpoint);
    tx.delete(ENDPOINT, &endpoint);
    tx.delete(SUBSCRIPTION, &name.key());
    let Some(mut topic) = topic else { return Ok(()) };
    topic.subscriptions_deleted += 1;
    tx.put(TOPIC, &name.topic.key(), &topic)?;
    if subscription.confirmed && subscription.protocol.is_http() {
        let token = NewToken::new(&name.topic, &subscription.id, now, Some(subscription.clone()));
        let message_id = Uuid::new_v4().to_string();
        let work = Work::Farewell { message_id, token: token.sealed(keyring) };
        ask(tx, &name.topic, &topic, &subscription, token, work, now)?;
    }
    Ok(())
}

/// Asks an endpoint whether it wants the subscription.
pub(crate) fn ask_to_confirm(
    tx: &mut Transaction<'_>,
    keyring: &RootKeyring,
    name: &TopicName,
    topic: &TopicRecord,
    subscription: &SubscriptionRecord,
    now: Timestamp,
) -> Result<(), SnsError> {
    let token = NewToken::new(name, &subscription.id, now, None);
    let work = Work::Confirm { message_id: Uuid::new_v4().to_string(), token: token.sealed(keyring) };
    ask(tx, name, topic, subscription, token, work, now)
}

/// Keeps a token for as long as it is good, and sends what carries it.
fn ask(
    tx: &mut Transaction<'_>,
    name: &TopicName,
    topic: &TopicRecord,
    subscription: &SubscriptionRecord,
    token: NewToken,
    work: Work,
    now: Timestamp,
) -> Result<(), SnsError> {
    let expiry =
        Expiry::Token { key: token.key.clone(), subscription_key: name.subscription_key(&subscription.id) };
    tx.put(EXPIRY, &due_key(token.record.expires), &expiry)?;
    tx.put(TOKEN, &token.key, &token.record)?;
    let delivery = Delivery {
        topic_arn: name.arn().to_string(),
        subscription: subscription.id.clone(),
        protocol: subscription.protocol,
        endpoint: subscription.endpoint.clone(),
        signature: topic.signature_version(),
        display_name: topic.display_name().to_owned(),
        raw: false,
        attempts: 0,
        created: now,
        work,
    };
    tx.put(DELIVERY, &due_key(now), &delivery)?;
    Ok(())
}
