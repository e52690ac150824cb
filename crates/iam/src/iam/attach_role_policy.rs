//! `AttachRolePolicy`: attaches a managed policy to a role. Attaching it twice changes nothing.

use keywatch_api::iam::policies::RoleAttachmentRequest;

use super::attachments::attach;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn attach_role_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RoleAttachmentRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PolicyARN", request.policy_arn.as_str())];
    let mut role = roles::role_for_with(call, "AttachRolePolicy", &request.role_name, &keys).await?;
    attach(call, &mut role.attached, &request.policy_arn, "Role").await?;
    roles::put(call, &role)
}
