//! `UpdateLoginProfile`: changes the console password of a user, or whether it must be changed.

use keywatch_api::iam::account::UpdateLoginProfileRequest;

use super::{Iam, IamError, passwords, users};
use crate::Call;
use crate::identity::{LOGIN, whole_seconds};

pub(crate) async fn update_login_profile(
    call: &mut Call<'_>,
    iam: &Iam,
    request: UpdateLoginProfileRequest,
) -> Result<(), IamError> {
    let user = users::user_for(call, "UpdateLoginProfile", &request.user_name).await?;
    let mut login = passwords::login_of(call, &user).await?;
    if let Some(password) = request.password {
        let (rules, now) = (passwords::rules(call).await?, whole_seconds(call.now));
        login = iam.digests.run(move || passwords::changed(login, &password, &rules, now)).await??;
    }
    login.reset_required = request.password_reset_required.unwrap_or(login.reset_required);
    let key = passwords::key(call, &user);
    Ok(call.tx.put(LOGIN, &key, &login)?)
}
