//! `PutRolePermissionsBoundary`: sets the permissions boundary of a role.

use keywatch_api::iam::policies::PutRolePermissionsBoundaryRequest;

use super::attachments::set_boundary;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn put_role_permissions_boundary(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PutRolePermissionsBoundaryRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PermissionsBoundary", request.permissions_boundary.as_str())];
    let mut role =
        roles::role_for_with(call, "PutRolePermissionsBoundary", &request.role_name, &keys).await?;
    set_boundary(call, &mut role.boundary, Some(&request.permissions_boundary)).await?;
    roles::put(call, &role)
}
