//! `DeauthorizeConnection`: what authorises is forgotten

use keywatch_api::events::{ConnectionResponse, ConnectionState, DeauthorizeConnectionRequest};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    connection::{CONNECTION, any_arn, connection, key},
};

pub(crate) async fn deauthorize_connection(
    call: &mut Call<'_>,
    _: &Events,
    request: DeauthorizeConnectionRequest,
) -> Result<ConnectionResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DeauthorizeConnection", &any_arn(&partition, &request.name))?;
    let mut connection = connection(call, &request.name).await?;
    connection.sealed = None;
    connection.state = ConnectionState::Deauthorized;
    connection.modified = call.now;
    call.tx.put(CONNECTION, &key(&partition, &connection.name), &connection)?;
    Ok(connection.answer(&partition))
}
