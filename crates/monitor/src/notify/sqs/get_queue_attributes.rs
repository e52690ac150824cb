//! `GetQueueAttributes`

use std::collections::BTreeMap;

use keywatch_api::sqs::{GetQueueAttributesRequest, QueueAttributes};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::attributes::is_readable;
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::delivery::moment;
use crate::notify::queue::{QUEUED, QueueName, QueueNumber, QueueRecord, QueuedMessage};

/// Messages that are counted: "approximate".
const COUNTED_MAX: usize = 120_000;

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
        count(call, &record).await?
    } else {
        Counts::default()
    };
    let mut attributes = known(&name, &record, &counts);
    attributes.retain(|name, _| all || asked.contains(name));
    Ok(QueueAttributes { attributes: (!attributes.is_empty()).then_some(attributes) })
}

/// Messages by what becomes of them.
#[derive(Debug, Default)]
struct Counts {
    visible: usize,
    in_flight: usize,
    delayed: usize,
}

async fn count(call: &mut Call<'_>, queue: &QueueRecord) -> Result<Counts, SqsError> {
    let prefix = format!("{}/", queue.incarnation);
    let scan = Scan { prefix: &prefix, after: None, limit: COUNTED_MAX };
    let now = moment(call.now);
    let mut counts = Counts::default();
    for row in call.tx.store.scan(QUEUED, scan).await? {
        let message: QueuedMessage = keywatch_store::decode(&row.bytes)?;
        if queue.expires(message.sent) <= call.now {
            continue;
        }
        match (moment(message.visible) <= now, message.receives) {
            (true, _) => counts.visible += 1,
            (false, 0) => counts.delayed += 1,
            (false, _) => counts.in_flight += 1,
        }
    }
    Ok(counts)
}

fn known(name: &QueueName, record: &QueueRecord, counts: &Counts) -> BTreeMap<String, String> {
    let mut attributes: BTreeMap<String, String> = [
        ("QueueArn", name.arn().to_string()),
        ("CreatedTimestamp", record.created.as_second().to_string()),
        ("LastModifiedTimestamp", record.modified.as_second().to_string()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        // Everything at rest is under the disk's care; this says what AWS says of a queue nobody configured.
        ("SqsManagedSseEnabled", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for number in QueueNumber::ALL {
        if number != QueueNumber::KmsDataKeyReusePeriodSeconds {
            attributes.insert(number.name().to_owned(), record.number(number).to_string());
        }
    }
    attributes.extend(record.attributes.clone());
    attributes
}
