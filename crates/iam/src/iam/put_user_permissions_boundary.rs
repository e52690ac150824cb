//! `PutUserPermissionsBoundary`: sets the permissions boundary of a user.

use keywatch_api::iam::policies::PutUserPermissionsBoundaryRequest;

use super::attachments::set_boundary;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn put_user_permissions_boundary(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PutUserPermissionsBoundaryRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PermissionsBoundary", request.permissions_boundary.as_str())];
    let mut user =
        users::user_for_with(call, "PutUserPermissionsBoundary", &request.user_name, &keys).await?;
    set_boundary(call, &mut user.boundary, Some(&request.permissions_boundary)).await?;
    users::put(call, &user)
}
