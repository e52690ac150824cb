//! `CreateLogGroup`

use keywatch_api::logs::{CreateLogGroupRequest, LogGroupClass, NAME_CHARS_MAX};
use keywatch_iam::Call;

use super::{
    Logs, LogsError, access,
    record::{self, GROUP, GroupRecord},
    tags,
};

pub(crate) async fn create_log_group(
    call: &mut Call<'_>,
    _: &Logs,
    request: CreateLogGroupRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:CreateLogGroup", &request.log_group_name)?;
    check_name(&request.log_group_name)?;
    let tags = request.tags.unwrap_or_default();
    tags::check(&tags)?;
    let key = record::group_key(&call.partition(), &request.log_group_name);
    if call.tx.get::<GroupRecord>(GROUP, &key).await?.is_some() {
        return Err(LogsError::GroupExists);
    }
    let group = GroupRecord {
        id: call.origin.event_id.to_owned(),
        name: request.log_group_name,
        created: call.now,
        class: request.log_group_class.unwrap_or(LogGroupClass::Standard),
        retention_days: None,
        kms_key_id: request.kms_key_id,
        deletion_protection: request.deletion_protection_enabled.unwrap_or(false),
        tags,
        since: call.tx.store.head(),
    };
    call.tx.insert(GROUP, &key, &group)?;
    Ok(())
}

/// The one length that AWS answers in words of its own.
pub(super) fn check_name(name: &str) -> Result<(), LogsError> {
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(LogsError::invalid(
            "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
        ));
    }
    Ok(())
}
