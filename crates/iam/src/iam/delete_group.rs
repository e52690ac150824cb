//! `DeleteGroup`: deletes a group that has neither members nor policies left.

use keywatch_api::iam::groups::GroupRequest;

use super::quotas::{self, Counted};
use super::{Iam, IamError, groups};
use crate::Call;
use crate::identity::{GROUP, name_key};

pub(crate) async fn delete_group(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupRequest,
) -> Result<(), IamError> {
    let group = groups::group_for(call, "DeleteGroup", &request.group_name).await?;
    if group.members > 0 {
        return Err(IamError::DeleteConflict("Cannot delete entity, must remove users from group first."));
    }
    if !group.attached.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must detach all policies first."));
    }
    if !group.policies.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete policies first."));
    }
    let key = name_key(call.account(), &group.name);
    call.tx.delete(GROUP, &key);
    quotas::give_back(call, Counted::Groups).await
}
