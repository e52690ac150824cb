//! `ReceiveMessage`: what is visible, at once or within the time the caller waits.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::sqs::{ReceiveMessageRequest, ReceiveMessageResponse, ReceivedMessage};
use keywatch_iam::Call;
use tokio::time::{Instant, sleep, sleep_until};

use super::received::{Wanted, shown};
use super::send_message::{ID_RULE, is_id};
use super::{SqsError, queue};
use crate::notify::queue::deduplication::{Attempt, attempt, remember_attempt};
use crate::notify::queue::rows::{self, Placed};
use crate::notify::queue::waiters::Waiting;
use crate::notify::queue::{QUEUE, QueueName, QueueNumber, QueueRecord, QueuedMessage};
use crate::notify::{Inner, Notify};

const MESSAGES_MAX: i32 = 10;
/// A waiting caller looks this often whether a message has become visible by the clock.
const TICK: Duration = Duration::from_millis(250);
/// And after so many ticks whether there is one whatever was said.
const TICKS_MAX: u32 = 8;
/// Messages that have expired or go to the dead-letter queue make room for others so often in one call.
const ROUNDS_MAX: usize = 8;
/// "120,000 for standard queues", "20,000 for FIFO queues"
const IN_FLIGHT_MAX: u64 = 120_000;
const IN_FLIGHT_FIFO_MAX: u64 = 20_000;

pub(super) async fn receive_message(
    call: &mut Call<'_>,
    notify: &Notify,
    request: ReceiveMessageRequest,
) -> Result<ReceiveMessageResponse, SqsError> {
    let (name, record) = queue(call, &request.queue_url, "sqs:ReceiveMessage").await?;
    let inner = &*notify.inner;
    let ask = Ask::read(&record, request)?;
    let answer = |messages: Vec<ReceivedMessage>| {
        Ok(ReceiveMessageResponse { messages: (!messages.is_empty()).then_some(messages) })
    };
    let mut now = call.now.max(inner.clock.now());
    // A call that runs again goes on waiting, not from the start.
    let waited = Duration::try_from(now.duration_since(call.now)).unwrap_or_default();
    let deadline = Instant::now() + ask.wait.saturating_sub(waited);
    let waiting = if ask.wait.is_zero() { None } else { inner.waiters.enter(&record.incarnation) };
    let mut news = News::of(call, inner);
    loop {
        news.seen();
        let first = rows::first_visible(call.tx.store, &record).await?;
        if first.is_some_and(|first| first <= now) {
            let messages = receive(call, inner, (&name, &record), &ask, now).await?;
            if !messages.is_empty() {
                return answer(messages);
            }
        }
        let Some(waiting) = waiting.as_ref().filter(|_| Instant::now() < deadline && !news.is_closing())
        else {
            return answer(Vec::new());
        };
        news.wait(inner, waiting, first, deadline).await;
        now = inner.clock.now();
    }
}

/// What a waiting caller listens to.
struct News {
    head: tokio::sync::watch::Receiver<u64>,
    arrivals: tokio::sync::watch::Receiver<u64>,
    closing: tokio::sync::watch::Receiver<bool>,
}

impl News {
    fn of(call: &Call<'_>, inner: &Inner) -> Self {
        let (arrivals, closing) = (inner.arrivals.subscribe(), inner.closing.subscribe());
        Self { head: call.tx.store.watch_head(), arrivals, closing }
    }

    fn seen(&mut self) {
        self.head.borrow_and_update();
        self.arrivals.borrow_and_update();
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Waits until it is worth looking at the queue again: after a commit that may have brought a message, when the clock has
    /// reached the moment at which one becomes visible, at the stop, and at the deadline.
    async fn wait(
        &mut self,
        inner: &Inner,
        waiting: &Waiting<'_>,
        first: Option<Timestamp>,
        deadline: Instant,
    ) {
        for _ in 0..TICKS_MAX {
            let tick = sleep(TICK);
            tokio::pin!(tick);
            loop {
                tokio::select! {
                    changed = self.head.changed() => if changed.is_err() || waiting.is_stirred() { return },
                    changed = self.arrivals.changed() => if changed.is_err() || waiting.is_stirred() { return },
                    _ = self.closing.changed() => return,
                    () = sleep_until(deadline) => return,
                    () = &mut tick => break,
                }
            }
            if first.is_some_and(|first| first <= inner.clock.now()) {
                return;
            }
        }
    }
}

/// What a caller wants, checked.
#[derive(Debug)]
struct Ask {
    count: usize,
    wait: Duration,
    visibility: SignedDuration,
    wanted: Wanted,
    attempt: Option<String>,
}

impl Ask {
    fn read(queue: &QueueRecord, request: ReceiveMessageRequest) -> Result<Self, SqsError> {
        let count = request.max_number_of_messages.unwrap_or(1);
        if !(1..=MESSAGES_MAX).contains(&count) {
            let reason = "Must be between 1 and 10, if provided.";
            return Err(SqsError::value(count, "MaxNumberOfMessages", reason));
        }
        let wait = match request.wait_time_seconds {
            Some(wait) => i64::from(wait),
            None => queue.number(QueueNumber::ReceiveMessageWaitTimeSeconds),
        };
        let range = QueueNumber::ReceiveMessageWaitTimeSeconds.range();
        let wait = u64::try_from(wait).ok().filter(|_| range.contains(&wait)).ok_or_else(|| {
            SqsError::value(wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
        })?;
        let visibility = match request.visibility_timeout {
            Some(seconds) => visibility(seconds)?,
            None => queue.seconds(QueueNumber::VisibilityTimeout),
        };
        let attempt = request.receive_request_attempt_id;
        if let Some(id) = &attempt {
            if !queue.is_fifo() {
                let reason = "The request includes a parameter that is not valid for this queue type";
                return Err(SqsError::value(id, "ReceiveRequestAttemptId", reason));
            }
            if !is_id(id) {
                let reason = format!("ReceiveRequestAttemptId {ID_RULE}");
                return Err(SqsError::value(id, "ReceiveRequestAttemptId", &reason));
            }
        }
        let lists = [request.attribute_names, request.message_system_attribute_names];
        let wanted = Wanted {
            system: lists.into_iter().flatten().flatten().collect(),
            own: request.message_attribute_names.unwrap_or_default(),
        };
        Ok(Self { count: count as usize, wait: Duration::from_secs(wait), visibility, wanted, attempt })
    }
}

/// `VisibilityTimeout`, up to twelve hours.
pub(super) fn visibility(seconds: i32) -> Result<SignedDuration, SqsError> {
    if !QueueNumber::VisibilityTimeout.range().contains(&i64::from(seconds)) {
        let reason = "VisibilityTimeout must be an integer between 0 and 43200";
        return Err(SqsError::value(seconds, "VisibilityTimeout", reason));
    }
    Ok(SignedDuration::from_secs(seconds.into()))
}

/// Takes what is visible at `now`, as far as there is room in flight, or what the same attempt got before.
async fn receive(
    call: &mut Call<'_>,
    inner: &Inner,
    (name, queue): (&QueueName, &QueueRecord),
    ask: &Ask,
    now: Timestamp,
) -> Result<Vec<ReceivedMessage>, SqsError> {
    let show = |taken: &[Placed]| {
        taken.iter().map(|placed| shown(placed, &queue.incarnation, &ask.wanted)).collect()
    };
    if let Some(id) = &ask.attempt
        && let Some(taken) = again(call, queue, id, ask, now).await?
    {
        return Ok(show(&taken));
    }
    let count = room(call, inner, queue, ask.count, now).await?;
    if count == 0 {
        // "SQS returns no error messages" in queues in order, and to callers that wait.
        if queue.is_fifo() || !ask.wait.is_zero() {
            return Ok(Vec::new());
        }
        let text = format!("Too many messages are in flight: the maximum is {IN_FLIGHT_MAX}.");
        return Err(SqsError::OverLimit(text));
    }
    let taken = take(call, (name, queue), count, ask.visibility, now).await?;
    if let Some(id) = ask.attempt.as_ref().filter(|_| !taken.is_empty()) {
        remember(call, queue, id, &taken, now)?;
    }
    Ok(show(&taken))
}

/// How many of `wanted` messages may be received. What is in flight is counted when it may have become too much.
async fn room(
    call: &Call<'_>,
    inner: &Inner,
    queue: &QueueRecord,
    wanted: usize,
    now: Timestamp,
) -> Result<usize, SqsError> {
    if inner.waiters.take_room(&queue.incarnation, wanted as u64) {
        return Ok(wanted);
    }
    let counts = rows::count(call.tx.store, queue, now, false).await?;
    let limit = if queue.is_fifo() { IN_FLIGHT_FIFO_MAX } else { IN_FLIGHT_MAX };
    let room = limit.saturating_sub(counts.in_flight);
    let granted = room.min(wanted as u64);
    inner.waiters.set_room(&queue.incarnation, room - granted);
    Ok(granted as usize)
}

/// Takes up to `count` messages from the front and hides them from others.
async fn take(
    call: &mut Call<'_>,
    (name, queue): (&QueueName, &QueueRecord),
    count: usize,
    hidden: SignedDuration,
    now: Timestamp,
) -> Result<Vec<Placed>, SqsError> {
    let mut taken: Vec<Placed> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let found = rows::front(&mut call.tx, queue, now, count - taken.len()).await?;
        let mut changed = Vec::with_capacity(found.len());
        for mut placed in found {
            // Hidden for no time at all it is at the front again.
            if taken.iter().any(|other| other.locator == placed.locator) {
                continue;
            }
            let expired = queue.expires(placed.message.sent) <= now;
            if expired || bury(call, name, queue, &placed.message, now).await? {
                rows::erase(&mut call.tx, &queue.incarnation, &placed);
                changed.push(placed);
                continue;
            }
            let was = placed.message.visible;
            let message = &mut placed.message;
            message.receives += 1;
            message.first_received.get_or_insert(now);
            message.received = Some(now);
            message.visible = now + hidden;
            rows::rewrite(&mut call.tx, &queue.incarnation, was, &placed)?;
            changed.push(placed.clone());
            taken.push(placed);
        }
        rows::settle(&mut call.tx, queue, &changed).await?;
        if changed.is_empty() || taken.len() == count {
            break;
        }
    }
    Ok(taken)
}

/// Moves a message that was received too often to the dead-letter queue, if there is one.
async fn bury(
    call: &mut Call<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    message: &QueuedMessage,
    now: Timestamp,
) -> Result<bool, SqsError> {
    let Some(redrive) = queue.redrive().filter(|redrive| message.receives >= redrive.receives_max) else {
        return Ok(false);
    };
    let key = redrive.target.key();
    let found = call.tx.get::<QueueRecord>(QUEUE, &key).await?;
    let Some(target) = found.filter(|target| target.is_fifo() == queue.is_fifo()) else { return Ok(false) };
    call.tx.require_unchanged(QUEUE, &key);
    let buried = QueuedMessage {
        visible: now,
        // "For standard queues, the expiration of a message is always based on its original enqueue timestamp. For FIFO queues, the
        // enqueue timestamp resets when the message is moved to a dead-letter queue."
        sent: if queue.is_fifo() { now } else { message.sent },
        dead_letter_source: Some(name.arn().to_string()),
        ..message.clone()
    };
    rows::add(&mut call.tx, &redrive.target, &target, buried).await?;
    Ok(true)
}

/// What the same attempt got before, hidden anew; `None` when a message of it was deleted, shown or received since.
async fn again(
    call: &mut Call<'_>,
    queue: &QueueRecord,
    id: &str,
    ask: &Ask,
    now: Timestamp,
) -> Result<Option<Vec<Placed>>, SqsError> {
    let Some(before) = attempt(&mut call.tx, &queue.memory(), id, now).await? else { return Ok(None) };
    let mut taken = Vec::with_capacity(before.messages.len());
    for (locator, hidden_until) in &before.messages {
        let found = rows::get(&mut call.tx, &queue.incarnation, locator).await?;
        match found.filter(|placed| placed.message.visible == *hidden_until && now < *hidden_until) {
            Some(placed) => taken.push(placed),
            None => return Ok(None),
        }
    }
    for placed in &mut taken {
        let was = placed.message.visible;
        placed.message.visible = now + ask.visibility;
        rows::rewrite(&mut call.tx, &queue.incarnation, was, placed)?;
    }
    rows::settle(&mut call.tx, queue, &taken).await?;
    remember(call, queue, id, &taken, now)?;
    Ok(Some(taken))
}

fn remember(
    call: &mut Call<'_>,
    queue: &QueueRecord,
    id: &str,
    taken: &[Placed],
    now: Timestamp,
) -> Result<(), SqsError> {
    let messages = taken.iter().map(|placed| (placed.locator.clone(), placed.message.visible)).collect();
    remember_attempt(&mut call.tx, &queue.memory(), id, &Attempt { at: now, messages })?;
    Ok(())
}
