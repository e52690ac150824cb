//! `AddPermission`: a statement in the topic's policy, under a label.

use keywatch_api::AccountId;
use keywatch_api::sns::AddPermissionRequest;
use keywatch_iam::Call;
use serde_json::{Value, json};

use super::attributes::default_policy;
use super::{SnsError, topic};
use crate::notify::Notify;
use crate::notify::topic::{TOPIC, TopicName, TopicRecord};

/// What a topic's policy may allow.
const ACTIONS: [&str; 9] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
];

pub(super) async fn add_permission(
    call: &mut Call<'_>,
    _: &Notify,
    request: AddPermissionRequest,
) -> Result<(), SnsError> {
    let (name, mut record) = topic(call, &request.topic_arn, "sns:AddPermission").await?;
    check(&request)?;
    let (mut policy, mut statements) = policy(&name, &record)?;
    if statements.iter().any(|statement| statement["Sid"] == *request.label) {
        return Err(SnsError::parameter("Statement already exists"));
    }
    let one_or_all = |mut list: Vec<String>| match list.len() {
        1 => json!(list.remove(0)),
        _ => json!(list),
    };
    let principals =
        request.account_ids.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions = request.actions.iter().map(|action| format!("SNS:{action}")).collect();
    statements.push(json!({
        "Sid": request.label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_all(principals)},
        "Action": one_or_all(actions),
        "Resource": name.arn().to_string(),
    }));
    policy["Statement"] = Value::Array(statements);
    record.attributes.insert("Policy".to_owned(), policy.to_string());
    call.tx.put(TOPIC, &name.key(), &record)?;
    Ok(())
}

/// The topic's policy, and its statements taken out of it: one may stand there alone.
pub(super) fn policy(name: &TopicName, record: &TopicRecord) -> Result<(Value, Vec<Value>), SnsError> {
    let text = record.attributes.get("Policy").cloned().unwrap_or_else(|| default_policy(name));
    let mut policy: Value =
        serde_json::from_str(&text).map_err(|error| SnsError::Internal(error.to_string()))?;
    let statements = match policy.get_mut("Statement").map(Value::take) {
        Some(Value::Array(list)) => list,
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    };
    Ok((policy, statements))
}

fn check(request: &AddPermissionRequest) -> Result<(), SnsError> {
    if request.label.is_empty() {
        return Err(SnsError::parameter("Label"));
    }
    let is_account = |account: &String| account.parse::<AccountId>().is_ok();
    if request.account_ids.is_empty() || !request.account_ids.iter().all(is_account) {
        return Err(SnsError::parameter("AWSAccountId"));
    }
    let is_action = |action: &String| ACTIONS.contains(&action.as_str());
    if request.actions.is_empty() || !request.actions.iter().all(is_action) {
        return Err(SnsError::parameter("Policy statement action out of service scope!"));
    }
    Ok(())
}
