//! `PutRolePolicy`: adds or replaces an inline policy of a role.

use keywatch_api::iam::roles::PutRolePolicyRequest;

use super::{Iam, IamError, roles};
use crate::Call;
use crate::policy::{PolicyDocument, PolicyKind};

/// All inline policies of a role together, without white space (IAM user guide, "IAM and AWS STS quotas").
const POLICY_BYTES_MAX: usize = 10_240;

pub(crate) async fn put_role_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PutRolePolicyRequest,
) -> Result<(), IamError> {
    let mut role = roles::role_for(call, "PutRolePolicy", &request.role_name).await?;
    let document = PolicyDocument::parse(PolicyKind::Identity, &request.policy_document)?;
    role.policies.put(&request.policy_name, &document, POLICY_BYTES_MAX).map_err(|_| {
        let name = &role.name;
        IamError::LimitExceeded(format!(
            "Maximum policy size of {POLICY_BYTES_MAX} bytes exceeded for role {name}"
        ))
    })?;
    roles::put(call, &role)
}
