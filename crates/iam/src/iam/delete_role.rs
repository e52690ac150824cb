//! `DeleteRole`: deletes a role that has no policies left. Its sessions end with it.

use keywatch_api::iam::roles::RoleRequest;

use super::attachments::set_boundary;
use super::quotas::{self, Counted};
use super::{Iam, IamError, roles};
use crate::Call;
use crate::identity::{ROLE, name_key};

pub(crate) async fn delete_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RoleRequest,
) -> Result<(), IamError> {
    let mut role = roles::role_for(call, "DeleteRole", &request.role_name).await?;
    if !role.policies.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must delete policies first."));
    }
    if !role.attached.is_empty() {
        return Err(IamError::DeleteConflict("Cannot delete entity, must detach all policies first."));
    }
    set_boundary(call, &mut role.boundary, None).await?;
    let key = name_key(call.account(), &role.name);
    call.tx.delete(ROLE, &key);
    quotas::give_back(call, Counted::Roles).await
}
