//! `AdvanceClock`: moves the test clock, doing everything that falls due on the way, in order, before it answers.

use jiff::SignedDuration;
use keywatch_api::Clock;
use keywatch_api::keywatch::{AdvanceClockRequest, ClockReading};
use keywatch_iam::Call;

use super::error::KeywatchError;
use crate::app::App;
use crate::clock::StoredClock;

pub(super) async fn advance_clock(
    call: &mut Call<'_>,
    app: &App,
    request: AdvanceClockRequest,
) -> Result<ClockReading, KeywatchError> {
    call.authorize_own("keywatch:AdvanceClock", "*")?;
    let clock = app.test_clock.as_deref().ok_or(KeywatchError::NotMovable)?;
    let target = SignedDuration::from_secs(request.seconds);
    let target = call.now.checked_add(target).map_err(|_| crate::clock::OutOfRange)?;
    app.engine.advance_to(target).await?;
    let now = clock.now();
    StoredClock::keep(&mut call.tx, now)?;
    Ok(ClockReading { now: now.into(), test: true })
}
