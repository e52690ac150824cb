//! `PutMetricAlarm`: creates or replaces an alarm on one metric with a static threshold. The state survives a replacement.

use std::collections::HashSet;

use jiff::Timestamp;
use keywatch_api::{
    Arn,
    cloudwatch::{
        ComparisonOperator, HistoryItemType, StateValue,
        alarms::{PutMetricAlarmRequest, Tag},
    },
};
use keywatch_iam::Call;

use super::{
    alarm::{Alarm, Config, State, arn},
    change::add_history,
    history::Configured,
    reason::INITIAL,
    spec::MissingData,
    store::{ALARM, alarm_key},
    tag_resource::TAGS_MAX,
};
use crate::{
    cloudwatch::{CloudWatch, CloudWatchError},
    metrics::{Second, put_metric_data::sorted, statistics::Statistic},
};

const DAY: Second = 86_400;
const WEEK: Second = 7 * DAY;
const HOUR: Second = 3_600;
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
    let (name, tags) = (request.alarm_name.clone(), tags(request.tags.as_deref().unwrap_or_default())?);
    let config = config(request)?;
    let key = alarm_key(&format!("{account}/{region}"), &name);
    let (alarm, configured) = match call.tx.get::<Alarm>(ALARM, &key).await? {
        Some(old) if old.config == config => return Ok(()),
        Some(old) => (Alarm { config, configured_at: call.now, ..old }, Configured::Updated),
        None => (new_alarm(account, region, name, config, tags, call.now), Configured::Created),
    };
    call.tx.put(ALARM, &key, &alarm)?;
    let (summary, data) = (configured.summary(&alarm.name), configured.data(&alarm));
    add_history(&mut call.tx, &alarm, HistoryItemType::ConfigurationUpdate, summary, data, call.now)?;
    Ok(())
}

fn new_alarm(
    account: String,
    region: String,
    name: String,
    config: Config,
    tags: Vec<Tag>,
    now: Timestamp,
) -> Alarm {
    let state = State {
        value: StateValue::InsufficientData,
        reason: INITIAL.to_owned(),
        reason_data: None,
        updated_at: now,
        transitioned_at: now,
    };
    Alarm { account, region, name, config, configured_at: now, state, tags }
}

/// Tags count only when an alarm is created; they are checked always.
pub(crate) fn tags(tags: &[Tag]) -> Result<Vec<Tag>, CloudWatchError> {
    if tags.len() > TAGS_MAX {
        return Err(validation(format!("More than {TAGS_MAX} tags are not allowed on a resource.")));
    }
    let mut keys = HashSet::new();
    for tag in tags {
        if tag.key.starts_with("aws:") {
            return Err(validation("Tag keys starting with aws: are reserved for system use.".into()));
        }
        if !keys.insert(tag.key.as_str()) {
            return Err(validation(format!("Duplicate tag key: {}", tag.key)));
        }
    }
    Ok(tags.to_vec())
}

/// Checks the configuration as a whole.
fn config(request: PutMetricAlarmRequest) -> Result<Config, CloudWatchError> {
    refuse_other_kinds(&request)?;
    let missing =
        |name: &str| CloudWatchError::MissingParameter(format!("The parameter {name} is required."));
    let namespace = request.namespace.ok_or_else(|| missing("Namespace"))?;
    let metric_name = request.metric_name.ok_or_else(|| missing("MetricName"))?;
    let period = request.period.ok_or_else(|| missing("Period"))?;
    let evaluation_periods = request.evaluation_periods.ok_or_else(|| missing("EvaluationPeriods"))?;
    let threshold = request.threshold.ok_or_else(|| missing("Threshold"))?.0;
    let comparison_operator = request.comparison_operator.ok_or_else(|| missing("ComparisonOperator"))?;
    if !threshold.is_finite() {
        return Err(CloudWatchError::InvalidParameterValue(
            "The parameter Threshold must be a finite number.".into(),
        ));
    }
    check_statistic(request.statistic.is_some(), request.extended_statistic.as_deref())?;
    check_span(period, evaluation_periods, request.datapoints_to_alarm)?;
    if let Some(text) =
        request.treat_missing_data.as_deref().filter(|text| MissingData::parse(text).is_none())
    {
        return Err(unknown_choice("TreatMissingData", text, "breaching, notBreaching, ignore, missing"));
    }
    let low_samples = request.evaluate_low_sample_count_percentile;
    if let Some(text) = low_samples.as_deref().filter(|text| !matches!(*text, "evaluate" | "ignore")) {
        return Err(unknown_choice("EvaluateLowSampleCountPercentile", text, "evaluate, ignore"));
    }
    if low_samples.is_some()
        && !request.extended_statistic.as_deref().is_some_and(|name| name.starts_with('p'))
    {
        let text = "EvaluateLowSampleCountPercentile can only be used with percentile statistics.";
        return Err(validation(text.into()));
    }
    let dimensions = request.dimensions.unwrap_or_default();
    sorted(&dimensions, "Metric")?;
    let [ok_actions, alarm_actions, insufficient_data_actions] =
        [request.ok_actions, request.alarm_actions, request.insufficient_data_actions]
            .map(Option::unwrap_or_default);
    for action in ok_actions.iter().chain(&alarm_actions).chain(&insufficient_data_actions) {
        check_action(action)?;
    }
    Ok(Config {
        description: request.alarm_description,
        actions_enabled: request.actions_enabled.unwrap_or(true),
        ok_actions,
        alarm_actions,
        insufficient_data_actions,
        namespace,
        metric_name,
        dimensions,
        statistic: request.statistic,
        extended_statistic: request.extended_statistic,
        unit: request.unit,
        period,
        evaluation_periods,
        datapoints_to_alarm: request.datapoints_to_alarm,
        threshold,
        comparison_operator,
        treat_missing_data: request.treat_missing_data,
        evaluate_low_sample_count_percentile: low_samples,
    })
}

/// Metric math, bands and PromQL are other kinds of alarms; they are not built.
fn refuse_other_kinds(request: &PutMetricAlarmRequest) -> Result<(), CloudWatchError> {
    if request.metrics.is_some() && request.metric_name.is_some() {
        return Err(validation("MetricName should not be set if list of Metrics is set.".into()));
    }
    if request.statistic.is_some() && request.extended_statistic.is_some() {
        let text = "PutMetricAlarm request can not be made with both Statistic and ExtendedStatistic parameters. Only one of them should be present";
        return Err(validation(text.into()));
    }
    let is_band = matches!(
        request.comparison_operator,
        Some(
            ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold
                | ComparisonOperator::LessThanLowerThreshold
                | ComparisonOperator::GreaterThanUpperThreshold
        )
    );
    for (asked, what) in [
        (request.metrics.is_some(), "Alarms on a list of Metrics"),
        (request.threshold_metric_id.is_some() || is_band, "Alarms on anomaly detection bands"),
        (
            request.evaluation_criteria.is_some() || request.evaluation_interval.is_some(),
            "Alarms on PromQL queries",
        ),
    ] {
        if asked {
            return Err(validation(format!("{what} are not built in Keywatch.")));
        }
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

fn check_action(action: &str) -> Result<(), CloudWatchError> {
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
        refuses(r#"{"Metrics":[],"MetricName":null}"#, "ValidationError", "not built");
        refuses(r#"{"ThresholdMetricId":"ad1"}"#, "ValidationError", "not built");
        refuses(r#"{"ComparisonOperator":"GreaterThanUpperThreshold"}"#, "ValidationError", "not built");
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
        for name in
            ["Namespace", "MetricName", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator"]
        {
            refuses(&format!(r#"{{"{name}":null}}"#), "MissingParameter", name);
        }
    }

    #[test]
    fn tags_are_checked() {
        let tag = |key: &str| Tag { key: key.into(), value: String::new() };
        assert!(tags(&[tag("a"), tag("b")]).is_ok());
        assert!(tags(&[tag("a"), tag("a")]).is_err());
        assert!(tags(&[tag("aws:a")]).is_err());
        assert!(tags(&vec![tag("a"); 51]).is_err());
    }
}
