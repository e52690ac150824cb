//! `CancelMessageMoveTask`: what was moved stays where it is.

use keywatch_api::sqs::{CancelMessageMoveTaskRequest, MessagesMoved};
use keywatch_iam::Call;

use super::{SqsError, permitted};
use crate::notify::Notify;
use crate::notify::queue::tasks::{Status, TASK, of_source, read_handle};

pub(super) async fn cancel_message_move_task(
    call: &mut Call<'_>,
    _: &Notify,
    request: CancelMessageMoveTaskRequest,
) -> Result<MessagesMoved, SqsError> {
    let (id, source) = read_handle(&request.task_handle)
        .ok_or_else(|| SqsError::InvalidParameter("Value for parameter TaskHandle is invalid.".to_owned()))?;
    let missing = SqsError::ResourceNotFound("SourceArn");
    permitted(call, &source, "sqs:CancelMessageMoveTask").await?.ok_or(missing)?;
    let tasks = of_source(&mut call.tx, &source).await?;
    let mut task = tasks.into_iter().find(|task| task.id == id).ok_or(SqsError::NoSuchTask)?;
    if task.status != Status::Running {
        return Err(SqsError::Unsupported("Only active tasks can be cancelled."));
    }
    task.status = Status::Cancelling;
    call.tx.put(TASK, &task.key(), &task)?;
    task.go_on(&mut call.tx, call.now)?;
    Ok(MessagesMoved { approximate_number_of_messages_moved: task.moved })
}
