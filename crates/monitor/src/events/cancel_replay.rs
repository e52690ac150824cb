//! `CancelReplay`: what was sent already stays sent

use keywatch_api::events::{CancelReplayRequest, CancelReplayResponse, ReplayState};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    archive::{REPLAY, key, replay, replay_arn},
};

pub(crate) async fn cancel_replay(
    call: &mut Call<'_>,
    _: &Events,
    request: CancelReplayRequest,
) -> Result<CancelReplayResponse, EventsError> {
    let partition = call.partition();
    let arn = replay_arn(&partition, &request.replay_name);
    call.authorize_own("events:CancelReplay", &arn)?;
    let mut replay = replay(call, &request.replay_name).await?;
    if !matches!(replay.state, ReplayState::Starting | ReplayState::Running) {
        return Err(EventsError::IllegalStatus(format!(
            "Replay {} is not in a valid state for this operation.",
            replay.name
        )));
    }
    replay.state = ReplayState::Cancelling;
    call.tx.put(REPLAY, &key(&partition, &replay.name), &replay)?;
    Ok(CancelReplayResponse { replay_arn: arn, state: replay.state })
}
