//! `CreateConnection`

use keywatch_api::events::{ConnectionResponse, CreateConnectionRequest};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, authorization,
    connection::{CONNECTION, ConnectionRecord, any_arn, first_state, key, secret_id},
    create_event_bus::refuse_unbuilt,
};

/// Connections of an account and Region.
const CONNECTIONS_MAX: usize = 3_000;

pub(crate) async fn create_connection(
    call: &mut Call<'_>,
    events: &Events,
    request: CreateConnectionRequest,
) -> Result<ConnectionResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:CreateConnection", &any_arn(&partition, &request.name))?;
    refuse_unbuilt(request.kms_key_identifier.as_deref(), None)?;
    let key = key(&partition, &request.name);
    if call.tx.get::<ConnectionRecord>(CONNECTION, &key).await?.is_some() {
        return Err(EventsError::Exists(format!("Connection {} already exists.", request.name)));
    }
    let prefix = format!("{partition}/");
    let scan = Scan { prefix: &prefix, after: None, limit: CONNECTIONS_MAX };
    if call.tx.scan::<ConnectionRecord>(CONNECTION, scan).await?.len() >= CONNECTIONS_MAX {
        return Err(EventsError::LimitExceeded);
    }
    let authorization =
        authorization::merged(request.authorization_type, request.auth_parameters.into(), None)?;
    let mut connection = ConnectionRecord {
        name: request.name,
        id: call.origin.event_id.to_owned(),
        description: request.description,
        kind: request.authorization_type,
        state: first_state(&authorization.method),
        reason: None,
        sealed: None,
        secret_id: secret_id(),
        created: call.now,
        modified: call.now,
        authorized: Some(call.now),
    };
    connection.sealed = Some(authorization.seal(&events.keyring, &connection.arn(&partition))?);
    call.tx.insert(CONNECTION, &key, &connection)?;
    Ok(ConnectionResponse { last_authorized_time: None, ..connection.answer(&partition) })
}
