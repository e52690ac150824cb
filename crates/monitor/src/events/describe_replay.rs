//! `DescribeReplay`

use keywatch_api::events::{DescribeReplayRequest, DescribeReplayResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    archive::{archive_arn, replay, replay_arn},
};

pub(crate) async fn describe_replay(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeReplayRequest,
) -> Result<DescribeReplayResponse, EventsError> {
    let partition = call.partition();
    let arn = replay_arn(&partition, &request.replay_name);
    call.authorize_own("events:DescribeReplay", &arn)?;
    let replay = replay(call, &request.replay_name).await?;
    Ok(DescribeReplayResponse {
        replay_name: replay.name,
        replay_arn: arn,
        description: replay.description,
        state: replay.state,
        state_reason: replay.reason,
        event_source_arn: archive_arn(&partition, &replay.archive),
        destination: replay.destination,
        event_start_time: replay.from.into(),
        event_end_time: replay.to.into(),
        event_last_replayed_time: replay.last_replayed.map(Into::into),
        replay_start_time: replay.started.into(),
        replay_end_time: replay.ended.map(Into::into),
    })
}
