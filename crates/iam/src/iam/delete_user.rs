//! `DeleteUser`: deletes a user that has neither access keys nor policies left.

use keywatch_api::iam::users::DeleteUserRequest;

use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::{USER, name_key};

pub(crate) async fn delete_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: DeleteUserRequest,
) -> Result<(), IamError> {
    let user = users::user_for(call, "DeleteUser", &request.user_name).await?;
    if !user.access_keys.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete access keys first."));
    }
    if !user.policies.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete policies first."));
    }
    let key = name_key(call.account(), &user.name);
    call.tx.delete(USER, &key);
    Ok(())
}
