//! `PutPermission`: one statement of a bus's policy, or all of it

use keywatch_api::events::PutPermissionRequest;
use keywatch_iam::{
    Call,
    policy::{PolicyDocument, PolicyKind},
};

use super::{
    Events, EventsError, access,
    policy::{self, POLICY_CHARS_MAX},
    record::{DEFAULT_BUS, bus_arn},
};

pub(crate) async fn put_permission(
    call: &mut Call<'_>,
    _: &Events,
    request: PutPermissionRequest,
) -> Result<(), EventsError> {
    let name = request.event_bus_name.clone().unwrap_or_else(|| DEFAULT_BUS.to_owned());
    let arn = bus_arn(&call.partition(), &name);
    call.authorize_own("events:PutPermission", &arn)?;
    let mut bus = access::bus(call, &name).await?;
    let text = match request.policy {
        Some(text) => text,
        None => {
            let statement = statement(request, &arn)?;
            policy::with_statement(bus.policy.as_deref(), statement)
        }
    };
    if text.chars().count() > POLICY_CHARS_MAX {
        return Err(EventsError::PolicyTooLong(POLICY_CHARS_MAX));
    }
    PolicyDocument::parse(PolicyKind::Resource, &text)
        .map_err(|error| EventsError::parameter("Policy", &error.to_string()))?;
    bus.policy = Some(text);
    Ok(access::put_bus(call, &name, bus)?)
}

fn statement(request: PutPermissionRequest, arn: &str) -> Result<policy::Statement, EventsError> {
    let given = |name: &str, value: Option<String>| {
        value.ok_or_else(|| EventsError::parameter(name, &format!("{name} is a required argument.")))
    };
    let action = given("Action", request.action)?;
    let principal = given("Principal", request.principal)?;
    let sid = given("StatementId", request.statement_id)?;
    if action != "events:PutEvents" {
        return Err(EventsError::parameter(
            "Action",
            "Provided value in parameter 'action' is not supported.",
        ));
    }
    let condition = request.condition.map(|condition| (condition.operator, condition.key, condition.value));
    Ok(policy::Statement::new(sid, &principal, action, arn.to_owned(), condition))
}
