//! `DeleteUserPermissionsBoundary`: takes the permissions boundary of a user away.

use keywatch_api::iam::policies::DeleteUserPermissionsBoundaryRequest;

use super::attachments::set_boundary;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn delete_user_permissions_boundary(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: DeleteUserPermissionsBoundaryRequest,
) -> Result<(), IamError> {
    let mut user = users::user_for(call, "DeleteUserPermissionsBoundary", &request.user_name).await?;
    if user.boundary.is_none() {
        let text = format!("Permissions boundary for user {} cannot be found.", user.name);
        return Err(IamError::NoSuchEntity(text));
    }
    set_boundary(call, &mut user.boundary, None).await?;
    users::put(call, &user)
}
