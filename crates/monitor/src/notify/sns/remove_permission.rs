//! `RemovePermission`: the statement of a label; one that is not there is passed over. Without any statement the topic's policy is the
//! one that it had at first.

use keywatch_api::sns::RemovePermissionRequest;
use keywatch_iam::Call;
use serde_json::Value;

use super::add_permission::policy;
use super::{SnsError, topic};
use crate::notify::Notify;
use crate::notify::topic::TOPIC;

pub(super) async fn remove_permission(
    call: &mut Call<'_>,
    _: &Notify,
    request: RemovePermissionRequest,
) -> Result<(), SnsError> {
    let (name, mut record) = topic(call, &request.topic_arn, "sns:RemovePermission").await?;
    let (mut policy, mut statements) = policy(&name, &record)?;
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != *request.label);
    if statements.len() == before {
        return Ok(());
    }
    if statements.is_empty() {
        record.attributes.remove("Policy");
    } else {
        policy["Statement"] = Value::Array(statements);
        record.attributes.insert("Policy".to_owned(), policy.to_string());
    }
    call.tx.put(TOPIC, &name.key(), &record)?;
    Ok(())
}
