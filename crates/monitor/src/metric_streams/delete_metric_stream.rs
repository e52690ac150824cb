//! `DeleteMetricStream`: ends a stream; one that is not there is no error. Batches of it that wait are still delivered.

use keywatch_api::Empty;
use keywatch_api::cloudwatch::streams::DeleteMetricStreamRequest;
use keywatch_iam::Call;

use super::record::{STREAM, StreamRecord, arn, key};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_metric_stream(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DeleteMetricStreamRequest,
) -> Result<Empty, CloudWatchError> {
    let arn = arn(call.account().as_str(), call.region.as_str(), &request.name);
    call.authorize_own("cloudwatch:DeleteMetricStream", &arn)?;
    let key = key(call.partition().as_str(), &request.name);
    if call.tx.get::<StreamRecord>(STREAM, &key).await?.is_some() {
        call.tx.delete(STREAM, &key);
    }
    Ok(Empty {})
}
