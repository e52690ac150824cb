//! `GetQueueUrl`

use keywatch_api::sqs::{GetQueueUrlRequest, QueueUrl};
use keywatch_iam::Call;

use super::{SqsError, permitted};
use crate::notify::Notify;
use crate::notify::queue::QueueName;

pub(super) async fn get_queue_url(
    call: &mut Call<'_>,
    _: &Notify,
    request: GetQueueUrlRequest,
) -> Result<QueueUrl, SqsError> {
    let account = match request.owner {
        Some(owner) => owner
            .parse()
            .map_err(|_| SqsError::value(owner, "QueueOwnerAWSAccountId", "An account has twelve digits."))?,
        None => call.account().clone(),
    };
    let name = QueueName { account, region: call.region.clone(), name: request.queue_name };
    permitted(call, &name, "sqs:GetQueueUrl").await?.ok_or(SqsError::QueueDoesNotExist)?;
    Ok(QueueUrl { queue_url: name.url(call.origin.endpoint) })
}
