//! `DeletePolicy`: deletes a policy of the account that nobody uses and that has no other version than its default.

use keywatch_api::iam::policies::PolicyRequest;

use super::quotas::{self, Counted};
use super::{Iam, IamError, policies};
use crate::Call;
use crate::identity::{POLICY, name_key};

pub(crate) async fn delete_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PolicyRequest,
) -> Result<(), IamError> {
    let policy = policies::own_policy_for(call, "DeletePolicy", &request.policy_arn).await?;
    if policy.attachments > 0 || policy.boundaries > 0 {
        return Err(IamError::DeleteConflict("Cannot delete a policy attached to entities."));
    }
    if policy.versions().len() > 1 {
        return Err(IamError::DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    let key = name_key(call.account(), &policy.name);
    call.tx.delete(POLICY, &key);
    quotas::give_back(call, Counted::Policies).await
}
