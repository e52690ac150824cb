//! `DescribeEventBus`

use keywatch_api::events::{DescribeEventBusRequest, DescribeEventBusResponse};
use keywatch_iam::Call;

use super::{Events, EventsError, access, record::bus_arn};

pub(crate) async fn describe_event_bus(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeEventBusRequest,
) -> Result<DescribeEventBusResponse, EventsError> {
    let name = access::own_bus(call, request.name.as_deref())?;
    let arn = bus_arn(&call.partition(), &name);
    call.authorize_own("events:DescribeEventBus", &arn)?;
    let bus = access::bus(call, &name).await?;
    Ok(DescribeEventBusResponse {
        name,
        arn,
        description: bus.description,
        kms_key_identifier: None,
        dead_letter_config: bus.dead_letter_config,
        policy: bus.policy,
        log_config: None,
        creation_time: bus.created.map(Into::into),
        last_modified_time: bus.modified.map(Into::into),
    })
}
