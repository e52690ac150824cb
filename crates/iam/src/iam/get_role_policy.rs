//! `GetRolePolicy`: an inline policy of a role, percent-encoded.

use keywatch_api::iam::roles::{GetRolePolicyResponse, RolePolicyRequest};

use super::{Iam, IamError, percent_encoded, roles};
use crate::Call;

pub(crate) async fn get_role_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RolePolicyRequest,
) -> Result<GetRolePolicyResponse, IamError> {
    let role = roles::role_for(call, "GetRolePolicy", &request.role_name).await?;
    let Some(text) = role.policies.get(&request.policy_name) else {
        return Err(roles::no_such_policy(&request.policy_name));
    };
    Ok(GetRolePolicyResponse {
        policy_document: percent_encoded(text),
        role_name: role.name,
        policy_name: request.policy_name,
    })
}
