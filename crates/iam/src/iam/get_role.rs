//! `GetRole`: a role with its trust policy.

use keywatch_api::iam::roles::{RoleRequest, RoleResponse};

use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn get_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RoleRequest,
) -> Result<RoleResponse, IamError> {
    let role = roles::role_for(call, "GetRole", &request.role_name).await?;
    Ok(RoleResponse { role: role.shown(call.account()) })
}
