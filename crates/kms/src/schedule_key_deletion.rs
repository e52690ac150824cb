//! `ScheduleKeyDeletion`: a key that is gone after a waiting period, unless that is cancelled.

use keywatch_api::kms::keys::{ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse};
use keywatch_api::kms::sets::KeyState;
use keywatch_api::{WireTime, record_form};
use keywatch_iam::Call;
use keywatch_iam::policy::Values;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::get_key_last_usage::unused_days;
use crate::key::State;
use crate::rows;

/// API reference, `ScheduleKeyDeletion`: the waiting period is 7 to 30 days, 30 if absent.
const WINDOW_DAYS_DEFAULT: i32 = 30;
const WINDOW_DAYS_MIN: i32 = 7;
const WINDOW_DAYS_MAX: i32 = 30;

/// `responseElements`
#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'r> {
    key_id: &'r str,
    key_state: KeyState,
    deletion_date: Option<WireTime>,
    pending_window_in_days: Option<i32>,
}

pub(crate) async fn schedule_key_deletion(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse, KmsError> {
    let days = window(request.pending_window_in_days)?;
    let more = unused_days(call, kms, &request.key_id)
        .await?
        .with("kms:ScheduleKeyDeletionPendingWindowInDays", Values::one(days.to_string()));
    let key = hold(call, &request.key_id, &Asked::with("kms:ScheduleKeyDeletion", &more)).await?;
    let now = call.now;
    let key = rows::change(&mut call.tx, key, |key| key.schedule_deletion(days, now))?;
    let due = match key.state {
        State::PendingDeletion { due } => Some(due.into()),
        _ => None,
    };
    let answer = ScheduleKeyDeletionResponse {
        key_id: key.arn().to_string(),
        deletion_date: due,
        key_state: key.state.wire(),
        pending_window_in_days: days,
    };
    let shown = Shown {
        key_id: &answer.key_id,
        key_state: answer.key_state,
        deletion_date: due,
        pending_window_in_days: due.is_none().then_some(days),
    };
    call.notes.set_response(Some(record_form::to_json(&shown)));
    Ok(answer)
}

fn window(asked: Option<i32>) -> Result<i32, KmsError> {
    let days = asked.unwrap_or(WINDOW_DAYS_DEFAULT);
    let wrong = |constraint: String| Err(KmsError::out_of_range(days, "pendingWindowInDays", &constraint));
    if days < WINDOW_DAYS_MIN {
        return wrong(format!("greater than or equal to {WINDOW_DAYS_MIN}"));
    }
    if days > WINDOW_DAYS_MAX {
        return wrong(format!("less than or equal to {WINDOW_DAYS_MAX}"));
    }
    Ok(days)
}

#[cfg(test)]
mod tests;
