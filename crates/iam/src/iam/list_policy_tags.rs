//! `ListPolicyTags`: the tags of a policy in the order of adding.

use keywatch_api::iam::ListTagsResponse;
use keywatch_api::iam::policies::PolicyPageRequest;

use super::page::PageRequest;
use super::policies::{Managed, policy_for};
use super::{Iam, IamError};
use crate::Call;

pub(crate) async fn list_policy_tags(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PolicyPageRequest,
) -> Result<ListTagsResponse, IamError> {
    let policy = policy_for(call, "ListPolicyTags", &request.policy_arn).await?;
    let question = format!("ListPolicyTags {}", request.policy_arn);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let tags: Vec<_> = match &policy {
        Managed::Own(policy) => policy.tags.numbered().collect(),
        Managed::Aws(_) => Vec::new(),
    };
    let page = wanted.of(tags);
    Ok(ListTagsResponse { tags: page.items, is_truncated: page.marker.is_some(), marker: page.marker })
}
