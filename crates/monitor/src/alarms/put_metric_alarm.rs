//! `PutMetricAlarm`: creates or replaces an alarm on one metric or on the result of queries. The state survives a replacement.

use keywatch_api::{
    Arn,
    cloudwatch::{ComparisonOperator, alarms::PutMetricAlarmRequest},
};
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, arn},
    change::configured,
    config::{Config, MetricRule, OneMetric, Queries, Rule, Subject},
    contributors::CONTRIBUTORS,
    history::Configured,
    spec::MissingData,
    store::{ALARM, alarm_key},
};
use crate::{
    cloudwatch::{CloudWatch, CloudWatchError, tagged::check_tags},
    metrics::{
        Second,
        put_metric_data::sorted,
        query::{Outline, outline},
        statistics::Statistic,
    },
};

const DAY: Second = 86_400;
const WEEK: Second = 7 * DAY;
const HOUR: Second = 3_600;
/// An alarm on a Metrics Insights query looks back this far at most.
const INSIGHTS_SPAN_MAX: Second = 3 * HOUR;
/// Services whose ARNs may be actions.
const ACTION_SERVICES: [&str; 9] =
    ["sns", "lambda", "autoscaling", "automate", "swf", "ssm", "ssm-incidents", "aiops", "states"];

pub(crate) async fn put_metric_alarm(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: PutMetricAlarmRequest,
) -> Result<(), CloudWatchError> {
    let (account, region) = (call.account().to_string(), call.region.to_string());
    call.authorize_own("cloudwatch:PutMetricAlarm", &arn(&account, &region, &request.alarm_name))?;
    let (name, tags) = (request.alarm_name.clone(), check_tags(request.tags.as_deref().unwrap_or_default())?);
    let config = config(request)?;
    let key = alarm_key(&format!("{account}/{region}"), &name);
    let before = call.tx.get::<Alarm>(ALARM, &key).await?;
    if before.as_ref().is_some_and(|before| before.config.composite().is_some()) {
        return Err(validation(format!("A composite alarm with the name {name} already exists.")));
    }
    let (alarm, what) = match &before {
        Some(before) if before.config == config => return Ok(()),
        Some(before) => (Alarm { config, configured_at: call.now, ..before.clone() }, Configured::Updated),
        None => (Alarm::new((&account, &region), name, config, tags, call.now), Configured::Created),
    };
    if before.as_ref().is_some_and(|before| before.config.has_contributors())
        && !alarm.config.has_contributors()
    {
        call.tx.delete(CONTRIBUTORS, &key);
    }
    call.tx.put(ALARM, &key, &alarm)?;
    Ok(configured(&mut call.tx, &alarm, before.as_ref(), what, call.now)?)
}

/// Checks the configuration as a whole.
pub(super) fn config(mut request: PutMetricAlarmRequest) -> Result<Config, CloudWatchError> {
    refuse_what_excludes(&request)?;
    let evaluation_periods = request.evaluation_periods.ok_or_else(|| missing("EvaluationPeriods"))?;
    let comparison_operator = request.comparison_operator.ok_or_else(|| missing("ComparisonOperator"))?;
    let threshold = threshold(&request, comparison_operator)?;
    check_choices(&request)?;
    let actions =
        [&mut request.ok_actions, &mut request.alarm_actions, &mut request.insufficient_data_actions];
    let [ok_actions, alarm_actions, insufficient_data_actions] =
        actions.map(|actions| actions.take().unwrap_or_default());
    for action in ok_actions.iter().chain(&alarm_actions).chain(&insufficient_data_actions) {
        check_action(action)?;
    }
    let (description, actions_enabled) =
        (request.alarm_description.take(), request.actions_enabled.unwrap_or(true));
    let datapoints_to_alarm = request.datapoints_to_alarm;
    let treat_missing_data = request.treat_missing_data.take();
    let evaluate_low_sample_count_percentile = request.evaluate_low_sample_count_percentile.take();
    let subject = subject(request, evaluation_periods)?;
    let rule = MetricRule {
        subject,
        evaluation_periods,
        datapoints_to_alarm,
        threshold,
        comparison_operator,
        treat_missing_data,
        evaluate_low_sample_count_percentile,
    };
    check_span(rule.period(), evaluation_periods, datapoints_to_alarm)?;
    let config = Config {
        description,
        actions_enabled,
        ok_actions,
        alarm_actions,
        insufficient_data_actions,
        rule: Rule::Metric(rule),
    };
    check_kinds_of_actions(&config)?;
    Ok(config)
}

fn missing(name: &str) -> CloudWatchError {
    CloudWatchError::MissingParameter(format!("The parameter {name} is required."))
}

/// What cannot be said together, and PromQL, which is not built.
fn refuse_what_excludes(request: &PutMetricAlarmRequest) -> Result<(), CloudWatchError> {
    if request.metrics.is_some() {
        for (is_set, name) in [
            (request.metric_name.is_some(), "MetricName"),
            (request.namespace.is_some(), "Namespace"),
            (request.dimensions.as_ref().is_some_and(|list| !list.is_empty()), "Dimensions"),
            (request.period.is_some(), "Period"),
            (request.unit.is_some(), "Unit"),
            (request.statistic.is_some(), "Statistic"),
            (request.extended_statistic.is_some(), "ExtendedStatistic"),
        ] {
            if is_set {
                return Err(validation(format!("{name} should not be set if list of Metrics is set.")));
            }
        }
    }
    if request.statistic.is_some() && request.extended_statistic.is_some() {
        let text = "PutMetricAlarm request can not be made with both Statistic and ExtendedStatistic parameters. Only one of them should be present";
        return Err(validation(text.into()));
    }
    if request.evaluation_criteria.is_some() || request.evaluation_interval.is_some() {
        return Err(validation("Alarms on PromQL queries are not built in Keywatch.".into()));
    }
    Ok(())
}

fn is_of_bands(operator: ComparisonOperator) -> bool {
    use ComparisonOperator as Is;
    matches!(
        operator,
        Is::LessThanLowerOrGreaterThanUpperThreshold
            | Is::LessThanLowerThreshold
            | Is::GreaterThanUpperThreshold
    )
}

/// The threshold; none where a band stands for it.
fn threshold(
    request: &PutMetricAlarmRequest,
    operator: ComparisonOperator,
) -> Result<Option<f64>, CloudWatchError> {
    match (request.threshold_metric_id.is_some(), is_of_bands(operator)) {
        (false, false) => {}
        (true, true) if request.threshold.is_some() => {
            let text = "PutMetricAlarm request can not be made with both Threshold and ThresholdMetricId parameters. Only one of them should be present";
            return Err(validation(text.into()));
        }
        (true, true) if request.metrics.is_none() => {
            return Err(validation("Metrics list should be set if ThresholdMetricId is set.".into()));
        }
        (true, true) => return Ok(None),
        (true, false) => {
            let text = "ComparisonOperator must be one of LessThanLowerOrGreaterThanUpperThreshold, LessThanLowerThreshold, GreaterThanUpperThreshold if ThresholdMetricId is set.";
            return Err(validation(text.into()));
        }
        (false, true) => return Err(missing("ThresholdMetricId")),
    }
    let threshold = request.threshold.as_ref().ok_or_else(|| missing("Threshold"))?.0;
    if !threshold.is_finite() {
        let text = "The parameter Threshold must be a finite number.";
        return Err(CloudWatchError::InvalidParameterValue(text.into()));
    }
    Ok(Some(threshold))
}

fn check_choices(request: &PutMetricAlarmRequest) -> Result<(), CloudWatchError> {
    let treatment = request.treat_missing_data.as_deref();
    if let Some(text) = treatment.filter(|text| MissingData::parse(text).is_none()) {
        return Err(unknown_choice("TreatMissingData", text, "breaching, notBreaching, ignore, missing"));
    }
    let Some(text) = request.evaluate_low_sample_count_percentile.as_deref() else { return Ok(()) };
    if !matches!(text, "evaluate" | "ignore") {
        return Err(unknown_choice("EvaluateLowSampleCountPercentile", text, "evaluate, ignore"));
    }
    if !request.extended_statistic.as_deref().is_some_and(|name| name.starts_with('p')) {
        let text = "EvaluateLowSampleCountPercentile can only be used with percentile statistics.";
        return Err(validation(text.into()));
    }
    Ok(())
}

fn subject(request: PutMetricAlarmRequest, evaluation_periods: i32) -> Result<Subject, CloudWatchError> {
    if let Some(metrics) = request.metrics {
        let Outline { period, group_by, is_insights } =
            outline(&metrics, request.threshold_metric_id.as_deref())?;
        if is_insights {
            check_insights(period, evaluation_periods)?;
        }
        let period = i32::try_from(period).map_err(|_| validation("Period is too long.".into()))?;
        let threshold_metric_id = request.threshold_metric_id;
        return Ok(Subject::Queries(Queries { metrics, threshold_metric_id, period, group_by }));
    }
    let namespace = request.namespace.ok_or_else(|| missing("Namespace"))?;
    let metric_name = request.metric_name.ok_or_else(|| missing("MetricName"))?;
    let period = request.period.ok_or_else(|| missing("Period"))?;
    check_statistic(request.statistic.is_some(), request.extended_statistic.as_deref())?;
    let dimensions = request.dimensions.unwrap_or_default();
    sorted(&dimensions, "Metric")?;
    Ok(Subject::Metric(OneMetric {
        namespace,
        metric_name,
        dimensions,
        statistic: request.statistic,
        extended_statistic: request.extended_statistic,
        unit: request.unit,
        period,
    }))
}

fn check_insights(period: Second, evaluation_periods: i32) -> Result<(), CloudWatchError> {
    if period < 60 {
        return Err(validation("MetricsInsights monitors do not support less than 60 seconds period".into()));
    }
    if period * Second::from(evaluation_periods) > INSIGHTS_SPAN_MAX {
        return Err(validation("MetricsInsights monitors cannot be checked across more than 3 hours".into()));
    }
    Ok(())
}

/// Alarms with contributors, and alarms on bands, take fewer kinds of actions than others.
fn check_kinds_of_actions(config: &Config) -> Result<(), CloudWatchError> {
    let is_of = |action: &String, service: &str| action.split(':').nth(2) == Some(service);
    let has_band = config.metric().is_some_and(|rule| rule.threshold_metric_id().is_some());
    if has_band && config.all_actions().any(|action| is_of(action, "autoscaling")) {
        return Err(validation("Autoscaling actions are not available for anomaly detection alarms".into()));
    }
    if !config.has_contributors() {
        return Ok(());
    }
    if config.all_actions().any(|action| is_of(action, "autoscaling")) {
        return Err(validation("Autoscaling actions are not available for Multi Time Series alarms".into()));
    }
    if config.all_actions().any(|action| is_of(action, "automate") || is_of(action, "swf")) {
        return Err(validation("EC2 actions are not available for Multi Time Series alarms".into()));
    }
    if !config.insufficient_data_actions.is_empty() {
        let text = "InsufficientDataActions are not available for Multi Time Series alarms";
        return Err(validation(text.into()));
    }
    Ok(())
}

fn check_statistic(simple: bool, extended: Option<&str>) -> Result<(), CloudWatchError> {
    let text = match extended {
        None if simple => return Ok(()),
        None => {
            let text = "One of the parameters Statistic and ExtendedStatistic is required.";
            return Err(CloudWatchError::MissingParameter(text.into()));
        }
        Some(name) if Statistic::parse(name).is_some_and(|statistic| !statistic.is_simple()) => return Ok(()),
        Some(name) => format!("The value {name} for parameter ExtendedStatistic is not supported."),
    };
    Err(CloudWatchError::InvalidParameterValue(text))
}

/// Periods and how many of them.
fn check_span(
    period: i32,
    evaluation_periods: i32,
    datapoints_to_alarm: Option<i32>,
) -> Result<(), CloudWatchError> {
    if !matches!(period, 10 | 20 | 30) && period % 60 != 0 {
        return Err(validation("Period must be 10, 20, 30 or a multiple of 60".into()));
    }
    if datapoints_to_alarm.is_some_and(|count| count > evaluation_periods) {
        return Err(validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods".into()));
    }
    let (period, span) = (Second::from(period), Second::from(period) * Second::from(evaluation_periods));
    if period < HOUR && span > DAY {
        let text = "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400) for alarms using period < 3600";
        return Err(validation(text.into()));
    }
    if span > WEEK {
        let text = "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800) for alarms using period >= 3600";
        return Err(validation(text.into()));
    }
    Ok(())
}

fn unknown_choice(name: &str, value: &str, choices: &str) -> CloudWatchError {
    let text = format!("Value {value} for parameter {name} is invalid: it must be one of {choices}.");
    CloudWatchError::InvalidParameterValue(text)
}

pub(super) fn check_action(action: &str) -> Result<(), CloudWatchError> {
    let is_known = |arn: Arn| ACTION_SERVICES.contains(&arn.service.as_str());
    if action.parse::<Arn>().is_ok_and(is_known) {
        return Ok(());
    }
    Err(validation(format!("Invalid arn syntax: {action}")))
}

fn validation(text: String) -> CloudWatchError {
    CloudWatchError::Validation(text)
}

#[cfg(test)]
mod tests {
    use keywatch_api::{WireError, shape};

    use super::*;

    fn run(members: &str) -> Result<Config, CloudWatchError> {
        let mut request = serde_json::json!({
            "AlarmName": "a", "Namespace": "App", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
            "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"
        });
        let changes: serde_json::Map<String, serde_json::Value> = serde_json::from_str(members).unwrap();
        for (name, value) in changes {
            request[name] = value;
        }
        let raw = serde_json::from_value(request).unwrap();
        config(shape::check(raw).unwrap())
    }

    #[test]
    fn accepted() {
        for members in [
            "{}",
            r#"{"Statistic":null,"ExtendedStatistic":"p99","EvaluateLowSampleCountPercentile":"ignore"}"#,
            r#"{"Period":10,"EvaluationPeriods":30}"#,
            r#"{"Period":86400,"EvaluationPeriods":7}"#,
            r#"{"TreatMissingData":"notBreaching","DatapointsToAlarm":1}"#,
            r#"{"MetricName":null,"Namespace":null,"Statistic":null,"Period":null,"Metrics":[{"Id":"q1","Expression":"SELECT SUM(n) FROM App","Period":60}]}"#,
            r#"{"AlarmActions":["arn:aws:sns:us-east-1:111122223333:t","arn:aws:automate:us-east-1:ec2:stop"]}"#,
        ] {
            assert!(run(members).is_ok(), "{members}: {:?}", run(members));
        }
    }

    #[track_caller]
    fn refuses(members: &str, code: &str, text: &str) {
        let error = run(members).unwrap_err();
        assert_eq!(error.query_code().as_deref(), Some(code), "{error:?}");
        assert!(error.message().unwrap().contains(text), "{error:?}");
    }

    #[test]
    fn bands() {
        let of = |changes: &str| {
            let stat = r#"{"Metric":{"Namespace":"App","MetricName":"n"},"Period":300,"Stat":"Sum"}"#;
            format!(
                r#"{{"MetricName":null,"Namespace":null,"Statistic":null,"Period":null,"Threshold":null,"ThresholdMetricId":"ad1",
                "ComparisonOperator":"GreaterThanUpperThreshold","Metrics":[{{"Id":"m1","MetricStat":{stat}}},
                {{"Id":"ad1","Expression":"ANOMALY_DETECTION_BAND(m1, 2)"}}]{changes}}}"#
            )
        };
        let rule = run(&of("")).unwrap();
        let rule = rule.metric().unwrap();
        assert_eq!((rule.threshold, rule.threshold_metric_id(), rule.period()), (None, Some("ad1"), 300));
        refuses(&of(r#","Threshold":1"#), "ValidationError", "both Threshold and ThresholdMetricId");
        refuses(&of(r#","ThresholdMetricId":"m1""#), "ValidationError", "exactly one metric matching");
        refuses(&of(r#","ComparisonOperator":"LessThanThreshold""#), "ValidationError", "must be one of");
        refuses(&of(r#","Metrics":null"#), "ValidationError", "Metrics list should be set");
        refuses(
            &of(r#","AlarmActions":["arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:x"]"#),
            "ValidationError",
            "Autoscaling actions are not available for anomaly detection alarms",
        );
    }

    #[test]
    fn refusals() {
        refuses(
            r#"{"ExtendedStatistic":"p99"}"#,
            "ValidationError",
            "PutMetricAlarm request can not be made with both Statistic and ExtendedStatistic parameters. Only one of them should be present",
        );
        refuses(
            r#"{"Metrics":[]}"#,
            "ValidationError",
            "MetricName should not be set if list of Metrics is set.",
        );
        refuses(
            r#"{"Metrics":[],"MetricName":null}"#,
            "ValidationError",
            "Namespace should not be set if list of Metrics is set.",
        );
        refuses(r#"{"EvaluationInterval":60}"#, "ValidationError", "PromQL");
        refuses(r#"{"ThresholdMetricId":"ad1"}"#, "ValidationError", "ComparisonOperator must be one of");
        refuses(
            r#"{"ComparisonOperator":"GreaterThanUpperThreshold"}"#,
            "MissingParameter",
            "ThresholdMetricId",
        );
        refuses(r#"{"AlarmActions":["nonsense"]}"#, "ValidationError", "Invalid arn syntax: nonsense");
        refuses(r#"{"Period":45}"#, "ValidationError", "Period");
        refuses(r#"{"DatapointsToAlarm":2}"#, "ValidationError", "DatapointsToAlarm");
        refuses(
            r#"{"Period":300,"EvaluationPeriods":300}"#,
            "ValidationError",
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400) for alarms using period < 3600",
        );
        refuses(
            r#"{"Period":3600,"EvaluationPeriods":200}"#,
            "ValidationError",
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800) for alarms using period >= 3600",
        );
        refuses(r#"{"TreatMissingData":"no"}"#, "InvalidParameterValue", "TreatMissingData");
        refuses(r#"{"EvaluateLowSampleCountPercentile":"ignore"}"#, "ValidationError", "percentile");
        refuses(r#"{"Statistic":null}"#, "MissingParameter", "Statistic");
        refuses(
            r#"{"Statistic":null,"ExtendedStatistic":"Sum"}"#,
            "InvalidParameterValue",
            "ExtendedStatistic",
        );
        let grouped = r#"{"MetricName":null,"Namespace":null,"Statistic":null,"Period":null,"Metrics":[{"Id":"q1","Expression":"SELECT SUM(n) FROM App GROUP BY Key","Period":300}]"#;
        refuses(
            &format!(r#"{grouped},"EvaluationPeriods":37}}"#),
            "ValidationError",
            "MetricsInsights monitors cannot be checked across more than 3 hours",
        );
        refuses(
            &format!(
                r#"{grouped},"AlarmActions":["arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:x"]}}"#
            ),
            "ValidationError",
            "Autoscaling actions are not available for Multi Time Series alarms",
        );
        refuses(
            &format!("{}}}", grouped.replace("300", "30")),
            "ValidationError",
            "MetricsInsights monitors do not support less than 60 seconds period",
        );
        for name in
            ["Namespace", "MetricName", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator"]
        {
            refuses(&format!(r#"{{"{name}":null}}"#), "MissingParameter", name);
        }
    }
}
