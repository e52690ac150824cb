//! `ListConnections`: in the order of their names

use keywatch_api::events::{Connection, ListConnectionsRequest, ListConnectionsResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    connection::{CONNECTION, ConnectionRecord},
};

/// More than there can be.
const ROWS_AT_ONCE: usize = 3_100;

pub(crate) async fn list_connections(
    call: &mut Call<'_>,
    _: &Events,
    request: ListConnectionsRequest,
) -> Result<ListConnectionsResponse, EventsError> {
    call.authorize_own("events:ListConnections", "*")?;
    let partition = call.partition();
    let prefix = format!("{partition}/{}", request.name_prefix.unwrap_or_default());
    let question = format!("ListConnections {prefix} {:?}", request.connection_state);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
    let mut rows = call.tx.scan::<ConnectionRecord>(CONNECTION, scan).await?;
    rows.retain(|(_, connection)| request.connection_state.is_none_or(|state| state == connection.state));
    let (page, next_token) = access::page_of(&question, rows, access::page_limit(request.limit));
    let connections = page
        .into_iter()
        .map(|connection| Connection {
            connection_arn: connection.arn(&partition),
            name: connection.name,
            connection_state: connection.state,
            state_reason: connection.reason,
            authorization_type: connection.kind,
            creation_time: connection.created.into(),
            last_modified_time: connection.modified.into(),
            last_authorized_time: connection.authorized.map(Into::into),
        })
        .collect();
    Ok(ListConnectionsResponse { connections, next_token })
}
