//! `CreateUser`: makes a user without any permission.

use keywatch_api::iam::users::{CreateUserRequest, UserResponse};
use keywatch_crypto::SystemRandom;

use super::attachments::set_boundary;
use super::authorize::{Target, authorize};
use super::quotas::{self, Counted};
use super::{Iam, IamError};
use crate::Call;
use crate::identity::{
    IdPrefix, InlinePolicies, Tags, USER, UserRecord, name_key, new_id, user_arn, whole_seconds,
};

pub(crate) async fn create_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: CreateUserRequest,
) -> Result<UserResponse, IamError> {
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    let arn = user_arn(call.account(), &path, &request.user_name);
    let new_tags = request.tags.unwrap_or_default();
    let bounds = request.permissions_boundary.as_deref();
    let keys: Vec<_> = bounds.map(|bound| ("iam:PermissionsBoundary", bound)).into_iter().collect();
    let target = Target { new_tags: &new_tags, keys: &keys, ..Target::new(arn.clone()) };
    authorize(call, "CreateUser", &target)?;
    if !new_tags.is_empty() {
        authorize(call, "TagUser", &Target { new_tags: &new_tags, ..Target::new(arn) })?;
    }
    let mut user = UserRecord {
        name: request.user_name,
        path,
        id: new_id(IdPrefix::User, &mut SystemRandom),
        created: whole_seconds(call.now),
        policies: InlinePolicies::default(),
        tags: Tags::new(&new_tags)?,
        access_keys: Vec::new(),
        groups: Vec::new(),
        attached: Vec::new(),
        boundary: None,
    };
    let key = name_key(call.account(), &user.name);
    if call.tx.get::<UserRecord>(USER, &key).await?.is_some() {
        return Err(IamError::EntityAlreadyExists(format!("User with name {} already exists.", user.name)));
    }
    set_boundary(call, &mut user.boundary, bounds).await?;
    quotas::take(call, Counted::Users).await?;
    call.tx.insert(USER, &key, &user)?;
    Ok(UserResponse { user: user.shown(call.account()) })
}
