//! `GetUserPolicy`: an inline policy of a user, percent-encoded.

use keywatch_api::iam::users::{GetUserPolicyResponse, UserPolicyRequest};

use super::{Iam, IamError, percent_encoded, users};
use crate::Call;

pub(crate) async fn get_user_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserPolicyRequest,
) -> Result<GetUserPolicyResponse, IamError> {
    let user = users::user_for(call, "GetUserPolicy", &request.user_name).await?;
    let Some(text) = user.policies.get(&request.policy_name) else {
        return Err(users::no_such_policy(&request.policy_name));
    };
    Ok(GetUserPolicyResponse {
        policy_document: percent_encoded(text),
        user_name: user.name,
        policy_name: request.policy_name,
    })
}
