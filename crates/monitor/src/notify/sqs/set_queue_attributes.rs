//! `SetQueueAttributes`

use keywatch_api::sqs::SetQueueAttributesRequest;
use keywatch_iam::Call;

use super::attributes::{check, check_redrive, merged};
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::{QUEUE, QueueNumber, retention};

pub(super) async fn set_queue_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: SetQueueAttributesRequest,
) -> Result<(), SqsError> {
    let (name, mut record) = queue(call, &request.queue_url, "sqs:SetQueueAttributes").await?;
    check(&request.attributes, record.is_fifo())?;
    check_redrive(call, &name, &request.attributes).await?;
    let kept = record.number(QueueNumber::MessageRetentionPeriod);
    record.attributes = merged(record.attributes, &request.attributes)?;
    record.modified = call.now;
    if record.number(QueueNumber::MessageRetentionPeriod) != kept {
        retention::look_at(&mut call.tx, &name, &record, call.now)?;
    }
    call.tx.put(QUEUE, &name.key(), &record)?;
    Ok(())
}
