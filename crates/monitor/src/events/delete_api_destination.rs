//! `DeleteApiDestination`

use keywatch_api::events::{DeleteApiDestinationRequest, DeleteApiDestinationResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    api_destination::{DESTINATION, any_arn, destination, key},
};

pub(crate) async fn delete_api_destination(
    call: &mut Call<'_>,
    _: &Events,
    request: DeleteApiDestinationRequest,
) -> Result<DeleteApiDestinationResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DeleteApiDestination", &any_arn(&partition, &request.name))?;
    let destination = destination(call, &request.name).await?;
    call.tx.delete(DESTINATION, &key(&partition, &destination.name));
    Ok(DeleteApiDestinationResponse {})
}
