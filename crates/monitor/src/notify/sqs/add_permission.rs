//! `AddPermission`: a statement in the queue's policy, under a label.

use keywatch_api::AccountId;
use keywatch_api::sqs::AddPermissionRequest;
use keywatch_iam::Call;
use serde_json::{Value, json};

use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::QUEUE;

/// What others may be let do; the rest is the owner's.
const ACTIONS: [&str; 8] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "PurgeQueue",
];
/// "An Amazon SQS policy can have a maximum of seven actions per statement."
const ACTIONS_MAX: usize = 7;
const LABEL_CHARS_MAX: usize = 80;

pub(super) async fn add_permission(
    call: &mut Call<'_>,
    _: &Notify,
    request: AddPermissionRequest,
) -> Result<(), SqsError> {
    let (name, mut record) = queue(call, &request.queue_url, "sqs:AddPermission").await?;
    let arn = name.arn().to_string();
    check(&request)?;
    let empty = || json!({"Version": "2008-10-17", "Id": format!("{arn}/SQSDefaultPolicy"), "Statement": []});
    let mut policy = match record.attributes.get("Policy") {
        Some(text) => serde_json::from_str(text).map_err(|error| SqsError::Internal(error.to_string()))?,
        None => empty(),
    };
    let mut statements = statements(&mut policy);
    if statements.iter().any(|statement| statement["Sid"] == *request.label) {
        return Err(SqsError::value(&request.label, "Label", "Already exists."));
    }
    let one_or_all = |mut list: Vec<String>| match list.len() {
        1 => json!(list.remove(0)),
        _ => json!(list),
    };
    let principals =
        request.account_ids.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions = request.actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": request.label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_all(principals)},
        "Action": one_or_all(actions),
        "Resource": arn,
    }));
    policy["Statement"] = Value::Array(statements);
    record.attributes.insert("Policy".to_owned(), policy.to_string());
    record.modified = call.now;
    call.tx.put(QUEUE, &name.key(), &record)?;
    Ok(())
}

/// Takes the statements out of a policy: one may stand there alone.
pub(super) fn statements(policy: &mut Value) -> Vec<Value> {
    match policy.get_mut("Statement").map(Value::take) {
        Some(Value::Array(list)) => list,
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    }
}

fn check(request: &AddPermissionRequest) -> Result<(), SqsError> {
    let label = &request.label;
    let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if label.is_empty() || label.len() > LABEL_CHARS_MAX || !plain {
        let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
        return Err(SqsError::value(label, "Label", reason));
    }
    if request.account_ids.is_empty() {
        return Err(SqsError::MissingParameter("AWSAccountIds"));
    }
    if request.actions.is_empty() {
        return Err(SqsError::MissingParameter("Actions"));
    }
    if request.actions.len() > ACTIONS_MAX {
        let count = request.actions.len();
        return Err(SqsError::OverLimit(format!(
            "{count} Actions were found, maximum allowed is {ACTIONS_MAX}."
        )));
    }
    if let Some(account) = request.account_ids.iter().find(|account| account.parse::<AccountId>().is_err()) {
        return Err(SqsError::value(account, "PrincipalId", "Unable to verify."));
    }
    match request.actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        Some(action) => {
            let reason = "Only the queue owner is allowed to invoke this action.";
            Err(SqsError::value(format!("SQS:{action}"), "ActionName", reason))
        }
        None => Ok(()),
    }
}
