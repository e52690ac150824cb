//! `SetQueueAttributes`

use keywatch_api::sqs::SetQueueAttributesRequest;
use keywatch_iam::Call;

use super::attributes::check;
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::QUEUE;

pub(super) async fn set_queue_attributes(
    call: &mut Call<'_>,
    _: &Notify,
    request: SetQueueAttributesRequest,
) -> Result<(), SqsError> {
    let (name, mut record) = queue(call, &request.queue_url, "sqs:SetQueueAttributes").await?;
    check(&request.attributes)?;
    for (attribute, value) in request.attributes {
        // Nothing clears a policy.
        if value.is_empty() {
            record.attributes.remove(&attribute);
        } else {
            record.attributes.insert(attribute, value);
        }
    }
    record.modified = call.now;
    call.tx.put(QUEUE, &name.key(), &record)?;
    Ok(())
}
