//! `TagQueue`

use keywatch_api::sqs::TagQueueRequest;
use keywatch_iam::Call;

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::QUEUE;

const TAGS_MAX: usize = 50;

pub(super) async fn tag_queue(
    call: &mut Call<'_>,
    _: &Notify,
    request: TagQueueRequest,
) -> Result<(), SqsError> {
    let (name, mut record) = queue(call, &request.queue_url, "sqs:TagQueue").await?;
    record.tags.extend(request.tags);
    if record.tags.len() > TAGS_MAX {
        return Err(SqsError::InvalidParameter(format!("Too many tags added for queue {}.", name.name)));
    }
    call.tx.put(QUEUE, &name.key(), &record)?;
    Ok(())
}
