//! `ListTrails`: every trail of the account, of every Region; few enough for one page.

use keywatch_api::cloudtrail::{ListTrailsRequest, ListTrailsResponse, TrailInfo};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::service::Trails;

pub(crate) async fn list_trails(
    call: &mut Call<'_>,
    _: &Trails,
    request: ListTrailsRequest,
) -> Result<ListTrailsResponse, CloudTrailError> {
    call.authorize_own("cloudtrail:ListTrails", "*")?;
    if request.next_token.is_some() {
        return Err(CloudTrailError::Validation("Invalid token."));
    }
    let trails = named::of_account(call).await?.into_iter().map(|trail| TrailInfo {
        trail_arn: trail.arn(),
        name: trail.name,
        home_region: trail.home_region,
    });
    Ok(ListTrailsResponse { trails: trails.collect(), next_token: None })
}
