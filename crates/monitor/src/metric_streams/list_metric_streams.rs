//! `ListMetricStreams`: the streams of the account and Region in the order of their names.

use keywatch_api::{
    cloudwatch::streams::{ListMetricStreamsRequest, ListMetricStreamsResponse, MetricStreamEntry},
    page,
};
use keywatch_iam::Call;

use super::record::{self, STREAMS_MAX, StreamRecord};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

const QUESTION: &str = "ListMetricStreams";

pub(crate) async fn list_metric_streams(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: ListMetricStreamsRequest,
) -> Result<ListMetricStreamsResponse, CloudWatchError> {
    let all = record::arn(call.account().as_str(), call.region.as_str(), "*");
    call.authorize_own("cloudwatch:ListMetricStreams", &all)?;
    let after = match &request.next_token {
        None => None,
        Some(token) => Some(page::decode(QUESTION, token).map_err(|_| CloudWatchError::InvalidNextToken)?),
    };
    let max = request.max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(STREAMS_MAX);
    let partition = call.partition();
    let mut streams = record::streams(&mut call.tx, partition.as_str()).await?;
    streams.retain(|stream| after.as_ref().is_none_or(|after| stream.name > *after));
    let more = streams.len() > max;
    streams.truncate(max);
    let next_token = streams.last().filter(|_| more).map(|stream| page::encode(QUESTION, &stream.name));
    let entry = |stream: StreamRecord| MetricStreamEntry {
        arn: stream.arn(),
        creation_date: stream.created.into(),
        last_update_date: stream.updated.into(),
        name: stream.name,
        firehose_arn: stream.firehose_arn,
        state: stream.state,
        output_format: stream.format,
    };
    Ok(ListMetricStreamsResponse { entries: streams.into_iter().map(entry).collect(), next_token })
}
