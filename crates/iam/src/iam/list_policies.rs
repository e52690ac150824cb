//! `ListPolicies`: managed policies by ARN: the account's own, AWS's, or both.

use keywatch_api::Arn;
use keywatch_api::iam::policies::{
    ListPoliciesRequest, ListPoliciesResponse, Policy, PolicyScope, PolicyUsage,
};

use super::authorize::{Target, authorize};
use super::page::PageRequest;
use super::{Iam, IamError, holders, policies};
use crate::Call;
use crate::identity::{POLICY, PolicyRecord, aws_managed};

pub(crate) async fn list_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListPoliciesRequest,
) -> Result<ListPoliciesResponse, IamError> {
    let prefix = request.path_prefix.clone().unwrap_or_else(|| "/".to_owned());
    let arn = Arn::new("iam", "", call.account().as_str(), format!("policy{prefix}"));
    authorize(call, "ListPolicies", &Target::new(arn))?;
    let scope = request.scope.unwrap_or(PolicyScope::All);
    let usage = request.policy_usage_filter.map_or("", PolicyUsage::as_str);
    let attached = request.only_attached.unwrap_or(false);
    let question = format!("ListPolicies {scope} {attached} {usage} {prefix}");
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let mut found = Vec::new();
    if scope != PolicyScope::Aws {
        let own: Vec<PolicyRecord> = holders::rows(call, POLICY).await?;
        found.extend(own.iter().map(|policy| policy.shown(call.account())));
    }
    if scope != PolicyScope::Local {
        let holders = holders::all(call).await?;
        found.extend(aws_managed::all().iter().map(|policy| {
            let attachments = holders.iter().filter(|holder| holder.has_attached(&policy.arn)).count();
            let boundaries = holders.iter().filter(|holder| holder.is_bounded_by(&policy.arn)).count();
            policy.shown(policies::count(attachments), policies::count(boundaries))
        }));
    }
    found.retain(|policy| policy.path.starts_with(&prefix) && is_wanted(policy, &request));
    found.sort_by(|a, b| a.arn.cmp(&b.arn));
    let listed = |policy: Policy| (policy.arn.clone(), Policy { description: None, tags: None, ..policy });
    let page = wanted.of(found.into_iter().map(listed));
    Ok(ListPoliciesResponse {
        policies: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}

/// Whether the policy is used as the request asks.
fn is_wanted(policy: &Policy, request: &ListPoliciesRequest) -> bool {
    let (attached, bounding) = (policy.attachment_count > 0, policy.permissions_boundary_usage_count > 0);
    match (request.policy_usage_filter, request.only_attached.unwrap_or(false)) {
        (Some(PolicyUsage::PermissionsBoundary), _) => bounding,
        (Some(PolicyUsage::PermissionsPolicy), _) => attached,
        (None, true) => attached || bounding,
        (None, false) => true,
    }
}
