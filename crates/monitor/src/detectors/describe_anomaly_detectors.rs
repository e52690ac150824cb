//! `DescribeAnomalyDetectors`: detectors by type and metric, and whether their metrics have data enough.

use keywatch_api::{
    WireTime,
    cloudwatch::{
        AnomalyDetectorState, AnomalyDetectorType,
        detectors::{
            AnomalyDetector, AnomalyDetectorConfiguration, DescribeAnomalyDetectorsRequest,
            DescribeAnomalyDetectorsResponse, MetricCharacteristics, MetricMathAnomalyDetector,
            SingleMetricAnomalyDetector, TimeRange,
        },
        metrics::{Metric, MetricDataQuery, MetricStat},
    },
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    record::{DETECTOR, DETECTORS_MAX, DetectorRecord, Subject, of_key},
    subject::designated,
    training::MEMORY,
};
use crate::{
    cloudwatch::{CloudWatch, CloudWatchError},
    metrics::{
        period::{Alignment, oldest_start},
        query::{Place, learnt, past},
        series::SeriesStore,
    },
};

/// Source: CloudWatch API Reference, `DescribeAnomalyDetectors`: `MaxResults`.
const RESULTS_MAX: i32 = 100;
/// A detector of a metric names no period; its state is that of a model of five minutes.
const PERIOD: i32 = 300;

pub(crate) async fn describe_anomaly_detectors(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: DescribeAnomalyDetectorsRequest,
) -> Result<DescribeAnomalyDetectorsResponse, CloudWatchError> {
    call.authorize_own("cloudwatch:DescribeAnomalyDetectors", "*")?;
    let max = request.max_results.unwrap_or(RESULTS_MAX);
    if max > RESULTS_MAX {
        let text = format!("The parameter MaxResults must be less than or equal to {RESULTS_MAX}.");
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    let max = usize::try_from(max).unwrap_or(1);
    let question = question(&request);
    let token = request.next_token.as_deref();
    let after = token.map(|token| page::decode(&question, token)).transpose();
    let after = after.map_err(|_| CloudWatchError::InvalidNextToken)?;
    let partition = call.partition();
    let prefix = format!("{}/", partition.as_str());
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: DETECTORS_MAX };
    let mut found = call.tx.scan::<DetectorRecord>(DETECTOR, scan).await?;
    found.retain(|(_, detector)| fits(&detector.subject, &request));
    let more = found.len() > max;
    found.truncate(max);
    let next_token = found.last().filter(|_| more).map(|(key, _)| page::encode(&question, key));

    service.trainer.models.refresh(call.tx.store).await?;
    service.catch_up(call).await?;
    let now = call.now.as_second();
    let place = Place {
        partition: partition.as_str(),
        account: call.account().as_str(),
        region: call.region.as_str(),
        start: now - MEMORY,
        end: now,
        now,
        alignment: Alignment::Multiple,
        tags: crate::metrics::tags::Tags::NONE,
    };
    let states = |series: &SeriesStore| {
        let state =
            |(key, detector): &(String, DetectorRecord)| state(series, service, key, detector, &place);
        found.iter().map(state).collect::<Vec<_>>()
    };
    let states = service.live.read(states).await?;
    let described = |((_, detector), state)| described(detector, state, place.account);
    let anomaly_detectors = found.into_iter().zip(states).map(described).collect();
    Ok(DescribeAnomalyDetectorsResponse { anomaly_detectors, next_token })
}

fn question(request: &DescribeAnomalyDetectorsRequest) -> String {
    let DescribeAnomalyDetectorsRequest {
        namespace, metric_name, dimensions, anomaly_detector_types, ..
    } = request;
    format!(
        "DescribeAnomalyDetectors {namespace:?} {metric_name:?} {dimensions:?} {anomaly_detector_types:?}"
    )
}

/// Names filter detectors of metrics only. Of dimensions a metric must have all that are asked for.
fn fits(subject: &Subject, request: &DescribeAnomalyDetectorsRequest) -> bool {
    let types = request.anomaly_detector_types.as_deref().filter(|types| !types.is_empty());
    let types = types.unwrap_or(&[AnomalyDetectorType::SingleMetric]);
    match subject {
        Subject::Math { .. } => types.contains(&AnomalyDetectorType::MetricMath),
        Subject::Metric { namespace, name, dimensions, .. } => {
            types.contains(&AnomalyDetectorType::SingleMetric)
                && request.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
                && request.metric_name.as_ref().is_none_or(|wanted| wanted == name)
                && request.dimensions.iter().flatten().all(|wanted| dimensions.contains(wanted))
        }
    }
}

/// Whether the points of the last two weeks suffice for a model.
fn state(
    series: &SeriesStore,
    service: &CloudWatch,
    key: &str,
    detector: &DetectorRecord,
    place: &Place<'_>,
) -> AnomalyDetectorState {
    let queries = queries(&detector.subject);
    let Some((_, identity)) = of_key(key) else { return AnomalyDetectorState::PendingTraining };
    let id = designated(&queries).map_or("", |query| query.id.as_str());
    // A stored detector was checked when it was put; what its data make wrong gives no points.
    let Ok(learnt) = learnt(&queries, id) else { return AnomalyDetectorState::PendingTraining };
    let start = place.start.max(oldest_start(learnt.period, place.now));
    let points = past(series, &queries, id, &Place { start, ..*place }).unwrap_or_default();
    let tuning = service.trainer.models.tuning(place.partition, identity);
    match points.as_slice() {
        [] => AnomalyDetectorState::PendingTraining,
        points if tuning.can_train(points, learnt.period) => AnomalyDetectorState::Trained,
        _ => AnomalyDetectorState::TrainedInsufficientData,
    }
}

fn queries(subject: &Subject) -> Vec<MetricDataQuery> {
    match subject {
        Subject::Math { queries } => queries.clone(),
        Subject::Metric { namespace, name, dimensions, stat } => {
            let metric = Metric {
                namespace: Some(namespace.clone()),
                metric_name: Some(name.clone()),
                dimensions: Some(dimensions.clone()),
            };
            vec![MetricDataQuery {
                id: "m1".into(),
                metric_stat: Some(MetricStat { metric, period: PERIOD, stat: stat.clone(), unit: None }),
                expression: None,
                label: None,
                return_data: Some(true),
                period: None,
                account_id: None,
            }]
        }
    }
}

fn described(detector: DetectorRecord, state_value: AnomalyDetectorState, account: &str) -> AnomalyDetector {
    let DetectorRecord { subject, excluded, timezone, periodic_spikes } = detector;
    let range = |(start, end)| TimeRange { start_time: WireTime(start), end_time: WireTime(end) };
    let configuration = AnomalyDetectorConfiguration {
        excluded_time_ranges: Some(excluded.into_iter().map(range).collect()),
        metric_timezone: timezone,
    };
    let characteristics = |spikes| MetricCharacteristics { periodic_spikes: Some(spikes) };
    let mut described = AnomalyDetector {
        namespace: None,
        metric_name: None,
        dimensions: None,
        stat: None,
        configuration,
        state_value,
        metric_characteristics: periodic_spikes.map(characteristics),
        single_metric_anomaly_detector: None,
        metric_math_anomaly_detector: None,
    };
    match subject {
        Subject::Math { queries } => {
            let math = MetricMathAnomalyDetector { metric_data_queries: Some(queries) };
            described.metric_math_anomaly_detector = Some(math);
        }
        Subject::Metric { namespace, name, dimensions, stat } => {
            described.single_metric_anomaly_detector = Some(SingleMetricAnomalyDetector {
                account_id: Some(account.to_owned()),
                namespace: Some(namespace.clone()),
                metric_name: Some(name.clone()),
                dimensions: Some(dimensions.clone()),
                stat: Some(stat.clone()),
            });
            (described.namespace, described.metric_name) = (Some(namespace), Some(name));
            (described.dimensions, described.stat) = (Some(dimensions), Some(stat));
        }
    }
    described
}
