//! `ListAttachedUserPolicies`: the managed policies attached to a user.

use keywatch_api::iam::policies::{ListAttachedPoliciesResponse, ListAttachedUserPoliciesRequest};

use super::attachments::listed;
use super::page::PageRequest;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn list_attached_user_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListAttachedUserPoliciesRequest,
) -> Result<ListAttachedPoliciesResponse, IamError> {
    let user = users::user_for(call, "ListAttachedUserPolicies", &request.user_name).await?;
    let prefix = request.path_prefix.as_deref();
    let question = format!("ListAttachedUserPolicies {} {}", user.name, prefix.unwrap_or("/"));
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    Ok(listed(&user.attached, prefix, &wanted))
}
