//! `DeleteUserPolicy`: deletes an inline policy of a user.

use keywatch_api::iam::users::UserPolicyRequest;

use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn delete_user_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserPolicyRequest,
) -> Result<(), IamError> {
    let mut user = users::user_for(call, "DeleteUserPolicy", &request.user_name).await?;
    if !user.policies.remove(&request.policy_name) {
        return Err(users::no_such_policy(&request.policy_name));
    }
    users::put(call, &user)
}
