//! Finding groups and streams, and asking whether the caller may use them

use keywatch_api::Arn;
use keywatch_iam::Call;
use keywatch_store::StoreError;

use super::{
    error::LogsError,
    record::{self, GROUP, GroupRecord, STREAM, StreamRecord},
};

/// What a policy names for an operation on a group as a whole: the group's streams, none in particular.
pub(crate) fn authorize_group(call: &Call<'_>, action: &str, group: &str) -> Result<(), LogsError> {
    authorize_stream(call, action, group, "")
}

pub(crate) fn authorize_stream(
    call: &Call<'_>,
    action: &str,
    group: &str,
    stream: &str,
) -> Result<(), LogsError> {
    let resource = format!("{}:log-stream:{stream}", group_arn(call, group));
    Ok(call.authorize_own(action, &resource)?)
}

/// `arn:aws:logs:R:A:log-group:NAME`
pub(crate) fn group_arn(call: &Call<'_>, group: &str) -> String {
    Arn::new("logs", call.region.as_str(), call.account().as_str(), format!("log-group:{group}")).to_string()
}

/// The group's name in its ARN, with or without `:*` at the end.
pub(crate) fn group_of_arn(arn: &str) -> Option<&str> {
    let (_, group) = arn.strip_prefix("arn:")?.split_once(":log-group:")?;
    let group = group.strip_suffix(":*").unwrap_or(group);
    (!group.is_empty() && !group.contains(':')).then_some(group)
}

/// The group that a request names by `logGroupName` or by `logGroupIdentifier` (a name or an ARN).
pub(crate) fn named_group(
    call: &Call<'_>,
    name: Option<String>,
    identifier: Option<String>,
) -> Result<String, LogsError> {
    match (name, identifier) {
        (Some(name), None) => Ok(name),
        (None, Some(arn)) if Arn::is_arn(&arn) => own_group_of_arn(call, &arn).map(str::to_owned),
        (None, Some(name)) => Ok(name),
        (Some(_), Some(_)) => {
            Err(LogsError::invalid("logGroupName and logGroupIdentifier are mutually exclusive parameters."))
        }
        (None, None) => {
            Err(LogsError::invalid("Either logGroupName or logGroupIdentifier must be specified."))
        }
    }
}

/// The group of an ARN in the caller's account and Region; others are not found.
pub(crate) fn own_group_of_arn<'n>(call: &Call<'_>, arn: &'n str) -> Result<&'n str, LogsError> {
    let parsed: Arn = arn.parse().map_err(|_| LogsError::invalid("The specified ARN is not valid."))?;
    let own = parsed.service == "logs"
        && parsed.region == call.region.as_str()
        && parsed.account == call.account().as_str();
    match group_of_arn(arn) {
        Some(group) if own => Ok(group),
        _ => Err(LogsError::GroupNotFound),
    }
}

pub(crate) async fn group(call: &mut Call<'_>, name: &str) -> Result<GroupRecord, LogsError> {
    let key = record::group_key(&call.partition(), name);
    call.tx.get(GROUP, &key).await?.ok_or(LogsError::GroupNotFound)
}

pub(crate) async fn stream(
    call: &mut Call<'_>,
    group: &GroupRecord,
    name: &str,
) -> Result<StreamRecord, LogsError> {
    let key = record::stream_key(&group.id, name);
    call.tx.get(STREAM, &key).await?.ok_or(LogsError::StreamNotFound)
}

/// Writes a changed group back.
pub(crate) fn put_group(call: &mut Call<'_>, group: &GroupRecord) -> Result<(), StoreError> {
    let key = record::group_key(&call.partition(), &group.name);
    call.tx.put(GROUP, &key, group)
}
