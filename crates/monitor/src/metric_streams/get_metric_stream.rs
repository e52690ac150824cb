//! `GetMetricStream`: a stream as it was put, and whether it sends.

use keywatch_api::cloudwatch::streams::{GetMetricStreamRequest, GetMetricStreamResponse};
use keywatch_iam::Call;

use super::record::{STREAM, StreamRecord, arn, key};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn get_metric_stream(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: GetMetricStreamRequest,
) -> Result<GetMetricStreamResponse, CloudWatchError> {
    let arn = arn(call.account().as_str(), call.region.as_str(), &request.name);
    call.authorize_own("cloudwatch:GetMetricStream", &arn)?;
    let stream = call.tx.get::<StreamRecord>(STREAM, &key(call.partition().as_str(), &request.name)).await?;
    let Some(stream) = stream else { return Err(CloudWatchError::NoSuchResource { arn }) };
    Ok(GetMetricStreamResponse {
        arn,
        name: stream.name,
        include_filters: stream.include,
        exclude_filters: stream.exclude,
        firehose_arn: stream.firehose_arn,
        role_arn: stream.role_arn,
        state: stream.state,
        creation_date: stream.created.into(),
        last_update_date: stream.updated.into(),
        output_format: stream.format,
        statistics_configurations: stream.statistics,
        include_linked_accounts_metrics: stream.include_linked,
    })
}
