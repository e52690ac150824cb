//! `DeleteGroupPolicy`: removes an inline policy from a group.

use keywatch_api::iam::groups::GroupPolicyRequest;

use super::{Iam, IamError, groups};
use crate::Call;

pub(crate) async fn delete_group_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupPolicyRequest,
) -> Result<(), IamError> {
    let mut group = groups::group_for(call, "DeleteGroupPolicy", &request.group_name).await?;
    if !group.policies.remove(&request.policy_name) {
        return Err(groups::no_such_policy(&request.policy_name));
    }
    groups::put(call, &group)
}
