//! `UntagRole`: removes tags from a role; keys it does not have are passed over.

use keywatch_api::iam::roles::UntagRoleRequest;

use super::authorize::{Target, authorize};
use super::{Iam, IamError, roles};
use crate::Call;
use crate::identity::role_arn;

pub(crate) async fn untag_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UntagRoleRequest,
) -> Result<(), IamError> {
    let found = roles::find(call, &request.role_name).await?;
    let arn = match &found {
        Some(role) => role.arn(call.account()),
        None => role_arn(call.account(), "/", &request.role_name),
    };
    let tags = found.as_ref().map(|role| &role.tags);
    authorize(call, "UntagRole", &Target { tag_keys: &request.tag_keys, ..Target::tagged(arn, tags) })?;
    let mut role = found.ok_or_else(|| roles::no_such_role(&request.role_name))?;
    role.tags.remove(&request.tag_keys);
    roles::put(call, &role)
}
