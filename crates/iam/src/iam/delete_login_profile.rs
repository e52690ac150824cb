//! `DeleteLoginProfile`: takes the console password of a user away.

use keywatch_api::iam::account::LoginProfileRequest;

use super::{Iam, IamError, passwords, users};
use crate::Call;
use crate::identity::LOGIN;

pub(crate) async fn delete_login_profile(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: LoginProfileRequest,
) -> Result<(), IamError> {
    let user = users::user_or_caller(call, "DeleteLoginProfile", request.user_name).await?;
    passwords::login_of(call, &user).await?;
    let key = passwords::key(call, &user);
    call.tx.delete(LOGIN, &key);
    Ok(())
}
