//! The way into a group commit: one bounded queue, drained by the one committer of a store.

use tokio::sync::{mpsc, oneshot};

use crate::{
    Batch, CommitError, Committed, StoreError,
    group::{Outcome, RowName},
};

/// Batches that may wait; further callers wait for room.
const QUEUE_JOBS: usize = 4096;
/// Batches in one group.
pub(crate) const GROUP_JOBS_MAX: usize = 1024;
/// Bytes in one group, if it has more than one batch.
const GROUP_BYTES: usize = 16 << 20;

pub(crate) type Reply = oneshot::Sender<Result<Committed, CommitError>>;

pub(crate) enum Job {
    Commit(Batch, Reply),
    /// Finish what is queued before and behind this, then stop.
    Close,
}

/// Batches to commit as one, and who waits for each.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) batches: Vec<Batch>,
    pub(crate) replies: Vec<Reply>,
    /// Somebody asked to close: take no more than what is queued.
    pub(crate) close: bool,
}

pub(crate) fn channel() -> (mpsc::Sender<Job>, mpsc::Receiver<Job>) {
    mpsc::channel(QUEUE_JOBS)
}

/// Queues `batch` and waits until it is durable.
pub(crate) async fn commit(queue: &mpsc::Sender<Job>, batch: Batch) -> Result<Committed, CommitError> {
    batch.validate()?;
    let (reply, answer) = oneshot::channel();
    queue.send(Job::Commit(batch, reply)).await.map_err(|_| StoreError::Closed)?;
    answer.await.map_err(|_| StoreError::Closed)?
}

/// Tells everybody in a group what became of their batch, or all of them why the group failed.
pub(crate) fn answer(replies: Vec<Reply>, outcomes: Result<Vec<Outcome>, StoreError>) {
    // A caller that stopped waiting has no use for the answer: failing to send is not a failure.
    match outcomes {
        Ok(outcomes) => {
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                let conflict = |row: RowName| CommitError::Conflict { kind: row.kind, key: row.key };
                let _ = reply.send(outcome.map_err(conflict));
            }
        }
        Err(error) => {
            for reply in replies {
                let _ = reply.send(Err(error.clone().into()));
            }
        }
    }
}

/// Empties `jobs` into groups of bounded weight, in order.
pub(crate) fn split_groups(jobs: &mut Vec<Job>) -> Vec<Group> {
    let mut groups = vec![Group::default()];
    let mut bytes = 0;
    for job in jobs.drain(..) {
        match job {
            Job::Commit(batch, reply) => {
                bytes += batch.weight();
                if bytes > GROUP_BYTES && !groups.last().is_some_and(|group| group.batches.is_empty()) {
                    groups.push(Group::default());
                    bytes = batch.weight();
                }
                if let Some(group) = groups.last_mut() {
                    group.batches.push(batch);
                    group.replies.push(reply);
                }
            }
            Job::Close => groups.iter_mut().for_each(|group| group.close = true),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Kind;

    fn job(bytes: usize) -> Job {
        let put = (Kind("t"), String::new(), Bytes::from(vec![0; bytes]));
        Job::Commit(Batch { puts: vec![put], ..Batch::default() }, oneshot::channel().0)
    }

    #[track_caller]
    fn check(weights: &[usize], want: &[usize]) {
        let mut jobs: Vec<Job> = weights.iter().map(|bytes| job(*bytes)).collect();
        let groups = split_groups(&mut jobs);
        assert_eq!(groups.iter().map(|group| group.batches.len()).collect::<Vec<_>>(), want);
        assert!(jobs.is_empty());
    }

    #[test]
    fn groups_are_bounded_by_weight() {
        check(&[1, 2, 3], &[3]);
        check(&[GROUP_BYTES], &[1]);
        check(&[GROUP_BYTES + 1, 1], &[1, 1]);
        check(&[1, GROUP_BYTES - 1, 1, 1], &[2, 2]);
        check(&[1, GROUP_BYTES, GROUP_BYTES], &[1, 1, 1]);
    }

    #[test]
    fn close_reaches_every_group() {
        let mut jobs = vec![job(GROUP_BYTES), job(1), Job::Close];
        assert!(split_groups(&mut jobs).iter().all(|group| group.close));
    }
}
