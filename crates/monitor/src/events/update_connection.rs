//! `UpdateConnection`: what is not given stays as it is

use keywatch_api::events::{ConnectionResponse, UpdateConnectionRequest};
use keywatch_iam::Call;

use super::{
    Events, EventsError, authorization,
    connection::{CONNECTION, any_arn, connection, first_state, key},
    create_event_bus::refuse_unbuilt,
};

pub(crate) async fn update_connection(
    call: &mut Call<'_>,
    events: &Events,
    request: UpdateConnectionRequest,
) -> Result<ConnectionResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:UpdateConnection", &any_arn(&partition, &request.name))?;
    refuse_unbuilt(request.kms_key_identifier.as_deref(), None)?;
    let mut connection = connection(call, &request.name).await?;
    connection.description = request.description.or(connection.description);
    connection.modified = call.now;
    connection.kind = request.authorization_type.unwrap_or(connection.kind);
    if let Some(given) = request.auth_parameters {
        let before = connection.open(&events.keyring, &partition)?;
        let authorization = authorization::merged(connection.kind, given, before)?;
        connection.state = first_state(&authorization.method);
        connection.reason = None;
        connection.authorized = Some(call.now);
        connection.sealed = Some(authorization.seal(&events.keyring, &connection.arn(&partition))?);
    } else if request.authorization_type.is_some() {
        return Err(EventsError::parameter("AuthParameters", "AuthParameters is a required argument."));
    }
    call.tx.put(CONNECTION, &key(&partition, &connection.name), &connection)?;
    Ok(connection.answer(&partition))
}
