//! `ListEventBuses`: the default one and the others, in the order of their names

use keywatch_api::events::{EventBus, ListEventBusesRequest, ListEventBusesResponse};
use keywatch_iam::Call;
use keywatch_store::{Partition, Scan};

use super::{
    Events, EventsError, access,
    record::{BUS, BusRecord, DEFAULT_BUS, bus_arn},
};

/// More than there can be.
const ROWS_AT_ONCE: usize = 200;

pub(crate) async fn list_event_buses(
    call: &mut Call<'_>,
    _: &Events,
    request: ListEventBusesRequest,
) -> Result<ListEventBusesResponse, EventsError> {
    call.authorize_own("events:ListEventBuses", "*")?;
    let partition = call.partition();
    let prefix = request.name_prefix.unwrap_or_default();
    let question = format!("ListEventBuses {partition} {prefix}");
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let rows = format!("{partition}/{prefix}");
    let scan = Scan { prefix: &rows, after: None, limit: ROWS_AT_ONCE };
    let mut buses: Vec<(String, BusRecord)> = Vec::new();
    for (key, bus) in call.tx.scan::<BusRecord>(BUS, scan).await? {
        let name = key.strip_prefix(&format!("{partition}/")).unwrap_or(&key);
        buses.push((name.to_owned(), bus));
    }
    if DEFAULT_BUS.starts_with(&prefix) {
        buses.push((DEFAULT_BUS.to_owned(), access::bus(call, DEFAULT_BUS).await?));
    }
    buses.retain(|(name, _)| after.as_ref().is_none_or(|after| name > after));
    buses.sort_by(|(one, _), (other, _)| one.cmp(other));
    let shown = buses.into_iter().map(|(name, bus)| (name.clone(), shown(&partition, name, bus))).collect();
    let (event_buses, next_token) = access::page_of(&question, shown, access::page_limit(request.limit));
    Ok(ListEventBusesResponse { event_buses, next_token })
}

fn shown(partition: &Partition, name: String, bus: BusRecord) -> EventBus {
    EventBus {
        arn: bus_arn(partition, &name),
        name,
        description: bus.description,
        policy: bus.policy,
        creation_time: bus.created.map(Into::into),
        last_modified_time: bus.modified.map(Into::into),
    }
}
