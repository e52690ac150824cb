//! `RemoveTags`: tags that are not there are no error.

use keywatch_api::cloudtrail::RemoveTagsRequest;
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::record::TRAIL;
use super::service::Trails;

pub(crate) async fn remove_tags(
    call: &mut Call<'_>,
    _: &Trails,
    request: RemoveTagsRequest,
) -> Result<(), CloudTrailError> {
    let (key, mut trail) = named::find(call, &request.resource_id)
        .await
        .map_err(|_| CloudTrailError::ResourceNotFound(request.resource_id.clone()))?;
    named::authorize(call, "cloudtrail:RemoveTags", &trail)?;
    for tag in &request.tags_list {
        trail.tags.remove(&tag.key);
    }
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(())
}
