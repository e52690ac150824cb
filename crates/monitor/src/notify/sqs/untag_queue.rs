//! `UntagQueue`: keys that are not there are passed over.

use keywatch_api::sqs::UntagQueueRequest;
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::QUEUE;

pub(super) async fn untag_queue(
    call: &mut Call<'_>,
    _: &Notify,
    request: UntagQueueRequest,
) -> Result<(), SqsError> {
    let (name, mut record) = queue(call, &request.queue_url, "sqs:UntagQueue").await?;
    record.tags.retain(|key, _| !request.tag_keys.contains(key));
    call.tx.put(QUEUE, &name.key(), &record)?;
    Ok(())
}
