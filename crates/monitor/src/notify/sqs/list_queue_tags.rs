//! `ListQueueTags`

use keywatch_api::sqs::{QueueRequest, QueueTags};
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;

pub(super) async fn list_queue_tags(
    call: &mut Call<'_>,
    _: &Notify,
    request: QueueRequest,
) -> Result<QueueTags, SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:ListQueueTags").await?;
    Ok(QueueTags { tags: (!record.tags.is_empty()).then_some(record.tags) })
}
