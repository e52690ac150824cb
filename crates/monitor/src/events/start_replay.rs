//! `StartReplay`: sends what an archive holds of some time to its bus again; the follower does it

use jiff::SignedDuration;
use keywatch_api::{
    Arn,
    events::{ReplayState, ShownDestination, StartReplayRequest, StartReplayResponse},
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    archive::{ARCHIVE, ArchiveRecord, Mark, REPLAY, ReplayRecord, UNDER_WAY, key, replay_arn},
};

/// Replays under way in an account and Region.
const UNDER_WAY_MAX: usize = 10;
/// Replays that ended longer ago are forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Replays looked at in one go when old ones are forgotten.
const ROWS_AT_ONCE: usize = 200;

pub(crate) async fn start_replay(
    call: &mut Call<'_>,
    _: &Events,
    request: StartReplayRequest,
) -> Result<StartReplayResponse, EventsError> {
    let partition = call.partition();
    let arn = replay_arn(&partition, &request.replay_name);
    call.authorize_own("events:StartReplay", &arn)?;
    let bus = access::own_bus(call, Some(&request.destination.arn))?;
    access::bus(call, &bus).await?;
    let archive = source(call, &request.event_source_arn).await?;
    if archive.bus != bus {
        return Err(EventsError::parameter("Destination.Arn", "Cross event bus replay is not permitted."));
    }
    let (from, to) = (request.event_start_time.0, request.event_end_time.0);
    if from >= to {
        return Err(EventsError::parameter("EventEndTime", "EventStartTime must be before EventEndTime."));
    }
    let key = key(&partition, &request.replay_name);
    if call.tx.get::<ReplayRecord>(REPLAY, &key).await?.is_some() {
        return Err(EventsError::Exists(format!("Replay {} already exists.", request.replay_name)));
    }
    let prefix = format!("{partition}/");
    let scan = Scan { prefix: &prefix, after: None, limit: UNDER_WAY_MAX };
    if call.tx.scan::<Mark>(UNDER_WAY, scan).await?.len() >= UNDER_WAY_MAX {
        return Err(EventsError::LimitExceeded);
    }
    forget_old(call, &prefix).await?;
    let replay = ReplayRecord {
        name: request.replay_name,
        description: request.description,
        archive: archive.name,
        archive_id: archive.id,
        destination: ShownDestination {
            arn: request.destination.arn,
            filter_arns: request.destination.filter_arns,
        },
        bus,
        from,
        to,
        state: ReplayState::Starting,
        reason: None,
        started: call.now,
        ended: None,
        last_replayed: None,
        cursor: None,
    };
    call.tx.insert(REPLAY, &key, &replay)?;
    call.tx.put(UNDER_WAY, &key, &Mark {})?;
    Ok(StartReplayResponse { replay_arn: arn, state: replay.state, replay_start_time: replay.started.into() })
}

/// The archive of an ARN in the caller's account and Region.
async fn source(call: &mut Call<'_>, text: &str) -> Result<ArchiveRecord, EventsError> {
    let partition = call.partition();
    let arn: Option<Arn> = text.parse().ok();
    let own = arn.filter(|arn| {
        arn.service == "events" && arn.account == partition.account() && arn.region == partition.region()
    });
    let name = own.as_ref().and_then(|arn| arn.resource.strip_prefix("archive/")).unwrap_or(text);
    let missing = || EventsError::parameter("EventSourceArn", &format!("Archive {name} does not exist."));
    call.tx.get(ARCHIVE, &key(&partition, name)).await?.ok_or_else(missing)
}

async fn forget_old(call: &mut Call<'_>, prefix: &str) -> Result<(), EventsError> {
    let scan = Scan { prefix, after: None, limit: ROWS_AT_ONCE };
    for (key, replay) in call.tx.scan::<ReplayRecord>(REPLAY, scan).await? {
        if replay.ended.is_some_and(|ended| ended + KEPT < call.now) {
            call.tx.delete(REPLAY, &key);
        }
    }
    Ok(())
}
