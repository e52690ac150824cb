//! `GetEventSelectors`

use keywatch_api::cloudtrail::{EventSelectorsResponse, GetEventSelectorsRequest};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::put_event_selectors::shown;
use super::service::Trails;

pub(crate) async fn get_event_selectors(
    call: &mut Call<'_>,
    _: &Trails,
    request: GetEventSelectorsRequest,
) -> Result<EventSelectorsResponse, CloudTrailError> {
    let (_, trail) = named::find(call, &request.trail_name).await?;
    named::authorize(call, "cloudtrail:GetEventSelectors", &trail)?;
    Ok(shown(&trail))
}
