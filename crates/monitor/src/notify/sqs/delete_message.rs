//! `DeleteMessage`: a message that is gone already is deleted.

use keywatch_api::sqs::DeleteMessageRequest;
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::{
    QUEUED, QueueRecord, QueuedMessage, VISIBLE, message_key, read_receipt, visible_key,
};

pub(super) async fn delete_message(
    call: &mut Call<'_>,
    _: &Notify,
    request: DeleteMessageRequest,
) -> Result<(), SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:DeleteMessage").await?;
    delete(call, &record, &request.receipt_handle).await
}

/// Deletes the message a receipt names.
pub(super) async fn delete(call: &mut Call<'_>, queue: &QueueRecord, handle: &str) -> Result<(), SqsError> {
    let Some((key, message)) = received(call, queue, handle).await? else { return Ok(()) };
    call.tx.delete(VISIBLE, &visible_key(&queue.incarnation, message.visible, &message.id));
    call.tx.delete(QUEUED, &key);
    Ok(())
}

/// The message a receipt names, with its key; `None` when it is gone.
pub(super) async fn received(
    call: &mut Call<'_>,
    queue: &QueueRecord,
    handle: &str,
) -> Result<Option<(String, QueuedMessage)>, SqsError> {
    let invalid = || SqsError::ReceiptHandleIsInvalid(handle.to_owned());
    let (incarnation, id) = read_receipt(handle).ok_or_else(invalid)?;
    // A receipt from before a purge.
    if incarnation != queue.incarnation {
        return Ok(None);
    }
    let key = message_key(&incarnation, &id);
    Ok(call.tx.get::<QueuedMessage>(QUEUED, &key).await?.map(|message| (key, message)))
}
