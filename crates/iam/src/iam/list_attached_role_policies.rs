//! `ListAttachedRolePolicies`: the managed policies attached to a role.

use keywatch_api::iam::policies::{ListAttachedPoliciesResponse, ListAttachedRolePoliciesRequest};

use super::attachments::listed;
use super::page::PageRequest;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn list_attached_role_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListAttachedRolePoliciesRequest,
) -> Result<ListAttachedPoliciesResponse, IamError> {
    let role = roles::role_for(call, "ListAttachedRolePolicies", &request.role_name).await?;
    let prefix = request.path_prefix.as_deref();
    let question = format!("ListAttachedRolePolicies {} {}", role.name, prefix.unwrap_or("/"));
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    Ok(listed(&role.attached, prefix, &wanted))
}
