//! The follower of the log's messages: each becomes one delivery for each confirmed subscription of its topic, or a message of a
//! queue, in one commit with the position. It also looks after what ends by itself: unconfirmed subscriptions, tokens, messages
//! whose deliveries are done, and the messages of purged queues.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_store::{
    Batch, CommitError, EntryKind, Kind, LogEntry, Partition, Row, Scan, Seq, StoreError, decode, encode,
};

use super::delivery::{
    DELIVERY, Delivery, EXPIRY, Expiry, MESSAGE, MESSAGE_LOOK, StoredMessage, Work, due_key, due_of, moment,
};
use super::document::{Notification, text_for};
use super::list_outbox::OUTBOX;
use super::mail::Mail;
use super::queue::{QUEUE, QUEUED, QueueName, QueueNumber, QueueRecord, QueuedMessage, VISIBLE, rows};
use super::token::{TOKEN, TOKEN_LIFETIME};
use super::topic::{ENDPOINT, Protocol, SUBSCRIPTION, SubscriptionRecord, TOPIC, TopicName, TopicRecord};
use super::{Notify, attempt, sqs};
use crate::engine::{Follower, Standing};
use crate::entry::{Body, Message, Target};
use crate::metrics::derive::services::{RuleCount, of_rules};

const NAME: &str = "notify";
/// What is derived is committed when it has this many bytes.
const BATCH_BYTES: usize = 8 << 20;
const PAGE: usize = 1_000;
/// How long the engine waits for deliveries when a test clock moved.
const SETTLE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub struct NotifyFollower {
    notify: Notify,
    standing: Standing,
    first_delivery: FirstRow,
    first_expiry: FirstRow,
}

/// The first key of a kind, read again when the kind changed.
#[derive(Debug)]
struct FirstRow {
    kind: Kind,
    known: Option<(u64, Option<String>)>,
}

impl FirstRow {
    async fn due(&mut self, notify: &Notify) -> Result<Option<Timestamp>, StoreError> {
        let store = &notify.inner.store;
        let generation = store.generation(self.kind);
        if self.known.as_ref().is_none_or(|(known, _)| *known != generation) {
            let rows = store.scan(self.kind, Scan { prefix: "", after: None, limit: 1 }).await?;
            self.known = Some((generation, rows.into_iter().next().map(|row| row.key)));
        }
        Ok(self.known.as_ref().and_then(|(_, key)| due_of(key.as_deref()?)))
    }
}

impl NotifyFollower {
    pub(super) async fn new(notify: Notify) -> Result<Self, StoreError> {
        let standing = Standing::open(&notify.inner.store, NAME).await?;
        let first = |kind| FirstRow { kind, known: None };
        Ok(Self { notify, standing, first_delivery: first(DELIVERY), first_expiry: first(EXPIRY) })
    }

    async fn take_in(&mut self, entries: &[LogEntry]) -> Result<(), StoreError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let mut derived = Derived::default();
        for entry in entries {
            if entry.kind == EntryKind::Message {
                let message = Message::read(entry)?;
                match message.target.clone() {
                    Target::Topic(arn) => self.expand(&arn, message, entry.time, &mut derived).await?,
                    Target::Queue(arn) => self.enqueue(&arn, message, entry.time, &mut derived).await?,
                    Target::Elsewhere(arn) => derived.keep(arn, message, entry.time)?,
                }
            }
            if derived.batch.weight() >= BATCH_BYTES {
                self.commit(entry.seq, &mut derived).await?;
            }
        }
        self.commit(last.seq, &mut derived).await?;
        // What a message gives depends on topics and queues as they are now.
        if entries.iter().any(|entry| entry.kind == EntryKind::Message) {
            self.standing.keep(&self.notify.inner.store).await?;
        }
        Ok(())
    }

    async fn commit(&mut self, position: Seq, derived: &mut Derived) -> Result<(), StoreError> {
        let done = std::mem::take(derived);
        match self.standing.advance(&self.notify.inner.store, position, done.batch).await {
            Ok(()) => {}
            Err(CommitError::Store(error)) => return Err(error),
            Err(CommitError::Conflict { .. }) => return Err(StoreError::corrupt("the position of `notify`")),
        }
        if done.deliveries {
            self.notify.inner.wake();
        }
        if done.arrivals {
            self.notify.inner.arrivals.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// One delivery for each confirmed subscription.
    async fn expand(
        &self,
        arn: &str,
        message: Message,
        published: Timestamp,
        derived: &mut Derived,
    ) -> Result<(), StoreError> {
        let store = &self.notify.inner.store;
        let Ok(name) = TopicName::parse(arn, "TopicArn") else { return Ok(()) };
        let Some(row) = store.get(TOPIC, &name.key()).await? else {
            tracing::warn!(topic = arn, "A message for a topic that does not exist was dropped");
            derived.fail(&message, published);
            return Ok(());
        };
        let topic: TopicRecord = decode(&row.bytes)?;
        let stored = StoredMessage { message, published };
        let mut needed = false;
        let mut signatures = HashMap::new();
        let prefix = format!("{}/", name.key());
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE };
            let rows = store.scan(SUBSCRIPTION, scan).await?;
            let last_page = rows.len() < PAGE;
            after = rows.last().map(|row| row.key.clone());
            for Row { bytes, .. } in rows {
                let subscription: SubscriptionRecord = decode(&bytes)?;
                if !subscription.confirmed || !super::sns::filter::accepts(&subscription, &stored.message) {
                    continue;
                }
                if subscription.protocol == Protocol::Sqs {
                    self.forward(arn, &topic, &subscription, &stored, &mut signatures, derived).await?;
                } else {
                    needed = true;
                    derived.deliver(arn, &topic, &subscription, &stored)?;
                }
            }
            if last_page {
                break;
            }
        }
        if needed {
            derived.batch.puts.push((MESSAGE, stored.message.id.clone(), encode(&stored)?));
            let look = Expiry::Message { id: stored.message.id };
            derived.batch.puts.push(look.row(published + MESSAGE_LOOK)?);
        }
        Ok(())
    }

    /// Puts the message into a subscribed queue, as the document that web hooks get or as it is.
    async fn forward(
        &self,
        arn: &str,
        topic: &TopicRecord,
        subscription: &SubscriptionRecord,
        stored: &StoredMessage,
        signatures: &mut HashMap<String, super::document::Signed>,
        derived: &mut Derived,
    ) -> Result<(), StoreError> {
        let inner = &self.notify.inner;
        let Some(text) = text_for(&stored.message, Protocol::Sqs.as_str()) else { return Ok(()) };
        let Some(name) = QueueName::from_arn(&subscription.endpoint) else { return Ok(()) };
        let Some(queue) = self.queue(&name).await? else {
            tracing::warn!(queue = %subscription.endpoint, "A message for a queue that does not exist was dropped");
            return Ok(());
        };
        if !sqs::service_may_send(&queue, &name, "sns.amazonaws.com", arn, stored.published) {
            tracing::warn!(queue = %subscription.endpoint, topic = arn, "The queue's policy does not let the topic send");
            return Ok(());
        }
        let raw = subscription.is_raw();
        let body = if raw {
            text
        } else {
            let notification = Notification {
                message_id: &stored.message.id,
                topic_arn: arn,
                subject: stored.message.subject.as_deref(),
                text: &text,
                time: stored.published,
                attributes: &stored.message.attributes,
            };
            let signed = match signatures.get(&text) {
                Some(signed) => signed.clone(),
                None => {
                    let signer = inner.signer().await?;
                    let signed = signer.sign(
                        topic.signature_version(),
                        &notification.string_to_sign(),
                        &inner.endpoint,
                    );
                    signatures.insert(text.clone(), signed.clone());
                    signed
                }
            };
            let arn = format!("{arn}:{}", subscription.id);
            notification.render(&signed, &attempt::unsubscribe_url(&inner.endpoint, &arn))
        };
        let attributes = if raw { stored.message.attributes.clone() } else { Default::default() };
        derived.arrive(&queue, body, attributes, stored.published)
    }

    async fn enqueue(
        &self,
        arn: &str,
        message: Message,
        sent: Timestamp,
        derived: &mut Derived,
    ) -> Result<(), StoreError> {
        let Some(name) = QueueName::from_arn(arn) else { return Ok(()) };
        let Some(queue) = self.queue(&name).await? else {
            tracing::warn!(queue = arn, "A message for a queue that does not exist was dropped");
            derived.fail(&message, sent);
            return Ok(());
        };
        derived.arrive(&queue, message.body, message.attributes, sent)
    }

    async fn queue(&self, name: &QueueName) -> Result<Option<QueueRecord>, StoreError> {
        self.notify.inner.store.get(QUEUE, &name.key()).await?.map(|row| decode(&row.bytes)).transpose()
    }

    /// The next delivery that is not due yet: what is due already is the deliverers'.
    async fn next_delivery(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        match self.first_delivery.due(&self.notify).await? {
            Some(due) if due <= now => {
                let after = format!("{}/~", moment(now));
                let scan = Scan { prefix: "", after: Some(&after), limit: 1 };
                let rows = self.notify.inner.store.scan(DELIVERY, scan).await?;
                Ok(rows.first().and_then(|row| due_of(&row.key)))
            }
            due => Ok(due),
        }
    }

    async fn look_after(&self, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.notify.inner.store;
        loop {
            let rows = store.scan(EXPIRY, Scan { prefix: "", after: None, limit: PAGE }).await?;
            let due: Vec<Row> =
                rows.into_iter().take_while(|row| due_of(&row.key).is_some_and(|due| due <= now)).collect();
            if due.is_empty() {
                return Ok(());
            }
            for row in due {
                let mut batch = match decode(&row.bytes)? {
                    Expiry::Message { id } => self.forget_message(id, now).await?,
                    Expiry::Token { key, subscription_key } => {
                        self.forget_token(key, &subscription_key, now).await?
                    }
                    Expiry::Messages { incarnation } => self.forget_messages(&incarnation, now).await?,
                };
                batch.deletes.push((EXPIRY, row.key));
                match store.commit(batch).await {
                    // What changed meanwhile is looked at again in the next turn.
                    Ok(_) | Err(CommitError::Conflict { .. }) => {}
                    Err(CommitError::Store(error)) => return Err(error),
                }
            }
        }
    }

    async fn forget_message(&self, id: String, now: Timestamp) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: PAGE };
            let rows = self.notify.inner.store.scan(DELIVERY, scan).await?;
            for row in &rows {
                let delivery: Delivery = decode(&row.bytes)?;
                if delivery.work.message_id() == id {
                    batch.puts.push(Expiry::Message { id }.row(now + MESSAGE_LOOK)?);
                    return Ok(batch);
                }
            }
            if rows.len() < PAGE {
                batch.deletes.push((MESSAGE, id));
                return Ok(batch);
            }
            after = rows.last().map(|row| row.key.clone());
        }
    }

    async fn forget_token(
        &self,
        key: String,
        subscription_key: &str,
        now: Timestamp,
    ) -> Result<Batch, StoreError> {
        let mut batch = Batch { deletes: vec![(TOKEN, key)], ..Batch::default() };
        let Some(row) = self.notify.inner.store.get(SUBSCRIPTION, subscription_key).await? else {
            return Ok(batch);
        };
        let subscription: SubscriptionRecord = decode(&row.bytes)?;
        if !subscription.confirmed && subscription.created + TOKEN_LIFETIME <= now {
            let expect = keywatch_store::Expect::Version(row.version);
            batch.checks.push((SUBSCRIPTION, row.key.clone(), expect));
            if let Some(name) = topic_of(subscription_key) {
                let endpoint = name.endpoint_key(subscription.protocol.as_str(), &subscription.endpoint);
                batch.deletes.push((ENDPOINT, endpoint));
            }
            batch.deletes.push((SUBSCRIPTION, row.key));
        }
        Ok(batch)
    }

    /// A part of the messages; the rest in the next turn.
    async fn forget_messages(&self, incarnation: &str, now: Timestamp) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        let prefix = format!("{incarnation}/");
        let mut more = false;
        for kind in [QUEUED, VISIBLE] {
            let rows = self
                .notify
                .inner
                .store
                .scan(kind, Scan { prefix: &prefix, after: None, limit: PAGE })
                .await?;
            more |= rows.len() == PAGE;
            batch.deletes.extend(rows.into_iter().map(|row| (kind, row.key)));
        }
        if more {
            batch.puts.push(Expiry::Messages { incarnation: incarnation.to_owned() }.row(now)?);
        }
        Ok(batch)
    }

    async fn wait_for_deliveries(&mut self, now: Timestamp) {
        let mut progress = self.notify.inner.progress.subscribe();
        self.notify.inner.wake();
        loop {
            progress.borrow_and_update();
            match self.first_delivery.due(&self.notify).await {
                Ok(Some(due)) if due <= now => {}
                _ => return,
            }
            if progress.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The topic of a subscription's key.
fn topic_of(subscription_key: &str) -> Option<TopicName> {
    let mut parts = subscription_key.split('/');
    let (account, region, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(TopicName { account: account.parse().ok()?, region: region.parse().ok()?, name: name.to_owned() })
}

/// What follows from entries, until it is committed.
#[derive(Default)]
struct Derived {
    batch: Batch,
    deliveries: bool,
    arrivals: bool,
}

impl Derived {
    /// Counts a call of a rule's target that is not there.
    fn fail(&mut self, message: &Message, time: Timestamp) {
        let Some(arn) = message.rule.as_deref().and_then(|arn| arn.parse::<Arn>().ok()) else { return };
        let name = arn.resource.trim_start_matches("rule/");
        let (bus, rule) = match name.rsplit_once('/') {
            Some((bus, rule)) => (Some(bus.to_owned()), rule),
            None => (None, name),
        };
        let failed = RuleCount { metric: "FailedInvocations", rule: rule.to_owned(), bus, count: 1 };
        let points = of_rules(&[failed], time);
        self.batch.appends.push(points.append(Partition::new(&arn.account, &arn.region), time));
    }

    fn deliver(
        &mut self,
        arn: &str,
        topic: &TopicRecord,
        subscription: &SubscriptionRecord,
        stored: &StoredMessage,
    ) -> Result<(), StoreError> {
        let delivery = Delivery {
            topic_arn: arn.to_owned(),
            subscription: subscription.id.clone(),
            protocol: subscription.protocol,
            endpoint: subscription.endpoint.clone(),
            signature: topic.signature_version(),
            display_name: topic.display_name().to_owned(),
            raw: subscription.is_raw(),
            attempts: 0,
            created: stored.published,
            work: Work::Notify { message_id: stored.message.id.clone() },
        };
        self.deliveries = true;
        self.batch.puts.push(delivery.row(stored.published)?);
        Ok(())
    }

    /// What nobody here takes is kept in the outbox, as mails are without an SMTP server.
    fn keep(&mut self, to: String, message: Message, time: Timestamp) -> Result<(), StoreError> {
        let subject = message.subject.unwrap_or_default();
        let kept = Mail {
            id: message.id,
            time,
            to,
            from_name: String::new(),
            subject,
            body: message.body,
            html: None,
        };
        self.batch.puts.push((OUTBOX, due_key(time), encode(&kept)?));
        Ok(())
    }

    fn arrive(
        &mut self,
        queue: &QueueRecord,
        body: String,
        attributes: std::collections::BTreeMap<String, crate::entry::MessageAttribute>,
        sent: Timestamp,
    ) -> Result<(), StoreError> {
        let visible = sent + queue.seconds(QueueNumber::DelaySeconds);
        let message = QueuedMessage::from_service(body, attributes, sent, visible);
        self.arrivals = true;
        self.batch.puts.extend(rows(&queue.incarnation, &message)?);
        Ok(())
    }
}

impl Follower for NotifyFollower {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.standing.position()
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.take_in(entries))
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let delivery = self.next_delivery(now).await?;
            let expiry = self.first_expiry.due(&self.notify).await?;
            Ok([delivery, expiry].into_iter().flatten().min())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.notify.inner.wake();
            self.look_after(now).await
        })
    }

    fn settle(&mut self, now: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if tokio::time::timeout(SETTLE, self.wait_for_deliveries(now)).await.is_err() {
                tracing::warn!("Deliveries took longer than the clock waits for");
            }
        })
    }
}
