//! `GetTrailStatus`

use keywatch_api::cloudtrail::{GetTrailStatusResponse, TrailNameRequest};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::files_delivery::{DELIVERY, DeliveryRecord};
use super::named;
use super::service::Trails;

pub(crate) async fn get_trail_status(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<GetTrailStatusResponse, CloudTrailError> {
    let (key, trail) = named::find(call, &request.name).await?;
    named::authorize(call, "cloudtrail:GetTrailStatus", &trail)?;
    let delivery: DeliveryRecord = call.tx.get(DELIVERY, &key).await?.unwrap_or_default();
    Ok(GetTrailStatusResponse {
        latest_delivery_error: delivery.error,
        latest_delivery_time: delivery.latest.map(Into::into),
        latest_notification_time: delivery.notified.map(Into::into),
        latest_digest_delivery_time: delivery.digest.map(Into::into),
        latest_digest_delivery_error: delivery.digest_error,
        is_logging: trail.is_logging(),
        start_logging_time: trail.started.map(Into::into),
        stop_logging_time: trail.stopped.map(Into::into),
        ..GetTrailStatusResponse::default()
    })
}
