//! Finding, authorising and writing users.

use super::IamError;
use super::authorize::{Target, authorize};
use crate::identity::{ACCESS_KEY, AccessKeyRecord, USER, UserRecord, name_key, user_arn};
use crate::{Call, CallerKind};

/// "Groups an IAM user can be a member of: 10"
pub(super) const GROUPS_MAX: usize = 10;

/// The user of that name, after the caller was found to be allowed `action` on it.
pub(super) async fn user_for(call: &mut Call<'_>, action: &str, name: &str) -> Result<UserRecord, IamError> {
    user_for_with(call, action, name, &[]).await
}

/// As [`user_for`], with condition keys of the action.
pub(super) async fn user_for_with(
    call: &mut Call<'_>,
    action: &str,
    name: &str,
    keys: &[(&'static str, &str)],
) -> Result<UserRecord, IamError> {
    let found = find(call, name).await?;
    let arn = match &found {
        Some(user) => user.arn(call.account()),
        None => user_arn(call.account(), "/", name),
    };
    let target = Target::tagged(arn, found.as_ref().map(|user| &user.tags));
    authorize(call, action, &Target { keys, ..target })?;
    found.ok_or_else(|| no_such_user(name))
}

/// As [`user_for`]; without a name the calling user itself.
pub(super) async fn user_or_caller(
    call: &mut Call<'_>,
    action: &str,
    name: Option<String>,
) -> Result<UserRecord, IamError> {
    let name = match (name, &call.caller.kind) {
        (Some(name), _) => name,
        (None, CallerKind::User { name }) => name.clone(),
        (None, _) => {
            return Err(IamError::Validation("Must specify userName when calling with non-User credentials"));
        }
    };
    user_for(call, action, &name).await
}

/// Names are unique without regard to case, and found only as they are spelled.
pub(super) async fn find(call: &mut Call<'_>, name: &str) -> Result<Option<UserRecord>, IamError> {
    let key = name_key(call.account(), name);
    let found: Option<UserRecord> = call.tx.get(USER, &key).await?;
    Ok(found.filter(|user| user.name == name))
}

/// Writes a user that was read in this call.
pub(super) fn put(call: &mut Call<'_>, user: &UserRecord) -> Result<(), IamError> {
    let key = name_key(call.account(), &user.name);
    Ok(call.tx.put(USER, &key, user)?)
}

/// The access key if it is one of the user's.
pub(super) async fn access_key_of(
    call: &mut Call<'_>,
    user: &UserRecord,
    access_key_id: &str,
) -> Result<AccessKeyRecord, IamError> {
    let none = || IamError::NoSuchEntity(format!("The Access Key with id {access_key_id} cannot be found."));
    if !user.access_keys.iter().any(|id| id == access_key_id) {
        return Err(none());
    }
    call.tx.get(ACCESS_KEY, access_key_id).await?.ok_or_else(none)
}

pub(super) fn no_such_user(name: &str) -> IamError {
    IamError::NoSuchEntity(format!("The user with name {name} cannot be found."))
}

pub(super) fn no_such_policy(name: &str) -> IamError {
    IamError::NoSuchEntity(format!("The user policy with name {name} cannot be found."))
}
