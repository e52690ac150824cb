//! `ListReplays`: in the order of their names

use keywatch_api::events::{ListReplaysRequest, ListReplaysResponse, Replay};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    archive::{REPLAY, ReplayRecord, archive_arn},
};

/// A page is looked for in so many rows; the next one goes on behind them.
const ROWS_AT_ONCE: usize = 1_000;

pub(crate) async fn list_replays(
    call: &mut Call<'_>,
    _: &Events,
    request: ListReplaysRequest,
) -> Result<ListReplaysResponse, EventsError> {
    call.authorize_own("events:ListReplays", "*")?;
    let partition = call.partition();
    let prefix = format!("{partition}/{}", request.name_prefix.unwrap_or_default());
    let question = format!("ListReplays {prefix} {:?} {:?}", request.state, request.event_source_arn);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
    let mut rows = call.tx.scan::<ReplayRecord>(REPLAY, scan).await?;
    rows.retain(|(_, replay)| {
        request.state.is_none_or(|state| state == replay.state)
            && request
                .event_source_arn
                .as_ref()
                .is_none_or(|arn| *arn == archive_arn(&partition, &replay.archive))
    });
    let (page, next_token) = access::page_of(&question, rows, access::page_limit(request.limit));
    let replays = page
        .into_iter()
        .map(|replay| Replay {
            replay_name: replay.name,
            event_source_arn: archive_arn(&partition, &replay.archive),
            state: replay.state,
            state_reason: replay.reason,
            event_start_time: replay.from.into(),
            event_end_time: replay.to.into(),
            event_last_replayed_time: replay.last_replayed.map(Into::into),
            replay_start_time: replay.started.into(),
            replay_end_time: replay.ended.map(Into::into),
        })
        .collect();
    Ok(ListReplaysResponse { replays, next_token })
}
