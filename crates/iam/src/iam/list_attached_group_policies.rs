//! `ListAttachedGroupPolicies`: the managed policies attached to a group.

use keywatch_api::iam::policies::{ListAttachedGroupPoliciesRequest, ListAttachedPoliciesResponse};

use super::attachments::listed;
use super::page::PageRequest;
use super::{Iam, IamError, groups};
use crate::Call;

pub(crate) async fn list_attached_group_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListAttachedGroupPoliciesRequest,
) -> Result<ListAttachedPoliciesResponse, IamError> {
    let group = groups::group_for(call, "ListAttachedGroupPolicies", &request.group_name).await?;
    let prefix = request.path_prefix.as_deref();
    let question = format!("ListAttachedGroupPolicies {} {}", group.name, prefix.unwrap_or("/"));
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    Ok(listed(&group.attached, prefix, &wanted))
}
