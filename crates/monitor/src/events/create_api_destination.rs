//! `CreateApiDestination`

use keywatch_api::events::{ApiDestinationResponse, CreateApiDestinationRequest};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError,
    api_destination::{
        DESTINATION, DestinationRecord, RATE_DEFAULT, any_arn, check_connection, check_endpoint, key,
    },
};

/// Destinations of an account and Region.
const DESTINATIONS_MAX: usize = 3_000;

pub(crate) async fn create_api_destination(
    call: &mut Call<'_>,
    _: &Events,
    request: CreateApiDestinationRequest,
) -> Result<ApiDestinationResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:CreateApiDestination", &any_arn(&partition, &request.name))?;
    check_endpoint("InvocationEndpoint", &request.invocation_endpoint)?;
    check_connection(call, &request.connection_arn).await?;
    let key = key(&partition, &request.name);
    if call.tx.get::<DestinationRecord>(DESTINATION, &key).await?.is_some() {
        return Err(EventsError::Exists(format!("An api-destination '{}' already exists.", request.name)));
    }
    let prefix = format!("{partition}/");
    let scan = Scan { prefix: &prefix, after: None, limit: DESTINATIONS_MAX };
    if call.tx.scan::<DestinationRecord>(DESTINATION, scan).await?.len() >= DESTINATIONS_MAX {
        return Err(EventsError::LimitExceeded);
    }
    let destination = DestinationRecord {
        name: request.name,
        id: call.origin.event_id.to_owned(),
        description: request.description,
        connection_arn: request.connection_arn,
        endpoint: request.invocation_endpoint,
        method: request.http_method,
        rate: request.invocation_rate_limit_per_second.unwrap_or(RATE_DEFAULT),
        created: call.now,
        modified: call.now,
    };
    call.tx.insert(DESTINATION, &key, &destination)?;
    destination.answer(call).await
}
