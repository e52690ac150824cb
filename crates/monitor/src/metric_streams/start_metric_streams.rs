//! `StartMetricStreams`: lets streams send again, from now on.

use keywatch_api::Empty;
use keywatch_api::cloudwatch::streams::{MetricStreamState, StartMetricStreamsRequest};
use keywatch_iam::Call;

use super::record::set_state;
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn start_metric_streams(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: StartMetricStreamsRequest,
) -> Result<Empty, CloudWatchError> {
    set_state(call, "cloudwatch:StartMetricStreams", &request.names, MetricStreamState::Running).await?;
    Ok(Empty {})
}
