//! A user, group or role with all the policies that are its own, as simulations take them.

use keywatch_api::Arn;

use super::policies::{self, Managed};
use super::simulate::Source;
use super::{IamError, groups, roles, users};
use crate::Call;
use crate::identity::InlinePolicies;
use crate::policy::{PolicyDocument, PolicyKind};

/// An identity for a simulation.
#[derive(Debug)]
pub(super) struct Principal {
    /// `AIDA…`, `AGPA…`, `AROA…`
    pub(super) id: String,
    /// Users only.
    pub(super) user_name: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) policies: Vec<Source>,
    pub(super) boundary: Option<Source>,
}

/// The ARN of a user, group or role.
pub(super) fn parse(text: &str) -> Result<Arn, IamError> {
    let invalid = || IamError::InvalidInput(format!("Invalid Entity Arn: {text}"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let kind = arn.resource.split('/').next().unwrap_or_default();
    let is_entity = arn.service == "iam" && matches!(kind, "user" | "group" | "role");
    if is_entity { Ok(arn) } else { Err(invalid()) }
}

/// The identity behind an ARN that parsed.
pub(super) async fn find(call: &mut Call<'_>, text: &str) -> Result<Principal, IamError> {
    let arn = parse(text)?;
    let name = arn.resource.rsplit('/').next().unwrap_or_default();
    let is_it = |found: &Arn| *found == arn;
    if arn.resource.starts_with("user/") {
        let user = users::find(call, name).await?.filter(|user| is_it(&user.arn(call.account())));
        let user = user.ok_or_else(|| users::no_such_user(name))?;
        let mut policies = own(call, "user", &user.name, &user.policies, &user.attached).await?;
        for group in &user.groups {
            let group = groups::find(call, group).await?.ok_or_else(|| groups::no_such_group(group))?;
            policies.extend(own(call, "group", &group.name, &group.policies, &group.attached).await?);
        }
        let boundary = bounded(call, user.boundary.as_deref()).await?;
        let (user_name, tags) = (Some(user.name), user.tags.pairs());
        Ok(Principal { id: user.id, user_name, tags, policies, boundary })
    } else if arn.resource.starts_with("group/") {
        let group = groups::find(call, name).await?.filter(|group| is_it(&group.arn(call.account())));
        let group = group.ok_or_else(|| groups::no_such_group(name))?;
        let policies = own(call, "group", &group.name, &group.policies, &group.attached).await?;
        Ok(Principal { id: group.id, user_name: None, tags: Vec::new(), policies, boundary: None })
    } else {
        let role = roles::find(call, name).await?.filter(|role| is_it(&role.arn(call.account())));
        let role = role.ok_or_else(|| roles::no_such_role(name))?;
        let policies = own(call, "role", &role.name, &role.policies, &role.attached).await?;
        let boundary = bounded(call, role.boundary.as_deref()).await?;
        Ok(Principal { id: role.id, user_name: None, tags: role.tags.pairs(), policies, boundary })
    }
}

/// Inline and attached policies of one entity.
async fn own(
    call: &mut Call<'_>,
    kind: &str,
    name: &str,
    inline: &InlinePolicies,
    attached: &[String],
) -> Result<Vec<Source>, IamError> {
    let mut sources = Vec::new();
    for policy in inline.names() {
        let text = inline.get(policy).unwrap_or_default();
        let document = PolicyDocument::parse(PolicyKind::Identity, text)?.into();
        sources.push(Source { id: format!("{kind}_{name}_{policy}"), document });
    }
    for arn in attached {
        sources.push(managed(call, arn).await?);
    }
    Ok(sources)
}

async fn bounded(call: &mut Call<'_>, arn: Option<&str>) -> Result<Option<Source>, IamError> {
    match arn {
        Some(arn) => managed(call, arn).await.map(Some),
        None => Ok(None),
    }
}

async fn managed(call: &mut Call<'_>, arn: &str) -> Result<Source, IamError> {
    let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let document = match policies::find(call, arn).await?.ok_or_else(|| policies::no_such_policy(arn))? {
        Managed::Own(policy) => policy.document()?,
        Managed::Aws(policy) => policy.document.clone(),
    };
    Ok(Source { id, document })
}
