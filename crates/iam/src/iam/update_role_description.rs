//! `UpdateRoleDescription`: what `UpdateRole` does to the description, answered with the role.

use keywatch_api::iam::roles::{RoleResponse, UpdateRoleDescriptionRequest};

use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn update_role_description(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateRoleDescriptionRequest,
) -> Result<RoleResponse, IamError> {
    let mut role = roles::role_for(call, "UpdateRoleDescription", &request.role_name).await?;
    role.description = Some(request.description);
    roles::put(call, &role)?;
    Ok(RoleResponse { role: role.shown(call.account()) })
}
