//! The alarms that are measured: most on a metric of their own, many on one metric, some on metric math, Metrics Insights and other alarms.

use jiff::Timestamp;
use keywatch_api::cloudwatch::{
    ComparisonOperator, SimpleStatistic,
    metrics::{Dimension, MetricDataQuery},
};
use keywatch_monitor::alarms::{
    alarm::Alarm,
    config::{CompositeRule, Config, MetricRule, OneMetric, Queries, Rule, Subject},
};

use super::Failure;

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const NAMESPACE: &str = "App";
const PERIOD: i32 = 60;
/// Metrics of the name that Metrics Insights asks for.
const GROUPED: u64 = 1_000;
const CHILDREN: u64 = 10;

/// How many of which.
pub(crate) struct Mix {
    /// Each on a metric of its own, which the first ones of the others share.
    pub(crate) single: u64,
    shared: u64,
    math: u64,
    insights: u64,
    composite: u64,
}

impl Mix {
    pub(crate) fn of(all: u64) -> Self {
        let (shared, math, insights, composite) = (all / 10, all / 20, all.div_ceil(10_000), all / 20);
        Self { single: all - shared - math - insights - composite, shared, math, insights, composite }
    }

    pub(crate) fn all(&self) -> u64 {
        self.single + self.shared + self.math + self.insights + self.composite
    }

    /// Metrics that get points: those of single alarms, the shared one, and those of groups.
    pub(crate) fn metrics(&self) -> u64 {
        self.single + 1 + GROUPED
    }

    /// Name and key of a metric.
    pub(crate) fn metric(&self, at: u64) -> (&'static str, String) {
        if at < self.single {
            return ("Calls", format!("{at:06}"));
        }
        if at == self.single { ("Calls", "shared".into()) } else { ("Grouped", format!("{at:06}")) }
    }

    pub(crate) fn text(&self) -> String {
        let Self { single, shared, math, insights, composite } = self;
        format!(
            "{single} alarms on metrics of their own, {shared} on one metric, {math} on metric math, {insights} on Metrics Insights with {GROUPED} groups, {composite} of {CHILDREN} others each"
        )
    }

    pub(crate) fn alarm(&self, number: u64, at: Timestamp) -> Result<Alarm, Failure> {
        let mut left = number;
        let mut is_next = |count: u64| {
            let is_one = left < count;
            left = left.wrapping_sub(if is_one { 0 } else { count });
            is_one
        };
        let (rule, name) = if is_next(self.single) {
            (metric(&format!("{number:06}"), 10.0), format!("single-{number:06}"))
        } else if is_next(self.shared) {
            (metric("shared", 10.0 + number as f64), format!("shared-{number:06}"))
        } else if is_next(self.math) {
            (self.math(number)?, format!("math-{number:06}"))
        } else if is_next(self.insights) {
            (insights()?, format!("insights-{number:06}"))
        } else {
            (self.composite(number), format!("composite-{number:06}"))
        };
        let config = Config {
            description: Some("Too many calls; see the runbook".into()),
            actions_enabled: true,
            ok_actions: vec![],
            alarm_actions: vec![format!("arn:aws:sns:{REGION}:{ACCOUNT}:alerts")],
            insufficient_data_actions: vec![],
            rule,
        };
        Ok(Alarm::new((ACCOUNT, REGION), name, config, vec![], at))
    }

    fn math(&self, number: u64) -> Result<Rule, Failure> {
        let of = |id: &str, key: u64| {
            format!(
                r#"{{"Id":"{id}","MetricStat":{{"Metric":{{"Namespace":"{NAMESPACE}","MetricName":"Calls","Dimensions":[{{"Name":"Key","Value":"{key:06}"}}]}},"Period":{PERIOD},"Stat":"Sum"}},"ReturnData":false}}"#
            )
        };
        let (one, other) = (of("m1", number % self.single), of("m2", (number + 1) % self.single));
        queries(&format!(r#"[{one},{other},{{"Id":"e1","Expression":"m1 + m2 * 2"}}]"#), &[], 1_000.0)
    }

    fn composite(&self, number: u64) -> Rule {
        let child = |at: u64| format!("ALARM(single-{:06})", (number * CHILDREN + at) % self.single);
        let children: Vec<String> = (0..CHILDREN).map(child).collect();
        Rule::Composite(CompositeRule { alarm_rule: children.join(" OR "), suppressor: None })
    }
}

fn metric(key: &str, threshold: f64) -> Rule {
    let subject = Subject::Metric(OneMetric {
        namespace: NAMESPACE.into(),
        metric_name: "Calls".into(),
        dimensions: vec![Dimension { name: "Key".into(), value: key.into() }],
        statistic: Some(SimpleStatistic::Sum),
        extended_statistic: None,
        unit: None,
        period: PERIOD,
    });
    compared(subject, threshold)
}

fn insights() -> Result<Rule, Failure> {
    let text = format!("SELECT SUM(Grouped) FROM SCHEMA({NAMESPACE}, Key) GROUP BY Key");
    queries(&format!(r#"[{{"Id":"q1","Expression":"{text}","Period":{PERIOD}}}]"#), &["Key"], 1_000.0)
}

fn queries(text: &str, group_by: &[&str], threshold: f64) -> Result<Rule, Failure> {
    let metrics: Vec<MetricDataQuery> = serde_json::from_str(text)?;
    let group_by = group_by.iter().map(|key| (*key).to_owned()).collect();
    let subject = Subject::Queries(Queries { metrics, threshold_metric_id: None, period: PERIOD, group_by });
    Ok(compared(subject, threshold))
}

fn compared(subject: Subject, threshold: f64) -> Rule {
    Rule::Metric(MetricRule {
        subject,
        evaluation_periods: 1,
        datapoints_to_alarm: None,
        threshold: Some(threshold),
        comparison_operator: ComparisonOperator::GreaterThanThreshold,
        treat_missing_data: Some("notBreaching".into()),
        evaluate_low_sample_count_percentile: None,
    })
}
