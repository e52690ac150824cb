//! Attaching managed policies to users, groups and roles, and setting them as boundaries. The identity names the policy and the policy
//! counts its uses; both rows are written in one transaction.

use keywatch_api::iam::policies::{AttachedPolicy, ListAttachedPoliciesResponse};

use super::IamError;
use super::page::PageRequest;
use super::policies::{self, Managed};
use crate::Call;

/// "Managed policies attached to an IAM user, group or role: 10"
pub(super) const ATTACHED_MAX: usize = 10;

/// Adds `arn` to what is attached; attaching twice changes nothing. `noun` names the quota: `User`, `Group`, `Role`.
pub(super) async fn attach(
    call: &mut Call<'_>,
    attached: &mut Vec<String>,
    arn: &str,
    noun: &str,
) -> Result<(), IamError> {
    policies::parse(arn)?;
    let policy = policies::find(call, arn).await?.ok_or_else(|| policies::not_attachable(arn))?;
    if attached.iter().any(|known| known == arn) {
        return Ok(());
    }
    if attached.len() >= ATTACHED_MAX {
        return Err(IamError::LimitExceeded(format!(
            "Cannot exceed quota for PoliciesPer{noun}: {ATTACHED_MAX}"
        )));
    }
    match policy {
        Managed::Own(mut policy) => {
            policy.attachments += 1;
            policies::put(call, &policy)?;
        }
        Managed::Aws(policy) if !policy.is_attachable() => {
            let text = format!("Policy {arn} can only be attached to a service-linked role.");
            return Err(IamError::PolicyNotAttachable(text));
        }
        Managed::Aws(_) => {}
    }
    attached.push(arn.to_owned());
    Ok(())
}

/// Takes `arn` out of what is attached.
pub(super) async fn detach(
    call: &mut Call<'_>,
    attached: &mut Vec<String>,
    arn: &str,
) -> Result<(), IamError> {
    let place = attached.iter().position(|known| known == arn);
    attached.remove(place.ok_or_else(|| policies::no_such_policy(arn))?);
    if let Some(Managed::Own(mut policy)) = policies::find(call, arn).await? {
        policy.attachments = policy.attachments.saturating_sub(1);
        policies::put(call, &policy)?;
    }
    Ok(())
}

/// A page of what is attached, by name, of those below a path.
pub(super) fn listed(
    attached: &[String],
    path_prefix: Option<&str>,
    page: &PageRequest,
) -> ListAttachedPoliciesResponse {
    let mut policies: Vec<(String, AttachedPolicy)> = attached
        .iter()
        .filter(|arn| path_prefix.is_none_or(|prefix| path(arn).starts_with(prefix)))
        .map(|arn| {
            let policy_name = arn.rsplit('/').next().unwrap_or_default().to_owned();
            (arn.clone(), AttachedPolicy { policy_name, policy_arn: arn.clone() })
        })
        .collect();
    policies.sort_by(|(a, _), (b, _)| a.cmp(b));
    let page = page.of(policies);
    ListAttachedPoliciesResponse {
        attached_policies: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    }
}

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`
fn path(arn: &str) -> &str {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    resource.rfind('/').map_or("/", |at| &resource[..=at])
}

/// Makes `arn` the boundary, or takes the boundary away.
pub(super) async fn set_boundary(
    call: &mut Call<'_>,
    boundary: &mut Option<String>,
    arn: Option<&str>,
) -> Result<(), IamError> {
    if boundary.as_deref() == arn {
        return Ok(());
    }
    if let Some(arn) = arn {
        let none =
            || IamError::NoSuchEntity(format!("Scope ARN: {arn} does not exist or is not attachable."));
        policies::parse(arn)?;
        match policies::find(call, arn).await?.ok_or_else(none)? {
            Managed::Own(mut policy) => {
                policy.boundaries += 1;
                policies::put(call, &policy)?;
            }
            Managed::Aws(policy) if !policy.is_attachable() => return Err(none()),
            Managed::Aws(_) => {}
        }
    }
    let before = std::mem::replace(boundary, arn.map(str::to_owned));
    if let Some(before) = before
        && let Some(Managed::Own(mut policy)) = policies::find(call, &before).await?
    {
        policy.boundaries = policy.boundaries.saturating_sub(1);
        policies::put(call, &policy)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_policies() {
        for (arn, want) in [
            ("arn:aws:iam::aws:policy/AdministratorAccess", "/"),
            ("arn:aws:iam::aws:policy/service-role/X", "/service-role/"),
            ("arn:aws:iam::111111111111:policy/a/b/X", "/a/b/"),
            ("nothing", "/"),
        ] {
            assert_eq!(path(arn), want, "{arn}");
        }
    }
}
