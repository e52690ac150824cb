//! `DeleteLogStream`: the stream goes at once, its events in the background.

use keywatch_api::logs::DeleteLogStreamRequest;
use keywatch_iam::Call;

use super::{
    Logs, LogsError, access,
    record::{self, GARBAGE, Garbage, STREAM},
};

pub(crate) async fn delete_log_stream(
    call: &mut Call<'_>,
    _: &Logs,
    request: DeleteLogStreamRequest,
) -> Result<(), LogsError> {
    let DeleteLogStreamRequest { log_group_name, log_stream_name } = request;
    access::authorize_stream(call, "logs:DeleteLogStream", &log_group_name, &log_stream_name)?;
    let group = access::group(call, &log_group_name).await?;
    let stream = access::stream(call, &group, &log_stream_name).await?;
    call.tx.delete(STREAM, &record::stream_key(&group.id, &stream.name));
    let garbage = Garbage::Stream { id: stream.id, group_id: group.id };
    call.tx.put(GARBAGE, &garbage.key(), &garbage)?;
    Ok(())
}
