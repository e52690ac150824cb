//! `ListTags`

use keywatch_api::cloudtrail::{ListTagsRequest, ListTagsResponse, ResourceTag, TagShown};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::service::Trails;

const RESOURCES_MAX: usize = 20;

pub(crate) async fn list_tags(
    call: &mut Call<'_>,
    _: &Trails,
    request: ListTagsRequest,
) -> Result<ListTagsResponse, CloudTrailError> {
    if request.next_token.is_some() {
        return Err(CloudTrailError::InvalidToken);
    }
    if request.resource_id_list.len() > RESOURCES_MAX {
        return Err(CloudTrailError::InvalidParameterCombination(
            "Ask for the tags of at most 20 resources.",
        ));
    }
    let mut resource_tag_list = Vec::new();
    for resource_id in request.resource_id_list {
        let (_, trail) = named::find(call, &resource_id)
            .await
            .map_err(|_| CloudTrailError::ResourceNotFound(resource_id.clone()))?;
        named::authorize(call, "cloudtrail:ListTags", &trail)?;
        let tags = trail.tags.into_iter().map(|(key, value)| TagShown { key, value: Some(value) });
        resource_tag_list.push(ResourceTag { resource_id, tags_list: tags.collect() });
    }
    Ok(ListTagsResponse { resource_tag_list })
}
