//! `StartLogging`: repeating it succeeds.

use keywatch_api::cloudtrail::TrailNameRequest;
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::files_delivery::{DELIVERY, DeliveryRecord};
use super::named;
use super::record::{ENDED, TRAIL, TrailRecord, ended_key};
use super::service::Trails;

pub(crate) async fn start_logging(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<(), CloudTrailError> {
    let (key, mut trail) = named::find_at_home(call, &request.name).await?;
    named::authorize(call, "cloudtrail:StartLogging", &trail)?;
    if !trail.is_logging() {
        keep_ended(call, &key, &trail).await?;
        trail.started = Some(call.now);
        trail.stopped = None;
        trail.started_after = Some(call.tx.store.head());
        trail.stopped_after = None;
        trail.spell += 1;
    }
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(())
}

/// Keeps a trail that has stopped for delivery, unless everything it logged is delivered.
pub(super) async fn keep_ended(
    call: &mut Call<'_>,
    key: &str,
    trail: &TrailRecord,
) -> Result<(), CloudTrailError> {
    let Some(started) = trail.started else { return Ok(()) };
    let delivery: Option<DeliveryRecord> = call.tx.get(DELIVERY, key).await?;
    if !delivery.unwrap_or_default().has_settled(trail) {
        call.tx.put(ENDED, &ended_key(key, started, trail.spell), trail)?;
    }
    Ok(())
}
