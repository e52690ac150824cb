//! `DeleteMessage`: a message that is gone already is deleted.

use keywatch_api::sqs::DeleteMessageRequest;
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::rows::{self, Placed};
use crate::notify::queue::{QueueRecord, Receipt};

pub(super) async fn delete_message(
    call: &mut Call<'_>,
    _: &Notify,
    request: DeleteMessageRequest,
) -> Result<(), SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:DeleteMessage").await?;
    delete(call, &record, &request.receipt_handle).await
}

/// Deletes the message a receipt names. In a queue in order a receipt is good for as long as it hides the message: afterwards
/// somebody else may have it, and what follows it.
pub(super) async fn delete(call: &mut Call<'_>, queue: &QueueRecord, handle: &str) -> Result<(), SqsError> {
    let Some((placed, is_latest)) = received(call, queue, handle).await? else { return Ok(()) };
    if queue.is_fifo() && !(is_latest && call.now < placed.message.visible) {
        return Err(SqsError::value(handle, "ReceiptHandle", "The receipt handle has expired."));
    }
    rows::erase(&mut call.tx, &queue.incarnation, &placed);
    rows::settle(&mut call.tx, queue, [&placed]).await?;
    Ok(())
}

/// The message a receipt names, and whether it was not received again since; `None` when it is gone.
pub(super) async fn received(
    call: &mut Call<'_>,
    queue: &QueueRecord,
    handle: &str,
) -> Result<Option<(Placed, bool)>, SqsError> {
    let invalid = || SqsError::ReceiptHandleIsInvalid(handle.to_owned());
    let receipt = Receipt::read(handle).ok_or_else(invalid)?;
    // A receipt from before a purge.
    if receipt.incarnation != queue.incarnation {
        return Ok(None);
    }
    let found = rows::get(&mut call.tx, &receipt.incarnation, &receipt.locator).await?;
    Ok(found.map(|placed| {
        let is_latest = receipt.receives.is_none_or(|receives| receives == placed.message.receives);
        (placed, is_latest)
    }))
}
