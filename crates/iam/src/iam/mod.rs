//! # IAM: the service
//! Users, groups, roles, access keys, policies, tags and passwords, one file per operation. IAM is global: its state has an account and no Region.
//! An operation finds its user or role, asks whether the caller may (so that a stranger learns nothing of what exists), and then acts.
//! **Not here:** what the records look like (`identity`), temporary credentials (`sts`).

mod add_user_to_group;
mod attach_group_policy;
mod attach_role_policy;
mod attach_user_policy;
mod attachments;
mod authorize;
mod change_password;
mod create_access_key;
mod create_account_alias;
mod create_group;
mod create_login_profile;
mod create_policy;
mod create_policy_version;
mod create_role;
mod create_user;
mod delete_access_key;
mod delete_account_alias;
mod delete_account_password_policy;
mod delete_group;
mod delete_group_policy;
mod delete_login_profile;
mod delete_policy;
mod delete_policy_version;
mod delete_role;
mod delete_role_permissions_boundary;
mod delete_role_policy;
mod delete_user;
mod delete_user_permissions_boundary;
mod delete_user_policy;
mod detach_group_policy;
mod detach_role_policy;
mod detach_user_policy;
mod error;
mod get_access_key_last_used;
mod get_account_password_policy;
mod get_account_summary;
mod get_context_keys_for_custom_policy;
mod get_context_keys_for_principal_policy;
mod get_group;
mod get_group_policy;
mod get_login_profile;
mod get_policy;
mod get_policy_version;
mod get_role;
mod get_role_policy;
mod get_user;
mod get_user_policy;
mod groups;
mod holders;
mod list_access_keys;
mod list_account_aliases;
mod list_attached_group_policies;
mod list_attached_role_policies;
mod list_attached_user_policies;
mod list_entities_for_policy;
mod list_group_policies;
mod list_groups;
mod list_groups_for_user;
mod list_instance_profiles_for_role;
mod list_policies;
mod list_policy_tags;
mod list_policy_versions;
mod list_role_policies;
mod list_role_tags;
mod list_roles;
mod list_user_policies;
mod list_user_tags;
mod list_users;
mod page;
mod passwords;
mod policies;
mod principals;
mod put_group_policy;
mod put_role_permissions_boundary;
mod put_role_policy;
mod put_user_permissions_boundary;
mod put_user_policy;
mod quotas;
mod remove_user_from_group;
mod roles;
mod set_default_policy_version;
mod simulate;
mod simulate_custom_policy;
mod simulate_principal_policy;
mod tag_policy;
mod tag_role;
mod tag_user;
mod untag_policy;
mod untag_role;
mod untag_user;
mod update_access_key;
mod update_account_password_policy;
mod update_assume_role_policy;
mod update_group;
mod update_login_profile;
mod update_role;
mod update_role_description;
mod update_user;
mod users;

use std::sync::Arc;

use keywatch_api::Fault;
use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::iam::IamOperation;
use keywatch_crypto::RootKeyring;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::slow::Pool;
use crate::{Call, CallerKind};
pub use error::IamError;

/// What IAM and STS need besides the call: the keyring that seals secrets, and turns to digest passwords, which takes tens of
/// milliseconds and 19 MiB each.
#[derive(Clone, Debug)]
pub struct Iam {
    pub(crate) keyring: Arc<RootKeyring>,
    pub(crate) digests: Pool,
}

impl Iam {
    pub fn new(keyring: Arc<RootKeyring>) -> Self {
        Self { keyring, digests: Pool::for_generation() }
    }
}

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: IamOperation) -> Option<Shape> {
    keywatch_api::iam_operations!(keywatch_api::request_shapes, op, crate::request_shape_of)
}

/// Runs an operation of IAM.
pub async fn dispatch(
    op: IamOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    iam: &Iam,
) -> Result<Vec<u8>, Fault> {
    // STS API reference, "GetSessionToken": such credentials cannot call IAM unless a second factor was given.
    let is_session = call.caller.session_since.is_some();
    if is_session && !matches!(call.caller.kind, CallerKind::Role { .. }) {
        return Err(Fault::from_error(IamError::InvalidToken));
    }
    keywatch_api::iam_operations!(keywatch_api::dispatch, op, wire, call, iam, unsupported)
}

/// The answer of the query protocol to an action the service does not have.
pub(crate) fn unsupported(operation: &'static str) -> Fault {
    let message = format!("Could not find operation {operation} for this version");
    Fault::new("InvalidAction", 400, message)
}

/// RFC 3986: everything but the unreserved characters, as documents are shown in answers.
pub(crate) fn percent_encoded(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod managed_tests;
#[cfg(test)]
mod tests;
