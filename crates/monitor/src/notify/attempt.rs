//! One attempt of one delivery: find out what is to be said, say it, and commit what follows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::{Arn, Blob};
use keywatch_store::{Batch, CommitError, Partition, StoreError, Transaction, decode, encode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::Inner;
use super::delivery::{self, Delivery, MESSAGE, Outcome, StoredMessage, Work, due_key};
use super::delivery_policy::{Effective, effective};
use super::document::{Handshake, Notification, text_for};
use super::list_outbox::OUTBOX;
use super::mail::{self, AlarmPage, Html, Mail};
use super::queue::{QUEUE, QueueRecord, QueuedMessage, rows};
use super::retry::RetryPolicy;
use super::sns::dead_letter_queue;
use super::sqs;
use super::token::unseal;
use super::topic::{Protocol, SUBSCRIPTION, SubscriptionRecord, TOPIC, TopicName, TopicRecord};
use super::webhook::Post;
use crate::entry::{Body as _, Message};
use crate::metrics::derive::services::settled;

/// The subject of messages without one.
const SUBJECT_DEFAULT: &str = "AWS Notification Message";
const SUBJECT_CONFIRMATION: &str = "AWS Notification - Subscription Confirmation";

/// Attempts the delivery in row `key` and commits the outcome.
pub(super) async fn attempt(inner: &Inner, key: &str, delivery: Delivery) -> Result<(), StoreError> {
    let message = match &delivery.work {
        Work::Notify { message_id } => stored_message(inner, message_id).await?,
        Work::Confirm { .. } | Work::Farewell { .. } => None,
    };
    let outcome = tell(inner, &delivery, message.as_ref()).await?;
    let now = inner.clock.now();
    let is_notice = matches!(delivery.work, Work::Notify { .. });
    let was_taken = outcome == Outcome::Delivered;
    let policy = match delivery.protocol.is_http() {
        true => policy_of(inner, &delivery).await?.retry,
        false => RetryPolicy::of(delivery.protocol),
    };
    let next = delivery::next(&policy, delivery.attempts, outcome.clone(), now);
    inner.counters.attempted(&outcome, &next);
    match &next {
        delivery::Next::Done => {
            tracing::debug!(endpoint = %delivery.protocol.as_str(), "A message was delivered")
        }
        delivery::Next::Again(at) => {
            tracing::warn!(topic = %delivery.topic_arn, attempts = delivery.attempts + 1, due = %at, "A delivery failed and will be tried again");
        }
        delivery::Next::GiveUp(reason) => {
            tracing::error!(topic = %delivery.topic_arn, subscription = %delivery.subscription, reason, "A delivery was given up");
        }
    }
    let letter = match &next {
        delivery::Next::GiveUp(_) => dead_letter(inner, &delivery, message.as_ref(), now).await?,
        delivery::Next::Done | delivery::Next::Again(_) => None,
    };
    let was_given_up = matches!(next, delivery::Next::GiveUp(_));
    let counted = if is_notice && (was_taken || was_given_up) {
        let topic: Option<Arn> = delivery.topic_arn.parse().ok();
        topic.map(|topic| {
            let place = Partition::new(&topic.account, &topic.region);
            settled(&delivery.topic_arn, was_taken, now).append(place, now)
        })
    } else {
        None
    };
    let mut batch = delivery::settle(key, delivery, message, next, now)?;
    batch.appends.extend(counted);
    if let Some(letter) = letter {
        batch.puts.extend(letter.puts);
    }
    match inner.store.commit(batch).await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
        // The batch demands nothing that could conflict.
        Err(CommitError::Conflict { .. }) => Ok(()),
    }
}

/// How a web hook is delivered to, as its topic and its subscription say now.
async fn policy_of(inner: &Inner, delivery: &Delivery) -> Result<Effective, StoreError> {
    let subscription = subscription_of(inner, delivery).await?;
    let topic = match TopicName::parse(&delivery.topic_arn, "TopicArn") {
        Ok(name) => inner.store.get(TOPIC, &name.key()).await?,
        Err(_) => None,
    };
    let topic: Option<TopicRecord> = topic.map(|row| decode(&row.bytes)).transpose()?;
    let of_topic = topic.as_ref().and_then(|topic| topic.attributes.get("DeliveryPolicy"));
    let own = subscription.as_ref().and_then(|subscription| subscription.attributes.get("DeliveryPolicy"));
    Ok(effective(of_topic.map(String::as_str), own.map(String::as_str)))
}

/// What was given up, as a message of the queue that the subscription's redrive policy names.
async fn dead_letter(
    inner: &Inner,
    delivery: &Delivery,
    message: Option<&StoredMessage>,
    now: Timestamp,
) -> Result<Option<Batch>, StoreError> {
    let Some(stored) = message else { return Ok(None) };
    let Some(subscription) = subscription_of(inner, delivery).await? else { return Ok(None) };
    let policy = subscription.attributes.get("RedrivePolicy");
    let Some(name) = policy.and_then(|policy| dead_letter_queue(policy)) else { return Ok(None) };
    let Some(row) = inner.store.get(QUEUE, &name.key()).await? else { return Ok(None) };
    let queue: QueueRecord = decode(&row.bytes)?;
    // Mails and web hooks have no groups, which a queue in order would need.
    if queue.is_fifo() || !sqs::service_may_send(&queue, &name, "sns.amazonaws.com", &delivery.topic_arn, now)
    {
        return Ok(None);
    }
    let Some(text) = text_for(&stored.message, delivery.protocol.as_str()) else { return Ok(None) };
    let arn = format!("{}:{}", delivery.topic_arn, delivery.subscription);
    let body = match delivery.raw {
        true => text,
        false => notification(inner, delivery, stored, &text, &arn).await?,
    };
    let attributes = if delivery.raw { stored.message.attributes.clone() } else { BTreeMap::new() };
    let mut tx = Transaction::new(&inner.store);
    rows::add(&mut tx, &name, &queue, QueuedMessage::from_service(body, attributes, now, now)).await?;
    inner.waiters.stir(&queue.incarnation);
    Ok(Some(tx.into_batch()))
}

async fn stored_message(inner: &Inner, id: &str) -> Result<Option<StoredMessage>, StoreError> {
    inner.store.get(MESSAGE, id).await?.map(|row| decode(&row.bytes)).transpose()
}

async fn tell(
    inner: &Inner,
    delivery: &Delivery,
    message: Option<&StoredMessage>,
) -> Result<Outcome, StoreError> {
    let subscription = subscription_of(inner, delivery).await?;
    match (&delivery.work, subscription) {
        (Work::Notify { .. }, Some(subscription)) if subscription.confirmed => match message {
            Some(message) => notify(inner, delivery, message).await,
            None => Ok(Outcome::Refused("the message is gone".into())),
        },
        (Work::Confirm { message_id, token }, Some(subscription)) if !subscription.confirmed => {
            let token = unseal(&inner.keyring, &delivery.subscription, token)?;
            confirm(inner, delivery, message_id, &token).await
        }
        (Work::Farewell { message_id, token }, _) => {
            let token = unseal(&inner.keyring, &delivery.subscription, token)?;
            farewell(inner, delivery, message_id, &token).await
        }
        // Unsubscribed, or confirmed, meanwhile.
        _ => Ok(Outcome::Dropped),
    }
}

async fn subscription_of(
    inner: &Inner,
    delivery: &Delivery,
) -> Result<Option<SubscriptionRecord>, StoreError> {
    let Ok(topic) = TopicName::parse(&delivery.topic_arn, "TopicArn") else { return Ok(None) };
    let row = inner.store.get(SUBSCRIPTION, &topic.subscription_key(&delivery.subscription)).await?;
    row.map(|row| decode(&row.bytes)).transpose()
}

/// The link that confirms, for programs.
fn subscribe_url(endpoint: &str, topic_arn: &str, token: &str) -> String {
    format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}")
}

/// The link that unsubscribes, for programs.
pub(super) fn unsubscribe_url(endpoint: &str, subscription_arn: &str) -> String {
    format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}")
}

fn in_query(text: &str) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
    utf8_percent_encode(text, RESERVED).to_string()
}

async fn confirm(
    inner: &Inner,
    delivery: &Delivery,
    message_id: &str,
    token: &str,
) -> Result<Outcome, StoreError> {
    let topic_arn = &delivery.topic_arn;
    if matches!(delivery.protocol, Protocol::Email) {
        let link = format!(
            "{}/confirmation.html?TopicArn={topic_arn}&Token={token}&Endpoint={}",
            inner.endpoint,
            in_query(&delivery.endpoint)
        );
        let body = mail::confirmation_text(topic_arn, &link);
        return send(inner, delivery, SUBJECT_CONFIRMATION.to_owned(), body, None).await;
    }
    let text = format!(
        "You have chosen to subscribe to the topic {topic_arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
    );
    let body = handshake(inner, delivery, "SubscriptionConfirmation", message_id, token, &text).await?;
    if delivery.protocol.is_http() {
        return post(inner, delivery, "SubscriptionConfirmation", message_id, None, body).await;
    }
    send(inner, delivery, SUBJECT_CONFIRMATION.to_owned(), body, None).await
}

async fn farewell(
    inner: &Inner,
    delivery: &Delivery,
    message_id: &str,
    token: &str,
) -> Result<Outcome, StoreError> {
    let arn = format!("{}:{}", delivery.topic_arn, delivery.subscription);
    let text = format!(
        "You have chosen to deactivate subscription {arn}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    );
    let body = handshake(inner, delivery, "UnsubscribeConfirmation", message_id, token, &text).await?;
    post(inner, delivery, "UnsubscribeConfirmation", message_id, Some(arn), body).await
}

async fn handshake(
    inner: &Inner,
    delivery: &Delivery,
    kind: &'static str,
    message_id: &str,
    token: &str,
    text: &str,
) -> Result<String, StoreError> {
    let handshake = Handshake {
        kind,
        message_id,
        token,
        topic_arn: &delivery.topic_arn,
        text,
        subscribe_url: &subscribe_url(&inner.endpoint, &delivery.topic_arn, token),
        time: delivery.created,
    };
    let signed = inner.signer().await?.sign(delivery.signature, &handshake.string_to_sign(), &inner.endpoint);
    Ok(handshake.render(&signed))
}

async fn notify(inner: &Inner, delivery: &Delivery, stored: &StoredMessage) -> Result<Outcome, StoreError> {
    let message = &stored.message;
    let Some(text) = text_for(message, delivery.protocol.as_str()) else {
        return Ok(Outcome::Refused("the message has no text for this protocol".into()));
    };
    let arn = format!("{}:{}", delivery.topic_arn, delivery.subscription);
    let subject = || message.subject.clone().unwrap_or_else(|| SUBJECT_DEFAULT.to_owned());
    if delivery.protocol == Protocol::Email {
        let link = format!(
            "{}/unsubscribe.html?SubscriptionArn={arn}&Endpoint={}",
            inner.endpoint,
            in_query(&delivery.endpoint)
        );
        let html = page(inner, delivery, message, &link).await;
        return send(inner, delivery, subject(), mail::notification_text(&text, &link), html).await;
    }
    let body = if delivery.raw { text } else { notification(inner, delivery, stored, &text, &arn).await? };
    if delivery.protocol.is_http() {
        return post(inner, delivery, "Notification", &message.id, Some(arn), body).await;
    }
    send(inner, delivery, subject(), body, None).await
}

/// The HTML form of a message that tells of an alarm.
async fn page(inner: &Inner, delivery: &Delivery, message: &Message, unsubscribe_link: &str) -> Option<Html> {
    let notice = message.alarm.as_deref()?;
    let shown = inner.illustrations.of(&message.id, notice).await;
    let page = AlarmPage { notice, shown: &shown, topic_arn: &delivery.topic_arn, unsubscribe_link };
    Some(Html { text: page.html(), picture: shown.picture.clone().map(Blob) })
}

async fn notification(
    inner: &Inner,
    delivery: &Delivery,
    stored: &StoredMessage,
    text: &str,
    arn: &str,
) -> Result<String, StoreError> {
    let notification = Notification {
        message_id: &stored.message.id,
        topic_arn: &delivery.topic_arn,
        subject: stored.message.subject.as_deref(),
        text,
        time: stored.published,
        attributes: &stored.message.attributes,
        sequence: None,
    };
    let signed =
        inner.signer().await?.sign(delivery.signature, &notification.string_to_sign(), &inner.endpoint);
    Ok(notification.render(Some(&signed), &unsubscribe_url(&inner.endpoint, arn)))
}

async fn post(
    inner: &Inner,
    delivery: &Delivery,
    kind: &'static str,
    message_id: &str,
    subscription_arn: Option<String>,
    body: String,
) -> Result<Outcome, StoreError> {
    let is_notice = kind == "Notification";
    let content_type = match is_notice {
        true => policy_of(inner, delivery).await?.content_type,
        false => effective(None, None).content_type,
    };
    let post = Post {
        kind,
        message_id: message_id.to_owned(),
        topic_arn: delivery.topic_arn.clone(),
        subscription_arn,
        raw: delivery.raw && is_notice,
        content_type,
        body,
    };
    Ok(inner.poster.post(&delivery.endpoint, post).await)
}

/// Sends a mail, or keeps it where there is no server to send it to.
async fn send(
    inner: &Inner,
    delivery: &Delivery,
    subject: String,
    body: String,
    html: Option<Html>,
) -> Result<Outcome, StoreError> {
    let now: Timestamp = inner.clock.now();
    let mail = Mail {
        id: Uuid::new_v4().to_string(),
        time: now,
        to: delivery.endpoint.clone(),
        from_name: mail::sender_name(&delivery.display_name),
        subject,
        body,
        html,
    };
    match &inner.mailer {
        Some(mailer) => Ok(mailer.send(&mail).await),
        None => {
            let batch = Batch { puts: vec![(OUTBOX, due_key(now), encode(&mail)?)], ..Batch::default() };
            match inner.store.commit(batch).await {
                Err(CommitError::Store(error)) => Err(error),
                Ok(_) | Err(CommitError::Conflict { .. }) => Ok(Outcome::Delivered),
            }
        }
    }
}
