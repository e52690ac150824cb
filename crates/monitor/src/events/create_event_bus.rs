//! `CreateEventBus`

use std::collections::BTreeMap;

use keywatch_api::events::{
    CreateEventBusRequest, CreateEventBusResponse, LogConfig, LogLevel, ShownDeadLetter,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError,
    record::{BUS, BusRecord, DEFAULT_BUS, bus_arn, bus_key},
    tags,
};

/// Buses of an account and Region besides the default one.
const BUSES_MAX: usize = 100;

pub(crate) async fn create_event_bus(
    call: &mut Call<'_>,
    _: &Events,
    request: CreateEventBusRequest,
) -> Result<CreateEventBusResponse, EventsError> {
    let partition = call.partition();
    let arn = bus_arn(&partition, &request.name);
    call.authorize_own("events:CreateEventBus", &arn)?;
    if request.event_source_name.is_some() {
        return Err(EventsError::NotFound("There are no partner event sources here.".into()));
    }
    check_name(&request.name)?;
    refuse_unbuilt(request.kms_key_identifier.as_deref(), request.log_config.as_ref())?;
    let key = bus_key(&partition, &request.name);
    if request.name == DEFAULT_BUS || call.tx.get::<BusRecord>(BUS, &key).await?.is_some() {
        return Err(EventsError::Exists(format!("Event bus {} already exists.", request.name)));
    }
    let prefix = format!("{partition}/");
    let scan = Scan { prefix: &prefix, after: None, limit: BUSES_MAX };
    if call.tx.scan::<BusRecord>(BUS, scan).await?.len() >= BUSES_MAX {
        return Err(EventsError::LimitExceeded);
    }
    let mut carried = BTreeMap::new();
    tags::add(&mut carried, request.tags.unwrap_or_default())?;
    let bus = BusRecord {
        tags: carried,
        description: request.description,
        dead_letter_config: request.dead_letter_config.map(|config| ShownDeadLetter { arn: config.arn }),
        policy: None,
        created: Some(call.now),
        modified: Some(call.now),
    };
    call.tx.insert(BUS, &key, &bus)?;
    Ok(CreateEventBusResponse {
        event_bus_arn: arn,
        description: bus.description,
        kms_key_identifier: None,
        dead_letter_config: bus.dead_letter_config,
        log_config: None,
    })
}

/// Names with `/` are those of partners' buses, which come from their event sources.
fn check_name(name: &str) -> Result<(), EventsError> {
    if name.contains('/') {
        return Err(EventsError::parameter("Name", "Custom event bus names can't contain the / character."));
    }
    Ok(())
}

/// What would be kept without being done: another key than the installation's own, and logs of a bus.
pub(super) fn refuse_unbuilt(key: Option<&str>, logs: Option<&LogConfig>) -> Result<(), EventsError> {
    if key.is_some_and(|key| !key.is_empty()) {
        return Err(EventsError::parameter("KmsKeyIdentifier", "Customer managed keys are not supported."));
    }
    if logs.and_then(|logs| logs.level).is_some_and(|level| level != LogLevel::Off) {
        return Err(EventsError::parameter("LogConfig", "Logs of event buses are not supported."));
    }
    Ok(())
}
