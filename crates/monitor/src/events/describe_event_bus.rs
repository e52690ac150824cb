//! `DescribeEventBus`: there is the default bus

use keywatch_api::events::{DescribeEventBusRequest, EventBus};
use keywatch_iam::Call;

use super::{
    Events, EventsError, access,
    record::{DEFAULT_BUS, bus_arn},
};

pub(crate) async fn describe_event_bus(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeEventBusRequest,
) -> Result<EventBus, EventsError> {
    let named = request.name.as_deref().unwrap_or(DEFAULT_BUS);
    let name = access::bus_name(call, named).unwrap_or(named);
    call.authorize_own("events:DescribeEventBus", &bus_arn(&call.partition(), name))?;
    access::on_default_bus(call, Some(named))?;
    Ok(EventBus { name: DEFAULT_BUS.to_owned(), arn: bus_arn(&call.partition(), DEFAULT_BUS) })
}
