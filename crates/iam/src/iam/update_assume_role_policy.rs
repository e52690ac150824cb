//! `UpdateAssumeRolePolicy`: replaces the trust policy. Sessions that are open go on.

use keywatch_api::iam::roles::UpdateAssumeRolePolicyRequest;

use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn update_assume_role_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateAssumeRolePolicyRequest,
) -> Result<(), IamError> {
    let mut role = roles::role_for(call, "UpdateAssumeRolePolicy", &request.role_name).await?;
    roles::check_trust(call, &request.policy_document).await?;
    role.trust = request.policy_document;
    roles::put(call, &role)
}
