//! `UpdateEventBus`: what is not given stays as it is

use keywatch_api::events::{ShownDeadLetter, UpdateEventBusRequest, UpdateEventBusResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError, access,
    create_event_bus::refuse_unbuilt,
    record::{DEFAULT_BUS, bus_arn},
};

pub(crate) async fn update_event_bus(
    call: &mut Call<'_>,
    _: &Events,
    request: UpdateEventBusRequest,
) -> Result<UpdateEventBusResponse, EventsError> {
    let name = request.name.unwrap_or_else(|| DEFAULT_BUS.to_owned());
    let arn = bus_arn(&call.partition(), &name);
    call.authorize_own("events:UpdateEventBus", &arn)?;
    refuse_unbuilt(request.kms_key_identifier.as_deref(), request.log_config.as_ref())?;
    let mut bus = access::bus(call, &name).await?;
    if let Some(description) = request.description {
        bus.description = Some(description).filter(|text| !text.is_empty());
    }
    if let Some(config) = request.dead_letter_config {
        bus.dead_letter_config = config.arn.map(|arn| ShownDeadLetter { arn: Some(arn) });
    }
    let answer = UpdateEventBusResponse {
        arn,
        name: name.clone(),
        kms_key_identifier: None,
        description: bus.description.clone(),
        dead_letter_config: bus.dead_letter_config.clone(),
        log_config: None,
    };
    access::put_bus(call, &name, bus)?;
    Ok(answer)
}
