//! What of the pack is on the server: read, put and removed through the public API, in the form of the pack's definitions.

use std::collections::BTreeMap;
use std::path::Path;

use keywatch_api::Service;
use keywatch_monitor::guard::pack::standing::{GUARD_TAG, MARK_TAG, mark_of};
use keywatch_monitor::guard::pack::{NAME_PREFIX, Part, PartKind};
use serde_json::{Value, json};

use super::super::{ClientError, request};

/// The tag that holds the topic.
const TOPIC_TAG: &str = "keywatch:guard-topic";
/// Id of the topic among a rule's targets.
const TARGET_ID: &str = "topic";
/// Pages of a list that are read at most.
const PAGES_MAX: usize = 100;

/// One resource as it is there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) kind: PartKind,
    /// In the form of what is wanted.
    pub(super) definition: Value,
    pub(super) tags: BTreeMap<String, String>,
    /// Of an alarm.
    pub(super) state: Option<String>,
}

/// Everything with the pack's names, by [`key_of`].
pub(super) type There = BTreeMap<String, Found>;

impl Found {
    pub(super) fn mark(&self) -> Option<&str> {
        self.tags.get(MARK_TAG).map(String::as_str)
    }

    pub(super) fn topic(&self) -> Option<&str> {
        self.tags.get(TOPIC_TAG).map(String::as_str)
    }

    /// The pack put it; metric filters bear no tags and are told by their names.
    pub(super) fn is_ours(&self) -> bool {
        self.kind == PartKind::Filter || self.tags.contains_key(GUARD_TAG)
    }
}

/// Metric filters of several groups have one name.
pub(super) fn key_of(kind: PartKind, name: &str, definition: &Value) -> String {
    let group = definition["logGroupName"].as_str().unwrap_or_default();
    format!("{} {name} {group}", kind.as_str())
}

/// What is wanted of a part that tells `topic`.
pub(super) fn wanted(part: &Part, topic: Option<&str>) -> Value {
    let mut wanted = part.definition.clone();
    match part.kind {
        PartKind::Filter => {}
        PartKind::Alarm => {
            wanted["AlarmActions"] = topic.map_or_else(|| json!([]), |topic| json!([topic]));
            wanted["OKActions"] = json!([]);
        }
        PartKind::Rule => {
            let transformer = wanted["InputTransformer"].take();
            let target = |topic| json!([{"Id": TARGET_ID, "Arn": topic, "InputTransformer": transformer}]);
            wanted["Targets"] = topic.map_or_else(|| json!([]), target);
            if let Some(members) = wanted.as_object_mut() {
                members.remove("InputTransformer");
            }
        }
    }
    wanted
}

pub(super) fn read(directory: &Path) -> Result<There, ClientError> {
    let mut there = There::new();
    let mut add = |found: Found| {
        there.insert(key_of(found.kind, &found.name, &found.definition), found);
    };
    for rule in all(directory, Service::Events, "ListRules", json!({"NamePrefix": NAME_PREFIX}), "Rules")? {
        let name = text(&rule, "Name");
        let ask = json!({"Rule": name});
        let targets: Value = request::call_service(directory, Service::Events, "ListTargetsByRule", &ask)?;
        let (arn, mut definition) = (text(&rule, "Arn"), rule);
        definition["Targets"] = targets["Targets"].clone();
        let tags = tags(directory, Service::Events, &arn)?;
        add(Found { name, arn, kind: PartKind::Rule, definition, tags, state: None });
    }
    let ask = json!({"AlarmNamePrefix": NAME_PREFIX});
    for alarm in all(directory, Service::CloudWatch, "DescribeAlarms", ask, "MetricAlarms")? {
        let (name, arn, state) =
            (text(&alarm, "AlarmName"), text(&alarm, "AlarmArn"), text(&alarm, "StateValue"));
        let tags = tags(directory, Service::CloudWatch, &arn)?;
        add(Found { name, arn, kind: PartKind::Alarm, definition: alarm, tags, state: Some(state) });
    }
    let ask = json!({"filterNamePrefix": NAME_PREFIX});
    for filter in all(directory, Service::Logs, "DescribeMetricFilters", ask, "metricFilters")? {
        let (name, tags) = (text(&filter, "filterName"), BTreeMap::new());
        add(Found {
            name,
            arn: String::new(),
            kind: PartKind::Filter,
            definition: filter,
            tags,
            state: None,
        });
    }
    Ok(there)
}

/// Puts a part as `wanted`; `before` is what is there under its name.
pub(super) fn put(
    directory: &Path,
    guard: &str,
    part: &Part,
    wanted: &Value,
    topic: Option<&str>,
    before: Option<&Found>,
) -> Result<(), ClientError> {
    let mut tags =
        vec![json!({"Key": GUARD_TAG, "Value": guard}), json!({"Key": MARK_TAG, "Value": mark_of(wanted)})];
    tags.extend(topic.map(|topic| json!({"Key": TOPIC_TAG, "Value": topic})));
    let mut ask = wanted.clone();
    let (service, operation, name) = match part.kind {
        PartKind::Rule => (Service::Events, "PutRule", "Name"),
        PartKind::Alarm => (Service::CloudWatch, "PutMetricAlarm", "AlarmName"),
        PartKind::Filter => (Service::Logs, "PutMetricFilter", "filterName"),
    };
    ask[name] = json!(part.name);
    if let Some(members) = ask.as_object_mut() {
        members.remove("Targets");
    }
    if before.is_none() && part.kind != PartKind::Filter {
        ask["Tags"] = json!(tags);
    }
    let _: Value = request::call_service(directory, service, operation, &ask)?;
    if part.kind == PartKind::Rule {
        put_targets(directory, &part.name, &wanted["Targets"], before)?;
    }
    if let Some(before) = before.filter(|_| part.kind != PartKind::Filter) {
        let ask = json!({"ResourceARN": before.arn, "Tags": tags});
        let _: Value = request::call_service(directory, service, "TagResource", &ask)?;
    }
    Ok(())
}

/// The rule's targets become those that are wanted.
fn put_targets(
    directory: &Path,
    rule: &str,
    wanted: &Value,
    before: Option<&Found>,
) -> Result<(), ClientError> {
    let had = before.and_then(|before| before.definition["Targets"].as_array()).into_iter().flatten();
    let is_wanted =
        |id: &Value| wanted.as_array().is_some_and(|wanted| wanted.iter().any(|target| target["Id"] == *id));
    let superfluous: Vec<&Value> = had.map(|target| &target["Id"]).filter(|id| !is_wanted(id)).collect();
    if !superfluous.is_empty() {
        let ask = json!({"Rule": rule, "Ids": superfluous});
        let _: Value = request::call_service(directory, Service::Events, "RemoveTargets", &ask)?;
    }
    if wanted.as_array().is_some_and(|wanted| !wanted.is_empty()) {
        let ask = json!({"Rule": rule, "Targets": wanted});
        let answer: Value = request::call_service(directory, Service::Events, "PutTargets", &ask)?;
        if let Some(failed) = answer["FailedEntries"].as_array().and_then(|failed| failed.first()) {
            let (code, message) = (text(failed, "ErrorCode"), text(failed, "ErrorMessage"));
            return Err(ClientError::Refused { code, message });
        }
    }
    Ok(())
}

pub(super) fn remove(directory: &Path, found: &Found) -> Result<(), ClientError> {
    let name = &found.name;
    let (service, operation, ask) = match found.kind {
        PartKind::Rule => {
            put_targets(directory, name, &json!([]), Some(found))?;
            (Service::Events, "DeleteRule", json!({"Name": name}))
        }
        PartKind::Alarm => (Service::CloudWatch, "DeleteAlarms", json!({"AlarmNames": [name]})),
        PartKind::Filter => {
            let group = &found.definition["logGroupName"];
            (Service::Logs, "DeleteMetricFilter", json!({"filterName": name, "logGroupName": group}))
        }
    };
    request::call_service::<_, Value>(directory, service, operation, &ask).map(drop)
}

/// All pages of a list.
fn all(
    directory: &Path,
    service: Service,
    operation: &str,
    mut ask: Value,
    member: &str,
) -> Result<Vec<Value>, ClientError> {
    let token = if service == Service::Logs { "nextToken" } else { "NextToken" };
    let mut items = Vec::new();
    for _ in 0..PAGES_MAX {
        let mut answer: Value = request::call_service(directory, service, operation, &ask)?;
        if let Value::Array(page) = answer[member].take() {
            items.extend(page);
        }
        if answer[token].is_null() {
            break;
        }
        ask[token] = answer[token].take();
    }
    Ok(items)
}

fn tags(directory: &Path, service: Service, arn: &str) -> Result<BTreeMap<String, String>, ClientError> {
    let ask = json!({"ResourceARN": arn});
    let answer: Value = request::call_service(directory, service, "ListTagsForResource", &ask)?;
    let tags = answer["Tags"].as_array().into_iter().flatten();
    Ok(tags.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect())
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use keywatch_monitor::guard::pack::standing::{Standing, standing};
    use keywatch_monitor::guard::pack::{Place, guards};

    use super::*;

    #[test]
    fn what_is_put_is_what_is_wanted() {
        let place = Place { log_groups: vec!["g".into()] };
        for part in guards(&place).iter().flat_map(|guard| &guard.parts) {
            let (mute, told) = (wanted(part, None), wanted(part, Some("arn:aws:sns:us-east-1:1:t")));
            assert_eq!(mute == told, part.kind == PartKind::Filter, "{}", part.name);
            assert!(told.get("InputTransformer").is_none());
            let mark = mark_of(&mute);
            assert_eq!(standing(Some(&mute), &mute, Some(&mark)), Standing::AsWanted);
            if part.kind != PartKind::Filter {
                assert_eq!(standing(Some(&mute), &told, Some(&mark)), Standing::Outdated, "{}", part.name);
            }
        }
    }
}
