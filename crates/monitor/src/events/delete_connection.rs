//! `DeleteConnection`: destinations that use it become inactive

use keywatch_api::events::{ConnectionResponse, ConnectionState, DeleteConnectionRequest};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    connection::{CONNECTION, any_arn, connection, key},
};

pub(crate) async fn delete_connection(
    call: &mut Call<'_>,
    _: &Events,
    request: DeleteConnectionRequest,
) -> Result<ConnectionResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DeleteConnection", &any_arn(&partition, &request.name))?;
    let mut connection = connection(call, &request.name).await?;
    connection.state = ConnectionState::Deleting;
    call.tx.delete(CONNECTION, &key(&partition, &connection.name));
    Ok(connection.answer(&partition))
}
