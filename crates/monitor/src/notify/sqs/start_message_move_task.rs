//! `StartMessageMoveTask`: dead letters go back to where they came from, or to a queue that is named.

use keywatch_api::sqs::{StartMessageMoveTaskRequest, TaskHandle};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{SqsError, permitted};
use crate::notify::Notify;
use crate::notify::queue::rows::count;
use crate::notify::queue::tasks::{MoveTask, Status, TASK, TASKS_SHOWN_MAX, of_source};
use crate::notify::queue::{QUEUE, QueueName, QueueRecord};

const RATE: std::ops::RangeInclusive<i32> = 1..=500;
const QUEUES_READ_MAX: usize = 100_000;
/// What the caller must be allowed of the source, for that is what the task does.
const SOURCE_ACTIONS: [&str; 4] =
    ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

pub(super) async fn start_message_move_task(
    call: &mut Call<'_>,
    _: &Notify,
    request: StartMessageMoveTaskRequest,
) -> Result<TaskHandle, SqsError> {
    let source = named(&request.source_arn, "SourceArn")?;
    let mut found = None;
    for action in SOURCE_ACTIONS {
        found = permitted(call, &source, action).await?;
    }
    let record = found.ok_or(SqsError::ResourceNotFound("SourceArn"))?;
    let destination = destination(call, &source, &record, request.destination_arn).await?;
    if let Some(rate) = request.max_number_of_messages_per_second
        && !RATE.contains(&rate)
    {
        let reason = "Must be between 1 and 500, if provided.";
        return Err(SqsError::value(rate, "MaxNumberOfMessagesPerSecond", reason));
    }
    if !is_dead_letter_queue(call, &source).await? {
        let text = "Source queue must be configured as a Dead Letter Queue.";
        return Err(SqsError::InvalidParameter(text.to_owned()));
    }
    let before = of_source(&mut call.tx, &source).await?;
    if before.iter().any(|task| task.status.is_active()) {
        return Err(SqsError::InvalidParameter(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
                .to_owned(),
        ));
    }
    for task in before.iter().skip(TASKS_SHOWN_MAX - 1) {
        call.tx.delete(TASK, &task.key());
    }
    let task = MoveTask {
        id: uuid::Uuid::new_v4().to_string(),
        source: source.key(),
        destination: destination.map(|name| name.key()),
        rate: request.max_number_of_messages_per_second,
        status: Status::Running,
        moved: 0,
        to_move: count(call.tx.store, &record, call.now, true).await?.visible,
        failure: None,
        started: call.now,
    };
    // Of two that start at once, one sees the other: both change the source queue's row.
    call.tx.put(QUEUE, &source.key(), &record)?;
    call.tx.insert(TASK, &task.key(), &task)?;
    task.go_on(&mut call.tx, call.now)?;
    Ok(TaskHandle { task_handle: task.handle() })
}

fn named(arn: &str, parameter: &'static str) -> Result<QueueName, SqsError> {
    QueueName::from_arn(arn).ok_or_else(|| {
        SqsError::InvalidParameter(format!(
            "You must use this format to specify the {parameter}: arn:aws:sqs:<region>:<account>:<queue>"
        ))
    })
}

/// The queue the messages go to, where one is named: of the same account, Region and kind.
async fn destination(
    call: &mut Call<'_>,
    source: &QueueName,
    record: &QueueRecord,
    arn: Option<String>,
) -> Result<Option<QueueName>, SqsError> {
    let Some(arn) = arn else { return Ok(None) };
    let name = named(&arn, "DestinationArn")?;
    let found = permitted(call, &name, "sqs:SendMessage").await?;
    let found = found.ok_or(SqsError::ResourceNotFound("DestinationArn"))?;
    let is_near = name.account == source.account && name.region == source.region;
    if name == *source || !is_near || found.is_fifo() != record.is_fifo() {
        let text = "Source queue and destination queue must be different queues of the same type, account and Region.";
        return Err(SqsError::InvalidParameter(text.to_owned()));
    }
    Ok(Some(name))
}

async fn is_dead_letter_queue(call: &mut Call<'_>, target: &QueueName) -> Result<bool, SqsError> {
    let prefix = format!("{}/{}/", target.account, target.region);
    let scan = Scan { prefix: &prefix, after: None, limit: QUEUES_READ_MAX };
    for row in call.tx.store.scan(QUEUE, scan).await? {
        let queue: QueueRecord = keywatch_store::decode(&row.bytes)?;
        if queue.redrive().is_some_and(|redrive| redrive.target == *target) {
            return Ok(true);
        }
    }
    Ok(false)
}
