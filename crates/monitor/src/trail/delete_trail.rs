//! `DeleteTrail`: its files and log events stay, and what it has logged until now is still delivered.

use keywatch_api::cloudtrail::TrailNameRequest;
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::files_delivery::DELIVERY;
use super::named;
use super::record::TRAIL;
use super::service::Trails;
use super::start_logging::keep_ended;

pub(crate) async fn delete_trail(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<(), CloudTrailError> {
    let (key, mut trail) = named::find_at_home(call, &request.name).await?;
    named::authorize(call, "cloudtrail:DeleteTrail", &trail)?;
    if trail.is_logging() {
        trail.stop(call.now, call.tx.store.head());
    }
    keep_ended(call, &key, &trail).await?;
    call.tx.delete(TRAIL, &key);
    call.tx.delete(DELIVERY, &key);
    Ok(())
}
