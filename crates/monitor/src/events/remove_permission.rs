//! `RemovePermission`: one statement of a bus's policy, or all of it

use keywatch_api::events::RemovePermissionRequest;
use keywatch_iam::Call;

use super::{
    Events, EventsError, access, policy,
    record::{DEFAULT_BUS, bus_arn},
};

pub(crate) async fn remove_permission(
    call: &mut Call<'_>,
    _: &Events,
    request: RemovePermissionRequest,
) -> Result<(), EventsError> {
    let name = request.event_bus_name.unwrap_or_else(|| DEFAULT_BUS.to_owned());
    call.authorize_own("events:RemovePermission", &bus_arn(&call.partition(), &name))?;
    let mut bus = access::bus(call, &name).await?;
    bus.policy = match (request.remove_all_permissions, request.statement_id) {
        (Some(true), _) => None,
        (_, Some(sid)) => {
            let none = || EventsError::NotFound("Statement with the provided id does not exist.".into());
            let text = bus.policy.as_deref().ok_or_else(none)?;
            policy::without_statement(text, &sid).ok_or_else(none)?
        }
        (_, None) => {
            return Err(EventsError::parameter("StatementId", "StatementId is a required argument."));
        }
    };
    Ok(access::put_bus(call, &name, bus)?)
}
