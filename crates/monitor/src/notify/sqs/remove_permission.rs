//! `RemovePermission`: the statement of a label; with the last one the policy goes too.

use keywatch_api::sqs::RemovePermissionRequest;
use keywatch_iam::Call;
use serde_json::Value;

use super::add_permission::statements;
use super::{SqsError, queue};
use crate::notify::Notify;
use crate::notify::queue::QUEUE;

pub(super) async fn remove_permission(
    call: &mut Call<'_>,
    _: &Notify,
    request: RemovePermissionRequest,
) -> Result<(), SqsError> {
    let (name, mut record) = queue(call, &request.queue_url, "sqs:RemovePermission").await?;
    let mut policy: Value = match record.attributes.get("Policy") {
        Some(text) => serde_json::from_str(text).map_err(|error| SqsError::Internal(error.to_string()))?,
        None => Value::Object(Default::default()),
    };
    let mut statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != *request.label);
    if statements.len() == before {
        let reason = if before == 0 { "can't find label." } else { "can't find label on existing policy." };
        return Err(SqsError::value(request.label, "Label", reason));
    }
    if statements.is_empty() {
        record.attributes.remove("Policy");
    } else {
        policy["Statement"] = Value::Array(statements);
        record.attributes.insert("Policy".to_owned(), policy.to_string());
    }
    record.modified = call.now;
    call.tx.put(QUEUE, &name.key(), &record)?;
    Ok(())
}
