//! `ListRolePolicies`: the names of the inline policies of a role.

use keywatch_api::iam::ListPolicyNamesResponse;
use keywatch_api::iam::roles::RolePageRequest;

use super::page::PageRequest;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn list_role_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RolePageRequest,
) -> Result<ListPolicyNamesResponse, IamError> {
    let role = roles::role_for(call, "ListRolePolicies", &request.role_name).await?;
    let question = "ListRolePolicies".to_owned();
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = wanted.of(role.policies.names().map(|name| (name.to_owned(), name.to_owned())));
    Ok(ListPolicyNamesResponse {
        policy_names: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
