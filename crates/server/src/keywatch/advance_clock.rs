//! `AdvanceClock`: moves the test clock, doing everything that falls due on the way, in order, before it answers.

use jiff::SignedDuration;
use keywatch_api::Clock;
use keywatch_api::keywatch::{AdvanceClockRequest, ClockReading};
use keywatch_iam::Call;
use keywatch_monitor::engine::AdvanceError;

use super::error::KeywatchError;
use crate::app::App;
use crate::clock::StoredClock;

pub(super) async fn advance_clock(
    call: &mut Call<'_>,
    app: &App,
    request: AdvanceClockRequest,
) -> Result<ClockReading, KeywatchError> {
    call.authorize_own("keywatch:AdvanceClock", "*")?;
    let clock = app.test_clock.clone().ok_or(KeywatchError::NotMovable)?;
    let target = SignedDuration::from_secs(request.seconds);
    let target = call.now.checked_add(target).map_err(|_| crate::clock::OutOfRange)?;
    let (engine, store) = (app.engine.clone(), app.store.clone());
    // A task of its own: when the caller hangs up, the clock that moved is still kept where it stands.
    let moved = tokio::spawn(async move {
        engine.advance_to(target).await?;
        let now = clock.now();
        StoredClock::keep(&store, now).await?;
        Ok::<_, KeywatchError>(now)
    });
    let now = moved.await.map_err(|_| KeywatchError::from(AdvanceError::Stopped))??;
    Ok(ClockReading { now: now.into(), test: true })
}
