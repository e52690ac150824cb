//! `GetGroupPolicy`: an inline policy of a group.

use keywatch_api::iam::groups::{GetGroupPolicyResponse, GroupPolicyRequest};

use super::{Iam, IamError, groups, percent_encoded};
use crate::Call;

pub(crate) async fn get_group_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupPolicyRequest,
) -> Result<GetGroupPolicyResponse, IamError> {
    let group = groups::group_for(call, "GetGroupPolicy", &request.group_name).await?;
    let Some(text) = group.policies.get(&request.policy_name) else {
        return Err(groups::no_such_policy(&request.policy_name));
    };
    Ok(GetGroupPolicyResponse {
        policy_document: percent_encoded(text),
        group_name: group.name,
        policy_name: request.policy_name,
    })
}
