//! `TagResource`

use keywatch_api::events::TagResourceRequest;
use keywatch_iam::Call;

use super::{Events, EventsError, tags};

pub(crate) async fn tag_resource(
    call: &mut Call<'_>,
    _: &Events,
    request: TagResourceRequest,
) -> Result<(), EventsError> {
    call.authorize_own("events:TagResource", &request.resource_arn)?;
    let mut tagged = tags::Tagged::find(call, &request.resource_arn).await?;
    tags::add(tagged.tags(), request.tags)?;
    tagged.put(call)
}
