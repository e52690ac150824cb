//! `UntagResource`

use keywatch_api::events::UntagResourceRequest;
use keywatch_iam::Call;

use super::{Events, EventsError, tags};

pub(crate) async fn untag_resource(
    call: &mut Call<'_>,
    _: &Events,
    request: UntagResourceRequest,
) -> Result<(), EventsError> {
    call.authorize_own("events:UntagResource", &request.resource_arn)?;
    let mut tagged = tags::Tagged::find(call, &request.resource_arn).await?;
    tagged.tags().retain(|key, _| !request.tag_keys.contains(key));
    tagged.put(call)
}
