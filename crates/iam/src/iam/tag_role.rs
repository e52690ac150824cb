//! `TagRole`: adds tags to a role, or changes the values of those it has.

use keywatch_api::iam::roles::TagRoleRequest;

use super::authorize::{Target, authorize};
use super::{Iam, IamError, roles};
use crate::Call;
use crate::identity::role_arn;

pub(crate) async fn tag_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: TagRoleRequest,
) -> Result<(), IamError> {
    let found = roles::find(call, &request.role_name).await?;
    let arn = match &found {
        Some(role) => role.arn(call.account()),
        None => role_arn(call.account(), "/", &request.role_name),
    };
    let tags = found.as_ref().map(|role| &role.tags);
    authorize(call, "TagRole", &Target { new_tags: &request.tags, ..Target::tagged(arn, tags) })?;
    let mut role = found.ok_or_else(|| roles::no_such_role(&request.role_name))?;
    role.tags.set(&request.tags)?;
    roles::put(call, &role)
}
