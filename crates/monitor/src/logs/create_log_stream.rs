//! `CreateLogStream`

use keywatch_api::logs::CreateLogStreamRequest;
use keywatch_iam::Call;

use super::{
    Logs, LogsError, access,
    create_log_group::check_name,
    record::{self, GROUP, STREAM, StreamRecord},
};

pub(crate) async fn create_log_stream(
    call: &mut Call<'_>,
    _: &Logs,
    request: CreateLogStreamRequest,
) -> Result<(), LogsError> {
    let CreateLogStreamRequest { log_group_name, log_stream_name } = request;
    access::authorize_stream(call, "logs:CreateLogStream", &log_group_name, &log_stream_name)?;
    check_name(&log_group_name)?;
    check_name(&log_stream_name)?;
    let group = access::group(call, &log_group_name).await?;
    call.tx.require_unchanged(GROUP, &record::group_key(&call.partition(), &group.name));
    let key = record::stream_key(&group.id, &log_stream_name);
    if call.tx.get::<StreamRecord>(STREAM, &key).await?.is_some() {
        return Err(LogsError::StreamExists);
    }
    let stream = StreamRecord {
        id: call.origin.event_id.to_owned(),
        name: log_stream_name,
        created: call.now,
        since: call.tx.store.head(),
    };
    call.tx.insert(STREAM, &key, &stream)?;
    Ok(())
}
