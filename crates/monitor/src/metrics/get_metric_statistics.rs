//! `GetMetricStatistics`: statistics of one metric, period by period.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::{
    WireTime,
    cloudwatch::{
        SimpleStatistic,
        metrics::{Datapoint, GetMetricStatisticsRequest, GetMetricStatisticsResponse},
    },
};
use keywatch_iam::Call;

use super::{
    Second,
    period::{Alignment, is_period, window},
    put_metric_data::sorted,
    series::{Bucket, MetricRef, SeriesStore},
    statistics::Statistic,
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

/// Datapoints one call may ask for.
pub const DATAPOINTS_MAX: Second = 1_440;

pub(crate) async fn get_metric_statistics(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: GetMetricStatisticsRequest,
) -> Result<GetMetricStatisticsResponse, CloudWatchError> {
    call.authorize_own("cloudwatch:GetMetricStatistics", "*")?;
    let extended = check(&request)?;
    let dimensions = sorted(request.dimensions.as_deref().unwrap_or_default(), "MetricStat")?;
    service.catch_up(call).await?;
    let (partition, now) = (call.partition(), call.now.as_second());
    let buckets =
        service.live.read(|series| buckets(series, partition.as_str(), &request, &dimensions, now)).await?;
    let datapoints = buckets.iter().map(|bucket| datapoint(bucket, &request, &extended)).collect();
    Ok(GetMetricStatisticsResponse { label: request.metric_name, datapoints })
}

/// Checks what the model cannot; gives the extended statistics.
fn check(request: &GetMetricStatisticsRequest) -> Result<Vec<(String, Statistic)>, CloudWatchError> {
    let period = Second::from(request.period);
    match (&request.statistics, &request.extended_statistics) {
        (None, None) => {
            let text = "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
            return Err(CloudWatchError::MissingParameter(text.into()));
        }
        (Some(_), Some(_)) => {
            let text = "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.";
            return Err(CloudWatchError::InvalidParameterCombination(text.into()));
        }
        _ => {}
    }
    if !is_period(period) {
        let text = format!(
            "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, and {period} is not."
        );
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    let (start, end) = (request.start_time.0.as_second(), request.end_time.0.as_second());
    if start >= end {
        let text = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(CloudWatchError::InvalidParameterValue(text.into()));
    }
    let count = (end - start) / period;
    if count > DATAPOINTS_MAX {
        return Err(CloudWatchError::InvalidParameterCombination(format!(
            "You have requested up to {count} datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by \
             increasing Period, or decreasing the time range."
        )));
    }
    let extended = request.extended_statistics.iter().flatten().map(|name| match Statistic::parse(name) {
        Some(statistic) if !statistic.is_simple() => Ok((name.clone(), statistic)),
        _ => Err(CloudWatchError::InvalidParameterValue(format!(
            "The value {name} for parameter ExtendedStatistics is not supported."
        ))),
    });
    extended.collect()
}

fn buckets(
    series: &SeriesStore,
    partition: &str,
    request: &GetMetricStatisticsRequest,
    dimensions: &[(String, String)],
    now: Second,
) -> Vec<Bucket> {
    let dimensions: Vec<(&str, &str)> =
        dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let metric = MetricRef {
        partition,
        namespace: &request.namespace,
        name: &request.metric_name,
        dimensions: &dimensions,
    };
    let (start, end) = (request.start_time.0.as_second(), request.end_time.0.as_second());
    let window = window(start, end, Second::from(request.period), Alignment::Start, now);
    match (series.find(&metric), window) {
        (Some(id), Some(window)) => series.read(id, request.unit, &window, now),
        _ => Vec::new(),
    }
}

fn datapoint(
    bucket: &Bucket,
    request: &GetMetricStatisticsRequest,
    extended: &[(String, Statistic)],
) -> Datapoint {
    let asked = |wanted: SimpleStatistic, statistic: Statistic| {
        let is_asked = request.statistics.iter().flatten().any(|asked| *asked == wanted);
        is_asked.then(|| statistic.of(&bucket.set)).flatten()
    };
    let extended: BTreeMap<String, f64> = extended
        .iter()
        .filter_map(|(name, statistic)| Some((name.clone(), statistic.of(&bucket.set)?)))
        .collect();
    Datapoint {
        timestamp: WireTime(Timestamp::from_second(bucket.time).unwrap_or(Timestamp::UNIX_EPOCH)),
        sample_count: asked(SimpleStatistic::SampleCount, Statistic::SampleCount),
        average: asked(SimpleStatistic::Average, Statistic::Average),
        sum: asked(SimpleStatistic::Sum, Statistic::Sum),
        minimum: asked(SimpleStatistic::Minimum, Statistic::Minimum),
        maximum: asked(SimpleStatistic::Maximum, Statistic::Maximum),
        unit: bucket.unit,
        extended_statistics: (!extended.is_empty()).then_some(extended),
    }
}

#[cfg(test)]
mod tests {
    use keywatch_api::{WireError, shape};

    use super::*;

    fn request(members: &str) -> GetMetricStatisticsRequest {
        let text = format!(r#"{{"Namespace":"App","MetricName":"m",{members}}}"#);
        shape::check(serde_json::from_str(&text).unwrap()).unwrap()
    }

    #[track_caller]
    fn refuses(members: &str, code: &str, text: &str) {
        let error = check(&request(members)).unwrap_err();
        assert_eq!(error.query_code().as_deref(), Some(code));
        assert!(error.message().unwrap().contains(text), "{error:?}");
    }

    #[test]
    fn refusals() {
        let at = r#""StartTime":0,"EndTime":86460"#;
        refuses(&format!(r#"{at},"Period":60"#), "MissingParameter", "Statistics");
        refuses(
            &format!(r#"{at},"Period":60,"Statistics":["Sum"],"ExtendedStatistics":["p9"]"#),
            "InvalidParameterCombination",
            "mutually exclusive",
        );
        refuses(&format!(r#"{at},"Period":61,"Statistics":["Sum"]"#), "InvalidParameterValue", "Period");
        refuses(
            &format!(r#"{at},"Period":60,"Statistics":["Sum"]"#),
            "InvalidParameterCombination",
            "You have requested up to 1441 datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
        );
        refuses(
            r#""StartTime":60,"EndTime":60,"Period":60,"Statistics":["Sum"]"#,
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        );
        refuses(
            &format!(r#"{at},"Period":120,"ExtendedStatistics":["Sum"]"#),
            "InvalidParameterValue",
            "Sum",
        );
        assert!(check(&request(&format!(r#"{at},"Period":120,"ExtendedStatistics":["p99"]"#))).is_ok());
    }
}
