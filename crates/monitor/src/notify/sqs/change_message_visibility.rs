//! `ChangeMessageVisibility`: hides a received message for longer, or shows it at once.

use jiff::SignedDuration;
use keywatch_api::sqs::ChangeMessageVisibilityRequest;
use keywatch_iam::Call;

use super::delete_message::received;
use super::receive_message::visibility;
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::{QueueNumber, QueueRecord, rows};

pub(super) async fn change_message_visibility(
    call: &mut Call<'_>,
    notify: &Notify,
    request: ChangeMessageVisibilityRequest,
) -> Result<(), SqsError> {
    let (_, record) = queue(call, &request.queue_url, "sqs:ChangeMessageVisibility").await?;
    let hidden = visibility(request.visibility_timeout)?;
    notify.inner.waiters.stir(&record.incarnation);
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
    let (mut placed, is_latest) = found.ok_or(SqsError::MessageNotInflight)?;
    let was = placed.message.visible;
    if was <= call.now || (queue.is_fifo() && !is_latest) {
        return Err(SqsError::MessageNotInflight);
    }
    let until = call.now + hidden;
    let most = SignedDuration::from_secs(*QueueNumber::VisibilityTimeout.range().end());
    if placed.message.received.is_some_and(|received| until > received + most) {
        let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
        return Err(SqsError::value(hidden.as_secs(), "VisibilityTimeout", reason));
    }
    placed.message.visible = until;
    rows::rewrite(&mut call.tx, &queue.incarnation, was, &placed)?;
    rows::settle(&mut call.tx, queue, [&placed]).await?;
    Ok(())
}
