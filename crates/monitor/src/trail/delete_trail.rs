//! `DeleteTrail`: its files and log events stay.

use keywatch_api::cloudtrail::TrailNameRequest;
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::files_delivery::DELIVERY;
use super::named;
use super::record::TRAIL;
use super::service::Trails;

pub(crate) async fn delete_trail(
    call: &mut Call<'_>,
    _: &Trails,
    request: TrailNameRequest,
) -> Result<(), CloudTrailError> {
    let (key, trail) = named::find_at_home(call, &request.name).await?;
    named::authorize(call, "cloudtrail:DeleteTrail", &trail)?;
    call.tx.delete(TRAIL, &key);
    call.tx.delete(DELIVERY, &key);
    Ok(())
}
