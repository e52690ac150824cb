//! # Texts of a state change: what a topic is sent
//! An action on a topic publishes one message in several forms: JSON for programs, prose for e-mail, one line for telephones.
//! Pure functions of the alarm and the change.
//! **Not here:** the event of the same change (`event.rs`), delivery (`crate::notify`).
//!
//! Source: notifications recorded from CloudWatch.

use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{
    alarm::{Alarm, State},
    decimal::{double, long_time, offset_time},
    region_name::region_name,
};

/// A subject holds at most this many characters.
const SUBJECT_MAX: usize = 100;
/// Column at which values stand in the e-mail's lists.
const DETAIL_COLUMN: usize = 30;
const METRIC_COLUMN: usize = 38;
/// What a URL's fragment may hold as it is.
const FRAGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// An alarm that just changed: `alarm.state` is the new state.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub alarm: &'a Alarm,
    pub old: &'a State,
    pub at: Timestamp,
}

impl Change<'_> {
    /// `ALARM: "name" in US East (N. Virginia)`, in ASCII, at most 100 characters.
    pub fn subject(&self) -> String {
        let Alarm { name, region, state, .. } = self.alarm;
        let text = format!("{}: \"{name}\" in {}", state.value, region_name(region));
        let mut subject = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                _ if c.is_ascii() => subject.push(c),
                _ if subject.ends_with('\u{0}') => {}
                // Stands for a run of other characters until the run has ended.
                _ => subject.push('\u{0}'),
            }
        }
        let mut subject = subject.replace('\u{0}', "_");
        if subject.len() > SUBJECT_MAX {
            subject.truncate(SUBJECT_MAX - 3);
            subject.push_str("...");
        }
        subject
    }

    /// The message with a form for each kind of subscriber, for `MessageStructure` `json`.
    pub fn structured(&self) -> String {
        let forms = Forms { default: self.json(), sms: self.line(), email: self.email() };
        serde_json::to_string(&forms).expect("texts become JSON")
    }

    /// One line.
    pub fn line(&self) -> String {
        format!("{}: \"{}\" in {}", self.alarm.state.value, self.alarm.name, region_name(&self.alarm.region))
    }

    /// The JSON form.
    pub fn json(&self) -> String {
        let Alarm { config, state, .. } = self.alarm;
        let (statistic_type, statistic) = match config.statistic {
            Some(simple) => ("Statistic", upper_snake(simple.as_str())),
            None => ("ExtendedStatistic", self.alarm.statistic_name().to_owned()),
        };
        let message = Message {
            alarm_name: &self.alarm.name,
            alarm_description: config.description.as_deref(),
            account: &self.alarm.account,
            alarm_configuration_updated_timestamp: offset_time(self.alarm.configured_at),
            new_state_value: state.value,
            new_state_reason: &state.reason,
            state_change_time: offset_time(self.at),
            region: region_name(&self.alarm.region),
            alarm_arn: self.alarm.arn(),
            old_state_value: self.old.value,
            action_executed_after_mute_window: false,
            ok_actions: &config.ok_actions,
            alarm_actions: &config.alarm_actions,
            insufficient_data_actions: &config.insufficient_data_actions,
            trigger: Trigger {
                metric_name: &config.metric_name,
                namespace: &config.namespace,
                statistic_type,
                statistic,
                unit: config.unit.map(|unit| unit.as_str()),
                dimensions: config
                    .dimensions
                    .iter()
                    .map(|d| NamedValue { value: &d.value, name: &d.name })
                    .collect(),
                period: config.period,
                evaluation_periods: config.evaluation_periods,
                datapoints_to_alarm: config.datapoints_to_alarm,
                comparison_operator: config.comparison_operator.as_str(),
                threshold: config.threshold,
                treat_missing_data: config.treat_missing_data.as_deref().unwrap_or_default(),
                low_samples: config.evaluate_low_sample_count_percentile.as_deref().unwrap_or_default(),
            },
        };
        serde_json::to_string(&message).expect("numbers and texts become JSON")
    }

    /// The e-mail form.
    pub fn email(&self) -> String {
        let Alarm { name, region, account, config, state, .. } = self.alarm;
        let (place, time) = (region_name(region), long_time(self.at));
        let link = utf8_percent_encode(name, &FRAGMENT);
        let details = [
            ("Name", name.clone()),
            ("Description", config.description.clone().unwrap_or_default()),
            ("State Change", format!("{} -> {}", self.old.value, state.value)),
            ("Reason for State Change", state.reason.clone()),
            ("Timestamp", time.clone()),
            ("AWS Account", account.clone()),
            ("Alarm Arn", self.alarm.arn()),
        ];
        let needed = config.datapoints_to_alarm.unwrap_or(config.evaluation_periods);
        let dimensions =
            config.dimensions.iter().map(|d| format!("{} = {}", d.name, d.value)).collect::<Vec<_>>();
        let metric = [
            ("MetricNamespace", config.namespace.clone()),
            ("MetricName", config.metric_name.clone()),
            ("Dimensions", format!("[{}]", dimensions.join(", "))),
            ("Period", format!("{} seconds", config.period)),
            ("Statistic", self.alarm.statistic_name().to_owned()),
            ("Unit", config.unit.map_or("not specified", |unit| unit.as_str()).to_owned()),
            ("TreatMissingData", config.treat_missing_data.clone().unwrap_or_else(|| "missing".to_owned())),
        ];
        format!(
            "You are receiving this email because your Amazon CloudWatch Alarm \"{name}\" in the {place} region has entered the \
             {value} state, because \"{reason}\" at \"{time}\".\n\n\
             View this alarm in the AWS Management Console:\n\
             https://{region}.console.aws.amazon.com/cloudwatch/deeplink.js?region={region}#alarmsV2:alarm/{link}\n\n\
             Alarm Details:\n{details}\n\
             Threshold:\n- The alarm is in the ALARM state when the metric is {comparison} {threshold} for at least {needed} of the \
             last {periods} period(s) of {period} seconds. \n\n\
             Monitored Metric:\n{metric}\n\
             State Change Actions:\n- OK: {ok}\n- ALARM: {alarm}\n- INSUFFICIENT_DATA: {insufficient}\n",
            value = state.value,
            reason = state.reason,
            details = list(&details, DETAIL_COLUMN),
            comparison = config.comparison_operator,
            threshold = double(config.threshold),
            periods = config.evaluation_periods,
            period = config.period,
            metric = list(&metric, METRIC_COLUMN),
            ok = actions(self.alarm.actions(StateValue::Ok)),
            alarm = actions(self.alarm.actions(StateValue::Alarm)),
            insufficient = actions(self.alarm.actions(StateValue::InsufficientData)),
        )
    }
}

fn list(items: &[(&str, String)], column: usize) -> String {
    items.iter().map(|(name, value)| format!("{:<column$}{value}\n", format!("- {name}:"))).collect()
}

fn actions(actions: &[String]) -> String {
    if actions.is_empty() { String::new() } else { format!("[{}]", actions.join(", ")) }
}

/// `SampleCount` becomes `SAMPLE_COUNT`.
fn upper_snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 1);
    for (at, c) in name.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

#[derive(Debug, Serialize)]
struct Forms {
    default: String,
    sms: String,
    email: String,
}

/// The members in the order CloudWatch writes them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    alarm_name: &'a str,
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    alarm_configuration_updated_timestamp: String,
    new_state_value: StateValue,
    new_state_reason: &'a str,
    state_change_time: String,
    region: &'a str,
    alarm_arn: String,
    old_state_value: StateValue,
    action_executed_after_mute_window: bool,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
    trigger: Trigger<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger<'a> {
    metric_name: &'a str,
    namespace: &'a str,
    statistic_type: &'a str,
    #[serde(rename = "Statistic")]
    statistic: String,
    unit: Option<&'a str>,
    dimensions: Vec<NamedValue<'a>>,
    period: i32,
    evaluation_periods: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<i32>,
    comparison_operator: &'a str,
    threshold: f64,
    treat_missing_data: &'a str,
    #[serde(rename = "EvaluateLowSampleCountPercentile")]
    low_samples: &'a str,
}

#[derive(Debug, Serialize)]
struct NamedValue<'a> {
    value: &'a str,
    name: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarms::alarm::sample;

    fn with_change<T>(mut alarm: Alarm, check: impl FnOnce(Change<'_>) -> T) -> T {
        let old = alarm.state.clone();
        alarm.state.value = StateValue::Alarm;
        alarm.state.reason = "Threshold Crossed: because".into();
        check(Change { alarm: &alarm, old: &old, at: "2026-09-14T11:18:46.123Z".parse().unwrap() })
    }

    #[test]
    fn subjects() {
        for (name, want) in [
            ("Runaway".to_owned(), "ALARM: \"Runaway\" in US East (N. Virginia)".to_owned()),
            ("über Größe".to_owned(), "ALARM: \"_ber Gr_e\" in US East (N. Virginia)".to_owned()),
            ("x".repeat(200), format!("ALARM: \"{}...", "x".repeat(89))),
        ] {
            let got = with_change(Alarm { name, ..sample() }, |change| change.subject());
            assert_eq!(got, want);
            assert!(got.len() <= SUBJECT_MAX);
        }
    }

    #[test]
    fn json_in_the_order_of_cloudwatch() {
        let got = with_change(sample(), |change| change.json());
        let want = concat!(
            r#"{"AlarmName":"Runaway","AlarmDescription":"Too many uses","AWSAccountId":"111122223333","#,
            r#""AlarmConfigurationUpdatedTimestamp":"2026-09-14T11:00:00.500+0000","NewStateValue":"ALARM","#,
            r#""NewStateReason":"Threshold Crossed: because","StateChangeTime":"2026-09-14T11:18:46.123+0000","#,
            r#""Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway","#,
            r#""OldStateValue":"INSUFFICIENT_DATA","ActionExecutedAfterMuteWindow":false,"OKActions":[],"#,
            r#""AlarmActions":["arn:aws:sns:us-east-1:111122223333:alerts"],"InsufficientDataActions":[],"#,
            r#""Trigger":{"MetricName":"Calls","Namespace":"App","StatisticType":"Statistic","Statistic":"SUM","Unit":null,"#,
            r#""Dimensions":[{"value":"Decrypt","name":"Operation"}],"Period":60,"EvaluationPeriods":1,"#,
            r#""ComparisonOperator":"GreaterThanOrEqualToThreshold","Threshold":1.0,"TreatMissingData":"","#,
            r#""EvaluateLowSampleCountPercentile":""}}"#
        );
        assert_eq!(got, want);
    }

    #[test]
    fn extended_statistics_and_names() {
        let mut alarm = sample();
        (alarm.config.statistic, alarm.config.extended_statistic) = (None, Some("p99".into()));
        let got = with_change(alarm, |change| change.json());
        assert!(got.contains(r#""StatisticType":"ExtendedStatistic","Statistic":"p99""#), "{got}");
        assert_eq!(upper_snake("SampleCount"), "SAMPLE_COUNT");
    }

    #[test]
    fn email() {
        let got = with_change(Alarm { name: "Two words".into(), ..sample() }, |change| change.email());
        let want = r#"You are receiving this email because your Amazon CloudWatch Alarm "Two words" in the US East (N. Virginia) region has entered the ALARM state, because "Threshold Crossed: because" at "Monday 14 September, 2026 11:18:46 UTC".

View this alarm in the AWS Management Console:
https://us-east-1.console.aws.amazon.com/cloudwatch/deeplink.js?region=us-east-1#alarmsV2:alarm/Two%20words

Alarm Details:
- Name:                       Two words
- Description:                Too many uses
- State Change:               INSUFFICIENT_DATA -> ALARM
- Reason for State Change:    Threshold Crossed: because
- Timestamp:                  Monday 14 September, 2026 11:18:46 UTC
- AWS Account:                111122223333
- Alarm Arn:                  arn:aws:cloudwatch:us-east-1:111122223333:alarm:Two words

Threshold:
- The alarm is in the ALARM state when the metric is GreaterThanOrEqualToThreshold 1.0 for at least 1 of the last 1 period(s) of 60 seconds. 

Monitored Metric:
- MetricNamespace:                    App
- MetricName:                         Calls
- Dimensions:                         [Operation = Decrypt]
- Period:                             60 seconds
- Statistic:                          Sum
- Unit:                               not specified
- TreatMissingData:                   missing

State Change Actions:
- OK: 
- ALARM: [arn:aws:sns:us-east-1:111122223333:alerts]
- INSUFFICIENT_DATA: 
"#;
        assert_eq!(got, want);
    }

    #[test]
    fn every_form_in_one_message() {
        let text = with_change(sample(), |change| change.structured());
        let forms: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(forms["default"].as_str().unwrap().starts_with("{\"AlarmName\""));
        assert!(forms["email"].as_str().unwrap().starts_with("You are receiving"));
        assert_eq!(forms["sms"], "ALARM: \"Runaway\" in US East (N. Virginia)");
    }
}
