//! `PutUserPolicy`: adds or replaces an inline policy of a user.

use keywatch_api::iam::users::PutUserPolicyRequest;

use super::{Iam, IamError, users};
use crate::Call;
use crate::policy::{PolicyDocument, PolicyKind};

/// All inline policies of a user together, without white space (IAM user guide, "IAM and AWS STS quotas").
const POLICY_BYTES_MAX: usize = 2_048;

pub(crate) async fn put_user_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PutUserPolicyRequest,
) -> Result<(), IamError> {
    let mut user = users::user_for(call, "PutUserPolicy", &request.user_name).await?;
    let document = PolicyDocument::parse(PolicyKind::Identity, &request.policy_document)?;
    user.policies.put(&request.policy_name, &document, POLICY_BYTES_MAX).map_err(|_| {
        let name = &user.name;
        IamError::LimitExceeded(format!(
            "Maximum policy size of {POLICY_BYTES_MAX} bytes exceeded for user {name}"
        ))
    })?;
    users::put(call, &user)
}
