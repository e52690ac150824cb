//! `StopMetricStreams`: keeps streams from sending; what comes meanwhile is not sent later.

use keywatch_api::Empty;
use keywatch_api::cloudwatch::streams::{MetricStreamState, StopMetricStreamsRequest};
use keywatch_iam::Call;

use super::record::set_state;
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn stop_metric_streams(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: StopMetricStreamsRequest,
) -> Result<Empty, CloudWatchError> {
    set_state(call, "cloudwatch:StopMetricStreams", &request.names, MetricStreamState::Stopped).await?;
    Ok(Empty {})
}
