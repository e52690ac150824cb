//! `DeleteEventBus`: only without rules; deleting what is not there succeeds

use keywatch_api::events::DeleteEventBusRequest;
use keywatch_iam::Call;

use super::{
    Events, EventsError, access,
    record::{BUS, BusRecord, DEFAULT_BUS, bus_arn, bus_key},
};

pub(crate) async fn delete_event_bus(
    call: &mut Call<'_>,
    _: &Events,
    request: DeleteEventBusRequest,
) -> Result<(), EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DeleteEventBus", &bus_arn(&partition, &request.name))?;
    if request.name == DEFAULT_BUS {
        return Err(EventsError::invalid("Cannot delete event bus default."));
    }
    let key = bus_key(&partition, &request.name);
    if call.tx.get::<BusRecord>(BUS, &key).await?.is_none() {
        return Ok(());
    }
    if !access::rules(call, &request.name, "", None, 1).await?.is_empty() {
        return Err(EventsError::invalid(format!(
            "Event bus {} can't be deleted since it has rules.",
            request.name
        )));
    }
    call.tx.delete(BUS, &key);
    Ok(())
}
