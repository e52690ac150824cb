//! `DescribeAlarmsForMetric`: the alarms that watch exactly one metric.

use keywatch_api::cloudwatch::alarms::{DescribeAlarmsForMetricRequest, DescribeAlarmsForMetricResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    alarm::{Alarm, arn},
    store::{ALARM, ALARMS_MAX},
};
use crate::{
    cloudwatch::{CloudWatch, CloudWatchError},
    metrics::put_metric_data::sorted,
};

pub(crate) async fn describe_alarms_for_metric(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DescribeAlarmsForMetricRequest,
) -> Result<DescribeAlarmsForMetricResponse, CloudWatchError> {
    call.authorize_own(
        "cloudwatch:DescribeAlarmsForMetric",
        &arn(call.account().as_str(), call.region.as_str(), "*"),
    )?;
    let dimensions = sorted(request.dimensions.as_deref().unwrap_or_default(), "Metric")?;
    let dimensions: Vec<(&str, &str)> =
        dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let prefix = format!("{}/", call.partition().as_str());
    let rows = call.tx.scan::<Alarm>(ALARM, Scan { prefix: &prefix, after: None, limit: ALARMS_MAX }).await?;
    let watching = rows.iter().filter(|(_, alarm)| watches(alarm, &request, &dimensions));
    Ok(DescribeAlarmsForMetricResponse {
        metric_alarms: watching.filter_map(|(_, alarm)| alarm.describe_metric()).collect(),
    })
}

fn watches(alarm: &Alarm, request: &DescribeAlarmsForMetricRequest, dimensions: &[(&str, &str)]) -> bool {
    let Some(metric) = alarm.config.one_metric() else { return false };
    metric.namespace == request.namespace
        && metric.metric_name == request.metric_name
        && metric.sorted_dimensions() == dimensions
        && request.statistic.is_none_or(|statistic| metric.statistic == Some(statistic))
        && (request.extended_statistic.is_none() || metric.extended_statistic == request.extended_statistic)
        && request.period.is_none_or(|period| metric.period == period)
        && request.unit.is_none_or(|unit| metric.unit == Some(unit))
}
