//! `ListMessageMoveTasks`: the latest tasks of a source.

use keywatch_api::sqs::{ListMessageMoveTasksRequest, MessageMoveTask, MessageMoveTasks};
use keywatch_iam::Call;

use super::{SqsError, permitted};
use crate::notify::Notify;
use crate::notify::queue::QueueName;
use crate::notify::queue::tasks::{MoveTask, Status, TASKS_SHOWN_MAX, of_source};

pub(super) async fn list_message_move_tasks(
    call: &mut Call<'_>,
    _: &Notify,
    request: ListMessageMoveTasksRequest,
) -> Result<MessageMoveTasks, SqsError> {
    let missing = SqsError::ResourceNotFound("SourceArn");
    let Some(source) = QueueName::from_arn(&request.source_arn) else { return Err(missing) };
    permitted(call, &source, "sqs:ListMessageMoveTasks").await?.ok_or(missing)?;
    let asked = request.max_results.unwrap_or(1);
    let limit = usize::try_from(asked).ok().filter(|limit| (1..=TASKS_SHOWN_MAX).contains(limit));
    let limit = limit.ok_or_else(|| {
        SqsError::value(asked, "MaxResults", "Value for parameter MaxResults must be between 1 and 10.")
    })?;
    let tasks = of_source(&mut call.tx, &source).await?;
    let results: Vec<MessageMoveTask> =
        tasks.into_iter().take(limit).map(|task| shown(&source, &task)).collect();
    Ok(MessageMoveTasks { results: (!results.is_empty()).then_some(results) })
}

fn shown(source: &QueueName, task: &MoveTask) -> MessageMoveTask {
    let destination = task.destination.as_deref().and_then(QueueName::from_key);
    MessageMoveTask {
        task_handle: (task.status == Status::Running).then(|| task.handle()),
        status: task.status.as_str().to_owned(),
        source_arn: source.arn().to_string(),
        destination_arn: destination.map(|name| name.arn().to_string()),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: task.moved,
        approximate_number_of_messages_to_move: Some(task.to_move),
        failure_reason: task.failure.clone(),
        started_timestamp: task.started.as_millisecond(),
    }
}
