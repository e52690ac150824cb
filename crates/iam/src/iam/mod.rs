//! # IAM: the service
//! Users, roles, access keys, inline policies and tags, one file per operation. IAM is global: its state has an account and no Region.
//! An operation finds its user or role, asks whether the caller may (so that a stranger learns nothing of what exists), and then acts.
//! **Not here:** what the records look like (`identity`), temporary credentials (`sts`).

mod authorize;
mod create_access_key;
mod create_role;
mod create_user;
mod delete_access_key;
mod delete_role;
mod delete_role_policy;
mod delete_user;
mod delete_user_policy;
mod error;
mod get_role;
mod get_role_policy;
mod get_user;
mod get_user_policy;
mod list_access_keys;
mod list_role_policies;
mod list_role_tags;
mod list_roles;
mod list_user_policies;
mod list_user_tags;
mod list_users;
mod page;
mod put_role_policy;
mod put_user_policy;
mod roles;
mod tag_role;
mod tag_user;
mod untag_role;
mod untag_user;
mod update_access_key;
mod update_assume_role_policy;
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

use crate::{Call, CallerKind};
pub use error::IamError;

/// What IAM and STS need besides the call: the keyring that seals secrets.
#[derive(Clone, Debug)]
pub struct Iam {
    pub(crate) keyring: Arc<RootKeyring>,
}

impl Iam {
    pub fn new(keyring: Arc<RootKeyring>) -> Self {
        Self { keyring }
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
mod tests;
