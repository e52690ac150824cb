//! Finding, authorising and writing groups.

use super::IamError;
use super::authorize::{Target, authorize};
use crate::Call;
use crate::identity::{GROUP, GroupRecord, group_arn, name_key};

/// All inline policies of a group together, without white space (IAM user guide, "IAM and AWS STS quotas").
pub(super) const POLICY_BYTES_MAX: usize = 5_120;

/// The group of that name, after the caller was found to be allowed `action` on it.
pub(super) async fn group_for(
    call: &mut Call<'_>,
    action: &str,
    name: &str,
) -> Result<GroupRecord, IamError> {
    group_for_with(call, action, name, &[]).await
}

/// As [`group_for`], with condition keys of the action.
pub(super) async fn group_for_with(
    call: &mut Call<'_>,
    action: &str,
    name: &str,
    keys: &[(&'static str, &str)],
) -> Result<GroupRecord, IamError> {
    let found = find(call, name).await?;
    let arn = match &found {
        Some(group) => group.arn(call.account()),
        None => group_arn(call.account(), "/", name),
    };
    authorize(call, action, &Target { keys, ..Target::new(arn) })?;
    found.ok_or_else(|| no_such_group(name))
}

/// Names are unique without regard to case, and found only as they are spelled.
pub(super) async fn find(call: &mut Call<'_>, name: &str) -> Result<Option<GroupRecord>, IamError> {
    let key = name_key(call.account(), name);
    let found: Option<GroupRecord> = call.tx.get(GROUP, &key).await?;
    Ok(found.filter(|group| group.name == name))
}

/// Writes a group that was read in this call.
pub(super) fn put(call: &mut Call<'_>, group: &GroupRecord) -> Result<(), IamError> {
    let key = name_key(call.account(), &group.name);
    Ok(call.tx.put(GROUP, &key, group)?)
}

pub(super) fn no_such_group(name: &str) -> IamError {
    IamError::NoSuchEntity(format!("The group with name {name} cannot be found."))
}

pub(super) fn no_such_policy(name: &str) -> IamError {
    IamError::NoSuchEntity(format!("The group policy with name {name} cannot be found."))
}
