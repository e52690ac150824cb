//! `CreateQueue`: a new queue, or the one that is there already if it is the same.

use keywatch_api::sqs::{CreateQueueRequest, QueueUrl};
use keywatch_iam::Call;

use super::attributes::{OF_FIFO, check, check_redrive, merged};
use super::{SqsError, permitted};
use crate::notify::Notify;
use crate::notify::queue::{QUEUE, QueueName, QueueNumber, QueueRecord, is_queue_name};

const NAME: &str = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
const NAME_IN_ORDER: &str = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.";

pub(super) async fn create_queue(
    call: &mut Call<'_>,
    _: &Notify,
    request: CreateQueueRequest,
) -> Result<QueueUrl, SqsError> {
    let attributes = request.attributes.unwrap_or_default();
    let is_fifo = attributes.get("FifoQueue").is_some_and(|fifo| fifo == "true");
    check(&attributes, is_fifo)?;
    let name =
        QueueName { account: call.account().clone(), region: call.region.clone(), name: request.queue_name };
    if !is_queue_name(&name.name) || name.is_fifo() != is_fifo {
        let text = if is_fifo { NAME_IN_ORDER } else { NAME };
        return Err(SqsError::InvalidParameter(text.to_owned()));
    }
    let found = permitted(call, &name, "sqs:CreateQueue").await?;
    let queue_url = name.url(call.origin.endpoint);
    match found {
        Some(found) => match attributes.iter().find(|(name, asked)| value(&found, name) != **asked) {
            Some((different, _)) => Err(SqsError::QueueNameExists(different.clone())),
            None => Ok(QueueUrl { queue_url }),
        },
        None => {
            check_redrive(call, &name, &attributes).await?;
            let attributes = merged(Default::default(), &attributes)?;
            let made = QueueRecord::new(attributes, request.tags.unwrap_or_default(), call.now);
            call.tx.insert(QUEUE, &name.key(), &made)?;
            Ok(QueueUrl { queue_url })
        }
    }
}

/// An attribute as set or by default.
fn value(queue: &QueueRecord, name: &str) -> String {
    if let Some(number) = QueueNumber::ALL.into_iter().find(|number| number.name() == name) {
        return queue.number(number).to_string();
    }
    let default = || OF_FIFO.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    queue.attributes.get(name).cloned().or_else(default).unwrap_or_default()
}
