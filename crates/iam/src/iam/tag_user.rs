//! `TagUser`: adds tags to a user, or changes the values of those it has.

use keywatch_api::iam::users::TagUserRequest;

use super::authorize::{Target, authorize};
use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::user_arn;

pub(crate) async fn tag_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: TagUserRequest,
) -> Result<(), IamError> {
    let found = users::find(call, &request.user_name).await?;
    let arn = match &found {
        Some(user) => user.arn(call.account()),
        None => user_arn(call.account(), "/", &request.user_name),
    };
    let tags = found.as_ref().map(|user| &user.tags);
    authorize(call, "TagUser", &Target { new_tags: &request.tags, ..Target::tagged(arn, tags) })?;
    let mut user = found.ok_or_else(|| users::no_such_user(&request.user_name))?;
    user.tags.set(&request.tags)?;
    users::put(call, &user)
}
