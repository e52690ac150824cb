//! `GetLoginProfile`: whether a user has a console password, and since when.

use keywatch_api::iam::account::{LoginProfileRequest, LoginProfileResponse};

use super::{Iam, IamError, passwords, users};
use crate::Call;

pub(crate) async fn get_login_profile(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: LoginProfileRequest,
) -> Result<LoginProfileResponse, IamError> {
    let user = users::user_or_caller(call, "GetLoginProfile", request.user_name).await?;
    let login = passwords::login_of(call, &user).await?;
    Ok(LoginProfileResponse { login_profile: login.shown(&user.name) })
}
