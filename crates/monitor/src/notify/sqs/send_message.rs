//! `SendMessage`

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::SignedDuration;
use keywatch_api::sqs::{MessageAttributeValue, SendMessageRequest, SendMessageResponse};
use keywatch_iam::Call;
use serde_json::json;

use super::{SqsError, queue};
use crate::entry::MessageAttribute;
use crate::notify::Notify;
use crate::notify::queue::deduplication::id_of_content;
use crate::notify::queue::{
    QUEUE, QueueName, QueueNumber, QueueRecord, QueuedMessage, is_message_text, md5_of_attributes,
    md5_of_text, rows,
};

const ATTRIBUTES_MAX: usize = 10;
const TRACE_HEADER: &str = "AWSTraceHeader";

pub(super) async fn send_message(
    call: &mut Call<'_>,
    notify: &Notify,
    request: SendMessageRequest,
) -> Result<SendMessageResponse, SqsError> {
    // As CloudTrail shows it: what is sent is nobody else's business.
    call.notes.request_parameters = Some(
        json!({"queueUrl": request.queue_url, "messageBody": "HIDDEN_DUE_TO_SECURITY_REASONS"}).to_string(),
    );
    let (name, record) = queue(call, &request.queue_url, "sqs:SendMessage").await?;
    let draft = Draft {
        body: request.message_body,
        delay_seconds: request.delay_seconds,
        attributes: request.message_attributes,
        system_attributes: request.message_system_attributes,
        deduplication_id: request.message_deduplication_id,
        group: request.message_group_id,
    };
    notify.inner.waiters.stir(&record.incarnation);
    send(call, &name, &record, draft).await
}

/// A message as a caller gives it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) body: Option<String>,
    pub(super) delay_seconds: Option<i32>,
    pub(super) attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    pub(super) system_attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    pub(super) deduplication_id: Option<String>,
    pub(super) group: Option<String>,
}

impl Draft {
    /// Bytes that count.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter().flatten().map(|(name, value)| {
            let text = value.string_value.as_ref().map_or(0, String::len);
            let bytes = value.binary_value.as_ref().map_or(0, |bytes| bytes.0.len());
            name.len() + value.data_type.len() + text + bytes
        });
        self.body.as_ref().map_or(0, String::len) + attributes.sum::<usize>()
    }
}

/// Checks a draft and puts it into the queue.
pub(super) async fn send(
    call: &mut Call<'_>,
    name: &QueueName,
    queue: &QueueRecord,
    draft: Draft,
) -> Result<SendMessageResponse, SqsError> {
    let size_max = queue.number(QueueNumber::MaximumMessageSize);
    if draft.size() as i64 > size_max {
        return Err(SqsError::InvalidParameter(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {size_max} bytes."
        )));
    }
    let body = draft.body.filter(|body| !body.is_empty()).ok_or(SqsError::MissingParameter("MessageBody"))?;
    if !is_message_text(&body) {
        return Err(SqsError::InvalidMessageContents);
    }
    check_id(draft.group.as_deref(), "MessageGroupId")?;
    let deduplication = deduplication(queue, draft.deduplication_id, draft.group.as_deref(), &body)?;
    let delay = delay(queue, draft.delay_seconds)?;
    let attributes = attributes(draft.attributes.unwrap_or_default(), "user")?;
    let system = attributes_of_system(draft.system_attributes.unwrap_or_default())?;
    let message = QueuedMessage {
        id: uuid::Uuid::new_v4().to_string(),
        body,
        attributes,
        trace_header: system.get(TRACE_HEADER).map(|header| header.value.clone()),
        group: draft.group,
        sender_id: call.caller.user_id.clone(),
        sent: call.now,
        visible: call.now + delay,
        receives: 0,
        first_received: None,
        dead_letter_source: None,
        deduplication,
        sequence: None,
        received: None,
    };
    // The queue must still be there, and not have been purged, at the commit.
    call.tx.require_unchanged(QUEUE, &name.key());
    let md5_of_message_body = md5_of_text(&message.body);
    let md5_of_message_attributes = md5_of_attributes(&message.attributes);
    let accepted = rows::add_once(&mut call.tx, name, queue, message).await?;
    Ok(SendMessageResponse {
        md5_of_message_body,
        md5_of_message_attributes,
        md5_of_message_system_attributes: md5_of_attributes(&system),
        message_id: accepted.id,
        sequence_number: accepted.sequence,
    })
}

/// What tells a message from others in a queue in order; nothing does in a standard one.
fn deduplication(
    queue: &QueueRecord,
    given: Option<String>,
    group: Option<&str>,
    body: &str,
) -> Result<Option<String>, SqsError> {
    if !queue.is_fifo() {
        let reason = "The request includes a parameter that is not valid for this queue type";
        return match given {
            Some(id) => Err(SqsError::value(id, "MessageDeduplicationId", reason)),
            None => Ok(None),
        };
    }
    group.ok_or(SqsError::MissingParameter("MessageGroupId"))?;
    check_id(given.as_deref(), "MessageDeduplicationId")?;
    let by_content = || queue.is_set("ContentBasedDeduplication").then(|| id_of_content(body));
    given.or_else(by_content).map(Some).ok_or_else(|| {
        SqsError::InvalidParameter(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
                .to_owned(),
        )
    })
}

/// The queue's delay unless the message has one of its own, which in a queue in order only nothing may be.
fn delay(queue: &QueueRecord, given: Option<i32>) -> Result<SignedDuration, SqsError> {
    match given {
        None => Ok(queue.seconds(QueueNumber::DelaySeconds)),
        Some(0) if queue.is_fifo() => Ok(queue.seconds(QueueNumber::DelaySeconds)),
        Some(seconds) if queue.is_fifo() => {
            let reason = "The request include parameter that is not valid for this queue type.";
            Err(SqsError::value(seconds, "DelaySeconds", reason))
        }
        Some(seconds) if QueueNumber::DelaySeconds.range().contains(&i64::from(seconds)) => {
            Ok(SignedDuration::from_secs(seconds.into()))
        }
        Some(seconds) => {
            Err(SqsError::value(seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900."))
        }
    }
}

/// What groups and ids are made of, behind the parameter's name.
pub(super) const ID_RULE: &str =
    "can only include alphanumeric and punctuation characters. 1 to 128 in length.";

/// "Alphanumeric and punctuation characters, 1 to 128"
pub(super) fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn check_id(id: Option<&str>, parameter: &str) -> Result<(), SqsError> {
    match id.filter(|id| !is_id(id)) {
        Some(id) => Err(SqsError::value(id, parameter, &format!("{parameter} {ID_RULE}"))),
        None => Ok(()),
    }
}

fn attributes_of_system(
    given: BTreeMap<String, MessageAttributeValue>,
) -> Result<BTreeMap<String, MessageAttribute>, SqsError> {
    if given.keys().any(|name| name != TRACE_HEADER) {
        return Err(SqsError::InvalidParameter(format!(
            "Message system attribute name is invalid. Only {TRACE_HEADER} can be set."
        )));
    }
    attributes(given, "system")
}

fn attributes(
    given: BTreeMap<String, MessageAttributeValue>,
    kind: &str,
) -> Result<BTreeMap<String, MessageAttribute>, SqsError> {
    if given.len() > ATTRIBUTES_MAX {
        return Err(SqsError::InvalidParameter(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].",
            given.len()
        )));
    }
    given
        .into_iter()
        .map(|(name, value)| attribute(&name, value, kind).map(|kept| (name.clone(), kept)))
        .collect()
}

fn attribute(name: &str, given: MessageAttributeValue, of: &str) -> Result<MessageAttribute, SqsError> {
    let refuse = |text: String| Err(SqsError::InvalidParameter(text));
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let dotted = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    let lower = name.to_ascii_lowercase();
    let reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    if name.is_empty() || name.len() > 256 || !plain || dotted || reserved {
        return refuse(format!("Message ({of}) attribute name '{name}' is invalid."));
    }
    let kind = given.data_type;
    let prefix = kind.split('.').next().unwrap_or_default();
    let value = match prefix {
        "Binary" => given.binary_value.map(|bytes| BASE64.encode(bytes.0)),
        "String" | "Number" => given.string_value,
        _ => {
            return refuse(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            ));
        }
    };
    match value {
        Some(value) if prefix == "Number" && value.parse::<f64>().is_err() => {
            refuse(format!("Can't cast the value of message ({of}) attribute '{name}' to a number."))
        }
        Some(value) if !value.is_empty() => Ok(MessageAttribute { data_type: kind, value }),
        _ => refuse(format!(
            "Message ({of}) attribute '{name}' must contain a non-empty value of type '{prefix}'."
        )),
    }
}
