//! `DetachRolePolicy`: detaches a managed policy from a role.

use keywatch_api::iam::policies::RoleAttachmentRequest;

use super::attachments::detach;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn detach_role_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RoleAttachmentRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PolicyARN", request.policy_arn.as_str())];
    let mut role = roles::role_for_with(call, "DetachRolePolicy", &request.role_name, &keys).await?;
    detach(call, &mut role.attached, &request.policy_arn).await?;
    roles::put(call, &role)
}
