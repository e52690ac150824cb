//! The follower of the log's messages: each becomes one delivery for each confirmed subscription of its topic, or a message of a
//! queue, in one commit with the position. It also looks after what ends by itself: unconfirmed subscriptions, tokens, messages
//! whose deliveries are done, and the messages of purged queues.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_store::{
    Batch, CommitError, EntryKind, Kind, LogEntry, Partition, Row, Scan, Seq, Store, StoreError, Transaction,
    decode, encode,
};

use super::delivery::{
    DELIVERY, Delivery, EXPIRY, Expiry, MESSAGE, MESSAGE_LOOK, StoredMessage, Work, due_key, due_of, moment,
};
use super::document::{Notification, Signed, text_for};
use super::list_outbox::OUTBOX;
use super::mail::Mail;
use super::queue::deduplication::id_of_content;
use super::queue::{QUEUE, QueueName, QueueNumber, QueueRecord, QueuedMessage, retention, rows, tasks};
use super::sns::dead_letter_queue;
use super::token::{TOKEN, TOKEN_LIFETIME};
use super::topic::{ENDPOINT, Protocol, SUBSCRIPTION, SubscriptionRecord, TOPIC, TopicName, TopicRecord};
use super::{Notify, attempt, sqs};
use crate::engine::{Follower, Standing};
use crate::entry::{Body, Message, Order, Target};
use crate::metrics::derive::services::{RuleCount, of_rules};

const NAME: &str = "notify";
/// What is derived is committed when it has this many bytes.
const BATCH_BYTES: usize = 8 << 20;
const PAGE: usize = 1_000;
/// Messages of queues that are removed at once: each may have a mebibyte.
const QUEUED_PAGE: usize = 64;
/// How often entries are taken in anew because callers changed what was read.
const CONFLICTS_MAX: u32 = 100;
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
        let notify = self.notify.clone();
        let mut rest = entries;
        let mut conflicts = 0;
        while !rest.is_empty() {
            let (taken, derived) = self.derive(&notify.inner.store, rest).await?;
            if self.commit(rest[taken - 1].seq, derived).await? {
                rest = &rest[taken..];
                continue;
            }
            // Callers changed the groups of a queue meanwhile.
            conflicts += 1;
            if conflicts > CONFLICTS_MAX {
                return Err(StoreError::corrupt("rows of queues that change all the time"));
            }
        }
        // What a message gives depends on topics and queues as they are now.
        if entries.iter().any(|entry| entry.kind == EntryKind::Message) {
            self.standing.keep(&self.notify.inner.store).await?;
        }
        Ok(())
    }

    /// What follows from the first entries, and from how many of them.
    async fn derive<'s>(
        &self,
        store: &'s Store,
        entries: &[LogEntry],
    ) -> Result<(usize, Derived<'s>), StoreError> {
        let mut derived = Derived::new(store);
        for (index, entry) in entries.iter().enumerate() {
            if entry.kind == EntryKind::Message {
                let message = Message::read(entry)?;
                match message.target.clone() {
                    Target::Topic(arn) => self.expand(&arn, message, entry.time, &mut derived).await?,
                    Target::Queue(arn) => self.enqueue(&arn, message, entry.time, &mut derived).await?,
                    Target::Elsewhere(arn) => derived.keep(arn, message, entry.time)?,
                }
            }
            if derived.batch.weight() + derived.queued_bytes >= BATCH_BYTES {
                return Ok((index + 1, derived));
            }
        }
        Ok((entries.len(), derived))
    }

    /// `false` when rows that were read are others now.
    async fn commit(&mut self, position: Seq, derived: Derived<'_>) -> Result<bool, StoreError> {
        let inner = &self.notify.inner;
        let Derived { mut batch, tx, deliveries, arrivals, .. } = derived;
        for incarnation in &arrivals {
            inner.waiters.stir(incarnation);
        }
        let queued = tx.into_batch();
        batch.checks.extend(queued.checks);
        batch.puts.extend(queued.puts);
        batch.deletes.extend(queued.deletes);
        match self.standing.advance(&inner.store, position, batch).await {
            Ok(()) => {}
            Err(CommitError::Store(error)) => return Err(error),
            Err(CommitError::Conflict { .. }) => return Ok(false),
        }
        if deliveries {
            inner.wake();
        }
        if !arrivals.is_empty() {
            inner.arrivals.send_modify(|count| *count += 1);
        }
        Ok(true)
    }

    /// One delivery for each confirmed subscription.
    async fn expand(
        &self,
        arn: &str,
        message: Message,
        published: Timestamp,
        derived: &mut Derived<'_>,
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

    /// Puts the message into a subscribed queue, as the document that web hooks get or as it is; where that cannot be, into the
    /// subscription's dead-letter queue.
    async fn forward(
        &self,
        arn: &str,
        topic: &TopicRecord,
        subscription: &SubscriptionRecord,
        stored: &StoredMessage,
        signatures: &mut HashMap<String, Signed>,
        derived: &mut Derived<'_>,
    ) -> Result<(), StoreError> {
        let Some(text) = text_for(&stored.message, Protocol::Sqs.as_str()) else { return Ok(()) };
        let redrive = subscription.attributes.get("RedrivePolicy");
        let names =
            [QueueName::from_arn(&subscription.endpoint), redrive.and_then(|text| dead_letter_queue(text))];
        for name in names.into_iter().flatten() {
            let Some(queue) = derived.queue(&name).await? else {
                tracing::warn!(queue = %name.arn(), topic = arn, "A subscribed queue does not exist");
                continue;
            };
            if !sqs::service_may_send(&queue, &name, "sns.amazonaws.com", arn, stored.published) {
                tracing::warn!(queue = %name.arn(), topic = arn, "The queue's policy does not let the topic send");
                continue;
            }
            let (body, attributes) = match subscription.is_raw() {
                true => (text, stored.message.attributes.clone()),
                false => (
                    self.document(arn, topic, subscription, stored, &text, signatures).await?,
                    BTreeMap::new(),
                ),
            };
            let arrival = QueuedMessage::from_service(body, attributes, stored.published, stored.published);
            return derived.arrive(&name, &queue, arrival, stored.message.order.as_ref()).await;
        }
        Ok(())
    }

    /// The document a subscribed queue gets; messages of topics that keep an order have a number in place of a signature.
    async fn document(
        &self,
        arn: &str,
        topic: &TopicRecord,
        subscription: &SubscriptionRecord,
        stored: &StoredMessage,
        text: &str,
        signatures: &mut HashMap<String, Signed>,
    ) -> Result<String, StoreError> {
        let inner = &self.notify.inner;
        let sequence = stored.message.order.as_ref().and_then(|order| order.sequence.as_deref());
        let notification = Notification {
            message_id: &stored.message.id,
            topic_arn: arn,
            subject: stored.message.subject.as_deref(),
            text,
            time: stored.published,
            attributes: &stored.message.attributes,
            sequence,
        };
        let unsubscribe = attempt::unsubscribe_url(&inner.endpoint, &format!("{arn}:{}", subscription.id));
        if sequence.is_some() {
            return Ok(notification.render(None, &unsubscribe));
        }
        if !signatures.contains_key(text) {
            let signer = inner.signer().await?;
            let signed =
                signer.sign(topic.signature_version(), &notification.string_to_sign(), &inner.endpoint);
            signatures.insert(text.to_owned(), signed);
        }
        Ok(notification.render(signatures.get(text), &unsubscribe))
    }

    async fn enqueue(
        &self,
        arn: &str,
        message: Message,
        sent: Timestamp,
        derived: &mut Derived<'_>,
    ) -> Result<(), StoreError> {
        let Some(name) = QueueName::from_arn(arn) else { return Ok(()) };
        let Some(queue) = derived.queue(&name).await? else {
            tracing::warn!(queue = arn, "A message for a queue that does not exist was dropped");
            derived.fail(&message, sent);
            return Ok(());
        };
        let arrival = QueuedMessage::from_service(message.body, message.attributes, sent, sent);
        derived.arrive(&name, &queue, arrival, message.order.as_ref()).await
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
            let mut reached = Vec::new();
            for row in due {
                let mut batch = match decode(&row.bytes)? {
                    Expiry::Message { id } => self.forget_message(id, now).await?,
                    Expiry::Token { key, subscription_key } => {
                        self.forget_token(key, &subscription_key, now).await?
                    }
                    Expiry::Messages { incarnation } => {
                        let prefix = format!("{incarnation}/");
                        let rest = Expiry::Messages { incarnation };
                        self.forget(&rows::OF_INCARNATION, &prefix, rest, now).await?
                    }
                    Expiry::Slice { prefix } => {
                        let rest = Expiry::Slice { prefix: prefix.clone() };
                        self.forget(&rows::OF_SLICE, &prefix, rest, now).await?
                    }
                    Expiry::Retention { queue, after } => retention::sweep(store, &queue, after, now).await?,
                    Expiry::Move { task } => {
                        let turn = tasks::turn(store, &task, now).await?;
                        reached.extend(turn.reached);
                        turn.batch
                    }
                };
                for incarnation in &reached {
                    self.notify.inner.waiters.stir(incarnation);
                }
                batch.deletes.push((EXPIRY, row.key));
                match store.commit(batch).await {
                    // What changed meanwhile is looked at again in the next turn.
                    Ok(_) | Err(CommitError::Conflict { .. }) => {}
                    Err(CommitError::Store(error)) => return Err(error),
                }
            }
            if !reached.is_empty() {
                self.notify.inner.arrivals.send_modify(|count| *count += 1);
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

    /// A part of what lies below the prefix; the `rest` in the next turn.
    async fn forget(
        &self,
        kinds: &[Kind],
        prefix: &str,
        rest: Expiry,
        now: Timestamp,
    ) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        let mut more = false;
        for kind in kinds {
            let limit = if *kind == rows::QUEUED { QUEUED_PAGE } else { PAGE };
            let scan = Scan { prefix, after: None, limit };
            let found = self.notify.inner.store.scan(*kind, scan).await?;
            more |= found.len() == limit;
            batch.deletes.extend(found.into_iter().map(|row| (*kind, row.key)));
        }
        if more {
            batch.puts.push(rest.row(now)?);
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
struct Derived<'s> {
    batch: Batch,
    /// What queues get: there may be rows among it that callers change too.
    tx: Transaction<'s>,
    queued_bytes: usize,
    deliveries: bool,
    /// Incarnations of the queues that get something.
    arrivals: HashSet<String>,
}

impl<'s> Derived<'s> {
    fn new(store: &'s Store) -> Self {
        Self {
            batch: Batch::default(),
            tx: Transaction::new(store),
            queued_bytes: 0,
            deliveries: false,
            arrivals: HashSet::new(),
        }
    }

    /// The queue, which must still be so at the commit.
    async fn queue(&mut self, name: &QueueName) -> Result<Option<QueueRecord>, StoreError> {
        let key = name.key();
        let found = self.tx.get(QUEUE, &key).await?;
        self.tx.require_unchanged(QUEUE, &key);
        Ok(found)
    }

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

    /// Puts a message into a queue. One in order takes none without a group and something to tell it from others by.
    async fn arrive(
        &mut self,
        name: &QueueName,
        queue: &QueueRecord,
        message: QueuedMessage,
        order: Option<&Order>,
    ) -> Result<(), StoreError> {
        let by_content = || queue.is_set("ContentBasedDeduplication").then(|| id_of_content(&message.body));
        let deduplication = order.and_then(|order| order.deduplication.clone()).or_else(by_content);
        if queue.is_fifo() && (order.is_none() || deduplication.is_none()) {
            tracing::warn!(queue = %name.arn(), "A message without group or deduplication id was dropped: the queue keeps an order");
            return Ok(());
        }
        let message = QueuedMessage {
            visible: message.sent + queue.seconds(QueueNumber::DelaySeconds),
            // A topic that keeps an order does not tell a standard queue of its groups.
            group: order
                .filter(|order| queue.is_fifo() || order.sequence.is_none())
                .map(|order| order.group.clone()),
            deduplication: deduplication.filter(|_| queue.is_fifo()),
            ..message
        };
        self.queued_bytes += message.body.len();
        rows::add_once(&mut self.tx, name, queue, message).await?;
        self.arrivals.insert(queue.incarnation.clone());
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
