//! Dead letters: events whose target could not be called, in the queue that the target names for them
//!
//! The body is the event before any transformation. Source: EventBridge User Guide, "Using dead-letter queues to process undelivered
//! events", with the names of the message attributes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::{Arn, events::ShownTarget};
use keywatch_store::{Append, Partition, Store, StoreError};

use super::{
    call_target::Failure,
    policy::{Wish, lets},
};
use crate::{
    entry::{Body, Message, MessageAttribute, Target},
    notify::receiver,
};

/// What a dead letter tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeadLetter<'l> {
    /// A UUID.
    pub(super) id: uuid::Uuid,
    pub(super) rule_arn: &'l str,
    /// Whose the rule is.
    pub(super) account: &'l str,
    pub(super) target: &'l ShownTarget,
    pub(super) event: &'l str,
    pub(super) failure: &'l Failure,
    /// Which limit of the retry policy was reached, and after how many retries.
    pub(super) exhausted: Option<(&'static str, u32)>,
    pub(super) now: Timestamp,
}

/// The message for the queue; `None` where no queue takes it.
pub(super) async fn dead_letter(
    store: &Store,
    letter: &DeadLetter<'_>,
) -> Result<Option<Append>, StoreError> {
    let config = letter.target.dead_letter_config.as_ref();
    let Some(text) = config.and_then(|config| config.arn.as_deref()) else { return Ok(None) };
    let Ok(arn) = text.parse::<Arn>() else { return Ok(None) };
    let Some(found) = receiver::queue(store, text).await? else { return Ok(None) };
    let wish = Wish {
        action: "sqs:SendMessage",
        resource: text,
        owner: &arn.account,
        region: &arn.region,
        rule_arn: letter.rule_arn,
        account: letter.account,
        role_arn: None,
        now: letter.now,
    };
    if !lets(found.policy.as_deref(), &wish) {
        return Ok(None);
    }
    let message = Message {
        target: Target::Queue(text.to_owned()),
        id: letter.id.to_string(),
        subject: None,
        body: letter.event.to_owned(),
        by_protocol: false,
        order: None,
        rule: None,
        alarm: None,
        attributes: attributes(letter),
    };
    Ok(Some(message.append(Partition::new(&arn.account, &arn.region), letter.now)))
}

fn attributes(letter: &DeadLetter<'_>) -> BTreeMap<String, MessageAttribute> {
    let retries = letter.exhausted.map(|(_, attempts)| attempts.to_string());
    let told = [
        ("RULE_ARN", Some(letter.rule_arn)),
        ("TARGET_ARN", Some(letter.target.arn.as_str())),
        ("ERROR_CODE", Some(letter.failure.code)),
        ("ERROR_MESSAGE", Some(letter.failure.message.as_str())),
        ("EXHAUSTED_RETRY_CONDITION", letter.exhausted.map(|(condition, _)| condition)),
        ("RETRY_ATTEMPTS", retries.as_deref()),
    ];
    told.into_iter()
        .filter_map(|(name, value)| {
            let attribute = MessageAttribute { data_type: "String".to_owned(), value: value?.to_owned() };
            Some((name.to_owned(), attribute))
        })
        .collect()
}
