//! `ChangeMessageVisibilityBatch`

use keywatch_api::sqs::{BatchId, BatchResponse, ChangeMessageVisibilityBatchRequest};
use keywatch_iam::Call;

use super::batch::{Results, check_ids};
use super::change_message_visibility::change;
use super::receive_message::visibility;
use super::{SqsError, queue};
use crate::notify::Notify;

pub(super) async fn change_message_visibility_batch(
    call: &mut Call<'_>,
    notify: &Notify,
    request: ChangeMessageVisibilityBatchRequest,
) -> Result<BatchResponse<BatchId>, SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:ChangeMessageVisibility").await?;
    let ids = request.entries.iter().map(|entry| entry.id.as_str());
    check_ids(ids, "ChangeMessageVisibilityBatchRequestEntry")?;
    notify.inner.waiters.stir(&record.incarnation);
    let mut results = Results::new();
    for entry in request.entries {
        let result = match entry.visibility_timeout.map(visibility) {
            None => Err(SqsError::MissingParameter("VisibilityTimeout")),
            Some(Err(error)) => Err(error),
            Some(Ok(hidden)) => change(call, &record, &entry.receipt_handle, hidden).await,
        };
        results.add(entry.id.clone(), result.map(|()| BatchId { id: entry.id }))?;
    }
    Ok(results.into_response())
}
