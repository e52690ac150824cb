//! The e-mail form of a message: sections of prose and lists.

use keywatch_api::cloudwatch::{StateValue, metrics::MetricDataQuery};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Change;
use crate::alarms::{
    alarm::Alarm,
    config::{CompositeRule, MetricRule, OneMetric, Queries, Rule, Subject},
    decimal::{double, long_time},
    region_name::region_name,
};

/// Column at which values stand in the lists.
const DETAIL_COLUMN: usize = 30;
const METRIC_COLUMN: usize = 38;
/// Children of a composite alarm that are listed.
const CHILDREN_MAX: usize = 10;
/// What a URL's fragment may hold as it is.
const FRAGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Change<'_> {
    /// The e-mail form.
    pub fn email(&self) -> String {
        let Alarm { name, region, config, .. } = self.alarm;
        let link = utf8_percent_encode(name, &FRAGMENT);
        let middle = match &config.rule {
            Rule::Metric(rule) => watched(rule),
            Rule::Composite(_) => self.children(),
        };
        format!(
            "You are receiving this email because {because}\n\n\
             View this alarm in the AWS Management Console:\n\
             https://{region}.console.aws.amazon.com/cloudwatch/deeplink.js?region={region}#alarmsV2:alarm/{link}\n\n\
             Alarm Details:\n{details}\n\
             {middle}\n\
             State Change Actions:\n- OK: {ok}\n- ALARM: {alarm}\n- INSUFFICIENT_DATA: {insufficient}\n",
            because = self.because(),
            details = list(&self.details(), DETAIL_COLUMN),
            ok = actions(config.actions(StateValue::Ok)),
            alarm = actions(config.actions(StateValue::Alarm)),
            insufficient = actions(config.actions(StateValue::InsufficientData)),
        )
    }

    fn because(&self) -> String {
        let Alarm { name, region, config, .. } = self.alarm;
        let (place, time, value) = (region_name(region), long_time(self.at), self.new.value);
        if config.composite().is_some() {
            return format!(
                "your Amazon CloudWatch Alarm \"{name}\" in the {place} region has transitioned to {value} state on {time}."
            );
        }
        format!(
            "your Amazon CloudWatch Alarm \"{name}\" in the {place} region has entered the {value} state, because \"{}\" at \"{time}\".",
            self.new.reason
        )
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let Alarm { name, account, config, .. } = self.alarm;
        let mut details = vec![
            ("Name", name.clone()),
            ("Description", config.description.clone().unwrap_or_default()),
            ("State Change", format!("{} -> {}", self.old.value, self.new.value)),
            ("Reason for State Change", self.new.reason.clone()),
            ("Timestamp", long_time(self.at)),
            ("AWS Account", account.clone()),
            ("Alarm Arn", self.alarm.arn()),
        ];
        if let Rule::Composite(CompositeRule { alarm_rule, .. }) = &config.rule {
            details.push(("Alarm Rule", alarm_rule.clone()));
        }
        if let Some(contributor) = self.contributor {
            let pairs = contributor.attributes.iter().map(|(name, value)| format!("{name} = {value}"));
            details.push(("Contributor Id", contributor.id.clone()));
            details.push(("Contributor", format!("[{}]", pairs.collect::<Vec<_>>().join(", "))));
        }
        details
    }

    fn children(&self) -> String {
        let child = |one: super::Triggering| format!("- {} ({})\n", one.arn, one.state.value);
        let listed: String = self.triggering().into_iter().take(CHILDREN_MAX).map(child).collect();
        format!("Triggering children (max. {CHILDREN_MAX}):\n{listed}")
    }
}

/// The threshold, and what is compared with it.
fn watched(rule: &MetricRule) -> String {
    let monitored = match &rule.subject {
        Subject::Metric(metric) => {
            format!("Monitored Metric:\n{}", list(&of_metric(rule, metric), METRIC_COLUMN))
        }
        Subject::Queries(queries) => {
            format!("Monitored Metrics:\n{}", list(&of_queries(rule, queries), METRIC_COLUMN))
        }
    };
    let threshold = match (rule.threshold, rule.threshold_metric_id()) {
        (Some(threshold), _) => double(threshold),
        (None, id) => format!("({})", id.unwrap_or_default()),
    };
    format!(
        "Threshold:\n- The alarm is in the ALARM state when the metric is {comparison} {threshold} for at least {needed} of the \
         last {periods} period(s) of {period} seconds. \n\n{monitored}",
        comparison = rule.comparison_operator,
        needed = rule.needed(),
        periods = rule.evaluation_periods,
        period = rule.period(),
    )
}

fn treatment(rule: &MetricRule) -> (&'static str, String) {
    ("TreatMissingData", rule.treat_missing_data.clone().unwrap_or_else(|| "missing".to_owned()))
}

fn of_metric(rule: &MetricRule, metric: &OneMetric) -> Vec<(&'static str, String)> {
    let dimensions =
        metric.dimensions.iter().map(|d| format!("{} = {}", d.name, d.value)).collect::<Vec<_>>();
    vec![
        ("MetricNamespace", metric.namespace.clone()),
        ("MetricName", metric.metric_name.clone()),
        ("Dimensions", format!("[{}]", dimensions.join(", "))),
        ("Period", format!("{} seconds", metric.period)),
        ("Statistic", metric.statistic_name().to_owned()),
        ("Unit", metric.unit.map_or("not specified", |unit| unit.as_str()).to_owned()),
        treatment(rule),
    ]
}

fn of_queries(rule: &MetricRule, queries: &Queries) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for MetricDataQuery { id, metric_stat, expression, label, .. } in &queries.metrics {
        if let Some(expression) = expression {
            lines.push(("MetricExpression", expression.clone()));
            lines.push(("MetricLabel", label.clone().unwrap_or_else(|| id.clone())));
        }
        if let Some(stat) = metric_stat {
            let metric = &stat.metric;
            let pairs = metric.dimensions.iter().flatten().map(|d| format!("{} = {}", d.name, d.value));
            lines.push(("MetricNamespace", metric.namespace.clone().unwrap_or_default()));
            lines.push(("MetricName", metric.metric_name.clone().unwrap_or_default()));
            lines.push(("Dimensions", format!("[{}]", pairs.collect::<Vec<_>>().join(", "))));
            lines.push(("Period", format!("{} seconds", stat.period)));
            lines.push(("Statistic", stat.stat.clone()));
            lines.push(("Unit", stat.unit.map_or("not specified", |unit| unit.as_str()).to_owned()));
        }
    }
    lines.push(treatment(rule));
    lines
}

fn list(items: &[(&str, String)], column: usize) -> String {
    items.iter().map(|(name, value)| format!("{:<column$}{value}\n", format!("- {name}:"))).collect()
}

fn actions(actions: &[String]) -> String {
    if actions.is_empty() { String::new() } else { format!("[{}]", actions.join(", ")) }
}
