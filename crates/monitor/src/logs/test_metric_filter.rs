//! `TestMetricFilter`: what a pattern finds in some messages

use keywatch_api::logs::{MetricFilterMatchRecord, TestMetricFilterRequest, TestMetricFilterResponse};
use keywatch_iam::Call;
use keywatch_patterns::filter::FilterPattern;

use super::{Logs, LogsError};

pub(crate) async fn test_metric_filter(
    call: &mut Call<'_>,
    _: &Logs,
    request: TestMetricFilterRequest,
) -> Result<TestMetricFilterResponse, LogsError> {
    call.authorize_own("logs:TestMetricFilter", "*")?;
    let pattern = FilterPattern::parse(&request.filter_pattern)?;
    let matches = request
        .log_event_messages
        .into_iter()
        .zip(1..)
        .filter(|(message, _)| pattern.matches(message))
        .map(|(message, number)| MetricFilterMatchRecord {
            event_number: number,
            extracted_values: pattern.extract(&message),
            event_message: message,
        })
        .collect();
    Ok(TestMetricFilterResponse { matches })
}
