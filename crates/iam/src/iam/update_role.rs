//! `UpdateRole`: a new description, a new longest session, or both.

use keywatch_api::iam::roles::{UpdateRoleRequest, UpdateRoleResponse};

use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn update_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateRoleRequest,
) -> Result<UpdateRoleResponse, IamError> {
    let mut role = roles::role_for(call, "UpdateRole", &request.role_name).await?;
    role.description = request.description.or(role.description);
    role.session_seconds_max = request.max_session_duration.unwrap_or(role.session_seconds_max);
    roles::put(call, &role)?;
    Ok(UpdateRoleResponse {})
}
