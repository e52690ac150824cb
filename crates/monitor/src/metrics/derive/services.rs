//! `AWS/Logs`, `AWS/Events` and `AWS/SNS`: what came in and what went out. What comes in is in the log as it is; what went out is known
//! to those who sent it, who append it as points.

use jiff::Timestamp;

use super::Derived;
use crate::{
    entry::{LogEvents, Message, Point, PointValue, Points, Target},
    metrics::{Unit, series::MetricRef},
};

const LOGS: &str = "AWS/Logs";
const SNS: &str = "AWS/SNS";
const EVENTS: &str = "AWS/Events";

/// Bytes and events that came into a log group, at the time they came; of the group and of all together.
///
/// Source: CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics": `IncomingBytes` and `IncomingLogEvents`.
pub fn of_log_events(events: &LogEvents, partition: &str, mut each: impl FnMut(Derived<'_>)) {
    let bytes: usize = events.events.iter().map(|event| event.message.len()).sum();
    let group = [("LogGroupName", events.group.as_str())];
    for dimensions in [&group[..], &[]] {
        for (name, unit, value) in [
            ("IncomingBytes", Unit::Bytes, bytes as f64),
            ("IncomingLogEvents", Unit::Count, events.events.len() as f64),
        ] {
            let metric = MetricRef { partition, namespace: LOGS, name, dimensions };
            each(Derived::Point { metric, time: events.ingested.as_second(), unit, value });
        }
    }
}

/// A message that was published to a topic, and its size; messages to queues add nothing.
///
/// Source: SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch".
pub fn of_message(message: &Message, partition: &str, time: Timestamp, mut each: impl FnMut(Derived<'_>)) {
    let Target::Topic(arn) = &message.target else { return };
    let dimensions = [("TopicName", topic_name(arn))];
    for (name, unit, value) in [
        ("NumberOfMessagesPublished", Unit::Count, 1.0),
        ("PublishSize", Unit::Bytes, message.body.len() as f64),
    ] {
        let metric = MetricRef { partition, namespace: SNS, name, dimensions: &dimensions };
        each(Derived::Point { metric, time: time.as_second(), unit, value });
    }
}

/// A notification that a subscriber took, or that was given up.
pub fn settled(topic_arn: &str, delivered: bool, time: Timestamp) -> Points {
    let name = if delivered { "NumberOfNotificationsDelivered" } else { "NumberOfNotificationsFailed" };
    Points {
        namespace: SNS.to_owned(),
        points: vec![count(name, "TopicName", topic_name(topic_arn), 1.0, time)],
    }
}

/// How often something came of an event rule.
#[derive(Clone, Debug)]
pub struct RuleCount {
    pub metric: &'static str,
    pub rule: String,
    /// Absent for the default one.
    pub bus: Option<String>,
    pub count: usize,
}

/// What came of event rules.
///
/// Source: EventBridge User Guide, "Monitoring Amazon EventBridge": `TriggeredRules`, `Invocations`, `FailedInvocations` and others, by
/// `RuleName`, and by `EventBusName` too on custom buses.
pub fn of_rules(counts: &[RuleCount], time: Timestamp) -> Points {
    let point = |counted: &RuleCount| {
        let mut point = count(counted.metric, "RuleName", &counted.rule, counted.count as f64, time);
        if let Some(bus) = &counted.bus {
            point.dimensions.insert(0, ("EventBusName".to_owned(), bus.clone()));
        }
        point
    };
    Points { namespace: EVENTS.to_owned(), points: counts.iter().map(point).collect() }
}

/// Events that a trail delivered into a log group of its account, as those that are put are counted by [`of_log_events`].
pub fn delivered(group: &str, events: usize, bytes: usize, time: Timestamp) -> Points {
    let mut points = Vec::new();
    for dimensions in [vec![("LogGroupName".to_owned(), group.to_owned())], Vec::new()] {
        for (name, unit, value) in [
            ("IncomingBytes", Unit::Bytes, PointValue::One(bytes as f64)),
            ("IncomingLogEvents", Unit::Count, PointValue::One(events as f64)),
        ] {
            points.push(Point {
                metric_name: name.to_owned(),
                dimensions: dimensions.clone(),
                time,
                unit: Some(unit.as_str().into()),
                resolution: 60,
                value,
            });
        }
    }
    Points { namespace: LOGS.to_owned(), points }
}

fn topic_name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// So many samples of 1.
fn count(metric: &str, dimension: &str, value: &str, count: f64, time: Timestamp) -> Point {
    Point {
        metric_name: metric.to_owned(),
        dimensions: vec![(dimension.to_owned(), value.to_owned())],
        time,
        unit: Some(Unit::Count.as_str().into()),
        resolution: 60,
        value: if count == 1.0 { PointValue::One(1.0) } else { PointValue::Many(vec![(1.0, count)]) },
    }
}
