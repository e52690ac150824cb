//! `ChangeMessageVisibility`: hides a received message for longer, or shows it at once.

use jiff::SignedDuration;
use keywatch_api::sqs::ChangeMessageVisibilityRequest;
use keywatch_iam::Call;

use super::delete_message::received;
use super::receive_message::visibility;
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::{QueueRecord, VISIBLE, rows, visible_key};

pub(super) async fn change_message_visibility(
    call: &mut Call<'_>,
    _: &Notify,
    request: ChangeMessageVisibilityRequest,
) -> Result<(), SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:ChangeMessageVisibility").await?;
    let hidden = visibility(request.visibility_timeout)?;
    change(call, &record, &request.receipt_handle, hidden).await
}

/// Hides the message a receipt names for `hidden` from now on.
pub(super) async fn change(
    call: &mut Call<'_>,
    queue: &QueueRecord,
    handle: &str,
    hidden: SignedDuration,
) -> Result<(), SqsError> {
    let found = received(call, queue, handle).await?;
    let (_, mut message) = found.ok_or(SqsError::MessageNotInflight)?;
    if message.visible <= call.now {
        return Err(SqsError::MessageNotInflight);
    }
    call.tx.delete(VISIBLE, &visible_key(&queue.incarnation, message.visible, &message.id));
    message.visible = call.now + hidden;
    for (kind, key, bytes) in rows(&queue.incarnation, &message)? {
        call.tx.put_bytes(kind, &key, bytes);
    }
    Ok(())
}
