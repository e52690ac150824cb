//! `ListGroupPolicies`: the names of the inline policies of a group.

use keywatch_api::iam::ListPolicyNamesResponse;
use keywatch_api::iam::groups::GroupPageRequest;

use super::page::PageRequest;
use super::{Iam, IamError, groups};
use crate::Call;

pub(crate) async fn list_group_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupPageRequest,
) -> Result<ListPolicyNamesResponse, IamError> {
    let group = groups::group_for(call, "ListGroupPolicies", &request.group_name).await?;
    let question = format!("ListGroupPolicies {}", group.name);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = wanted.of(group.policies.names().map(|name| (name.to_owned(), name.to_owned())));
    Ok(ListPolicyNamesResponse {
        policy_names: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
