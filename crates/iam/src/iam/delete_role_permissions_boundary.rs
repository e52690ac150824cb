//! `DeleteRolePermissionsBoundary`: takes the permissions boundary of a role away.

use keywatch_api::iam::roles::RoleRequest;

use super::attachments::set_boundary;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn delete_role_permissions_boundary(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RoleRequest,
) -> Result<(), IamError> {
    let mut role = roles::role_for(call, "DeleteRolePermissionsBoundary", &request.role_name).await?;
    if role.boundary.is_none() {
        let text = format!("Permissions boundary for role {} cannot be found.", role.name);
        return Err(IamError::NoSuchEntity(text));
    }
    set_boundary(call, &mut role.boundary, None).await?;
    roles::put(call, &role)
}
