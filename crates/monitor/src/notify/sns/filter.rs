//! Filter policies: which messages a subscription wants. They are event patterns over the message's attributes, or over its body.
//!
//! Source: SNS developer guide, "Message filtering".

use keywatch_patterns::event::EventPattern;
use serde_json::{Map, Value};

use crate::entry::Message;
use crate::notify::topic::SubscriptionRecord;

const KEYS_MAX: usize = 5;
const COMBINATIONS_MAX: usize = 150;
const POLICY: &str = "FilterPolicy";

/// Checks a policy as it is set; the reason is AWS's where it is known.
pub(super) fn check(policy: &str) -> Result<(), String> {
    if is_empty(policy) {
        return Ok(());
    }
    let value: Value =
        serde_json::from_str(policy).map_err(|error| format!("failed to parse JSON. {error}"))?;
    let Value::Object(members) = value else { return Err("failed to parse JSON. No object".to_owned()) };
    let mut leaves = Vec::new();
    collect_leaves(&members, &mut leaves);
    if leaves.len() > KEYS_MAX {
        return Err(format!("Filter policy can not have more than {KEYS_MAX} keys"));
    }
    if leaves.iter().product::<usize>() > COMBINATIONS_MAX {
        return Err("Filter policy is too complex".to_owned());
    }
    EventPattern::parse(policy).map(drop).map_err(|error| error.reason().to_owned())
}

/// The number of alternatives of each leaf.
fn collect_leaves(members: &Map<String, Value>, leaves: &mut Vec<usize>) {
    for value in members.values() {
        match value {
            Value::Array(alternatives) => leaves.push(alternatives.len()),
            Value::Object(members) => collect_leaves(members, leaves),
            _ => leaves.push(1),
        }
    }
}

fn is_empty(policy: &str) -> bool {
    policy.trim().is_empty() || policy.split_whitespace().collect::<String>() == "{}"
}

/// Whether a subscription wants a message. A policy that cannot be read any more wants nothing.
pub(crate) fn accepts(subscription: &SubscriptionRecord, message: &Message) -> bool {
    let Some(policy) = subscription.attributes.get(POLICY).filter(|policy| !is_empty(policy)) else {
        return true;
    };
    let Ok(pattern) = EventPattern::parse(policy) else { return false };
    let by_body =
        subscription.attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody");
    if by_body {
        return serde_json::from_str::<Map<String, Value>>(&message.body).is_ok()
            && pattern.matches(&message.body);
    }
    pattern.matches(&attributes_of(message).to_string())
}

/// The attributes as an event: texts, lists of texts, numbers; binary ones are left out.
fn attributes_of(message: &Message) -> Value {
    let member = |(name, attribute): (&String, &crate::entry::MessageAttribute)| {
        let value = match attribute.data_type.as_str() {
            "String.Array" => serde_json::from_str(&attribute.value).ok()?,
            kind if kind.starts_with("Number") => serde_json::from_str(&attribute.value).ok()?,
            kind if kind.starts_with("Binary") => return None,
            _ => Value::String(attribute.value.clone()),
        };
        Some((name.clone(), value))
    };
    Value::Object(message.attributes.iter().filter_map(member).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::entry::{MessageAttribute, Target};
    use crate::notify::topic::Protocol;

    #[track_caller]
    fn check_accepts(policy: &str, scope: Option<&str>, want: bool) {
        let mut attributes = BTreeMap::from([(POLICY.to_owned(), policy.to_owned())]);
        attributes.extend(scope.map(|scope| ("FilterPolicyScope".to_owned(), scope.to_owned())));
        let subscription = SubscriptionRecord {
            id: "s".into(),
            protocol: Protocol::Sqs,
            endpoint: "q".into(),
            owner: "o".into(),
            principal: "p".into(),
            confirmed: true,
            authenticated: true,
            unsubscribe_needs_authentication: false,
            attributes,
            created: jiff::Timestamp::UNIX_EPOCH,
        };
        let attribute =
            |kind: &str, value: &str| MessageAttribute { data_type: kind.into(), value: value.into() };
        let message = Message {
            target: Target::Topic("t".into()),
            id: "m".into(),
            subject: None,
            body: r#"{"kind":{"name":"x"}}"#.into(),
            by_protocol: false,
            order: None,
            rule: None,
            alarm: None,
            attributes: BTreeMap::from([
                ("color".into(), attribute("String", "red")),
                ("size".into(), attribute("Number", "7")),
                ("list".into(), attribute("String.Array", r#"["a","b"]"#)),
            ]),
        };
        assert_eq!(accepts(&subscription, &message), want, "{policy}");
    }

    #[test]
    fn by_attributes_and_by_body() {
        check_accepts("{}", None, true);
        check_accepts(r#"{"color":["red","blue"]}"#, None, true);
        check_accepts(r#"{"color":["blue"]}"#, None, false);
        check_accepts(r#"{"color":["red"],"size":[{"numeric":[">",5]}]}"#, None, true);
        check_accepts(r#"{"size":[{"numeric":[">",9]}]}"#, None, false);
        check_accepts(r#"{"list":["b"]}"#, None, true);
        check_accepts(r#"{"none":[{"exists":false}]}"#, None, true);
        check_accepts(r#"{"none":["x"]}"#, None, false);
        check_accepts(r#"{"kind":{"name":["x"]}}"#, Some("MessageBody"), true);
        check_accepts(r#"{"kind":{"name":["y"]}}"#, Some("MessageBody"), false);
    }

    #[test]
    fn policies_have_limits() {
        assert_eq!(check("{}"), Ok(()));
        assert_eq!(check(r#"{"a":["b"]}"#), Ok(()));
        assert!(check("invalid").unwrap_err().starts_with("failed to parse JSON. "));
        let six = r#"{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}"#;
        assert_eq!(check(six).unwrap_err(), "Filter policy can not have more than 5 keys");
        let many: Vec<String> = (0..151).map(|n| format!("\"{n}\"")).collect();
        assert_eq!(
            check(&format!("{{\"a\":[{}]}}", many.join(","))).unwrap_err(),
            "Filter policy is too complex"
        );
    }
}
