//! `DescribeConnection`: without what is secret

use keywatch_api::events::{DescribeConnectionRequest, DescribeConnectionResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    connection::{any_arn, connection},
};

pub(crate) async fn describe_connection(
    call: &mut Call<'_>,
    events: &Events,
    request: DescribeConnectionRequest,
) -> Result<DescribeConnectionResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DescribeConnection", &any_arn(&partition, &request.name))?;
    let connection = connection(call, &request.name).await?;
    let authorization = connection.open(&events.keyring, &partition)?;
    Ok(DescribeConnectionResponse {
        connection_arn: connection.arn(&partition),
        secret_arn: connection.secret_arn(&partition),
        name: connection.name,
        description: connection.description,
        connection_state: connection.state,
        state_reason: connection.reason,
        authorization_type: connection.kind,
        auth_parameters: authorization.map(|authorization| authorization.shown()).unwrap_or_default(),
        creation_time: connection.created.into(),
        last_modified_time: connection.modified.into(),
        last_authorized_time: connection.authorized.map(Into::into),
    })
}
