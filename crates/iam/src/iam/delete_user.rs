//! `DeleteUser`: deletes a user that has no access keys, policies, groups and password left.

use keywatch_api::iam::users::DeleteUserRequest;

use super::attachments::set_boundary;
use super::quotas::{self, Counted};
use super::{Iam, IamError, passwords, users};
use crate::Call;
use crate::identity::{USER, name_key};

pub(crate) async fn delete_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: DeleteUserRequest,
) -> Result<(), IamError> {
    let mut user = users::user_for(call, "DeleteUser", &request.user_name).await?;
    if !user.access_keys.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete access keys first."));
    }
    if !user.policies.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete policies first."));
    }
    if !user.attached.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must detach all policies first."));
    }
    if !user.groups.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must remove users from group first."));
    }
    if passwords::find(call, &user).await?.is_some() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete login profile first."));
    }
    set_boundary(call, &mut user.boundary, None).await?;
    let key = name_key(call.account(), &user.name);
    call.tx.delete(USER, &key);
    quotas::give_back(call, Counted::Users).await
}
