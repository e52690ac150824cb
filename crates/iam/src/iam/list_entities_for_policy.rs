//! `ListEntitiesForPolicy`: the users, groups and roles that use a managed policy.

use keywatch_api::iam::policies::{
    EntityType, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse, PolicyGroup, PolicyRole,
    PolicyUsage, PolicyUser,
};

use super::holders::{self, Holder, HolderKind};
use super::page::PageRequest;
use super::{Iam, IamError, policies};
use crate::Call;

pub(crate) async fn list_entities_for_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListEntitiesForPolicyRequest,
) -> Result<ListEntitiesForPolicyResponse, IamError> {
    policies::policy_for(call, "ListEntitiesForPolicy", &request.policy_arn).await?;
    let filter = request.entity_filter.map_or("", EntityType::as_str);
    let usage = request.policy_usage_filter.map_or("", PolicyUsage::as_str);
    let prefix = request.path_prefix.clone().unwrap_or_else(|| "/".to_owned());
    let question = format!("ListEntitiesForPolicy {} {filter} {usage} {prefix}", request.policy_arn);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let mut holders = holders::all(call).await?;
    holders.retain(|holder| holder.path.starts_with(&prefix) && is_wanted(holder, &request));
    holders.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    let page =
        wanted.of(holders.into_iter().map(|holder| (format!("{:?} {}", holder.kind, holder.id), holder)));
    let mut response = ListEntitiesForPolicyResponse {
        is_truncated: page.marker.is_some(),
        marker: page.marker,
        ..ListEntitiesForPolicyResponse::default()
    };
    for Holder { kind, name, id, .. } in page.items {
        match kind {
            HolderKind::Group => {
                response.policy_groups.push(PolicyGroup { group_name: name, group_id: id });
            }
            HolderKind::User => response.policy_users.push(PolicyUser { user_name: name, user_id: id }),
            HolderKind::Role => response.policy_roles.push(PolicyRole { role_name: name, role_id: id }),
        }
    }
    Ok(response)
}

/// Whether the entity uses the policy as the request asks.
fn is_wanted(holder: &Holder, request: &ListEntitiesForPolicyRequest) -> bool {
    let arn = &request.policy_arn;
    let used = match request.policy_usage_filter {
        Some(PolicyUsage::PermissionsPolicy) => holder.has_attached(arn),
        Some(PolicyUsage::PermissionsBoundary) => holder.is_bounded_by(arn),
        None => holder.has_attached(arn) || holder.is_bounded_by(arn),
    };
    let kind = match request.entity_filter {
        Some(EntityType::User) => holder.kind == HolderKind::User,
        Some(EntityType::Role) => holder.kind == HolderKind::Role,
        Some(EntityType::Group) => holder.kind == HolderKind::Group,
        Some(EntityType::LocalManagedPolicy | EntityType::AwsManagedPolicy) | None => true,
    };
    used && kind
}
