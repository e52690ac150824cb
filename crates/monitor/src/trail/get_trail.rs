//! `GetTrail`

use keywatch_api::cloudtrail::{GetTrailResponse, TrailNameRequest};
use keywatch_iam::Call;

use super::describe_trails::description;
use super::error::CloudTrailError;
use super::named;
use super::service::Trails;

pub(crate) async fn get_trail(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<GetTrailResponse, CloudTrailError> {
    let (_, trail) = named::find(call, &request.name).await?;
    named::authorize(call, "cloudtrail:GetTrail", &trail)?;
    Ok(GetTrailResponse { trail: description(trail) })
}
