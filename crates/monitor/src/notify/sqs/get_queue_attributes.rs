//! `GetQueueAttributes`

use std::collections::BTreeMap;

use keywatch_api::sqs::{GetQueueAttributesRequest, QueueAttributes};
use keywatch_iam::Call;

use super::attributes::{OF_FIFO, is_readable};
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::rows::{Counts, count};
use crate::notify::queue::{QueueName, QueueNumber, QueueRecord};

pub(super) async fn get_queue_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: GetQueueAttributesRequest,
) -> Result<QueueAttributes, SqsError> {
    let (name, record) = queue(call, &request.queue_url, "sqs:GetQueueAttributes").await?;
    let asked = request.attribute_names.unwrap_or_default();
    if let Some(unknown) = asked.iter().find(|name| !is_readable(name)) {
        return Err(SqsError::InvalidAttributeName(unknown.clone()));
    }
    let all = asked.iter().any(|name| name == "All");
    let counts = if all || asked.iter().any(|name| name.starts_with("ApproximateNumberOf")) {
        count(call.tx.store, &record, call.now, true).await?
    } else {
        Counts::default()
    };
    let mut attributes = known(&name, &record, &counts);
    attributes.retain(|name, _| all || asked.contains(name));
    Ok(QueueAttributes { attributes: (!attributes.is_empty()).then_some(attributes) })
}

fn known(name: &QueueName, record: &QueueRecord, counts: &Counts) -> BTreeMap<String, String> {
    let mut attributes: BTreeMap<String, String> = [
        ("QueueArn", name.arn().to_string()),
        ("CreatedTimestamp", record.created.as_second().to_string()),
        ("LastModifiedTimestamp", record.modified.as_second().to_string()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        // What AWS says of a queue that nobody configured; what it means here is in the notes on operations.
        ("SqsManagedSseEnabled", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if record.is_fifo() {
        attributes.extend(OF_FIFO.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    attributes.extend(record.attributes.clone());
    for number in QueueNumber::ALL {
        attributes.insert(number.name().to_owned(), record.number(number).to_string());
    }
    if !record.attributes.contains_key("KmsMasterKeyId") {
        attributes.remove(QueueNumber::KmsDataKeyReusePeriodSeconds.name());
    }
    attributes
}
