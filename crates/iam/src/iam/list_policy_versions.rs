//! `ListPolicyVersions`: the versions of a managed policy, newest first, without their texts.

use keywatch_api::iam::policies::{ListPolicyVersionsResponse, PolicyPageRequest};

use super::page::PageRequest;
use super::policies::{Managed, policy_for};
use super::{Iam, IamError};
use crate::Call;

pub(crate) async fn list_policy_versions(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PolicyPageRequest,
) -> Result<ListPolicyVersionsResponse, IamError> {
    let policy = policy_for(call, "ListPolicyVersions", &request.policy_arn).await?;
    let question = format!("ListPolicyVersions {}", request.policy_arn);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = match &policy {
        Managed::Own(policy) => {
            let newest_first = policy.versions().iter().rev();
            wanted.of(newest_first.map(|version| (version.order(), policy.shown_version(version))))
        }
        Managed::Aws(policy) => wanted.of([(policy.version.clone(), policy.shown_version())]),
    };
    Ok(ListPolicyVersionsResponse {
        versions: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
