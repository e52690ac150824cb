//! `GetTrailStatus`

use keywatch_api::cloudtrail::{GetTrailStatusResponse, TrailNameRequest};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::service::Trails;

pub(crate) async fn get_trail_status(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<GetTrailStatusResponse, CloudTrailError> {
    let (_, trail) = named::find(call, &request.name).await?;
    named::authorize(call, "cloudtrail:GetTrailStatus", &trail)?;
    Ok(GetTrailStatusResponse {
        is_logging: trail.is_logging(),
        start_logging_time: trail.started.map(Into::into),
        stop_logging_time: trail.stopped.map(Into::into),
        ..GetTrailStatusResponse::default()
    })
}
