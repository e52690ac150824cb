//! `CreateRole`: makes a role that the principals its trust policy names may assume.

use keywatch_api::iam::roles::{CreateRoleRequest, Role, RoleResponse};
use keywatch_crypto::SystemRandom;

use super::attachments::set_boundary;
use super::authorize::{Target, authorize};
use super::quotas::{self, Counted};
use super::{Iam, IamError, roles};
use crate::Call;
use crate::identity::{
    IdPrefix, InlinePolicies, ROLE, RoleRecord, Tags, name_key, new_id, role_arn, whole_seconds,
};

/// Seconds; `MaxSessionDuration` when the request does not say.
const SESSION_SECONDS_MAX_DEFAULT: i32 = 3600;

pub(crate) async fn create_role(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: CreateRoleRequest,
) -> Result<RoleResponse, IamError> {
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    let arn = role_arn(call.account(), &path, &request.role_name);
    let new_tags = request.tags.unwrap_or_default();
    let bounds = request.permissions_boundary.as_deref();
    let keys: Vec<_> = bounds.map(|bound| ("iam:PermissionsBoundary", bound)).into_iter().collect();
    let target = Target { new_tags: &new_tags, keys: &keys, ..Target::new(arn.clone()) };
    authorize(call, "CreateRole", &target)?;
    if !new_tags.is_empty() {
        authorize(call, "TagRole", &Target { new_tags: &new_tags, ..Target::new(arn) })?;
    }
    roles::check_trust(call, &request.assume_role_policy_document).await?;
    let mut role = RoleRecord {
        name: request.role_name,
        path,
        id: new_id(IdPrefix::Role, &mut SystemRandom),
        created: whole_seconds(call.now),
        trust: request.assume_role_policy_document,
        description: request.description,
        session_seconds_max: request.max_session_duration.unwrap_or(SESSION_SECONDS_MAX_DEFAULT),
        policies: InlinePolicies::default(),
        tags: Tags::new(&new_tags)?,
        attached: Vec::new(),
        boundary: None,
    };
    let key = name_key(call.account(), &role.name);
    if call.tx.get::<RoleRecord>(ROLE, &key).await?.is_some() {
        return Err(IamError::EntityAlreadyExists(format!("Role with name {} already exists.", role.name)));
    }
    set_boundary(call, &mut role.boundary, bounds).await?;
    quotas::take(call, Counted::Roles).await?;
    call.tx.insert(ROLE, &key, &role)?;
    // Recorded: this answer, unlike that of GetRole, leaves the duration and the last use out.
    let shown = role.shown(call.account());
    Ok(RoleResponse { role: Role { max_session_duration: None, role_last_used: None, ..shown } })
}
