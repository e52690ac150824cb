//! `DeleteQueue`: the queue at once, its messages at leisure.

use keywatch_api::sqs::QueueRequest;
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::delivery::{EXPIRY, Expiry, due_key};
use crate::notify::queue::QUEUE;
use crate::notify::queue::tasks::{TASK, of_source};

pub(super) async fn delete_queue(
    call: &mut Call<'_>,
    _: &Notify,
    request: QueueRequest,
) -> Result<(), SqsError> {
    let (name, record) = queue(call, &request.queue_url, "sqs:DeleteQueue").await?;
    for task in of_source(&mut call.tx, &name).await? {
        call.tx.delete(TASK, &task.key());
    }
    call.tx.delete(QUEUE, &name.key());
    call.tx.put(EXPIRY, &due_key(call.now), &Expiry::Messages { incarnation: record.incarnation })?;
    Ok(())
}
