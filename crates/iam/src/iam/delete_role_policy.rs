//! `DeleteRolePolicy`: deletes an inline policy of a role.

use keywatch_api::iam::roles::RolePolicyRequest;

use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn delete_role_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RolePolicyRequest,
) -> Result<(), IamError> {
    let mut role = roles::role_for(call, "DeleteRolePolicy", &request.role_name).await?;
    if !role.policies.remove(&request.policy_name) {
        return Err(roles::no_such_policy(&request.policy_name));
    }
    roles::put(call, &role)
}
