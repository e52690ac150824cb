//! `ListApiDestinations`: in the order of their names, without descriptions

use keywatch_api::events::{ApiDestination, ListApiDestinationsRequest, ListApiDestinationsResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    api_destination::{DESTINATION, DestinationRecord},
};

/// More than there can be.
const ROWS_AT_ONCE: usize = 3_100;

pub(crate) async fn list_api_destinations(
    call: &mut Call<'_>,
    _: &Events,
    request: ListApiDestinationsRequest,
) -> Result<ListApiDestinationsResponse, EventsError> {
    call.authorize_own("events:ListApiDestinations", "*")?;
    let prefix = format!("{}/{}", call.partition(), request.name_prefix.unwrap_or_default());
    let question = format!("ListApiDestinations {prefix} {:?}", request.connection_arn);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
    let mut rows = call.tx.scan::<DestinationRecord>(DESTINATION, scan).await?;
    rows.retain(|(_, destination)| {
        request.connection_arn.as_ref().is_none_or(|arn| *arn == destination.connection_arn)
    });
    let (page, next_token) = access::page_of(&question, rows, access::page_limit(request.limit));
    let mut api_destinations = Vec::with_capacity(page.len());
    for destination in page {
        api_destinations.push(ApiDestination { description: None, ..destination.shown(call).await? });
    }
    Ok(ListApiDestinationsResponse { api_destinations, next_token })
}
