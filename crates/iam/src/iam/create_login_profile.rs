//! `CreateLoginProfile`: gives a user a console password.

use keywatch_api::iam::account::{CreateLoginProfileRequest, LoginProfileResponse};
use keywatch_crypto::SystemRandom;

use super::{Iam, IamError, passwords, users};
use crate::Call;
use crate::identity::{LOGIN, LoginRecord, whole_seconds};

pub(crate) async fn create_login_profile(
    call: &mut Call<'_>,
    iam: &Iam,
    request: CreateLoginProfileRequest,
) -> Result<LoginProfileResponse, IamError> {
    let user = users::user_or_caller(call, "CreateLoginProfile", request.user_name).await?;
    let Some(password) = request.password else {
        return Err(IamError::Validation("Password is required."));
    };
    if passwords::find(call, &user).await?.is_some() {
        let text = format!("Login Profile for user {} already exists.", user.name);
        return Err(IamError::EntityAlreadyExists(text));
    }
    passwords::check(&passwords::rules(call).await?, &password, None)?;
    let (reset, now) = (request.password_reset_required.unwrap_or(false), whole_seconds(call.now));
    let digesting = move || LoginRecord::new(&password, reset, now, &mut SystemRandom);
    let login = iam.digests.run(digesting).await?;
    call.tx.insert(LOGIN, &passwords::key(call, &user), &login)?;
    Ok(LoginProfileResponse { login_profile: login.shown(&user.name) })
}
