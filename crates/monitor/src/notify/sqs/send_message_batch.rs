//! `SendMessageBatch`: up to ten messages; each succeeds or fails by itself.

use keywatch_api::sqs::{BatchResponse, SendMessageBatchRequest, SendMessageBatchResult};
use keywatch_iam::Call;
use serde_json::json;

use super::batch::{Results, check_ids};
use super::send_message::{Draft, send};
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::QueueNumber;

pub(super) async fn send_message_batch(
    call: &mut Call<'_>,
    notify: &Notify,
    request: SendMessageBatchRequest,
) -> Result<BatchResponse<SendMessageBatchResult>, SqsError> {
    call.notes.request_parameters =
        Some(json!({"queueUrl": request.queue_url, "entries": "HIDDEN_DUE_TO_SECURITY_REASONS"}).to_string());
    let (name, record) = queue(call, &request.queue_url, "sqs:SendMessage").await?;
    check_ids(request.entries.iter().map(|entry| entry.id.as_str()), "SendMessageBatchRequestEntry")?;
    let drafts: Vec<(String, Draft)> = request
        .entries
        .into_iter()
        .map(|entry| {
            let draft = Draft {
                body: entry.message_body,
                delay_seconds: entry.delay_seconds,
                attributes: entry.message_attributes,
                system_attributes: entry.message_system_attributes,
                deduplication_id: entry.message_deduplication_id,
                group: entry.message_group_id,
            };
            (entry.id, draft)
        })
        .collect();
    let sent = drafts.iter().map(|(_, draft)| draft.size()).sum();
    let limit = *QueueNumber::MaximumMessageSize.range().end();
    if sent as i64 > limit {
        return Err(SqsError::BatchTooLong { sent, limit });
    }
    notify.inner.waiters.stir(&record.incarnation);
    let mut results = Results::new();
    for (id, draft) in drafts {
        let result = send(call, &name, &record, draft).await.map(|sent| SendMessageBatchResult {
            id: id.clone(),
            message_id: sent.message_id,
            md5_of_message_body: sent.md5_of_message_body,
            md5_of_message_attributes: sent.md5_of_message_attributes,
            md5_of_message_system_attributes: sent.md5_of_message_system_attributes,
            sequence_number: sent.sequence_number,
        });
        results.add(id, result)?;
    }
    Ok(results.into_response())
}
