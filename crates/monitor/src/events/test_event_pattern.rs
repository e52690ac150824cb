//! `TestEventPattern`

use keywatch_api::events::{TestEventPatternRequest, TestEventPatternResponse};
use keywatch_iam::Call;
use keywatch_patterns::event::EventPattern;
use serde::{Deserialize, de::IgnoredAny};

use super::{Events, EventsError};

pub(crate) async fn test_event_pattern(
    call: &mut Call<'_>,
    _: &Events,
    request: TestEventPatternRequest,
) -> Result<TestEventPatternResponse, EventsError> {
    call.authorize_own("events:TestEventPattern", "*")?;
    let pattern = EventPattern::parse(&request.event_pattern)?;
    if !is_event(&request.event) {
        return Err(EventsError::invalid("Parameter Event is not valid."));
    }
    Ok(TestEventPatternResponse { result: pattern.matches(&request.event) })
}

/// The members AWS asks of an event before it looks at it. Its documentation also names `resources`, but it answers for
/// events without.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "id")]
    _id: IgnoredAny,
    #[serde(rename = "account")]
    _account: IgnoredAny,
    #[serde(rename = "source")]
    _source: IgnoredAny,
    #[serde(rename = "time")]
    _time: IgnoredAny,
    #[serde(rename = "region")]
    _region: IgnoredAny,
    #[serde(rename = "detail-type")]
    _detail_type: IgnoredAny,
}

fn is_event(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<Members>(text).is_ok()
}
