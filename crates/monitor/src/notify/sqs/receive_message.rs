//! `ReceiveMessage`: what is visible, at once or within the time the caller waits.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_api::Blob;
use keywatch_api::sqs::{ReceiveMessageRequest, ReceiveMessageResponse, ReceivedAttribute, ReceivedMessage};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::attributes::Redrive;
use super::{SqsError, queue};
use crate::entry::MessageAttribute;
use crate::notify::Notify;
use crate::notify::queue::{
    QUEUE, QUEUED, QueueName, QueueNumber, QueueRecord, QueuedMessage, VISIBLE, VisibleRecord,
    md5_of_attributes, md5_of_text, message_key, receipt_handle, rows, visible_key,
};

const MESSAGES_MAX: i32 = 10;
/// Without news a waiting caller's queue is looked at this often: messages may come by another node, or become visible.
const LOOK: Duration = Duration::from_millis(250);
/// Messages beyond those asked for that are read, as some may have expired or go to the dead-letter queue.
const SPARE: usize = 32;

pub(super) async fn receive_message(
    call: &mut Call<'_>,
    notify: &Notify,
    request: ReceiveMessageRequest,
) -> Result<ReceiveMessageResponse, SqsError> {
    let (name, record) = queue(call, &request.queue_url, "sqs:ReceiveMessage").await?;
    let ask = Ask::read(&record, &request)?;
    let deadline = tokio::time::Instant::now() + ask.wait;
    let mut head = call.tx.store.watch_head();
    let mut arrivals = notify.inner.arrivals.subscribe();
    let mut now = call.now;
    loop {
        head.borrow_and_update();
        arrivals.borrow_and_update();
        let generation = call.tx.store.generation(VISIBLE);
        let messages = take(call, &name, &record, &ask, now).await?;
        if !messages.is_empty() || tokio::time::Instant::now() >= deadline {
            return Ok(ReceiveMessageResponse { messages: (!messages.is_empty()).then_some(messages) });
        }
        let news = async {
            loop {
                tokio::select! {
                    changed = head.changed() => if changed.is_err() { return },
                    changed = arrivals.changed() => if changed.is_err() { return },
                }
                if call.tx.store.generation(VISIBLE) != generation {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout_at(deadline.min(tokio::time::Instant::now() + LOOK), news).await;
        now = notify.inner.clock.now();
    }
}

/// What a caller wants, checked.
#[derive(Debug)]
struct Ask {
    count: usize,
    wait: Duration,
    visibility: SignedDuration,
    system_names: Vec<String>,
    names: Vec<String>,
}

impl Ask {
    fn read(queue: &QueueRecord, request: &ReceiveMessageRequest) -> Result<Self, SqsError> {
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
        let lists = [&request.attribute_names, &request.message_system_attribute_names];
        Ok(Self {
            count: count as usize,
            wait: Duration::from_secs(wait),
            visibility,
            system_names: lists.into_iter().flatten().flatten().cloned().collect(),
            names: request.message_attribute_names.clone().unwrap_or_default(),
        })
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

/// Takes what is visible at `now` and hides it from others.
async fn take(
    call: &mut Call<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    ask: &Ask,
    now: Timestamp,
) -> Result<Vec<ReceivedMessage>, SqsError> {
    let prefix = format!("{}/", queue.incarnation);
    let end = visible_key(&queue.incarnation, now, "~");
    let scan = Scan { prefix: &prefix, after: None, limit: ask.count + SPARE };
    let index: Vec<(String, VisibleRecord)> = call.tx.scan(VISIBLE, scan).await?;
    let mut taken = Vec::new();
    for (key, _) in index {
        if key > end || taken.len() == ask.count {
            break;
        }
        let Some(id) = key.rsplit('/').next() else { continue };
        let message_key = message_key(&queue.incarnation, id);
        call.tx.delete(VISIBLE, &key);
        let Some(mut message) = call.tx.get::<QueuedMessage>(QUEUED, &message_key).await? else { continue };
        if queue.expires(message.sent) <= now {
            call.tx.delete(QUEUED, &message_key);
            continue;
        }
        if bury(call, name, queue, &message, now).await? {
            call.tx.delete(QUEUED, &message_key);
            continue;
        }
        message.receives += 1;
        message.first_received.get_or_insert(now);
        message.visible = now + ask.visibility;
        for (kind, key, bytes) in rows(&queue.incarnation, &message)? {
            call.tx.put_bytes(kind, &key, bytes);
        }
        taken.push(shown(message, queue, ask));
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
    let redrive = queue.attributes.get("RedrivePolicy").and_then(|text| Redrive::parse(text));
    let Some(redrive) = redrive.filter(|redrive| message.receives >= redrive.receives_max) else {
        return Ok(false);
    };
    let Some(target) = call.tx.get::<QueueRecord>(QUEUE, &redrive.target.key()).await? else {
        return Ok(false);
    };
    let buried = QueuedMessage {
        visible: now,
        receives: 0,
        first_received: None,
        dead_letter_source: Some(name.arn().to_string()),
        ..message.clone()
    };
    for (kind, key, bytes) in rows(&target.incarnation, &buried)? {
        call.tx.put_bytes(kind, &key, bytes);
    }
    Ok(true)
}

fn shown(message: QueuedMessage, queue: &QueueRecord, ask: &Ask) -> ReceivedMessage {
    let attributes: BTreeMap<String, MessageAttribute> = message
        .attributes
        .clone()
        .into_iter()
        .filter(|(name, _)| ask.names.iter().any(|pattern| is_asked_for(name, pattern)))
        .collect();
    let system = system_attributes(&message, ask);
    ReceivedMessage {
        receipt_handle: receipt_handle(&queue.incarnation, &message.id),
        md5_of_body: md5_of_text(&message.body),
        message_id: message.id,
        body: message.body,
        attributes: (!system.is_empty()).then_some(system),
        md5_of_message_attributes: md5_of_attributes(&attributes),
        message_attributes: (!attributes.is_empty())
            .then(|| attributes.into_iter().map(|(name, attribute)| (name, received(attribute))).collect()),
    }
}

/// `All`, `.*`, a name, or a name's beginning followed by `.*`.
fn is_asked_for(name: &str, pattern: &str) -> bool {
    match pattern {
        "All" | ".*" => true,
        pattern => match pattern.strip_suffix(".*") {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        },
    }
}

fn received(attribute: MessageAttribute) -> ReceivedAttribute {
    let MessageAttribute { data_type, value } = attribute;
    if data_type.starts_with("Binary") {
        let bytes = BASE64.decode(&value).unwrap_or_default();
        ReceivedAttribute { string_value: None, binary_value: Some(Blob(bytes)), data_type }
    } else {
        ReceivedAttribute { string_value: Some(value), binary_value: None, data_type }
    }
}

fn system_attributes(message: &QueuedMessage, ask: &Ask) -> BTreeMap<String, String> {
    let all = [
        ("SenderId", Some(message.sender_id.clone())),
        ("SentTimestamp", Some(message.sent.as_millisecond().to_string())),
        ("ApproximateReceiveCount", Some(message.receives.to_string())),
        (
            "ApproximateFirstReceiveTimestamp",
            message.first_received.map(|time| time.as_millisecond().to_string()),
        ),
        ("AWSTraceHeader", message.trace_header.clone()),
        ("MessageGroupId", message.group.clone()),
        ("DeadLetterQueueSourceArn", message.dead_letter_source.clone()),
    ];
    all.into_iter()
        .filter(|(name, _)| ask.system_names.iter().any(|asked| asked == "All" || asked == name))
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_by_pattern() {
        for (name, pattern, want) in [
            ("a", "All", true),
            ("a", ".*", true),
            ("foo.bar", "foo.*", true),
            ("a", "a", true),
            ("a", "b", false),
            ("ab", "a", false),
        ] {
            assert_eq!(is_asked_for(name, pattern), want, "{name} {pattern}");
        }
    }
}
