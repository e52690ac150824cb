//! `UntagUser`: removes tags from a user; keys it does not have are passed over.

use keywatch_api::iam::users::UntagUserRequest;

use super::authorize::{Target, authorize};
use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::user_arn;

pub(crate) async fn untag_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UntagUserRequest,
) -> Result<(), IamError> {
    let found = users::find(call, &request.user_name).await?;
    let arn = match &found {
        Some(user) => user.arn(call.account()),
        None => user_arn(call.account(), "/", &request.user_name),
    };
    let tags = found.as_ref().map(|user| &user.tags);
    authorize(call, "UntagUser", &Target { tag_keys: &request.tag_keys, ..Target::tagged(arn, tags) })?;
    let mut user = found.ok_or_else(|| users::no_such_user(&request.user_name))?;
    user.tags.remove(&request.tag_keys);
    users::put(call, &user)
}
