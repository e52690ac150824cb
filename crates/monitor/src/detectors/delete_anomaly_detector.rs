//! `DeleteAnomalyDetector`: what it said is not heeded any more. Bands go on, trained as those without a detector.

use keywatch_api::{Empty, cloudwatch::detectors::DeleteAnomalyDetectorRequest};
use keywatch_iam::Call;

use super::{
    record::{DETECTOR, DetectorRecord, Subject, key},
    subject::{Names, designated, subject},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_anomaly_detector(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DeleteAnomalyDetectorRequest,
) -> Result<Empty, CloudWatchError> {
    call.authorize_own("cloudwatch:DeleteAnomalyDetector", "*")?;
    let names = Names {
        namespace: request.namespace,
        metric_name: request.metric_name,
        dimensions: request.dimensions,
        stat: request.stat,
        single: request.single_metric_anomaly_detector,
        math: request.metric_math_anomaly_detector,
    };
    let (subject, identity) = subject(names, call.account().as_str())?;
    let key = key(call.partition().as_str(), &subject, identity);
    if call.tx.get::<DetectorRecord>(DETECTOR, &key).await?.is_none() {
        return Err(CloudWatchError::NoSuchDetector { id: name(&subject) });
    }
    call.tx.delete(DETECTOR, &key);
    Ok(Empty {})
}

/// What the detector would be called.
fn name(subject: &Subject) -> String {
    match subject {
        Subject::Metric { name, .. } => name.clone(),
        Subject::Math { queries } => designated(queries).map(|query| query.id.clone()).unwrap_or_default(),
    }
}
