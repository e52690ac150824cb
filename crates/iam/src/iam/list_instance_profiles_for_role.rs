//! `ListInstanceProfilesForRole`: the instance profiles a role is in: none, for there are no instances here.

use keywatch_api::iam::roles::{ListInstanceProfilesResponse, RolePageRequest};

use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn list_instance_profiles_for_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RolePageRequest,
) -> Result<ListInstanceProfilesResponse, IamError> {
    roles::role_for(call, "ListInstanceProfilesForRole", &request.role_name).await?;
    Ok(ListInstanceProfilesResponse { instance_profiles: Vec::new(), is_truncated: false, marker: None })
}
