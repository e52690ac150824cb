//! Tasks that move dead letters back, or elsewhere, a part at a time.
//!
//! Source: SQS API reference, "StartMessageMoveTask": one task runs for a source at a time, up to 500 messages a second, and a task
//! that waits for more is cancelled after what is under way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Batch, Kind, Scan, Store, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::rows::{add, erase, front, settle};
use super::{QUEUE, QueueName, QueueRecord, QueuedMessage};
use crate::notify::delivery::{EXPIRY, Expiry, due_key, moment};

/// The key of the source queue, the moment of the start, the id.
pub(crate) const TASK: Kind = Kind("sqs.move-task");

/// Tasks of a source that are remembered, as AWS shows them.
pub(crate) const TASKS_SHOWN_MAX: usize = 10;
/// Messages that are moved in one turn without a limit of the task's own; they may have a mebibyte each.
const TURN: usize = 32;
/// Between two turns, so that other work has its time.
const PAUSE: SignedDuration = SignedDuration::from_millis(20);
const NO_QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";
const NO_SOURCE: &str = "CouldNotDetermineMessageSource";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Running,
    Cancelling,
    Cancelled,
    Completed,
    Failed,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MoveTask {
    /// A UUID.
    pub(crate) id: String,
    /// The key of the queue whose messages are moved.
    pub(crate) source: String,
    /// The key of the queue they go to; without one each goes back to where it came from.
    pub(crate) destination: Option<String>,
    /// Messages a second.
    pub(crate) rate: Option<i32>,
    pub(crate) status: Status,
    pub(crate) moved: u64,
    /// What there was to move at the start.
    pub(crate) to_move: u64,
    pub(crate) failure: Option<String>,
    pub(crate) started: Timestamp,
}

impl Versioned for MoveTask {
    const MARKER: &'static str = "sqs.move-task/1";
}

impl MoveTask {
    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.source, moment(self.started), self.id)
    }

    /// Names the task to callers.
    pub(crate) fn handle(&self) -> String {
        let source = QueueName::from_key(&self.source).map(|name| name.arn().to_string());
        BASE64.encode(json!({"taskId": self.id, "sourceArn": source}).to_string())
    }

    /// Has the task take its next turn at that moment.
    pub(crate) fn go_on(&self, tx: &mut Transaction<'_>, at: Timestamp) -> Result<(), StoreError> {
        let turn = Expiry::Move { task: self.key() };
        tx.put_bytes(EXPIRY, &due_key(at), keywatch_store::encode(&turn)?);
        Ok(())
    }
}

/// The task's id and its source, as a handle says them.
pub(crate) fn read_handle(handle: &str) -> Option<(String, QueueName)> {
    let text: serde_json::Value = serde_json::from_slice(&BASE64.decode(handle).ok()?).ok()?;
    let source = QueueName::from_arn(text.get("sourceArn")?.as_str()?)?;
    Some((text.get("taskId")?.as_str()?.to_owned(), source))
}

/// The tasks of a source, the latest first.
pub(crate) async fn of_source(
    tx: &mut Transaction<'_>,
    source: &QueueName,
) -> Result<Vec<MoveTask>, StoreError> {
    let prefix = format!("{}/", source.key());
    let scan = Scan { prefix: &prefix, after: None, limit: TASKS_SHOWN_MAX + 1 };
    let mut tasks: Vec<MoveTask> = tx.scan(TASK, scan).await?.into_iter().map(|(_, task)| task).collect();
    tasks.reverse();
    Ok(tasks)
}

/// What a turn of a task comes to.
pub(crate) struct Turn {
    pub(crate) batch: Batch,
    /// Incarnations of the queues that got something.
    pub(crate) reached: Vec<String>,
}

/// Moves some messages.
pub(crate) async fn turn(store: &Store, key: &str, now: Timestamp) -> Result<Turn, StoreError> {
    let mut tx = Transaction::new(store);
    let mut reached = Vec::new();
    let Some(mut task) = tx.get::<MoveTask>(TASK, key).await? else {
        return Ok(Turn { batch: Batch::default(), reached });
    };
    match task.status {
        Status::Cancelling => task.status = Status::Cancelled,
        Status::Running => match move_some(&mut tx, &mut task, now, &mut reached).await? {
            Ok(true) => {
                let (_, pause) = pace(task.rate);
                task.go_on(&mut tx, now + pause)?;
            }
            Ok(false) => task.status = Status::Completed,
            Err(reason) => {
                task.status = Status::Failed;
                task.failure = Some(reason.to_owned());
            }
        },
        Status::Cancelled | Status::Completed | Status::Failed => {}
    }
    tx.put(TASK, key, &task)?;
    Ok(Turn { batch: tx.into_batch(), reached })
}

/// How many messages a turn moves, and how long after it the next one is: ten turns a second, or fewer of one message.
fn pace(rate: Option<i32>) -> (usize, SignedDuration) {
    let Some(rate) = rate else { return (TURN, PAUSE) };
    let rate = usize::try_from(rate).unwrap_or(1).max(1);
    let limit = (rate / 10).clamp(1, TURN);
    let millis = i64::try_from(1_000 * limit / rate).unwrap_or(1_000);
    (limit, SignedDuration::from_millis(millis))
}

/// Whether there may be more to move, or why the task cannot go on.
async fn move_some(
    tx: &mut Transaction<'_>,
    task: &mut MoveTask,
    now: Timestamp,
    reached: &mut Vec<String>,
) -> Result<Result<bool, &'static str>, StoreError> {
    let Some(source) = tx.get::<QueueRecord>(QUEUE, &task.source).await? else { return Ok(Err(NO_QUEUE)) };
    let (limit, _) = pace(task.rate);
    let found = front(tx, &source, now, limit).await?;
    let is_last = found.len() < limit;
    let mut done = Vec::new();
    let mut failure = None;
    for placed in found {
        let back = || Some(QueueName::from_arn(placed.message.dead_letter_source.as_deref()?)?.key());
        let Some(key) = task.destination.clone().or_else(back) else {
            failure = Some(NO_SOURCE);
            break;
        };
        let destination = match (QueueName::from_key(&key), tx.get::<QueueRecord>(QUEUE, &key).await?) {
            (Some(name), Some(queue)) if queue.is_fifo() == source.is_fifo() => (name, queue),
            _ => {
                failure = Some(NO_QUEUE);
                break;
            }
        };
        // The destination must still be there at the commit.
        tx.require_unchanged(QUEUE, &key);
        erase(tx, &source.incarnation, &placed);
        let renewed = QueuedMessage {
            id: uuid::Uuid::new_v4().to_string(),
            sent: now,
            visible: now,
            receives: 0,
            first_received: None,
            received: None,
            dead_letter_source: None,
            ..placed.message.clone()
        };
        add(tx, &destination.0, &destination.1, renewed).await?;
        reached.push(destination.1.incarnation);
        task.moved += 1;
        done.push(placed);
    }
    settle(tx, &source, &done).await?;
    Ok(match failure {
        Some(reason) => Err(reason),
        None => Ok(!is_last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_keep_the_rate() {
        for (rate, limit, millis) in
            [(None, TURN, 20), (Some(1), 1, 1_000), (Some(25), 2, 80), (Some(500), 32, 64)]
        {
            assert_eq!(pace(rate), (limit, SignedDuration::from_millis(millis)), "{rate:?}");
        }
    }

    #[test]
    fn handles_name_their_task() {
        let task = MoveTask {
            id: "i".into(),
            source: "111122223333/us-east-1/dead".into(),
            destination: None,
            rate: None,
            status: Status::Running,
            moved: 0,
            to_move: 0,
            failure: None,
            started: Timestamp::UNIX_EPOCH,
        };
        let (id, source) = read_handle(&task.handle()).unwrap();
        assert_eq!((id.as_str(), source.key()), ("i", task.source));
        for bad in ["", "x", "e30="] {
            assert_eq!(read_handle(bad), None, "{bad}");
        }
    }
}
