//! `ListEventBuses`: there is the default bus

use keywatch_api::events::{EventBus, ListEventBusesRequest, ListEventBusesResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    record::{DEFAULT_BUS, bus_arn},
};

pub(crate) async fn list_event_buses(
    call: &mut Call<'_>,
    _: &Events,
    request: ListEventBusesRequest,
) -> Result<ListEventBusesResponse, EventsError> {
    call.authorize_own("events:ListEventBuses", "*")?;
    if request.next_token.is_some() {
        return Err(EventsError::invalid("Parameter NextToken is not valid."));
    }
    let mut event_buses =
        vec![EventBus { name: DEFAULT_BUS.to_owned(), arn: bus_arn(&call.partition(), DEFAULT_BUS) }];
    event_buses.retain(|bus| {
        request.name_prefix.as_ref().is_none_or(|prefix| bus.name.starts_with(prefix.as_str()))
    });
    Ok(ListEventBusesResponse { event_buses })
}
