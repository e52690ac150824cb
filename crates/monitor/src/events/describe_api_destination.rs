//! `DescribeApiDestination`

use keywatch_api::events::{ApiDestination, DescribeApiDestinationRequest};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    api_destination::{any_arn, destination},
};

pub(crate) async fn describe_api_destination(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeApiDestinationRequest,
) -> Result<ApiDestination, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DescribeApiDestination", &any_arn(&partition, &request.name))?;
    destination(call, &request.name).await?.shown(call).await
}
