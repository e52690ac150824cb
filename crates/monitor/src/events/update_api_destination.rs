//! `UpdateApiDestination`: what is not given stays as it is

use keywatch_api::events::{ApiDestinationResponse, UpdateApiDestinationRequest};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    api_destination::{DESTINATION, any_arn, check_connection, check_endpoint, destination, key},
};

pub(crate) async fn update_api_destination(
    call: &mut Call<'_>,
    _: &Events,
    request: UpdateApiDestinationRequest,
) -> Result<ApiDestinationResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:UpdateApiDestination", &any_arn(&partition, &request.name))?;
    let mut destination = destination(call, &request.name).await?;
    if let Some(connection) = request.connection_arn {
        check_connection(call, &connection).await?;
        destination.connection_arn = connection;
    }
    if let Some(endpoint) = request.invocation_endpoint {
        check_endpoint("InvocationEndpoint", &endpoint)?;
        destination.endpoint = endpoint;
    }
    destination.description = request.description.or(destination.description);
    destination.method = request.http_method.unwrap_or(destination.method);
    destination.rate = request.invocation_rate_limit_per_second.unwrap_or(destination.rate);
    destination.modified = call.now;
    call.tx.put(DESTINATION, &key(&partition, &destination.name), &destination)?;
    destination.answer(call).await
}
