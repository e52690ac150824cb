//! `DeleteMessageBatch`

use keywatch_api::sqs::{BatchId, BatchResponse, DeleteMessageBatchRequest};
use keywatch_iam::Call;

use super::batch::{Results, check_ids};
use super::delete_message::delete;
use super::{SqsError, queue};
use crate::notify::Notify;

pub(super) async fn delete_message_batch(
    call: &mut Call<'_>,
    _: &Notify,
    request: DeleteMessageBatchRequest,
) -> Result<BatchResponse<BatchId>, SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:DeleteMessage").await?;
    check_ids(request.entries.iter().map(|entry| entry.id.as_str()), "DeleteMessageBatchRequestEntry")?;
    let mut results = Results::new();
    for entry in request.entries {
        let result = delete(call, &record, &entry.receipt_handle).await;
        results.add(entry.id.clone(), result.map(|()| BatchId { id: entry.id }))?;
    }
    Ok(results.into_response())
}
