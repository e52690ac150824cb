//! `CreateQueue`: a new queue, or the one that is there already if it is the same.

use keywatch_api::sqs::{CreateQueueRequest, QueueUrl};
use keywatch_iam::Call;

use super::attributes::check;
use super::{SqsError, permitted};
use crate::notify::Notify;
use crate::notify::queue::{QUEUE, QueueName, QueueNumber, QueueRecord, is_queue_name};

pub(super) async fn create_queue(
    call: &mut Call<'_>,
    _: &Notify,
    request: CreateQueueRequest,
) -> Result<QueueUrl, SqsError> {
    let attributes = request.attributes.unwrap_or_default();
    check(&attributes)?;
    if !is_queue_name(&request.queue_name) {
        return Err(SqsError::InvalidParameter(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length".to_owned(),
        ));
    }
    let name =
        QueueName { account: call.account().clone(), region: call.region.clone(), name: request.queue_name };
    let found = permitted(call, &name, "sqs:CreateQueue").await?;
    let queue_url = name.url(call.origin.endpoint);
    let asked = QueueRecord::new(attributes, request.tags.unwrap_or_default(), call.now);
    match found {
        Some(found) => {
            match asked.attributes.keys().find(|name| value(&found, name) != value(&asked, name)) {
                Some(different) => Err(SqsError::QueueNameExists(different.clone())),
                None => Ok(QueueUrl { queue_url }),
            }
        }
        None => {
            call.tx.insert(QUEUE, &name.key(), &asked)?;
            Ok(QueueUrl { queue_url })
        }
    }
}

/// An attribute as set or by default.
fn value(queue: &QueueRecord, name: &str) -> String {
    match QueueNumber::ALL.into_iter().find(|number| number.name() == name) {
        Some(number) => queue.number(number).to_string(),
        None => queue.attributes.get(name).cloned().unwrap_or_default(),
    }
}
