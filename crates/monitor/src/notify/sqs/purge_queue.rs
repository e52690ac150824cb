//! `PurgeQueue`: all messages of a queue, at most once a minute.

use jiff::SignedDuration;
use keywatch_api::sqs::QueueRequest;
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::delivery::{EXPIRY, Expiry, due_key};
use crate::notify::queue::{QUEUE, QueueRecord};

const PAUSE: SignedDuration = SignedDuration::from_secs(60);

pub(super) async fn purge_queue(
    call: &mut Call<'_>,
    _: &Notify,
    request: QueueRequest,
) -> Result<(), SqsError> {
    let (name, record) = queue(call, &request.queue_url, "sqs:PurgeQueue").await?;
    if record.purged.is_some_and(|purged| call.now < purged + PAUSE) {
        return Err(SqsError::PurgeInProgress(name.name));
    }
    call.tx.put(EXPIRY, &due_key(call.now), &Expiry::Messages { incarnation: record.incarnation.clone() })?;
    let fresh = QueueRecord::new(record.attributes, record.tags, call.now);
    let purged =
        QueueRecord { created: record.created, modified: record.modified, purged: Some(call.now), ..fresh };
    call.tx.put(QUEUE, &name.key(), &purged)?;
    Ok(())
}
