//! `DescribeClock`: what the server's clock shows.

use keywatch_api::keywatch::{ClockReading, DescribeClockRequest};
use keywatch_iam::Call;

use super::error::KeywatchError;
use crate::app::App;

pub(super) async fn describe_clock(
    call: &mut Call<'_>,
    app: &App,
    _: DescribeClockRequest,
) -> Result<ClockReading, KeywatchError> {
    call.authorize_own("keywatch:DescribeClock", "*")?;
    Ok(ClockReading { now: call.now.into(), test: app.test_clock.is_some() })
}
