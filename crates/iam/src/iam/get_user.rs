//! `GetUser`: a user; without a name the caller, who may be the root user.

use keywatch_api::iam::users::{GetUserRequest, User, UserResponse};

use super::authorize::{Target, authorize};
use super::{Iam, IamError, users};
use crate::{Call, CallerKind};

pub(crate) async fn get_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GetUserRequest,
) -> Result<UserResponse, IamError> {
    if request.user_name.is_none() && matches!(call.caller.kind, CallerKind::Root) {
        return root(call);
    }
    let user = users::user_or_caller(call, "GetUser", request.user_name).await?;
    Ok(UserResponse { user: user.shown(call.account()) })
}

/// The root user has no name, no path of its own, and is as old as anything can be here.
fn root(call: &Call<'_>) -> Result<UserResponse, IamError> {
    let arn = keywatch_api::Arn::root(call.account());
    authorize(call, "GetUser", &Target::new(arn.clone()))?;
    let user = User {
        path: "/".to_owned(),
        user_name: None,
        user_id: call.caller.user_id.clone(),
        arn: arn.to_string(),
        create_date: jiff::Timestamp::UNIX_EPOCH.into(),
        permissions_boundary: None,
        tags: None,
    };
    Ok(UserResponse { user })
}
