//! `StopLogging`: repeating it succeeds.

use keywatch_api::cloudtrail::TrailNameRequest;
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::record::TRAIL;
use super::service::Trails;

pub(crate) async fn stop_logging(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<(), CloudTrailError> {
    let (key, mut trail) = named::find_at_home(call, &request.name).await?;
    named::authorize(call, "cloudtrail:StopLogging", &trail)?;
    if trail.is_logging() {
        trail.stop(call.now, call.tx.store.head());
    }
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(())
}
