//! `ListRoles`: the account's roles by name, those below a path.

use keywatch_api::Arn;
use keywatch_api::iam::ListByPathRequest;
use keywatch_api::iam::roles::{ListRolesResponse, Role};

use super::authorize::{Target, authorize};
use super::page::PageRequest;
use super::{Iam, IamError};
use crate::Call;
use crate::identity::{ROLE, RoleRecord};

pub(crate) async fn list_roles(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListByPathRequest,
) -> Result<ListRolesResponse, IamError> {
    let prefix = request.path_prefix.unwrap_or_else(|| "/".to_owned());
    let arn = Arn::new("iam", "", call.account().as_str(), format!("role{prefix}"));
    authorize(call, "ListRoles", &Target::new(arn))?;
    let wanted =
        PageRequest::new(format!("ListRoles {prefix}"), request.marker.as_deref(), request.max_items)?;
    let page = wanted.scan(call, ROLE, |role: &RoleRecord| role.path.starts_with(&prefix)).await?;
    let listed = |role: &RoleRecord| Role {
        tags: None,
        permissions_boundary: None,
        role_last_used: None,
        ..role.shown(call.account())
    };
    let roles = page.items.iter().map(listed).collect();
    Ok(ListRolesResponse { roles, is_truncated: page.marker.is_some(), marker: page.marker })
}
