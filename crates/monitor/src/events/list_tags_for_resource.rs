//! `ListTagsForResource`

use keywatch_api::events::{ListTagsForResourceRequest, ListTagsForResourceResponse, ShownTag};
use keywatch_iam::Call;

use super::{Events, EventsError, tags};

pub(crate) async fn list_tags_for_resource(
    call: &mut Call<'_>,
    _: &Events,
    request: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, EventsError> {
    call.authorize_own("events:ListTagsForResource", &request.resource_arn)?;
    let mut tagged = tags::Tagged::find(call, &request.resource_arn).await?;
    let tags = std::mem::take(tagged.tags());
    Ok(ListTagsForResourceResponse {
        tags: tags.into_iter().map(|(key, value)| ShownTag { key, value }).collect(),
    })
}
