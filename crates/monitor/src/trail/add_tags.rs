//! `AddTags`

use keywatch_api::cloudtrail::AddTagsRequest;
use keywatch_iam::Call;

use super::create_trail::{TAGS_MAX, tags};
use super::error::CloudTrailError;
use super::named;
use super::record::TRAIL;
use super::service::Trails;

pub(crate) async fn add_tags(
    call: &mut Call<'_>,
    _: &Trails,
    request: AddTagsRequest,
) -> Result<(), CloudTrailError> {
    let (key, mut trail) = named::find(call, &request.resource_id)
        .await
        .map_err(|_| CloudTrailError::ResourceNotFound(request.resource_id.clone()))?;
    named::authorize(call, "cloudtrail:AddTags", &trail)?;
    trail.tags.extend(tags(request.tags_list)?);
    if trail.tags.len() > TAGS_MAX {
        return Err(CloudTrailError::TagsLimitExceeded);
    }
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(())
}
