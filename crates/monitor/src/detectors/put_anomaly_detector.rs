//! `PutAnomalyDetector`: says how the model of a metric, or of an expression, is trained.

use jiff::{Timestamp, tz::TimeZone};
use keywatch_api::{
    Empty,
    cloudwatch::detectors::{AnomalyDetectorConfiguration, PutAnomalyDetectorRequest},
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    record::{DETECTOR, DETECTORS_MAX, DetectorRecord, key},
    subject::{Names, subject},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

/// Source: CloudWatch API Reference, `PutAnomalyDetector`: `Configuration`.
const EXCLUDED_MAX: usize = 10;

pub(crate) async fn put_anomaly_detector(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: PutAnomalyDetectorRequest,
) -> Result<Empty, CloudWatchError> {
    call.authorize_own("cloudwatch:PutAnomalyDetector", "*")?;
    let names = Names {
        namespace: request.namespace,
        metric_name: request.metric_name,
        dimensions: request.dimensions,
        stat: request.stat,
        single: request.single_metric_anomaly_detector,
        math: request.metric_math_anomaly_detector,
    };
    let (subject, identity) = subject(names, call.account().as_str())?;
    let (excluded, timezone) = configuration(request.configuration)?;
    let periodic_spikes = request.metric_characteristics.map(|known| known.periodic_spikes.unwrap_or(false));
    let partition = call.partition();
    let key = key(partition.as_str(), &subject, identity);
    if call.tx.get::<DetectorRecord>(DETECTOR, &key).await?.is_none() {
        let prefix = format!("{}/", partition.as_str());
        let scan = Scan { prefix: &prefix, after: None, limit: DETECTORS_MAX };
        if call.tx.scan::<DetectorRecord>(DETECTOR, scan).await?.len() >= DETECTORS_MAX {
            return Err(CloudWatchError::TooManyDetectors);
        }
    }
    let record = DetectorRecord { subject, excluded, timezone, periodic_spikes };
    call.tx.put(DETECTOR, &key, &record)?;
    Ok(Empty {})
}

type Excluded = Vec<(Timestamp, Timestamp)>;

fn configuration(
    given: Option<AnomalyDetectorConfiguration>,
) -> Result<(Excluded, Option<String>), CloudWatchError> {
    let Some(AnomalyDetectorConfiguration { excluded_time_ranges, metric_timezone }) = given else {
        return Ok((Vec::new(), None));
    };
    let invalid = |text: String| Err(CloudWatchError::InvalidParameterValue(text));
    let ranges = excluded_time_ranges.unwrap_or_default();
    if ranges.len() > EXCLUDED_MAX {
        return invalid(format!("No more than {EXCLUDED_MAX} ExcludedTimeRanges can be specified."));
    }
    if ranges.iter().any(|range| range.start_time.0 >= range.end_time.0) {
        return invalid("The StartTime of an excluded time range must be less than its EndTime.".into());
    }
    if let Some(name) = metric_timezone.as_deref().filter(|name| TimeZone::get(name).is_err()) {
        return invalid(format!("The value {name} for parameter MetricTimezone is not a known time zone."));
    }
    Ok((ranges.iter().map(|range| (range.start_time.0, range.end_time.0)).collect(), metric_timezone))
}
