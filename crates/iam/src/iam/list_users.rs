//! `ListUsers`: the account's users by name, those below a path.

use keywatch_api::Arn;
use keywatch_api::iam::ListByPathRequest;
use keywatch_api::iam::users::{ListUsersResponse, User};

use super::authorize::{Target, authorize};
use super::page::PageRequest;
use super::{Iam, IamError};
use crate::Call;
use crate::identity::{USER, UserRecord};

pub(crate) async fn list_users(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListByPathRequest,
) -> Result<ListUsersResponse, IamError> {
    let prefix = request.path_prefix.unwrap_or_else(|| "/".to_owned());
    let arn = Arn::new("iam", "", call.account().as_str(), format!("user{prefix}"));
    authorize(call, "ListUsers", &Target::new(arn))?;
    let wanted =
        PageRequest::new(format!("ListUsers {prefix}"), request.marker.as_deref(), request.max_items)?;
    let page = wanted.scan(call, USER, |user: &UserRecord| user.path.starts_with(&prefix)).await?;
    let users = page
        .items
        .iter()
        .map(|user| User { tags: None, permissions_boundary: None, ..user.shown(call.account()) })
        .collect();
    Ok(ListUsersResponse { users, is_truncated: page.marker.is_some(), marker: page.marker })
}
