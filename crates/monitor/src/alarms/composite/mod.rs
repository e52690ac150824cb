//! # Composite alarms: states that follow from the states of others
//! A composite alarm's **rule** (`rule.rs`) names **children** and is true or false: `ALARM` or `OK`. It is looked at when a child
//! changed or the alarm was put. Pure: the states of the children go in, the state to write comes out.
//! **Not here:** suppressing actions (`hold.rs`), which alarm is looked at when (`reconcile`).
//!
//! Source: CloudWatch User Guide, "Create a composite alarm"; texts recorded from CloudWatch.

pub mod rule;

use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use keywatch_store::{Kind, Scan, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use self::rule::Rule;
use super::{
    alarm::{Alarm, State},
    decimal::{long_time, offset_time},
    reason::INITIAL,
};

/// Who has whom as a child: key = account / Region / child, a line feed, parent. Names hold no control characters.
pub const PARENT: Kind = Kind("cloudwatch.alarm-parent");
/// Composite alarms that may have the same child.
pub const PARENTS_MAX: usize = 150;

/// That an alarm is a child; everything is in the key.
#[derive(Debug, Serialize, Deserialize)]
pub struct Parent {}

impl Versioned for Parent {
    const MARKER: &'static str = "cloudwatch.alarm-parent/1";
}

/// `000000000000/us-east-1/child⏎parent`
pub fn parent_key(partition: &str, child: &str, parent: &str) -> String {
    format!("{partition}/{child}\n{parent}")
}

/// The names of the composite alarms that have an alarm as a child, in order.
pub async fn parents(
    tx: &mut Transaction<'_>,
    partition: &str,
    child: &str,
) -> Result<Vec<String>, StoreError> {
    let prefix = parent_key(partition, child, "");
    let scan = Scan { prefix: &prefix, after: None, limit: PARENTS_MAX + 1 };
    let rows = tx.scan::<Parent>(PARENT, scan).await?;
    Ok(rows.into_iter().filter_map(|(key, _)| Some(key.strip_prefix(&prefix)?.to_owned())).collect())
}

/// Writes which alarms are the children of `parent` from now on.
pub fn set_children(
    tx: &mut Transaction<'_>,
    partition: &str,
    parent: &str,
    before: &[String],
    after: &[String],
) -> Result<(), StoreError> {
    for child in before.iter().filter(|child| !after.contains(child)) {
        tx.delete(PARENT, &parent_key(partition, child, parent));
    }
    for child in after.iter().filter(|child| !before.contains(child)) {
        tx.put(PARENT, &parent_key(partition, child, parent), &Parent {})?;
    }
    Ok(())
}

/// An alarm that made a composite alarm change, as reason data name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triggering {
    pub arn: String,
    pub state: TriggeringState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggeringState {
    pub value: StateValue,
    pub timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasonData {
    triggering_alarms: Vec<Triggering>,
}

/// The alarms that reason data name; none if they are none of ours.
pub fn triggering(reason_data: Option<&str>) -> Vec<Triggering> {
    let data = reason_data.and_then(|data| serde_json::from_str::<ReasonData>(data).ok());
    data.map(|data| data.triggering_alarms).unwrap_or_default()
}

/// The state to write; none when nothing changes. The initial state is always replaced.
pub fn decide<'a>(
    alarm: &Alarm,
    rule: &Rule,
    child: &dyn Fn(&str) -> Option<&'a Alarm>,
    now: Timestamp,
) -> Option<State> {
    let holds = rule.holds(&|name| child(name).map(|alarm| alarm.state.value));
    let value = if holds { StateValue::Alarm } else { StateValue::Ok };
    let is_new = alarm.state.reason == INITIAL;
    if value == alarm.state.value && !is_new {
        return None;
    }
    let children: Vec<&Alarm> = rule.children().iter().filter_map(|name| child(name)).collect();
    let newest = children.iter().map(|alarm| alarm.state.transitioned_at).max();
    let by_children = !is_new && newest.is_some_and(|newest| newest >= alarm.configured_at);
    let (reason, reason_data) = match newest.filter(|_| by_children) {
        Some(newest) => told_by(&children, newest),
        None => {
            let what = if is_new { "created" } else { "updated" };
            (format!("{} was {what} and its alarm rule evaluates to {value}", alarm.arn()), None)
        }
    };
    Some(State { value, reason, reason_data, updated_at: now, transitioned_at: now, evaluation: None })
}

/// Reason and data of a change that the children which changed last have made.
fn told_by(children: &[&Alarm], newest: Timestamp) -> (String, Option<String>) {
    let last: Vec<&&Alarm> = children.iter().filter(|alarm| alarm.state.transitioned_at == newest).collect();
    let sentence = |alarm: &&&Alarm| {
        format!("{} transitioned to {} at {}", alarm.arn(), alarm.state.value, long_time(newest))
    };
    let named = |alarm: &&&Alarm| Triggering {
        arn: alarm.arn(),
        state: TriggeringState { value: alarm.state.value, timestamp: offset_time(newest) },
    };
    let data = ReasonData { triggering_alarms: last.iter().map(named).collect() };
    let data = serde_json::to_string(&data).expect("texts become JSON");
    (last.first().map(sentence).unwrap_or_default(), Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarms::{
        alarm::sample,
        config::{self, CompositeRule},
    };

    fn composite(text: &str) -> (Alarm, Rule) {
        let mut alarm = sample();
        alarm.name = "both".into();
        alarm.config.rule =
            config::Rule::Composite(CompositeRule { alarm_rule: text.into(), suppressor: None });
        (alarm, Rule::parse(text, ("111122223333", "us-east-1")).unwrap())
    }

    #[test]
    fn reasons() {
        let (mut alarm, rule) = composite("ALARM(Runaway)");
        let mut child = sample();
        let now: Timestamp = "2026-09-14T11:18:52Z".parse().unwrap();
        let state = decide(&alarm, &rule, &|_| Some(&child), now).unwrap();
        assert_eq!(state.value, StateValue::Ok);
        let arn = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:both";
        assert_eq!(state.reason, format!("{arn} was created and its alarm rule evaluates to OK"));
        alarm.state = state;
        assert_eq!(decide(&alarm, &rule, &|_| Some(&child), now), None);

        child.state.value = StateValue::Alarm;
        child.state.transitioned_at = now;
        let state = decide(&alarm, &rule, &|_| Some(&child), now).unwrap();
        let arn = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:Runaway";
        assert_eq!(
            state.reason,
            format!("{arn} transitioned to ALARM at Monday 14 September, 2026 11:18:52 UTC")
        );
        let data = state.reason_data.as_deref();
        assert_eq!(
            data,
            Some(format!(r#"{{"triggeringAlarms":[{{"arn":"{arn}","state":{{"value":"ALARM","timestamp":"2026-09-14T11:18:52.000+0000"}}}}]}}"#).as_str())
        );
        assert_eq!(triggering(data).len(), 1);
        assert_eq!(triggering(Some("{}")), []);

        alarm.configured_at = "2026-09-14T11:19:00Z".parse().unwrap();
        let state = decide(&alarm, &rule, &|_| Some(&child), now).unwrap();
        assert!(
            state.reason.ends_with("was updated and its alarm rule evaluates to ALARM"),
            "{}",
            state.reason
        );
    }
}
