//! One evaluation of an alarm that is not kept: whether its request, asked at one moment, finds a breach. Pure but for reading series.

use jiff::Timestamp;
use keywatch_api::WireError as _;
use keywatch_api::cloudwatch::{StateValue, alarms::PutMetricAlarmRequest};
use keywatch_store::Partition;

use super::{
    alarm::Alarm,
    config::Subject,
    evaluate::{Datapoint, Verdict, evaluate},
    put_metric_alarm::config,
    spec::Spec,
};
use crate::detectors::Bands;
use crate::metrics::{
    Second,
    period::Alignment,
    query::{Place, watch},
    series::{MetricRef, SeriesStore, Window},
    tags::Tags,
};

/// Whether the alarm, or one of its contributors, is in `ALARM` at the end of the period that runs at `now`.
///
/// # Errors
/// Why `PutMetricAlarm` would refuse the request, or its queries cannot be answered.
pub(crate) fn in_alarm(
    request: PutMetricAlarmRequest,
    partition: &Partition,
    series: &SeriesStore,
    now: Timestamp,
) -> Result<bool, String> {
    let of = (partition.account(), partition.region());
    let name = request.alarm_name.clone();
    let config = config(request).map_err(|error| error.message().unwrap_or_default())?;
    let alarm = Alarm::new(of, name, config, Vec::new(), now);
    let (Some(spec), Some(rule)) = (alarm.spec(), alarm.config.metric()) else { return Ok(false) };
    let end = (now.as_second().div_euclid(spec.period) + 1) * spec.period;
    let window = spec.window(end);
    let lines: Vec<Vec<(Second, f64)>> = match &rule.subject {
        Subject::Metric(metric) => {
            let found = series.find(&MetricRef {
                partition: partition.as_str(),
                namespace: &metric.namespace,
                name: &metric.metric_name,
                dimensions: &metric.sorted_dimensions(),
            });
            let buckets = found.map(|id| series.read(id, metric.unit, &window, end)).unwrap_or_default();
            let point = |bucket: &crate::metrics::series::Bucket| {
                Some((bucket.time, spec.statistic?.of(&bucket.set)?))
            };
            vec![buckets.iter().filter_map(point).collect()]
        }
        Subject::Queries(queries) => {
            let place = Place {
                partition: partition.as_str(),
                account: of.0,
                region: of.1,
                start: window.start,
                end: window.end(),
                now: end,
                alignment: Alignment::Start,
                tags: Tags::NONE,
            };
            let watching = watch(
                series,
                &queries.metrics,
                queries.threshold_metric_id.as_deref(),
                &place,
                &Bands::default(),
            )
            .map_err(|error| error.message().unwrap_or_default())?;
            watching.lines.into_iter().map(|line| line.points).collect()
        }
    };
    Ok(lines.iter().any(|points| is_breached(&spec, &window, points)))
}

fn is_breached(spec: &Spec, window: &Window, points: &[(Second, f64)]) -> bool {
    let mut places = vec![None; window.count];
    for (time, value) in points.iter().copied().filter(|(time, _)| *time >= window.start) {
        if let Some(place) = places.get_mut(((time - window.start) / window.period) as usize) {
            *place = Some(Datapoint { time, value, samples: None, band: None });
        }
    }
    matches!(evaluate(spec, &places), Verdict::State(decision) if decision.value == StateValue::Alarm)
}
