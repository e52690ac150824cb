//! # Texts of a change: what a topic is sent
//! An action on a topic publishes one message in several forms: JSON for programs (`json.rs`), prose for e-mail (`email.rs`), one line
//! for telephones. Pure functions of the alarm and the change.
//! **Not here:** the event of the same change (`event.rs`), delivery (`crate::notify`).
//!
//! Source: notifications recorded from CloudWatch.

mod email;
mod json;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    alarm::{Alarm, State},
    composite::Triggering,
    hold::MuteWindow,
    region_name::region_name,
    store::ContributorRef,
};

/// A subject holds at most this many characters.
const SUBJECT_MAX: usize = 100;

/// An alarm that changed, or one of its contributors.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub alarm: &'a Alarm,
    /// The alarm's, unless a contributor changed.
    pub new: &'a State,
    pub old: &'a State,
    pub at: Timestamp,
    pub contributor: Option<&'a ContributorRef>,
    /// The window that mutes the alarm.
    pub muted: Option<&'a MuteWindow>,
    /// Actions are executed only now that a window ended.
    pub after_mute: bool,
}

impl<'a> Change<'a> {
    /// A change of the alarm itself.
    pub fn of(alarm: &'a Alarm, old: &'a State, at: Timestamp) -> Self {
        Self { alarm, new: &alarm.state, old, at, contributor: None, muted: None, after_mute: false }
    }

    /// `ALARM: "name" in US East (N. Virginia)`, in ASCII, at most 100 characters.
    pub fn subject(&self) -> String {
        let text = self.line();
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
        format!("{}: \"{}\" in {}", self.new.value, self.alarm.name, region_name(&self.alarm.region))
    }

    /// The alarms that made a composite alarm change.
    fn triggering(&self) -> Vec<Triggering> {
        super::composite::triggering(self.new.reason_data.as_deref())
    }
}

#[derive(Debug, Serialize)]
struct Forms {
    default: String,
    sms: String,
    email: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywatch_api::cloudwatch::{StateValue, metrics::MetricDataQuery};

    use crate::alarms::{
        alarm::{sample, sample_with},
        config::{CompositeRule, Queries, Rule, Subject},
    };

    fn with_change<T>(mut alarm: Alarm, check: impl FnOnce(Change<'_>) -> T) -> T {
        let old = alarm.state.clone();
        alarm.state.value = StateValue::Alarm;
        alarm.state.reason = "Threshold Crossed: because".into();
        check(Change::of(&alarm, &old, "2026-09-14T11:18:46.123Z".parse().unwrap()))
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
        let alarm = sample_with(|_, metric| {
            (metric.statistic, metric.extended_statistic) = (None, Some("p99".into()));
        });
        let got = with_change(alarm, |change| change.json());
        assert!(got.contains(r#""StatisticType":"ExtendedStatistic","Statistic":"p99""#), "{got}");
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

    /// The sample as an alarm on an expression.
    fn on_math() -> Alarm {
        let metrics: Vec<MetricDataQuery> = serde_json::from_str(concat!(
            r#"[{"Id":"e1","Expression":"m1 * 2","Label":"Twice","ReturnData":true},"#,
            r#"{"Id":"m1","MetricStat":{"Metric":{"Namespace":"App","MetricName":"Calls","#,
            r#""Dimensions":[{"Name":"Operation","Value":"Decrypt"}]},"Period":60,"Stat":"Sum"},"ReturnData":false}]"#
        ))
        .unwrap();
        let mut alarm = sample_with(|_, _| {});
        if let Rule::Metric(rule) = &mut alarm.config.rule {
            let queries = Queries { metrics, threshold_metric_id: None, period: 60, group_by: vec![] };
            rule.subject = Subject::Queries(queries);
            rule.datapoints_to_alarm = Some(1);
        }
        alarm
    }

    #[test]
    fn json_of_an_expression() {
        let got = with_change(on_math(), |change| change.json());
        let want = concat!(
            r#""Trigger":{"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"#,
            r#""ComparisonOperator":"GreaterThanOrEqualToThreshold","Threshold":1.0,"TreatMissingData":"","#,
            r#""EvaluateLowSampleCountPercentile":"","Metrics":[{"Expression":"m1 * 2","Id":"e1","Label":"Twice","ReturnData":true},"#,
            r#"{"Id":"m1","MetricStat":{"Metric":{"Dimensions":[{"value":"Decrypt","name":"Operation"}],"MetricName":"Calls","#,
            r#""Namespace":"App"},"Period":60,"Stat":"Sum"},"ReturnData":false}]}}"#
        );
        assert!(got.ends_with(want), "{got}");
        let mail = with_change(on_math(), |change| change.email());
        let want = "Monitored Metrics:\n- MetricExpression:                   m1 * 2\n- MetricLabel:                        Twice\n";
        assert!(mail.contains(want), "{mail}");
    }

    #[test]
    fn json_of_a_contributor() {
        let old = sample().state;
        let alarm = on_math();
        let attributes = std::collections::BTreeMap::from([("KeyArn".to_owned(), "k1".to_owned())]);
        let contributor = ContributorRef { id: "0123456789abcdef".into(), attributes };
        let change = Change { contributor: Some(&contributor), ..Change::of(&alarm, &old, old.updated_at) };
        let want =
            r#","AlarmContributorId":"0123456789abcdef","AlarmContributorAttributes":{"KeyArn":"k1"}}"#;
        assert!(change.json().ends_with(want), "{}", change.json());
    }

    #[test]
    fn texts_of_a_composite() {
        let mut alarm = sample();
        alarm.config.rule =
            Rule::Composite(CompositeRule { alarm_rule: "ALARM(\"a\")".into(), suppressor: None });
        alarm.state.reason_data = Some(
            r#"{"triggeringAlarms":[{"arn":"arn:a","state":{"value":"ALARM","timestamp":"t"}}]}"#.into(),
        );
        let got = with_change(alarm.clone(), |change| change.json());
        let want = concat!(
            r#"{"AlarmName":"Runaway","AlarmDescription":"Too many uses","AWSAccountId":"111122223333","NewStateValue":"ALARM","#,
            r#""NewStateReason":"Threshold Crossed: because","StateChangeTime":"2026-09-14T11:18:46.123+0000","#,
            r#""Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway","OKActions":[],"#,
            r#""AlarmActions":["arn:aws:sns:us-east-1:111122223333:alerts"],"InsufficientDataActions":[],"#,
            r#""ActionExecutedAfterMuteWindow":false,"OldStateValue":"INSUFFICIENT_DATA","AlarmRule":"ALARM(\"a\")","#,
            r#""TriggeringChildren":[{"Arn":"arn:a","State":{"Value":"ALARM","Timestamp":"t"}}]}"#
        );
        assert_eq!(got, want);
        let mail = with_change(alarm, |change| change.email());
        assert!(
            mail.contains("has transitioned to ALARM state on Monday 14 September, 2026 11:18:46 UTC"),
            "{mail}"
        );
        assert!(mail.contains("Triggering children (max. 10):\n- arn:a (ALARM)\n"), "{mail}");
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
