//! Finding, authorising and writing roles.

use super::IamError;
use super::authorize::{Target, authorize};
use crate::Call;
use crate::identity::{ROLE, RoleRecord, missing_principal, name_key, role_arn};
use crate::policy::{PolicyDocument, PolicyError, PolicyKind};

/// The role of that name, after the caller was found to be allowed `action` on it.
pub(super) async fn role_for(call: &mut Call<'_>, action: &str, name: &str) -> Result<RoleRecord, IamError> {
    role_for_with(call, action, name, &[]).await
}

/// As [`role_for`], with condition keys of the action.
pub(super) async fn role_for_with(
    call: &mut Call<'_>,
    action: &str,
    name: &str,
    keys: &[(&'static str, &str)],
) -> Result<RoleRecord, IamError> {
    let found = find(call, name).await?;
    let arn = match &found {
        Some(role) => role.arn(call.account()),
        None => role_arn(call.account(), "/", name),
    };
    let target = Target::tagged(arn, found.as_ref().map(|role| &role.tags));
    authorize(call, action, &Target { keys, ..target })?;
    found.ok_or_else(|| no_such_role(name))
}

/// Names are unique without regard to case, and found only as they are spelled.
pub(super) async fn find(call: &mut Call<'_>, name: &str) -> Result<Option<RoleRecord>, IamError> {
    let key = name_key(call.account(), name);
    let found: Option<RoleRecord> = call.tx.get(ROLE, &key).await?;
    Ok(found.filter(|role| role.name == name))
}

/// Writes a role that was read in this call.
pub(super) fn put(call: &mut Call<'_>, role: &RoleRecord) -> Result<(), IamError> {
    let key = name_key(call.account(), &role.name);
    Ok(call.tx.put(ROLE, &key, role)?)
}

pub(super) fn no_such_role(name: &str) -> IamError {
    IamError::NoSuchEntity(format!("The role with name {name} cannot be found."))
}

pub(super) fn no_such_policy(name: &str) -> IamError {
    IamError::NoSuchEntity(format!("The role policy with name {name} cannot be found."))
}

/// Without white space; "Role trust policy length: 2,048 characters" (IAM user guide, quotas).
const TRUST_BYTES_MAX: usize = 2_048;

/// Whether a text may be a role's trust policy.
pub(super) async fn check_trust(call: &mut Call<'_>, text: &str) -> Result<(), IamError> {
    let document = PolicyDocument::parse(PolicyKind::Trust, text)?;
    if document.size_without_white_space() > TRUST_BYTES_MAX {
        return Err(IamError::LimitExceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {TRUST_BYTES_MAX}"
        )));
    }
    let account = call.account().clone();
    if let Some(name) = missing_principal(&mut call.tx, &account, &document).await? {
        return Err(PolicyError::Principal(format!("\"AWS\":\"{name}\"")).into());
    }
    Ok(())
}
